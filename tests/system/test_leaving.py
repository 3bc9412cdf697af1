"""Clients that leave, or only half-close: php does no work for nobody, and the counts stay true."""

import pytest

from harness.sockets import connections_to
from harness.wait import wait_stable, wait_until


def hold(proxy, fpm, tag="h", release="go"):
    """A client whose request runs until the file `release` is there."""
    client = proxy.client()
    client.send(f"GET /hold.php?t={tag}&r={release} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the holding script")
    return client


def ask(proxy, tag, method="GET"):
    client = proxy.client()
    body = "Content-Length: 1\r\n\r\nb" if method == "POST" else "\r\n"
    client.send(f"{method} /count.php?t={tag} HTTP/1.1\r\nHost: x\r\n{body}".encode())
    return client


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_leaves_the_queue_never_reaches_php(stack, transport, method):
    proxy, fpm = stack(transport, pool={"max_connections": 1, "queue": {"timeout": "60s"}})
    holder = hold(proxy, fpm)
    leavers = [ask(proxy, f"gone{i}", method) for i in range(10)]
    stayer = ask(proxy, "stays", method)
    proxy.wait_pool(lambda p: p["waiting"] == 11, "eleven waiters")
    for client in leavers:
        client.close()
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the leavers to be taken out")
    fpm.touch("go")
    assert holder.read().body == b"h\n"
    assert stayer.read().body.startswith(b"stays ")
    assert fpm.runs() == ["h", "stays"]
    pool = proxy.wait_quiet()
    assert pool["abandoned"] == 10, pool


def test_leavers_between_waiters_keep_the_order(stack):
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"timeout": "60s"}})
    hold(proxy, fpm)
    clients = []
    for i in range(9):
        clients.append(ask(proxy, f"w{i}"))
        proxy.wait_pool(lambda p, n=i + 1: p["waiting"] == n, "the waiter")
    for i in (0, 3, 4, 8):
        clients[i].close()
    proxy.wait_pool(lambda p: p["waiting"] == 5, "the leavers to be taken out")
    fpm.touch("go")
    for i in (1, 2, 5, 6, 7):
        assert clients[i].read().status == 200
    assert fpm.runs() == ["h", "w1", "w2", "w5", "w6", "w7"]


def test_who_leaves_in_mid_request_is_drained(stack, transport):
    """The script runs on; its connection counts until it ends, carries nobody else, and is then used again."""
    proxy, fpm = stack(transport, pool={"max_connections": 1, "queue": {"timeout": "60s"}})
    hold(proxy, fpm).close()
    proxy.wait_pool(lambda p: p["leased"] + p["draining"] == 1 and p["draining"] == 1, "the draining")
    waiter = ask(proxy, "next")
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the waiter")
    assert connections_to(fpm.address) == 1
    assert fpm.runs() == ["h"]
    fpm.touch("go")
    assert waiter.read().body == b"next 0\n"
    pool = proxy.wait_quiet()
    assert pool["opened"] == 1 and pool["reused"] == 1, pool


def test_who_leaves_while_the_answer_is_in_our_store(stack):
    """php had given all of it, and the log said `ok` beside 499."""
    proxy, fpm = stack()
    with proxy.client() as client:
        client.send(b"GET /big.php?t=gone&mb=12&length=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: fpm.seen("written-gone"), "php to be rid of it")
    lines = proxy.wait_access(lambda a: a["target"].startswith("/big.php"))
    assert [(line["status"], line["outcome"]) for line in lines] == [(499, "client_left")], lines


def test_client_abort_close(stack, transport):
    """`client_abort: close` gives the connection up, but php may still run: its place stays taken."""
    proxy, fpm = stack(transport, fpm={"max_children": 2},
                       pool={"max_connections": 1, "client_abort": "close", "queue": {"timeout": "60s"}})
    hold(proxy, fpm).close()
    pool = proxy.wait_pool(lambda p: p["leased"] == 0, "the lease's end")
    total = pool["connecting"] + pool["idle"] + pool["settling"] + pool["leased"] + pool["draining"]
    assert total <= 1, pool
    fpm.touch("go")
    assert ask(proxy, "next").read().body == b"next 0\n"
    pool = proxy.wait_quiet()
    assert pool["opened"] == 2, pool
    assert sum(pool["closed"].values()) == 1, pool


def test_many_leavers_leave_true_counts(stack, transport):
    proxy, fpm = stack(transport, pool={"queue": {"timeout": "60s"}})
    for round_ in range(5):
        clients = []
        for i in range(20):
            client = proxy.client()
            client.send(f"GET /sleep.php?t=r{round_}i{i}&ms={5 * (i % 7)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            clients.append(client)
        for i, client in enumerate(clients):
            if i % 3 == 0:
                assert client.read().status == 200
            client.close()
    pool = proxy.wait_quiet()
    assert pool["idle"] == connections_to(fpm.address) <= 4, pool
    assert proxy.get("/echo.php?t=after").body == b"after\n"
    wait_until(lambda: proxy.status()["clients"]["connections"] == 0, "the clients' connections to be gone")


def test_half_close_while_running(stack, transport):
    """A client that has said all it will say still wants its answer."""
    proxy, fpm = stack(transport)
    client = hold(proxy, fpm)
    client.half_close()
    pool = wait_stable(lambda: (proxy.pool()["leased"], proxy.pool()["draining"]), "the pool", still=5)
    assert pool == (1, 0)
    fpm.touch("go")
    assert client.read().body == b"h\n"
    assert client.at_eof()


def test_half_close_while_waiting(stack, transport):
    """The proxy tells it from one that has left: whoever has left answers the probe with a reset."""
    proxy, fpm = stack(transport, pool={"max_connections": 1, "queue": {"timeout": "60s"}})
    hold(proxy, fpm)
    half, gone = ask(proxy, "half", "POST"), ask(proxy, "gone", "POST")
    proxy.wait_pool(lambda p: p["waiting"] == 2, "two waiters")
    half.half_close()
    gone.close()
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the leaver to be taken out")
    fpm.touch("go")
    response = half.read()
    assert response.body == b"half 1\n", response
    assert set(response.interim) <= {100}, response.interim
    assert half.at_eof()
    assert fpm.runs() == ["h", "half"]


def test_half_close_with_pipelined_requests(stack):
    """All whole requests that came before the half-close are answered, in order."""
    proxy, fpm = stack()
    with proxy.client() as client:
        client.send(b"".join(b"GET /echo.php?t=p%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(5)))
        client.half_close()
        for i in range(5):
            assert client.read().body == b"p%d\n" % i
        assert client.at_eof()


def test_a_client_that_leaves_in_mid_upload(stack):
    """A body that will never be whole never reaches php, whichever way it is framed."""
    proxy, fpm = stack()
    for framing in (b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfff\r\n"):
        client = proxy.client()
        client.send(b"POST /count.php?t=cut HTTP/1.1\r\nHost: x\r\n" + framing + b"x" * 1000)
        wait_until(lambda: proxy.status()["clients"]["connections"] >= 1, "the connection")
        client.half_close()
        try:
            response = client.read()
            assert response.status == 400, response
        except Exception as e:
            assert "EOF" in str(e)
        client.close()
    wait_until(lambda: proxy.status()["clients"]["connections"] == 0, "the clients to be gone")
    assert fpm.runs() == [] and proxy.pool()["requests"] == 0
