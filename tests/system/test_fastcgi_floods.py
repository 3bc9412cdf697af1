"""Web servers that send very many requests at once: they have their turn as others do, and hold no memory."""

import socket
import threading

import pytest

from harness.fastcgi import END, PARAMS, begin, pair, record
from harness.fastcgi_client import FastcgiClient, head, request
from harness.holdfast import sanitized
from harness.process import cpu_seconds
from harness.wait import wait_stable, wait_until
from test_pipelines import blast

MIB = 1 << 20
LARGE = pair(b"BIG", b"x" * 65536)  # more than php-fpm takes of one
ENDS = b"\x01\x03"


def refused(kind, request_id, pad):
    """A request that is refused; `pad`: bytes of it that are of no use."""
    if kind == "role":
        return begin(request_id, role=2) + record(PARAMS, request_id, bytes(pad))
    if kind == "parameter":
        return begin(request_id) + record(PARAMS, request_id, LARGE[:8 + pad])
    return begin(request_id) + record(PARAMS, request_id, bytes(pad))  # too_many: a thousand are open


def count_ends(sock, wanted):
    """Of END_REQUEST records: what comes is cut into records, and not kept."""
    got, data = 0, bytearray()
    while got < wanted:
        piece = sock.recv(MIB)
        assert piece, f"the connection ended after {got} answers"
        data += piece
        at = 0
        while len(data) - at >= 8:
            size = 8 + int.from_bytes(data[at + 4:at + 6], "big") + data[at + 6]
            if len(data) - at < size:
                break
            got += data[at + 1] == END
            at += size
        del data[:at]


def open_thousand(web):
    """As many as may be, of which nothing more comes; then one more is refused."""
    for at in range(1, 1001, 100):
        web.send(b"".join(begin(i) for i in range(at, at + 100)))
    web.send(begin(2000))
    web.read(2000)


@pytest.mark.skipif(sanitized(), reason="the sanitizer keeps freed memory back")
@pytest.mark.parametrize("kind", ["role", "parameter", "too_many"])
def test_refused_requests_without_end_cost_no_memory(listening, kind):
    """40 MB of them at once, and then silence."""
    holdfast, php, client = listening(client={"timeouts": {"header": "60s"}})
    web, other = client(60), client()
    if kind == "too_many":
        open_thousand(web)
    one = refused(kind, 2001, 8000)
    web.send(one)
    count_ends(web.sock, 1)
    before = holdfast.rss_kib("VmRSS")
    count = 40 * MIB // len(one)
    sender = blast(web, one * count)
    counter = threading.Thread(target=count_ends, args=(web.sock, count), daemon=True)
    counter.start()
    for i in range(20):
        assert other.ask(php.www / "echo.php", f"t=o{i}").body == b"o%d\n" % i
    counter.join(60)
    assert not counter.is_alive()
    sender.join()
    assert holdfast.rss_kib("VmHWM") - before < 6 * 1024
    wait_stable(lambda: round(cpu_seconds(holdfast.pid), 2), "the processor time", still=5)
    if kind != "too_many":
        web.answers.clear()
        assert web.ask(php.www / "echo.php", "t=last", 3000).body == b"last\n"


@pytest.mark.skipif(sanitized(), reason="the sanitizer keeps freed memory back")
@pytest.mark.parametrize("kind", ["role", "parameter", "too_many"])
def test_who_does_not_read_its_refusals_is_not_read(listening, kind):
    holdfast, php, client = listening(client={"timeouts": {"header": "60s"}})
    web, other = client(60), client()
    if kind == "too_many":
        open_thousand(web)
    web.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    assert other.ask(php.www / "echo.php", "t=a").body == b"a\n"
    before = holdfast.rss_kib("VmRSS")
    data = memoryview(refused(kind, 2001, 0) * 200_000)
    web.sock.setblocking(False)
    sent = 0

    def send_some():
        nonlocal sent
        try:
            sent += web.sock.send(data[sent:sent + MIB])
        except BlockingIOError:
            pass
        return sent

    wait_stable(send_some, "what is taken", still=10, interval=0.02)
    assert sent < len(data), "all of it was taken"
    # Each kept an object until its answer was taken: 24 MB.
    assert holdfast.rss_kib("VmHWM") - before < 8 * 1024
    assert other.ask(php.www / "echo.php", "t=b").body == b"b\n"


def test_others_are_served_beside_floods(listening):
    """Four web servers that send 200 requests at once, again and again; each is answered by ourselves."""
    holdfast, php, client = listening(listen={"max_body": "1k"})
    batch = b"".join(head(php.www / "echo.php", "t=x", i, method="POST", length=5000) for i in range(1, 201))
    stop = threading.Event()

    def flood():
        with FastcgiClient(address_of(client)) as web:
            while not stop.is_set():
                sender = blast(web, batch)
                count_ends(web.sock, 200)
                sender.join()

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        other = client()
        for i in range(50):
            assert other.ask(php.www / "echo.php", f"t=o{i}").body == b"o%d\n" % i
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def address_of(client):
    return "unix:" + client().sock.getpeername()


def test_all_of_a_burst_is_served_in_turns(listening, transport):
    """300 whole requests in one write: more than one turn takes, and none of them waits for another byte."""
    holdfast, php, client = listening(transport, pool={"queue": {"size": 400, "timeout": "30s"}})
    web = client()
    web.send(b"".join(request(php.www / "echo.php", f"t=b{i}", i) for i in range(1, 301)))
    web.read(*range(1, 301))
    for i in range(1, 301):
        assert web.answers[i].body == f"b{i}\n".encode()
    wait_until(lambda: holdfast.status()["clients"]["connections"] == 1, "one connection")
