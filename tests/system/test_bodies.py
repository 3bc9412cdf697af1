"""Large bodies: whole before php is asked, taken from php as fast as it gives, and never in memory."""

import hashlib
import json

import pytest

from harness.holdfast import sanitized
from harness.http_client import Md5Sink, chunk
from harness.load import Load, Work
from harness.wait import pause, scaled, wait_until

MIB = 1 << 20
BLOCK = bytes(range(256)) * 4096  # 1 MiB
LARGE = {"site": {"max_body": "1g"}, "buffers": {"spool_max": "2g"},
         "client": {"timeouts": {"body": "60s", "write": "60s"}}}


def check_memory(proxy, before_kib):
    """The highest resident size ever: far below one body, and not growing with it."""
    # The address sanitizer keeps 256 MiB of freed memory back, to see who still uses it.
    most = (48 + (256 + 48 if sanitized() else 0)) * 1024
    grown = proxy.rss_kib("VmHWM") - before_kib
    assert grown < most, f"{grown} KiB more than at rest"


def check_no_spill(proxy):
    wait_until(lambda: not proxy.spool_files(), "the spill files to be closed")
    wait_until(lambda: proxy.status()["spool"]["bytes"] == 0, "the spool to be empty")
    assert list((proxy.dir / "spool").iterdir()) == [], "spill files are unlinked at once"


def upload(client, proxy, megabytes, chunked):
    """Sends a POST of that size; looks at the pool on the way. Returns the body's md5."""
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (megabytes * MIB)
    client.send(b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-test\r\n" + framing + b"\r\n\r\n")
    digest = hashlib.md5()
    for i in range(megabytes):
        block = b"%08d" % i + BLOCK[8:]
        digest.update(block)
        if i % max(1, megabytes // 10) == 0 or i == megabytes - 1:
            pool = proxy.pool()
            assert pool["leased"] == pool["waiting"] == pool["requests"] == 0, f"after {i} MiB: {pool}"
        if i == megabytes - 1:
            # Hold the last byte back until all the rest has arrived: nothing may be leased before it.
            head = block[:-1]
            client.send(chunk(head) if chunked else head)
            wait_until(lambda: proxy.status()["spool"]["bytes"] > (megabytes - 1) * MIB, "the spool to fill")
            assert proxy.pool()["requests"] == 0
            client.send(chunk(block[-1:]) + b"0\r\n\r\n" if chunked else block[-1:])
        else:
            client.send(chunk(block) if chunked else block)
    return digest.hexdigest()


@pytest.mark.heavy
@pytest.mark.parametrize("transport,chunked", [("tcp", True), ("unix", False)])
def test_large_upload(stack, transport, chunked):
    proxy, fpm = stack(transport, **LARGE)
    assert proxy.admin("GET", "/healthz")[0] == 200
    before = proxy.rss_kib("VmRSS")
    megabytes = scaled(300, 20)
    with proxy.client(timeout=120) as client:
        md5 = upload(client, proxy, megabytes, chunked)
        response = client.read()
    assert response.status == 200, response
    seen = json.loads(response.body)
    assert (seen["bytes"], seen["md5"]) == (megabytes * MIB, md5)
    assert seen["length"] == str(megabytes * MIB)
    assert seen["coding"] is None, "php must not see the coding that the proxy has removed"
    check_memory(proxy, before)
    proxy.wait_quiet()
    check_no_spill(proxy)


def page_md5(megabytes):
    digest = hashlib.md5()
    for i in range(16 * megabytes):
        digest.update(i.to_bytes(8, "big") * 8192)
    return digest.hexdigest()


@pytest.mark.heavy
@pytest.mark.parametrize("length", ["", "&length=1"])
def test_large_page_to_a_slow_client(stack, transport, length):
    """php is done at its own pace; the client reads 1 MB a second for a while, then the rest."""
    proxy, fpm = stack(transport, **LARGE)
    assert proxy.get("/echo.php?t=warm").status == 200
    before = proxy.rss_kib("VmRSS")
    megabytes = scaled(300, 20)
    sink = Md5Sink()
    with proxy.client(timeout=120, receive_buffer=65536) as client:
        client.send(f"GET /big.php?t=b&mb={megabytes}{length} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.parser.sink = sink

        def reads_slowly():
            client.receive(50_000)
            client.parser.take()
            return fpm.seen("written-b")

        wait_until(reads_slowly, "php to be done", timeout=120, interval=0.05)
        proxy.wait_pool(lambda p: p["leased"] == 0, "the lease's end")
        assert sink.count < megabytes * MIB / 2, "the client was not slow: nothing was tested"
        assert proxy.get("/echo.php?t=other").body == b"other\n"
        for _ in range(20):
            pause(0.05)
            client.receive(50_000)
            client.parser.take()
        response = client.read(sink=sink)
    assert response.status == 200 and response.framing == ("content_length" if length else "chunked")
    assert sink.count == megabytes * MIB
    assert sink.hash.hexdigest() == page_md5(megabytes)
    check_memory(proxy, before)
    check_no_spill(proxy)


def test_client_leaves_while_its_page_is_spooled(stack):
    proxy, fpm = stack(**LARGE)
    client = proxy.client(receive_buffer=65536)
    client.send(b"GET /big.php?t=b&mb=30 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: proxy.status()["spool"]["bytes"] > 0, "a spill file")
    assert proxy.spool_files()
    client.close()
    check_no_spill(proxy)
    proxy.wait_quiet()
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_spool_full(stack):
    """An upload beyond spool_max is refused, and what it took is given back."""
    proxy, fpm = stack(site={"max_body": "1g"}, buffers={"spool_max": "2m"})
    with proxy.client() as client:
        try:
            client.send(b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (8 * MIB))
            for _ in range(8):
                client.send(BLOCK)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may come, and the connection end, before we are done
        response = client.read()
    assert response.status in (413, 503, 507), response
    check_no_spill(proxy)
    assert proxy.pool()["requests"] == 0
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_a_body_that_can_never_be_stored_is_not_asked_for(stack):
    """By its length it is refused at once: at 1 MB 503 came after '100 Continue', and only when that much was there."""
    proxy, _ = stack(site={"max_body": "1g"}, buffers={"spool_max": "2m", "request_memory": "64k"})
    most = (1 << 20) + (64 << 10)
    head = "POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n"
    for length in (most + 1, 30 * MIB):
        with proxy.client() as client:
            client.send(head.format(length).encode())
            response = client.read()
            assert response.status == 503 and not response.interim, response
    assert "share of this client" in proxy.wait_access(lambda entry: entry["status"] == 503)[0]["outcome"]
    with proxy.client() as client:
        client.send(head.format(most).encode())
        client.send(b"x" * most)
        response = client.read()
        assert response.status == 200 and response.interim == [100], response


@pytest.mark.parametrize("size", [0, 1, 8184, 65535, 65536, 65537, 262143, 262144, 262145, 1 << 20])
def test_page_sizes_around_the_limits(stack, transport, size):
    """Around php's own buffer, the record, request_memory and response_memory."""
    proxy, fpm = stack(transport)
    body = proxy.get(f"/echo.php?t=abcdefg&n={size}").body if size else proxy.get("/respond.php").body
    assert body == (b"abcdefg\n" * (size // 8 + 1))[:size]


@pytest.mark.parametrize("chunked", [False, True])
def test_body_sizes_around_the_limits(stack, transport, chunked):
    proxy, fpm = stack(transport)
    with proxy.client() as client:
        for size in (0, 1, 65527, 65528, 65529, 65535, 65536, 65537, 131072, 1 << 20):
            body = (b"%07d\n" % size) * (size // 8 + 1)
            body = body[:size]
            headers = [("Transfer-Encoding", "chunked")] if chunked else []
            sent = (chunk(body) if body else b"") + b"0\r\n\r\n" if chunked else body
            seen = json.loads(client.request("POST", "/upload.php", headers, sent).body)
            assert seen["bytes"] == size, seen
            assert seen["md5"] == hashlib.md5(body).hexdigest()
            assert seen["length"] == str(size)


def test_uploads_and_pages_at_once(stack, transport):
    proxy, fpm = stack(transport)

    def make(client, number):
        if client % 2:
            size = 1000 * (number % 200) + client
            return Work(f"/count.php?t=c{client}n{number}", f"c{client}n{number} {size}\n".encode(), "POST", b"u" * size)
        size = 3000 * (number % 150) + 1
        tag = f"c{client}n{number}"
        line = f"{tag}\n".encode()
        return Work(f"/echo.php?t={tag}&n={size}", (line * (size // len(line) + 1))[:size])

    result = Load(proxy.port, clients=10, requests=scaled(1500, 300), make=make).run()
    assert not result.errors and not result.failures, result
    proxy.wait_quiet()
    check_no_spill(proxy)
