"""Each preset beside nginx with that application's published configuration: the same files, the same php-fpm, the same requests.

apps/APP.conf is that configuration without its listeners, with paths of ours; apps/APP.py has the files, what is asked for beside
each of them, and every difference that there may be, with its reason. A difference that is not listed fails, and so does a listed
one that no longer occurs. What nginx refuses is never served here, whatever is listed.
"""

import importlib
import shutil
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.app_tree import plant, seen, status_class
from harness.holdfast import Holdfast
from harness.http_client import Client
from harness.nginx import Nginx
from harness.php_fpm import PhpFpm

APPS = ("wordpress", "nextcloud", "drupal", "laravel", "mediawiki", "magento", "matomo", "dokuwiki", "symfony", "phpmyadmin", "joomla", "moodle",
        "shaarli", "typo3", "wordpress-multisite", "wordpress-subdomains")
DATA = Path(__file__).resolve().parent / "apps"

NGINX_HTTP = """\
include /etc/nginx/mime.types;
  default_type application/octet-stream;
  upstream php { server @PHP@; }
  map $arg_v $asset_immutable { "" ""; default ", immutable"; }
  server { listen 127.0.0.1:@PORT@ default_server; return 444; }
"""


def app(name):
    return importlib.import_module(f"apps.{name}")


@pytest.fixture(scope="module")
def fronts():
    """(nginx, holdfast) before one php-fpm, each with all applications: the host is APP.example."""
    base = Path(tempfile.mkdtemp(prefix="holdfast-"))
    base.chmod(0o777)
    fpm = PhpFpm(base / "fpm").start()
    servers, sites = NGINX_HTTP, []
    for name in APPS:
        root = base / name
        plant(root, app(name).FILES, getattr(app(name), "SCRIPTS_SAY", ()))
        text = (DATA / f"{name}.conf").read_text(encoding="ascii").replace("@ROOT@", str(root))
        servers += f"server {{ listen 127.0.0.1:@PORT@; server_name {name}.example; root {root};\n{text}}}\n"
        sites.append({"hosts": [f"{name}.example"], "app": getattr(app(name), "APP", name), "root": str(root), "pool": "php"})
    nginx = Nginx(base / "nginx", fpm, servers)
    holdfast = Holdfast(base / "holdfast", {"pools": {"php": {"address": fpm.address}}, "sites": sites})
    try:
        yield nginx.start(), holdfast.start()
    finally:
        holdfast.cleanup()
        nginx.cleanup()
        fpm.cleanup()
        shutil.rmtree(base, ignore_errors=True)


class Asker:
    """One client of a front, on a connection that is made anew when the front closes it."""

    def __init__(self, port, host):
        self.port, self.host, self.client = port, host, None

    def get(self, target, headers=()):
        if self.client is None:
            self.client = Client(("127.0.0.1", self.port), 20)
        response = self.client.request("GET", target, headers, host=self.host)
        if response.closes:
            self.close()
        return response

    def close(self):
        if self.client is not None:
            self.client.close()
        self.client = None


def asked_of(data):
    """Each file under its own name, and what the data adds: a path, or (path, header lines)."""
    for name in data.FILES:
        yield "/" + name, ()
    for path in data.PATHS:
        yield path if isinstance(path, tuple) else (path, ())


def differences(target, theirs, ours):
    """(target, field, nginx's, ours); "-" where the field is absent."""
    for field in sorted({*theirs, *ours}):
        there, here = theirs.get(field, "-"), ours.get(field, "-")
        if field == "answer" and status_class(there) == status_class(here):
            continue
        if there != here:
            yield target, field, there, here


def allows(row, difference):
    paths, field, there, here = row[:4]
    wanted = (field, there, here)
    return any(fnmatchcase(difference[0], path) for path in paths.split()) and all(
        fnmatchcase(got, want) for got, want in zip(difference[1:], wanted))


@pytest.mark.parametrize("name", APPS)
def test_a_preset_beside_its_published_configuration(fronts, name):
    nginx, holdfast = fronts
    data = app(name)
    askers = Asker(nginx.port, f"{name}.example"), Asker(holdfast.port, f"{name}.example")
    found, served_though_refused, count, kinds = [], [], 0, set()
    for target, headers in asked_of(data):
        theirs, ours = (seen(asker.get(target, headers)) for asker in askers)
        found += differences(target, theirs, ours)
        kinds.add(theirs["answer"].split(" ")[0])
        count += 1
        stands_in = ours["answer"].split(" info")[0].split(" query")[0] in data.STANDS_IN
        meant = any(fnmatchcase(target, path) for path in getattr(data, "MEANT_TO_BE_SERVED", {}))
        if status_class(theirs["answer"]) == "refused" and not (stands_in or meant or ours["answer"][0] in "34"):
            served_though_refused.append((target, theirs["answer"], ours["answer"]))
    for asker in askers:
        asker.close()
    unlisted = [each for each in found if not any(allows(row, each) for row in data.DIFFERENCES)]
    unused = [row for row in data.DIFFERENCES if not any(allows(row, each) for each in found)]
    assert not served_though_refused, served_though_refused
    assert not unlisted, "not in DIFFERENCES:\n" + "\n".join(map(str, unlisted))
    assert not unused, "listed, and no longer so:\n" + "\n".join(map(str, unused))
    assert all(row[4] for row in data.DIFFERENCES), "each has a reason"
    assert count >= 30 and {"run", "file"} <= kinds and kinds & {"403", "404"}, (count, kinds)
