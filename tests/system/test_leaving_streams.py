"""Visitors of answers without end, who leave: the site serves the next one, and php learns that nobody reads."""

import pytest

from harness.sockets import connections_to
from harness.wait import pause, wait_until


def watch(proxy, fpm, tag, query):
    """A client of events.php; returns once it has an event, or (`wait`) once the script runs."""
    client = proxy.client()
    client.send(f"GET /events.php?t={tag}{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    if "wait=" in query:
        wait_until(lambda: fpm.seen(f"began-{tag}"), "the script")
    else:
        client.read_head()
        client.read_body_until(b"data: %s 1\n\n" % tag.encode())
    return client


def leave_all(proxy, fpm, query, linger=0):
    clients = [watch(proxy, fpm, f"v{i}", query) for i in range(4)]
    pause(linger)  # the visit's own length
    for client in clients:
        client.close()
    return [f"ended-v{i}" for i in range(4)]


@pytest.mark.parametrize("max_children", [4, 5])
@pytest.mark.parametrize("query,linger", [("&as=sse", 0), ("&as=accel", 0), ("", 1.2), ("", 0), ("&wait=300", 0)])
def test_left_streams_block_nobody(stack, transport, query, linger, max_children):
    """All four connections carried one. php hears of the leaving at its next write, and the worker is free again."""
    proxy, fpm = stack(transport, fpm={"max_children": max_children}, pool={"queue": {"timeout": "8s"}})
    ended = leave_all(proxy, fpm, query, linger)
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    wait_until(lambda: all(fpm.seen(mark) for mark in ended), "php to end the scripts that nobody reads")
    pool = proxy.wait_quiet()
    reasons = {"client_abort"} if query in ("&as=sse", "&as=accel") or linger else {"drain_limit"}
    # With no process to spare a connection that was opened for the next one may have found none, too.
    closed = {reason: count for reason, count in pool["closed"].items() if reason != "no_worker"}
    assert set(closed) == reasons and sum(closed.values()) == 4, pool
    assert connections_to(fpm.address) == pool["idle"] <= 4


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize("query,max_children", [("&as=sse", 4), ("&as=accel", 5), ("", 4)])
def test_heads_of_endless_answers_block_nobody(stack, query, max_children, leaves):
    """php drops what a script gives behind the head of a HEAD: only a closed connection ends it."""
    proxy, fpm = stack(fpm={"max_children": max_children}, pool={"queue": {"timeout": "8s"}})
    clients = []
    for i in range(4):
        clients.append(proxy.client())
        assert clients[-1].request("HEAD", f"/events.php?t=v{i}{query}").status == 200
        if leaves:
            clients[-1].close()
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    wait_until(lambda: fpm.seen("ended-v0"), "php to end a script that nobody reads")
    assert sum(line["outcome"] == "ok" for line in proxy.access()) >= 4
    reason = "client_abort" if query else "drain_limit"
    assert proxy.pool()["closed"].get(reason, 0) >= 1
    assert "upstream_timeout" not in proxy.log()


def test_a_page_that_ends_soon_keeps_its_connection(stack, transport):
    """The rest of a page is read and thrown away: no new connection, no script broken off."""
    proxy, fpm = stack(transport, pool={"max_connections": 1})
    client = proxy.client(receive_buffer=65536)
    client.send(b"GET /big.php?t=b&mb=12 HTTP/1.1\r\nHost: x\r\n\r\n")
    client.read_head()
    client.close()
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    assert fpm.seen("written-b")
    pool = proxy.wait_quiet()
    assert pool["opened"] == 1 and not pool["closed"], pool


def test_silent_scripts_of_leavers_do_not_outlast_the_queue(stack):
    """Nobody can tell a silent script that its client left. Its place is given up within half of queue.timeout: whoever
    came at that moment still gets the worker that is left."""
    proxy, fpm = stack(fpm={"max_children": 5}, pool={"queue": {"timeout": "4s"}})
    clients = []
    for i in range(4):
        clients.append(proxy.client())
        clients[-1].send(f"GET /hold.php?t=h{i}&r=go HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda n=i: fpm.seen(f"started-h{n}"), "the silent script")
    for client in clients:
        client.close()
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    proxy.wait_pool(lambda p: p["closed"].get("drain_limit") == 4, "the silent to be given up")
    fpm.touch("go")
    proxy.wait_quiet()
