"""What clients make the process hold: given back when they are idle, and bounded for all of them together."""

import select

import pytest

from harness.holdfast import sanitized
from harness.fastcgi import PARAMS, STDIN, record
from harness.fastcgi_client import FastcgiClient
from harness.fastcgi_client import head as web_head
from harness.http_client import Client
from harness.wait import wait_until

MIB = 1 << 20


def metric(proxy, name):
    text = proxy.admin("GET", "/metrics")[1].decode()
    return float(next(line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name + " ")))


@pytest.mark.skipif(sanitized(), reason="the sanitizer keeps freed memory back")
@pytest.mark.parametrize("what", ["file", "head"])
def test_idle_clients_hold_little(stack, what):
    """67 KB stayed with each after one file of 64 KB, 93 KB after a POST with a large head."""
    proxy, fpm = stack(client={"max_header": "64k"})
    (fpm.www / "file.bin").write_bytes(b"f" * 65536)
    heads = "".join(f"X-H{i}: {'h' * 900}\r\n" for i in range(30))
    large = f"POST /nothing.txt HTTP/1.1\r\nHost: x\r\n{heads}Content-Length: 40000\r\n\r\n".encode() + b"b" * 40000
    request = b"GET /file.bin HTTP/1.1\r\nHost: x\r\n\r\n" if what == "file" else large
    clients = []

    def open_some(count):
        for _ in range(count):
            client = proxy.client()
            client.send(request)
            assert client.read().status == (200 if what == "file" else 404)
            clients.append(client)

    try:
        open_some(50)
        before = proxy.rss_kib("VmRSS")
        open_some(400)
        assert proxy.rss_kib("VmRSS") - before < 400 * 12
    finally:
        for client in clients:
            client.close()


@pytest.mark.skipif(sanitized(), reason="the sanitizer keeps freed memory back")
def test_memory_max_bounds_what_unread_answers_hold(stack):
    """Past three quarters of it bodies go to the spool at once, whatever each client may keep in memory."""
    proxy, fpm = stack(buffers={"memory_max": "8m", "response_memory": "1m"})
    assert proxy.get("/big.php?t=w&mb=1").body_bytes == MIB
    before = proxy.rss_kib("VmRSS")
    clients = [Client(("127.0.0.1", proxy.port), 30, receive_buffer=4096) for _ in range(40)]
    try:
        for i, client in enumerate(clients):
            client.send(f"GET /big.php?t=c{i}&mb=4 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: all(fpm.seen(f"written-c{i}") for i in range(len(clients))), "php to be done")
        assert metric(proxy, "holdfast_memory_max_bytes") == 8 * MIB
        # Three quarters of it, and what is on its way to each: a piece for the socket, and one for the spool.
        assert 4 * MIB < metric(proxy, "holdfast_memory_bytes") < 6 * MIB + len(clients) * 96 * 1024
        assert proxy.status()["spool"]["bytes"] > 0
        # Of 160 MB. What the heap needs beside is more on a busy machine, where more is under way at once.
        assert proxy.rss_kib("VmHWM") - before < 40 * 1024
        for client in clients:
            assert client.read().body_bytes == 4 * MIB
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: metric(proxy, "holdfast_memory_bytes") == 0, "all of it to be given back")


def fill(proxy, www):
    """Clients whose files, which they do not read, are all that may be held."""
    (www / "large.bin").write_bytes(b"x" * 16 * MIB)
    clients = []
    in_a_row = 0

    def full():  # and stays so: the kernel takes a little more of what is held at first
        nonlocal in_a_row
        in_a_row = in_a_row + 1 if metric(proxy, "holdfast_memory_bytes") >= 8 * MIB else 0
        for _ in range(16 if in_a_row == 0 else 0):
            clients.append(Client(("127.0.0.1", proxy.port), 30, receive_buffer=4096))
            clients[-1].send(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        return in_a_row == 5

    wait_until(full, "memory_max to be reached")
    return clients


def test_at_memory_max_requests_are_refused_until_there_is_room(stack):
    """Files under way to clients that do not read are held by the streams, which cannot go to the spool."""
    proxy, fpm = stack(buffers={"memory_max": "8m"})
    clients = fill(proxy, fpm.www)
    try:
        response = proxy.get("/echo.php?t=a")
        assert response.status == 503 and response.closes
        assert metric(proxy, "holdfast_memory_refused_total") >= 1
        assert proxy.status()["memory"]["refused"] >= 1
        assert "buffers.memory_max" in proxy.log()
        proxy.wait_access(lambda line: line["outcome"] == "buffers.memory_max is reached")
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: metric(proxy, "holdfast_memory_bytes") == 0, "all of it to be given back")
    assert proxy.get("/echo.php?t=a").body == b"a\n"


def test_at_memory_max_accepted_bodies_are_read_on(stack):
    """They go to the spool, and their end gives the memory of their heads back: not read, they were what kept it full."""
    proxy, fpm = stack(buffers={"memory_max": "8m"}, site={"max_body": "16m"})
    uploads = [proxy.client() for _ in range(20)]
    head = b"POST /count.php?t=u HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 8000 + b"\r\nContent-Length: %d\r\n\r\n" % MIB
    for upload in uploads:
        upload.send(head + b"b" * 100)
    wait_until(lambda: metric(proxy, "holdfast_memory_bytes") > len(uploads) * 8000, "their heads to be there")
    clients = fill(proxy, fpm.www)
    try:
        before = metric(proxy, "holdfast_memory_bytes")
        for upload in uploads:
            upload.send(b"b" * (MIB - 200))
        wait_until(lambda: proxy.status()["spool"]["bytes"] >= len(uploads) * (MIB - 300), "the bodies to be read")
        assert metric(proxy, "holdfast_memory_bytes") <= before
        assert proxy.get("/echo.php?t=a").status == 503
        for upload in uploads:
            upload.send(b"b" * 100)
            assert upload.read().body == b"u %d\n" % MIB
    finally:
        for client in clients + uploads:
            client.close()
    wait_until(lambda: metric(proxy, "holdfast_memory_bytes") == 0, "all of it to be given back")


@pytest.fixture
def both(base, start_fpm, start_holdfast):
    """HTTP and FastCGI in front: (holdfast, fpm, a function that makes a web server's connection)."""
    webs = []
    php = start_fpm(lines=f"env[RECORD_DIR] = {base}/fpm0/record").start()
    address = f"unix:{base}/front.sock"
    holdfast = start_holdfast({"listen": ["127.0.0.1:0", {"fastcgi": address, "pool": "php"}], "buffers": {"memory_max": "8m"},
                               "pools": {"php": {"address": php.address, "max_connections": 4}},
                               "sites": [{"root": str(php.www), "pool": "php"}]})

    def web():
        webs.append(FastcgiClient(address, 30))
        return webs[-1]

    yield holdfast, php, web
    for each in webs:
        each.sock.close()


def test_at_memory_max_bodies_of_a_web_server_are_read_on(both):
    holdfast, php, new_web = both
    web = new_web()
    web.send(web_head(php.www / "count.php", "t=u", 1, method="POST", length=200_000) + record(STDIN, 1, b"b" * 100))
    wait_until(lambda: metric(holdfast, "holdfast_memory_bytes") > 0, "its parameters")
    clients = fill(holdfast, php.www)
    try:
        for size in [50_000] * 3 + [49_900]:
            web.send(record(STDIN, 1, b"b" * size))
        web.send(record(STDIN, 1))
        assert web.read(1).body == b"u 200000\n"
        assert metric(holdfast, "holdfast_memory_bytes") >= 8 * MIB
    finally:
        for each in clients:
            each.close()


def test_heads_that_do_not_end_are_bounded_by_memory_max(both):
    """The last eighth is for requests that come whole."""
    proxy, _, _ = both
    clients = [proxy.client() for _ in range(400)]
    try:
        for client in clients:
            client.send(b"GET /echo.php?t=a HTTP/1.1\r\nHost: x\r\nCookie: " + b"c" * 31_000)
        wait_until(lambda: metric(proxy, "holdfast_memory_refused_total") > 0, "some to be refused")
        assert clients[-1].read().status == 503
        assert 6.5 * MIB < metric(proxy, "holdfast_memory_bytes") < 7.2 * MIB
        assert proxy.get("/echo.php?t=a").body == b"a\n"
        clients[0].send(b"\r\n\r\n")
        assert clients[0].read().body == b"a\n"
        proxy.wait_access(lambda line: line["status"] == 503 and line["outcome"] == "buffers.memory_max is reached")
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: metric(proxy, "holdfast_memory_bytes") == 0, "all of it to be given back")


def test_parameters_that_do_not_end_are_bounded_by_memory_max(both):
    holdfast, php, new_web = both
    script = php.www / "echo.php"
    webs = [new_web() for _ in range(12)]
    for web in webs:
        web.send(web_head(script, "t=a", 1, extra=[(f"X{n}", "v" * 60_000) for n in range(16)]).removesuffix(record(PARAMS, 1)))
    wait_until(lambda: metric(holdfast, "holdfast_memory_refused_total") >= 5, "some to be refused")
    assert metric(holdfast, "holdfast_memory_bytes") < 8 * MIB
    refused = [web for web in webs if select.select([web.sock], [], [], 0)[0]]
    assert refused and all(web.read(1).status == 503 for web in refused)
    assert new_web().ask(script, "t=b").body == b"b\n"
    (whole,) = [web for web in webs if web not in refused][:1]
    whole.send(record(PARAMS, 1) + record(STDIN, 1))
    assert whole.read(1).body == b"a\n"


def test_at_memory_max_no_pipeline_is_held(both):
    """What comes behind a request that is under way is not kept: its answer is the connection's last."""
    proxy, fpm, _ = both
    waiting = [proxy.client() for _ in range(40)]
    for i, client in enumerate(waiting):
        client.send(f"GET /hold.php?t=h{i}&r=go HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: proxy.pool()["waiting"] == len(waiting) - 4, "all to be there")
    clients = fill(proxy, fpm.www)
    try:
        before = metric(proxy, "holdfast_memory_bytes")
        for client in waiting:
            client.send(b"GET /echo.php?t=n HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        for _ in range(3):
            assert metric(proxy, "holdfast_memory_bytes") < before + MIB // 4
        fpm.touch("go")
        for i, client in enumerate(waiting):
            response = client.read()
            assert response.body == f"h{i}\n".encode() and response.closes
            assert client.at_eof()
    finally:
        for client in clients + waiting:
            client.close()
