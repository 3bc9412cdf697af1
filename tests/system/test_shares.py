"""Shares of the spool, and the pace of clients: nobody fills it for all, drips for ever, or holds php by not reading."""

import time

from harness.http_client import Client, Md5Sink
from harness.wait import PATIENCE, pause, wait_until
from test_bodies import page_md5
from test_metrics import samples

MIB = 1 << 20
SMALL = {"site": {"max_body": "64m"}, "buffers": {"spool_max": "8m", "response_memory": "64k"}}


def come_from(proxy, host, **more):
    return Client(("127.0.0.1", proxy.port), PATIENCE, source=f"127.0.0.{host}", **more)


def begin_upload(proxy, host, megabytes):
    """All of a body but its last byte; returns the client once the body is in the spool, or refused."""
    client = come_from(proxy, host)
    before = proxy.status()["spool"]["uploads"]
    client.send(b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % int(megabytes * MIB))
    try:
        client.send(b"u" * (int(megabytes * MIB) - 1))
    except OSError:
        return client  # refused while it was sent
    wait_until(lambda: proxy.status()["spool"]["uploads"] >= before + (megabytes - 0.3) * MIB
               or any(line["status"] == 503 for line in proxy.access()), "the body in the spool")
    return client


def end_upload(client):
    client.send(b"u")
    return client.read().status


def refusals(proxy):
    return {tuple(dict(labels).values()): n for (name, labels), n in samples(proxy).items()
            if name == "holdfast_spool_refused_total" and n}


def test_one_client_has_half(stack):
    proxy, _ = stack(**SMALL)
    first = begin_upload(proxy, 1, 2.5)
    greedy = begin_upload(proxy, 1, 2.5)
    assert greedy.read().status == 503
    assert proxy.wait_access(lambda line: line["status"] == 503)[0]["outcome"] == "no room for the body: share of this client"
    assert refusals(proxy) == {("upload", "client"): 1}
    assert "this client has used its part of the spool: 4194304 bytes" in proxy.log()
    other = begin_upload(proxy, 2, 2.5)
    assert end_upload(other) == 200 and end_upload(first) == 200
    wait_until(lambda: proxy.status()["spool"] == {"bytes": 0, "max": 8 * MIB, "uploads": 0, "answers": 0}, "an empty spool")


def test_uploads_leave_room_for_answers(stack):
    """Four clients fill the uploads' share: the next upload is refused, a page to a slow client is not held back."""
    proxy, fpm = stack(**SMALL)
    clients = [begin_upload(proxy, host, 1.9) for host in (1, 2, 3)]
    refused = begin_upload(proxy, 4, 1.5)
    assert refused.read().status == 503
    assert refusals(proxy) == {("upload", "use"): 1}
    slow = come_from(proxy, 5, receive_buffer=65536)
    # More than the kernel takes: what is left is stored.
    slow.send(b"GET /big.php?t=b&mb=6 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: proxy.status()["spool"]["answers"] > 0, "the answer in the spool")
    seen = samples(proxy)
    assert seen["holdfast_spool_max_bytes", ()] == 8 * MIB
    assert seen["holdfast_spool_used_bytes", (("use", "upload"),)] > 5 * MIB
    assert seen["holdfast_spool_used_bytes", (("use", "answer"),)] > 0
    sink = Md5Sink()
    assert slow.read(sink=sink).status == 200 and sink.hash.hexdigest() == page_md5(6)
    assert [end_upload(client) for client in clients] == [200, 200, 200]


def test_unread_pages_hold_no_worker(stack, transport):
    """Eight clients that do not read, four workers: who comes behind them is served, and the log names them."""
    proxy, fpm = stack(transport, pool={"queue": {"timeout": "25s"}}, **SMALL)
    deaf = [come_from(proxy, 1, receive_buffer=4096) for _ in range(8)]
    for client in deaf:
        client.send(b"GET /big.php?t=b&mb=60 HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["leased"] == 4 and p["waiting"] == 4, "the deaf to have all workers")
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    cut = proxy.wait_access(lambda line: line["outcome"] == "client_holds_worker")
    assert len(cut) >= 4, cut
    assert "php waits for it to take the answer to /big.php" in proxy.log()
    assert samples(proxy)["holdfast_clients_given_up_total", (("reason", "holds_worker"),)] >= 4
    for client in deaf:
        client.close()
    proxy.wait_quiet()


def test_who_reads_gets_the_whole_page(stack):
    """Its share is full and php waits for it: that is its right as long as it reads, whoever else waits."""
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"timeout": "60s"}}, **SMALL)
    client = come_from(proxy, 1, receive_buffer=65536)
    client.send(b"GET /big.php?t=b&mb=30 HTTP/1.1\r\nHost: x\r\n\r\n")
    sink = client.parser.sink = Md5Sink()
    waiter = proxy.client()
    waiter.send(b"GET /echo.php?t=waiter HTTP/1.1\r\nHost: x\r\n\r\n")
    full = 0
    while not fpm.seen("written-b"):
        client.receive(200_000)
        client.parser.take()
        full += bool(refusals(proxy))
        pause(0.03)
    assert full > 5, "its share was never full: nothing was tested"
    assert client.read(sink=sink).status == 200
    assert sink.hash.hexdigest() == page_md5(30)
    assert waiter.read().body == b"waiter\n"


def test_an_unread_stream_is_cut_when_others_wait(stack):
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"timeout": "20s"}})
    deaf = proxy.client(receive_buffer=65536)
    deaf.send(b"GET /endless.php?t=e HTTP/1.1\r\nHost: x\r\n\r\n")
    deaf.read_head()
    assert proxy.get("/echo.php?t=next").body == b"next\n"
    assert proxy.wait_access(lambda line: line["outcome"] == "client_holds_worker")


def test_min_rate(stack):
    """A body that drips and an answer that is sipped are ended after ten seconds; a slow steady body and one that pauses
    are not."""
    proxy, fpm = stack(buffers={"response_memory": "64k"})
    head = b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    drip, steady, pausing = proxy.client(), proxy.client(), proxy.client()
    for client in (drip, steady, pausing):
        client.send(head)
    sip = proxy.client(receive_buffer=2048)
    sip.send(b"GET /big.php?t=b&mb=20 HTTP/1.1\r\nHost: x\r\n\r\n")
    begun = time.monotonic()
    sent = 0
    ended = {}
    while len(ended) < 2 and time.monotonic() < begun + PATIENCE:
        pause(0.2)
        steady.send(b"s" * 600)
        sent += 600
        if "drip" not in ended:
            drip.send(b"d")
        sip.sock.recv(50)
        for line in proxy.access():
            if line["outcome"] in ("the body came below client.min_rate", "client_slow"):
                ended["drip" if line["status"] == 408 else "sip"] = line
    assert set(ended) == {"drip", "sip"}, proxy.access()
    assert drip.read().status == 408
    steady.send(b"s" * (100000 - sent))
    pausing.send(b"p" * 100000)
    assert steady.read().status == 200 and pausing.read().status == 200
    given_up = {dict(labels)["reason"]: n for (name, labels), n in samples(proxy).items()
                if name == "holdfast_clients_given_up_total"}
    assert given_up == {"slow_body": 1, "slow_answer": 1, "holds_worker": 0}
    assert "at less than client.min_rate (1024 bytes a second)" in proxy.log()
