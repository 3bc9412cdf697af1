"""The queue's two limits, and the time limits towards php: which answer, and what is true afterwards."""

import pytest

from harness import fastcgi as fcgi
from harness.load import Load
from harness.wait import wait_until


def hold(proxy, fpm, tag, release="go"):
    client = proxy.client()
    client.send(f"GET /hold.php?t={tag}&r={release} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the holding script")
    return client


def test_queue_full(stack, transport):
    """At the limit one waits; one above gets 503 at once, and its connection lives on."""
    proxy, fpm = stack(transport, pool={"max_connections": 1, "queue": {"size": 3, "timeout": "60s"}})
    holder = hold(proxy, fpm, "h")
    waiters = []
    for i in range(3):
        client = proxy.client()
        client.send(f"GET /count.php?t=w{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        proxy.wait_pool(lambda p, n=i + 1: p["waiting"] == n, "the waiter")
        waiters.append(client)
    with proxy.client() as late:
        response = late.request("GET", "/count.php?t=late")
        assert response.status == 503 and int(response.get("Retry-After")) >= 1, response
        assert proxy.pool()["rejected"]["queue_full"] == 1
        fpm.touch("go")
        assert holder.read().status == 200
        for i, client in enumerate(waiters):
            assert client.read().body == f"w{i} 0\n".encode()
        if not response.closes:
            assert late.request("GET", "/count.php?t=again").status == 200
    assert "late" not in fpm.runs()


def test_php_fpm_that_others_hold_at_the_start(start_fpm, start_holdfast, transport):
    """Requests wait in the queue, not in php's backlog, for a worker to be free; and then php-fpm is known."""
    fpm = start_fpm(transport, max_children=2).start()
    others = [fcgi.connect(fpm.address) for _ in range(2)]
    try:
        for other in others:
            other.sendall(fcgi.record(fcgi.GET_VALUES, 0))
            assert fcgi.read_record(other)[0] == fcgi.GET_VALUES_RESULT
        proxy = start_holdfast({
            "pools": {"php": {"address": fpm.address, "max_connections": 1, "timeouts": {"connect": "50ms"}}},
            "sites": [{"root": str(fpm.www), "pool": "php", "params": {"RECORD_DIR": str(fpm.record)}}],
        })
        wait_until(lambda: "does not answer FCGI_GET_VALUES" in proxy.log(), "the warning")
        with proxy.client() as gone, proxy.client() as stays:
            for client, tag in ((gone, "gone"), (stays, "stays")):
                client.send(f"GET /count.php?t={tag} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            proxy.wait_pool(lambda p: p["waiting"] == 2, "the waiters")
            gone.close()
            proxy.wait_pool(lambda p: p["waiting"] == 1, "one to leave")
            others.pop().close()
            assert stays.read().body == b"stays 0\n"
        assert fpm.runs() == ["stays"]
        pool = proxy.wait_quiet()
        assert pool["barrier_supported"] and pool["opened"] == 1, pool
    finally:
        for other in others:
            other.close()


def test_queue_late(stack, transport):
    """Whoever has waited too long gets 503 and is never executed."""
    proxy, fpm = stack(transport, pool={"max_connections": 1, "queue": {"size": 10, "timeout": "300ms"}})
    holder = hold(proxy, fpm, "h")
    for method, body in (("GET", None), ("POST", b"x")):
        response = proxy.get("/count.php?t=late", method=method, body=body)
        assert response.status == 503 and int(response.get("Retry-After")) >= 1, response
    pool = proxy.pool()
    assert pool["rejected"]["queue_timeout"] == 2 and pool["waiting"] == 0, pool
    fpm.touch("go")
    assert holder.read().status == 200
    proxy.wait_quiet()
    assert fpm.runs() == ["h"]


def test_oldest_wait_is_shown(stack):
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"timeout": "60s"}})
    hold(proxy, fpm, "h")
    client = proxy.client()
    client.send(b"GET /count.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    first = proxy.wait_pool(lambda p: p["oldest_wait_seconds"] > 0, "a wait")["oldest_wait_seconds"]
    proxy.wait_pool(lambda p: p["oldest_wait_seconds"] > first, "a longer wait")
    fpm.touch("go")
    assert client.read().status == 200
    assert proxy.wait_quiet()["oldest_wait_seconds"] == 0


def test_first_byte_timeout(stack, transport):
    """504; the connection is given up, and its place stays taken while php may still run."""
    proxy, fpm = stack(transport, fpm={"max_children": 3},
                       pool={"max_connections": 1, "timeouts": {"first_byte": "300ms"}})
    assert proxy.get("/hold.php?t=h&r=go").status == 504
    assert fpm.runs() == ["h"], "a time-out says nothing of what php did: never a second try"
    fpm.touch("go")
    proxy.wait_quiet()
    assert proxy.get("/echo.php?t=after").body == b"after\n"
    assert proxy.wait_access(lambda a: a["status"] == 504)[0]["outcome"] == "upstream_timeout"


def test_overload_is_shed_and_recovers(stack):
    """Far more clients than places: each is served or refused, none hangs, and all is well afterwards."""
    proxy, fpm = stack(pool={"max_connections": 2, "queue": {"size": 10, "timeout": "5s"}})
    result = Load(proxy.port, clients=80, requests=4000).run()
    assert not result.errors, result
    assert set(result.statuses) == {200, 503}, result
    assert all(r.get("Retry-After") for _, r in result.failures)
    pool = proxy.wait_quiet()
    assert pool["rejected"]["queue_full"] == result.statuses[503], pool
    assert not Load(proxy.port, clients=8, requests=200).run().failures


def test_connect_refused_is_503_after_the_deadline(start_fpm, start_holdfast, transport):
    fpm = start_fpm(transport)  # never started
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address, "queue": {"timeout": "400ms"}}},
                            "sites": [{"root": str(fpm.www), "pool": "php"}]})
    response = proxy.get("/echo.php?t=a", method="POST", body=b"x")
    assert response.status == 503 and response.get("Retry-After"), response
    assert not proxy.pool()["reachable"]


@pytest.mark.parametrize("verb", ["pause", "recycle"])
def test_pool_verbs_of_an_unknown_pool(stack, verb):
    proxy, _ = stack()
    assert proxy.admin("POST", f"/pools/none/{verb}")[0] == 404
