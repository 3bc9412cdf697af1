"""A small GET on kept connections takes nothing from the heap: every piece that it needs is kept from the last one."""

import pytest

from conftest import one_site
from harness.holdfast import BINARY, sanitized

COUNTER = BINARY.parent / "tests" / "libcount_allocations.so"
PAGE = "/a-folder/a-page-whose-name-is-longer-than-any-small-string.php"


@pytest.fixture
def counted(base, start_app, start_holdfast):
    """The proxy before a scripted application, and how often it went to the heap so far."""
    page = base / "www" / PAGE[1:]
    page.parent.mkdir(parents=True)
    page.write_text("<?php // never run\n", encoding="ascii")
    count = base / "allocations"
    count.write_bytes(bytes(8))
    count.chmod(0o666)

    def start(transport, **site):
        app = start_app(transport=transport)
        config = one_site(app, base / "www", site=site)
        proxy = start_holdfast(config, env={"LD_PRELOAD": str(COUNTER), "COUNT_ALLOCATIONS": str(count)})
        return proxy, lambda: int.from_bytes(count.read_bytes(), "little")

    return start


@pytest.mark.skipif(sanitized() or not COUNTER.exists(), reason="the sanitizer has a heap of its own")
@pytest.mark.parametrize("routes", [False, True], ids=["plain", "routes"])
def test_small_gets_take_nothing_from_the_heap(counted, transport, routes):
    site = {"headers": {"X-Frame-Options": "SAMEORIGIN"},
            "routes": [{"path": f"/hidden-{i}/**", "deny": 403} for i in range(30)]} if routes else {}
    proxy, allocations = counted(transport, **site)
    requests = 400
    with proxy.client() as client:

        def ask():
            for _ in range(requests):
                assert client.request("GET", PAGE + "?a=b", [("User-Agent", "a browser"), ("Cookie", "c" * 100)]).status == 200

        ask()
        before = allocations()
        assert before > 100, "nothing is counted"
        ask()
    # Not of requests: what the clock wants once a second, and a log buffer that has never been as full.
    assert allocations() - before < requests * 0.2
