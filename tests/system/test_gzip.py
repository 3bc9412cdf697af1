"""sites[].gzip: text is compressed for clients that take it, and is the same page when they have unpacked it."""

import gzip
import zlib

import pytest

from harness.http_client import Client, Truncated
from harness.process import cpu_seconds

GZIP = [("Accept-Encoding", "gzip, deflate, br")]


@pytest.fixture
def site(stack):
    proxy, fpm = stack(site={"gzip": True}, client={"timeouts": {"write": "5m"}})  # 300 clients are read one after the other
    (fpm.www / "page.php").write_text(
        "<?php header('ETag: \"v1\"'); for ($i = 0; $i < (int)$_GET['n']; $i++) { echo str_pad((string)$i, 100, '.'), \"\\n\"; }")
    return proxy, fpm


def page(rows):
    return "".join(f"{i:.<100}\n" for i in range(rows)).encode()


def test_php_pages(site):
    proxy, _ = site
    for rows in (11, 300, 20_000):  # one record, several, more than a client takes at once
        plain = proxy.get(f"/page.php?n={rows}")
        packed = proxy.get(f"/page.php?n={rows}", GZIP)
        assert plain.body == page(rows) and plain.get("Content-Encoding") is None and plain.get("ETag") == '"v1"'
        assert gzip.decompress(packed.body) == page(rows), packed
        assert packed.get("Content-Encoding") == "gzip" and packed.get("ETag") == 'W/"v1"'
        assert len(packed.body) < len(plain.body) / 3
        for response in (plain, packed):
            assert response.get("Vary") == "Accept-Encoding", response


def test_small_page_is_left_alone_and_has_its_length(site):
    proxy, _ = site
    response = proxy.get("/page.php?n=3", GZIP)
    assert response.body == page(3) and response.framing == "content_length"
    assert response.get("Content-Encoding") is None and response.get("Vary") == "Accept-Encoding"


def test_files(site):
    proxy, fpm = site
    (fpm.www / "large.css").write_bytes(page(30_000))
    (fpm.www / "noise.png").write_bytes(page(100))
    packed = proxy.get("/large.css", GZIP)
    assert gzip.decompress(packed.body) == page(30_000)
    assert packed.get("Accept-Ranges") is None and packed.get("ETag").startswith('W/"')
    # The tag it gave is good for the next visit, and a range is one of the plain file.
    again = proxy.get("/large.css", [*GZIP, ("If-None-Match", packed.get("ETag"))])
    assert again.status == 304 and again.body == b"" and again.get("Vary") == "Accept-Encoding"
    part = proxy.get("/large.css", [*GZIP, ("Range", "bytes=101-201")])
    assert part.status == 206 and part.body == page(2)[101:202] and part.get("Content-Encoding") is None
    image = proxy.get("/noise.png", GZIP)
    assert image.body == page(100) and image.get("Content-Encoding") is None and image.get("Vary") is None


def fields(response):
    # The length of what is compressed is known when it is (RFC 9110 9.3.2 lets a HEAD leave that out).
    unlike = {"date", "transfer-encoding"} | ({"content-length"} if response.get("Content-Encoding") else set())
    return {(name.lower(), value) for name, value in response.fields if name.lower() not in unlike}


def test_a_head_has_the_fields_of_its_get(site):
    """It named the plain length and a strong tag."""
    proxy, fpm = site
    (fpm.www / "large.css").write_bytes(page(300))
    (fpm.www / "small.css").write_bytes(page(3))
    (fpm.www / "noise.png").write_bytes(page(100))
    (fpm.www / "told.php").write_text("<?php header('Content-Length: 3000'); header('ETag: \"p\"'); echo str_repeat('abc', 1000);")
    for target in ("/large.css", "/small.css", "/noise.png", "/told.php"):
        for asked in (GZIP, []):
            got, head = proxy.get(target, asked), proxy.get(target, asked, method="HEAD")
            assert head.body == b"" and fields(head) == fields(got), (target, asked, head.fields, got.fields)
            assert head.get("Content-Length") is None or head.get("Content-Encoding") is None, head.fields
    # Whether a script's page is large enough is known when it has run.
    got, head = proxy.get("/page.php?n=300", GZIP), proxy.get("/page.php?n=300", GZIP, method="HEAD")
    assert fields(head) == fields(got) - {("content-encoding", "gzip")}, head.fields


def test_not_modified_has_the_tag_of_the_whole_answer(site):
    proxy, fpm = site
    (fpm.www / "large.css").write_bytes(page(300))
    (fpm.www / "noise.png").write_bytes(page(100))
    for target in ("/large.css", "/noise.png"):
        for asked in (GZIP, []):
            got = proxy.get(target, asked)
            tag, date = got.get("ETag"), got.get("Last-Modified")
            for condition in (("If-None-Match", tag), ("If-None-Match", tag.removeprefix("W/")), ("If-Modified-Since", date)):
                for method in ("GET", "HEAD"):
                    again = proxy.get(target, [*asked, condition], method=method)
                    assert (again.status, again.get("ETag")) == (304, tag), (target, asked, condition, again.fields)


def test_vary_names_the_encoding_once(stack):
    proxy, fpm = stack(site={"gzip": True, "precompressed": True})
    (fpm.www / "large.css").write_bytes(page(300))
    (fpm.www / "vary.php").write_text("<?php header('Vary: ' . $_GET['v']); echo str_repeat('abc', 1000);")
    assert proxy.get("/large.css", GZIP).all("Vary") == ["Accept-Encoding"]
    for said, wanted in (("*", ["*"]), ("Accept-Encoding", ["Accept-Encoding"]), ("Cookie", ["Cookie", "Accept-Encoding"])):
        assert proxy.get(f"/vary.php?v={said}", GZIP).all("Vary") == wanted, said


def test_what_php_has_encoded_stays(site):
    proxy, fpm = site
    (fpm.www / "packed.php").write_text("<?php header('Content-Encoding: gzip'); echo gzencode(str_repeat('x', 5000));")
    response = proxy.get("/packed.php", GZIP)
    assert response.all("Content-Encoding") == ["gzip"] and gzip.decompress(response.body) == b"x" * 5000


def test_streams_are_not_held_back(site):
    proxy, fpm = site
    (fpm.www / "events.php").write_text(
        "<?php header('Content-Type: text/event-stream'); echo \"data: 1\\n\\n\"; flush(); sleep(30);")
    with proxy.client() as client:
        client.send(b"GET /events.php HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        client.read_head()
        client.read_body_until(b"data: 1\n\n")


def test_what_php_flushes_is_not_held_back(site):
    """Steps that wait for each other, each far below what a coder keeps: they were all read at the end."""
    proxy, fpm = site
    (fpm.www / "steps.php").write_text(
        "<?php require __DIR__ . '/wait.inc'; header('Content-Type: text/html'); for ($i = 0; $i < 4; $i++)"
        " { echo \"<p>step $i</p>\\n\"; flush(); wait_for(\"read-$i\"); } echo 'end';")
    (fpm.www / "once.php").write_text(
        "<?php header('Content-Type: text/html'); for ($i = 0; $i < 4000; $i++) { echo \"<p>step $i</p>\\n\"; }")
    coder, text = zlib.decompressobj(31), b""
    with proxy.client() as client:
        client.send(b"GET /steps.php HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        client.read_head()
        seen = 0
        for step in range(4):
            while True:
                assert client.parser.take() is None
                body = client.parser.peek().body
                text += coder.decompress(body[seen:])
                seen = len(body)
                if f"<p>step {step}</p>".encode() in text:
                    break
                client.receive()
            fpm.touch(f"read-{step}")
        whole = client.read()
        text += coder.decompress(whole.body[seen:])
        assert coder.eof and text == b"".join(b"<p>step %d</p>\n" % i for i in range(4)) + b"end"
        # One that comes in one go is one stream without marks, but those of the turns it took.
        once = client.request("GET", "/once.php", GZIP)
        assert gzip.decompress(once.body) == b"".join(b"<p>step %d</p>\n" % i for i in range(4000))
        small = client.request("GET", "/page.php?n=20", GZIP)
        assert b"\0\0\xff\xff" not in small.body and gzip.decompress(small.body) == page(20)


def test_a_body_shorter_than_its_length_is_seen_as_cut(site):
    proxy, fpm = site
    (fpm.www / "short.php").write_text("<?php header('Content-Type: text/html'); header('Content-Length: 5000'); echo str_repeat('x', 3000);")
    with proxy.client() as client, pytest.raises(Truncated):
        client.request("GET", "/short.php", GZIP)


def test_large_pages_do_not_keep_the_others_waiting(site):
    """Processor time that the proxy spends between the question and the answer of another client: a turn's worth or a few, not
    the whole page's, nor that of ten. And php's workers are free long before all is compressed."""
    proxy, fpm = site
    (fpm.www / "large.json").write_bytes(page(80_000))
    (fpm.www / "large.php").write_text("<?php header('Content-Type: application/json'); readfile(__DIR__ . '/large.json');")
    at_start = cpu_seconds(proxy.pid)
    alone = proxy.get("/large.php", GZIP)
    of_one = cpu_seconds(proxy.pid) - at_start
    assert gzip.decompress(alone.body) == page(80_000)
    clients = [proxy.client() for _ in range(10)]
    for i, client in enumerate(clients):
        target = "/large.php" if i % 2 else "/large.json"
        client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    spent = []
    with Client(("127.0.0.1", int(proxy.admin_address.rsplit(":", 1)[1])), 30) as probe:
        for _ in range(15):
            before = cpu_seconds(proxy.pid)
            assert probe.request("GET", "/healthz").status == 200
            spent.append(cpu_seconds(proxy.pid) - before)
    for client in clients:
        assert gzip.decompress(client.read().body) == page(80_000)
        client.close()
    assert sorted(spent)[len(spent) // 2] < of_one / 5, (sorted(spent), of_one)
    assert proxy.wait_quiet()["leased"] == 0


def test_a_page_cut_off_by_its_worker_is_seen_as_cut(site):
    proxy, _ = site
    with proxy.client() as client, pytest.raises(Truncated):
        client.request("GET", "/kill.php?t=a&body=1", GZIP)


def test_off_by_default(stack):
    proxy, fpm = stack()
    (fpm.www / "text.css").write_bytes(page(100))
    response = proxy.get("/text.css", GZIP)
    assert response.body == page(100) and response.get("Content-Encoding") is None and response.get("Vary") is None


def test_many_slow_clients_do_not_fill_the_memory(site):
    """Compressors are bounded: beyond the bound files go out plain, and whole."""
    proxy, fpm = site
    (fpm.www / "large.css").write_bytes(page(30_000))
    clients = [proxy.client(receive_buffer=4096) for _ in range(300)]
    try:
        for client in clients:
            client.send(b"GET /large.css HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        for client in clients:
            response = client.read()
            body = response.body
            if response.get("Content-Encoding"):
                body = zlib.decompress(body, 31)
            assert body == page(30_000)
    finally:
        for client in clients:
            client.close()
