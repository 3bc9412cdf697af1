"""Pipelines: as fast as many clients, no faster than that, and never more of them in memory than a turn or two need."""

import threading

import pytest

from harness.holdfast import sanitized
from harness.http_client import Client, Truncated
from harness.load import Load, Work
from harness.process import cpu_seconds, written_by_calls
from harness.wait import wait_stable, wait_until

MIB = 1 << 20
GROWTH_KIB = (6 + (256 if sanitized() else 0)) * 1024  # the sanitizer keeps freed memory back
KINDS = ["missing", "file", "redirect", "options", "admin"]


@pytest.fixture
def site(stack):
    proxy, fpm = stack()
    (fpm.www / "folder").mkdir()
    (fpm.www / "folder" / "index.html").write_text("folder")
    (fpm.www / "small.txt").write_text("small\n")
    return proxy, fpm


def request_of(kind, pad=0):
    target = {"missing": "/nothing.txt", "file": "/small.txt", "redirect": "/folder", "options": "*", "admin": "/healthz"}[kind]
    method = "OPTIONS" if kind == "options" else "GET"
    host = "localhost" if kind == "admin" else "x"
    filler = f"X-Filler: {'f' * pad}\r\n" if pad else ""
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{filler}\r\n".encode()


def address_of(proxy, kind):
    host, port = (proxy.admin_address if kind == "admin" else f"127.0.0.1:{proxy.port}").rsplit(":", 1)
    return host, int(port)


def blast(client, data):
    """Sends in a thread of its own: who only sends never reads."""

    def send():
        try:
            client.send(data)
        except OSError:
            pass

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def count_answers(client, wanted):
    got, tail = 0, b""
    while got < wanted:
        data = client.sock.recv(MIB)
        assert data, f"the connection ended after {got} answers"
        got += (tail + data).count(b"HTTP/1.1 ")
        tail = (tail + data)[-8:]
    return got


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_pipeline_is_answered_whole_and_costs_no_memory(site, kind):
    """40 MB at once: it was copied a turn for each request, hours of a whole core, with memory without a bound."""
    proxy, _ = site
    request = request_of(kind, 8000)
    with Client(address_of(proxy, kind), 60) as client:
        client.send(request)
        count_answers(client, 1)
        before = proxy.rss_kib("VmRSS")
        count = 40 * MIB // len(request)
        sender = blast(client, request * count)
        assert count_answers(client, count) == count
        sender.join()
        assert proxy.rss_kib("VmHWM") - before < GROWTH_KIB
        # And then silence.
        wait_stable(lambda: round(cpu_seconds(proxy.pid), 2), "the processor time", still=5)
        client.send(request)
        count_answers(client, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_who_pipelines_and_does_not_read_is_not_read(site, kind):
    proxy, _ = site
    request = request_of(kind, 200)  # about as long as its answer
    with Client(address_of(proxy, kind), 60, receive_buffer=16384) as client:
        client.send(request)
        count_answers(client, 1)
        before = proxy.rss_kib("VmRSS")
        client.sock.setblocking(False)
        sent, data = 0, request * (64 * MIB // len(request))
        view = memoryview(data)

        def send_some():
            nonlocal sent
            try:
                sent += client.sock.send(view[sent:sent + MIB])
            except BlockingIOError:
                pass
            return sent

        wait_stable(send_some, "what the proxy takes", still=10, interval=0.02)
        assert sent < 24 * MIB, "that is more than the kernel's buffers hold"
        assert proxy.rss_kib("VmHWM") - before < GROWTH_KIB
        assert proxy.admin("GET", "/healthz")[0] == 200
        assert proxy.get("/small.txt").body == b"small\n"


def test_a_pipeline_costs_no_more_than_as_many_clients(site):
    """In processor time, which a busy machine leaves alone: at most twice that of a hundred clients."""
    proxy, _ = site
    requests = 10_000
    at_start = cpu_seconds(proxy.pid)
    result = Load(proxy.port, clients=100, requests=requests, make=lambda c, n: Work("/small.txt", b"small\n")).run()
    assert not result.errors and not result.failures, result
    of_clients = cpu_seconds(proxy.pid) - at_start
    with proxy.client() as client:
        sender = blast(client, request_of("file") * requests)
        count_answers(client, requests)
        sender.join()
    of_pipeline = cpu_seconds(proxy.pid) - at_start - of_clients
    assert of_pipeline < 2 * of_clients + 0.05, (of_pipeline, of_clients)


def test_others_are_served_beside_pipelines(site):
    """Four endless pipelines: each round of the others is still a matter of turns."""
    proxy, _ = site
    stop = threading.Event()

    def pipeline():
        with proxy.client() as client:
            batch = request_of("missing") * 200
            while not stop.is_set():
                sender = blast(client, batch)
                count_answers(client, 200)
                sender.join()

    threads = [threading.Thread(target=pipeline) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with proxy.client() as client:
            for i in range(50):
                assert client.request("GET", f"/echo.php?t=o{i}").body == b"o%d\n" % i
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_half_closed_pipeline_of_all_kinds(site):
    """All that came whole before the half-close is answered, in order, then the connection ends."""
    proxy, _ = site
    one = (request_of("file") + request_of("missing") + b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"3\r\nabc\r\n0\r\n\r\n" + b"GET /echo.php?t=e HTTP/1.1\r\nHost: x\r\n\r\n")
    with proxy.client() as client:
        client.send(one * 100 + b"GET /half")
        client.half_close()
        for _ in range(100):
            assert [client.read().status for _ in range(4)] == [200, 404, 404, 200]
        assert client.at_eof()


def test_an_event_stream_whose_client_sends_is_closed(site):
    """No answer will come behind a stream that does not end, so nothing that is sent is kept."""
    proxy, _ = site
    with Client(address_of(proxy, "admin"), 30) as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.read_head()
        before = proxy.rss_kib("VmRSS")
        blast(client, request_of("admin") * 1_000_000)
        with pytest.raises((Truncated, ConnectionError)):
            while True:
                client.receive()
                client.parser.buffer.clear()
        assert proxy.rss_kib("VmHWM") - before < GROWTH_KIB


@pytest.mark.parametrize("wait", [False, True], ids=["fast", "slow"])
def test_half_closed_clients_are_probed_only_when_the_answer_takes_long(stack, wait):
    """An interim 100 finds out who has gone altogether; some clients do not expect it, so most answers come without."""
    proxy, fpm = stack()
    for _ in range(10 if not wait else 1):
        with proxy.client() as client:
            target = "/hold.php?t=h&r=go" if wait else "/echo.php?t=h"
            client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.half_close()
            if wait:
                wait_until(lambda: client.receive() and b"HTTP/1.1 100 Continue\r\n\r\n" in client.parser.buffer, "the probe")
                fpm.touch("go")
            response = client.read()
            assert response.body == b"h\n" and response.interim == ([100] if wait else [])
            assert client.at_eof()


def test_chunks_of_one_byte_are_joined_before_they_are_stored(stack):
    """A body over request_memory: each chunk was a write(2) of its own."""
    proxy, _ = stack(buffers={"request_memory": "1k"})
    assert proxy.get("/echo.php?t=a").status == 200
    before = written_by_calls(proxy.pid)
    body = b"x" * 200_000
    with proxy.client() as client:
        client.send(b"POST /count.php?t=p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * len(body) + b"0\r\n\r\n")
        assert client.read().body == b"p 200000\n"
    assert written_by_calls(proxy.pid) - before < 200


def test_what_is_sent_behind_the_last_answer_is_bounded(stack):
    """After Connection: close the rest is read and thrown away, so that the answer arrives; but not without end."""
    proxy, _ = stack()
    with proxy.client() as client:
        client.send(b"GET /echo.php?t=a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.read().body == b"a\n"
        client.sock.settimeout(5)
        sent, block = 0, b"y" * MIB
        try:
            while sent < 200 * MIB:
                sent += client.sock.send(block)
        except OSError:
            pass  # full, or closed
        assert sent < 48 * MIB, "16 MiB, and what the kernel's buffers hold"
    wait_until(lambda: proxy.status()["clients"]["connections"] == 0, "the connection to be closed")
