"""Fixtures of the system tests: the real binary before a real php-fpm (or a scripted application).

Everything a test starts is registered here and ended here, whatever the test's outcome; the logs are scanned at
the end of each test and shown when it failed.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.fastcgi_client import FastcgiClient  # noqa: E402
from harness.fronts import MORE_VARIANTS, VARIANTS, Front, find_front  # noqa: E402
from harness.holdfast import BINARY, Holdfast, merge  # noqa: E402
from harness.php_fpm import PhpFpm  # noqa: E402
from harness.scripted_app import ScriptedApp, answer_all  # noqa: E402
from harness.wait import wait_until  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "heavy: takes many seconds at HOLDFAST_TEST_SCALE=1")


@pytest.fixture(params=["unix", "tcp"])
def transport(request):
    return request.param


@pytest.fixture
def base():
    """A directory of the test's own that php's user may enter, and where the user that root becomes may make sockets."""
    path = Path(tempfile.mkdtemp(prefix="holdfast-"))
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def _cleanup(things, stop):
    """Ends all of them, then raises the first failure."""
    failures = []
    for thing in reversed(things):
        try:
            stop(thing)
        except Exception as e:
            failures.append(e)
    if failures:
        raise failures[0]


@pytest.fixture
def start_fpm(base):
    started = []

    def start(transport="unix", **settings):
        fpm = PhpFpm(base / f"fpm{len(started)}", transport, **settings)
        started.append(fpm)
        return fpm

    yield start
    for fpm in started:
        if fpm.log():
            print(f"--- {fpm.dir.name}: end of fpm.log\n{fpm.log()[-2000:]}")
    _cleanup(started, PhpFpm.cleanup)


@pytest.fixture
def start_app(base):
    """A scripted FastCGI application; a behaviour that met something unexpected fails the test."""
    started = []

    def start(behave=answer_all, transport="unix"):
        directory = base / f"app{len(started)}"
        directory.mkdir()
        app = ScriptedApp(directory, behave, transport)
        started.append(app)
        return app

    yield start
    _cleanup(started, ScriptedApp.close)
    errors = [e for app in started for e in app.errors]
    assert not errors, "the scripted application met: " + errors[0]


@pytest.fixture
def start_holdfast(base):
    """A proxy with this config (see Holdfast for what is added); `run=False`: made, not started."""
    started = []

    def start(config, run=True, **options):
        assert BINARY.exists(), f"{BINARY} is not built (HOLDFAST_BIN names another)"
        proxy = Holdfast(base / f"holdfast{len(started)}", config)
        started.append(proxy)
        return proxy.start(**options) if run else proxy

    yield start
    for proxy in started:
        print(f"--- {proxy.dir.name}: end of error.log\n{proxy.log()[-4000:]}")
        if proxy.config["log"].get("format") == "json":
            failed = [line for line in proxy.access() if line["status"] >= 500]
            print("--- its first 5xx in access.log", *failed[:5], sep="\n")
    _cleanup(started, Holdfast.cleanup)


def one_site(upstream, www, pool=None, site=None, **more):
    """A config with one pool `php` and one site on it."""
    return merge({
        "pools": {"php": merge({"address": upstream.address, "max_connections": 4}, pool or {})},
        "sites": [merge({"root": str(www), "pool": "php"}, site or {})],
    }, more)


@pytest.fixture
def stack(start_fpm, start_holdfast):
    """php-fpm and the proxy before it: `stack(transport, fpm={}, pool={}, site={}, **config)`."""

    def start(transport="unix", fpm=None, pool=None, site=None, **config):
        php = start_fpm(transport, **(fpm or {})).start()
        site = merge({"params": {"RECORD_DIR": str(php.record)}}, site or {})
        return start_holdfast(one_site(php, php.www, pool, site, **config)), php

    return start


@pytest.fixture
def app_stack(base, start_app, start_holdfast):
    """A scripted application and the proxy before it; the site's only script is x.php."""

    def start(behave=answer_all, transport="unix", pool=None, site=None, **config):
        www = base / "www"
        www.mkdir(exist_ok=True)
        (www / "x.php").write_text("<?php // never run: a scripted application answers\n", encoding="ascii")
        app = start_app(behave, transport)
        return start_holdfast(one_site(app, www, pool, site, **config)), app

    return start


@pytest.fixture
def start_listening(base, start_fpm, start_holdfast):
    """php-fpm, Holdfast with a FastCGI listener before it, and that listener's address; `php`: another upstream."""

    def start(transport="unix", fpm=None, pool=None, listen=None, php=None, **config):
        if php is None:
            lines = f"env[RECORD_DIR] = {base}/fpm0/record"
            php = start_fpm(transport, **merge({"lines": lines}, fpm or {})).start()
        address = f"unix:{base}/front.sock" if transport == "unix" else "127.0.0.1:0"
        block = merge({"fastcgi": address, "pool": "php"}, listen or {})
        holdfast = start_holdfast(merge({
            "listen": [block],
            "pools": {"php": merge({"address": php.address, "max_connections": 4}, pool or {})},
        }, config))
        # The socket is root's until root becomes another user.
        wait_until(lambda: holdfast.admin("GET", "/readyz")[0] == 200, "Holdfast to be ready")
        at = holdfast.addresses[0]
        return holdfast, php, at if transport == "unix" else "tcp:" + at

    return start


@pytest.fixture
def listening(start_listening):
    """(holdfast, php, address, a function that makes clients which are closed at the end)."""
    clients = []

    def start(transport="unix", **more):
        holdfast, php, address = start_listening(transport, **more)

        def client(timeout=30):
            clients.append(FastcgiClient(address, timeout))
            return clients[-1]

        return holdfast, php, client

    yield start
    for each in clients:
        each.sock.close()


ALL_FRONTS = {**VARIANTS, **MORE_VARIANTS}


@pytest.fixture
def start_front(base):
    started = []

    def start(variant, address, www, **more):
        kind, options = ALL_FRONTS[variant]
        if find_front(kind) is None:
            pytest.skip(f"needs {kind}")
        front = Front(base / f"front{len(started)}", kind, address, www, **{**options, **more})
        started.append(front)
        return front.start()

    yield start
    for front in started:
        if front.process:
            print(f"--- {front.kind}: end of its log\n{front.log()[-2000:]}")
        front.cleanup()


@pytest.fixture
def front_stack(start_listening, start_front):
    def start(variant, transport="unix", **more):
        if find_front(ALL_FRONTS[variant][0]) is None:
            pytest.skip(f"needs {ALL_FRONTS[variant][0]}")
        holdfast, php, address = start_listening(transport, **more)
        return start_front(variant, address, php.www, php=php.address), holdfast, php

    return start
