"""For tests of what is started as root: a site without php, and the moment at which root is given up."""

import re

from .holdfast import merge
from .wait import wait_until


def gave_up_root(proxy):
    """The lines of the listeners come first."""
    wait_until(lambda: re.search(r"root no more|as ROOT", proxy.log()), "it to become that user")
    return proxy


def site_config(root, **more):
    return merge({"pools": {"php": {"address": "unix:/nowhere.sock"}}, "sites": [{"root": str(root), "pool": "php"}]}, more)
