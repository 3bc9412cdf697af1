"""Files that a site has ready in place of others: error pages, compressed files, the names of a folder."""

import gzip
import os

import pytest


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def test_own_pages_for_errors(stack):
    proxy, fpm = stack(site={"errors": {"404": "/e/404.html", "5xx": "/e/5.html", "4xx": "/none.html"}, "headers": {"X-Own": "yes"},
                             "routes": [{"path": "/gone", "deny": 410}, {"path": "/sleep.php", "timeouts": {"first_byte": "100ms"}}]})
    write(fpm.www / "e" / "404.html", "<p>not here</p>")
    write(fpm.www / "e" / "5.html", "<p>out of order</p>")
    with proxy.client() as client:
        missing = client.request("GET", "/none")
        assert (missing.status, missing.body) == (404, b"<p>not here</p>")
        assert missing.get("Content-Type") == "text/html; charset=utf-8" and missing.get("X-Own") == "yes"
        assert missing.get("ETag") is None and missing.get("Accept-Ranges") is None
        for headers in ([("Range", "bytes=0-1")], [("If-None-Match", "*")]):
            again = client.request("GET", "/none", headers)
            assert (again.status, again.body) == (404, b"<p>not here</p>")
        head = client.request("HEAD", "/none")
        assert head.status == 404 and head.get("Content-Length") == "15" and not head.body
        assert client.request("POST", "/none", body=b"x").body == b"<p>not here</p>"
        gone = client.request("GET", "/gone")
        assert gone.status == 410 and b"410 Gone" in gone.body, "a page that is not there: our own"
        assert client.request("GET", "/respond.php?status=404&body=php").body == b"php", "php's stays"
        late = client.request("GET", "/sleep.php?ms=3000&t=x")
        assert (late.status, late.body) == (504, b"<p>out of order</p>") and late.get("Cache-Control") == "no-store"
        allowed = client.request("POST", "/style.css", body=b"x")
        assert allowed.status == 405 and allowed.get("Allow")
    fpm.stop()
    down = proxy.get("/index.php")
    assert down.status in (502, 503) and down.body == b"<p>out of order</p>"


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("pages", [{"412": "/e.html", "416": "/e.html"}, {"4xx": "/e.html"}])
def test_own_pages_for_conditions_and_ranges(stack, gzipped, pages):
    """412 and 416 are said of a file: the site's own, and one that a script names."""
    proxy, fpm = stack(site={"errors": pages, "gzip": gzipped, "headers": {"X-Own": "yes"}, "internal": {"/kept/": "kept"}})
    page = b"<p>" + b"ours" * 1000 + b"</p>"
    write(fpm.www / "e.html", page)
    write(proxy.config_path.parent / "kept" / "a.css", "b { }")
    write(fpm.www / "sent.php", "<?php header('X-Accel-Redirect: /kept/a.css');")
    with proxy.client() as client:
        for target in ("/style.css", "/sent.php"):
            size = client.request("GET", target).get("Content-Length")
            for status, header in ((412, ("If-Match", '"x"')), (412, ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:01 GMT")), (416, ("Range", "bytes=900000-"))):
                for method in ("GET", "HEAD"):
                    got = client.request(method, target, [header])
                    if method == "HEAD" and status == 416:
                        assert got.status == 200, "a range is for GET alone"
                        continue
                    assert got.status == status and got.body == (page if method == "GET" else b""), (target, header, got)
                    assert got.get("Content-Length") == str(len(page)) and got.get("X-Own") == "yes", got.fields
                    assert got.get("Content-Type") == "text/html; charset=utf-8" and got.get("ETag") is None, got.fields
                    assert got.get("Content-Range") == (f"bytes */{size}" if status == 416 else None), got.fields
            assert client.request("GET", target, [("Range", "bytes=0-1")]).status == 206
            assert client.request("GET", target, [("If-None-Match", "*")]).status == 304


@pytest.mark.parametrize("gzipped", [False, True])
def test_pages_in_place_of_php_s(stack, gzipped):
    proxy, fpm = stack(site={"errors": {"404": "/e.html", "401": "/e.html", "500": "/none.html", "from_php": True}, "gzip": gzipped})
    write(fpm.www / "e.html", "<p>" + "ours" * 1000 + "</p>")
    ours = (fpm.www / "e.html").read_bytes()
    accepts = [("Accept-Encoding", "gzip")]
    with proxy.client() as client:
        for _ in range(3):
            missing = client.request("GET", "/respond.php?status=404&h[]=X-Php:1&h[]=Set-Cookie:a=b&body=php", accepts)
            assert (missing.status, missing.body) == (404, ours) and missing.get("X-Php") is None
        assert client.request("GET", "/respond.php?status=200&body=php", accepts).body == b"php"
        secret = client.request("GET", "/respond.php?status=401&h[]=WWW-Authenticate:Basic%20realm=x&body=php")
        assert (secret.status, secret.body, secret.get("WWW-Authenticate")) == (401, ours, "Basic realm=x")
        assert client.request("GET", "/respond.php?status=500&body=php").body == b"php"
        head = client.request("HEAD", "/respond.php?status=404&body=php")
        assert head.status == 404 and head.get("Content-Length") == str(len(ours))


def test_ready_compressed_files(stack):
    proxy, fpm = stack(site={"precompressed": True, "gzip": True})
    text = b"body { }\n" * 1000
    for name, data in (("a.css", text), ("a.css.gz", gzip.compress(text)), ("a.css.br", b"brotli"), ("a.css.zst", b"zstd"), ("b.css", text),
                       ("c.css", text), ("c.css.gz", b"old")):
        write(fpm.www / name, data)
    os.utime(fpm.www / "c.css.gz", (1, 1))
    for accepts, coding, body in (("gzip", "gzip", gzip.compress(text)), ("gzip, deflate, br, zstd", "br", b"brotli"), ("zstd;q=1", "zstd", b"zstd"),
                                  ("br;q=0, gzip", "gzip", None), (None, None, text), ("identity", None, text), ("*", "br", b"brotli")):
        got = proxy.get("/a.css", [("Accept-Encoding", accepts)] if accepts else [])
        assert got.status == 200 and got.get("Content-Encoding") == coding, (accepts, got)
        assert got.get("Content-Type") == "text/css; charset=utf-8" and "Accept-Encoding" in got.get("Vary"), got
        if coding == "gzip":
            assert gzip.decompress(got.body) == text
        elif body:
            assert got.body == body
    plain, packed = proxy.get("/a.css"), proxy.get("/a.css", [("Accept-Encoding", "br")])
    assert plain.get("ETag") != packed.get("ETag")
    same = proxy.get("/a.css", [("Accept-Encoding", "br"), ("If-None-Match", packed.get("ETag"))])
    assert same.status == 304 and same.get("Vary")
    part = proxy.get("/a.css", [("Accept-Encoding", "br"), ("Range", "bytes=0-2")])
    assert (part.status, part.body, part.get("Content-Encoding")) == (206, b"bro", "br")
    for name in ("/b.css", "/c.css"):
        got = proxy.get(name, [("Accept-Encoding", "gzip")])
        assert gzip.decompress(got.body) == text, name
    assert proxy.get("/none.css", [("Accept-Encoding", "gzip")]).status == 404


def test_a_ready_file_that_may_not_be_sent_hides_nothing(stack):
    """The plain one is sent in its place; and a Vary of the site's own does not part the two for caches."""
    proxy, fpm = stack(site={"precompressed": True, "headers": {"Vary": "Cookie"}})
    for name in ("a.css", "b.css", "c.css"):
        write(fpm.www / name, "plain")
    write(fpm.www / "a.css.gz", "x")
    (fpm.www / "a.css.gz").chmod(0)
    (fpm.www / "b.css.gz").symlink_to("/etc/shadow")
    (fpm.www / "c.css.gz").symlink_to(fpm.www / "echo.php")
    for name in ("a.css", "b.css", "c.css"):
        got = proxy.get("/" + name, [("Accept-Encoding", "gzip")])
        assert (got.status, got.body, got.get("Content-Encoding")) == (200, b"plain", None), (name, got)
        assert got.all("Vary") == ["Accept-Encoding", "Cookie"], got.fields


def test_of_ready_files_the_one_that_the_client_wants_most(stack):
    proxy, fpm = stack(site={"precompressed": True})
    for name in ("a.css", "a.css.br", "a.css.gz"):
        write(fpm.www / name, name)
    for accept, name in (("gzip;q=0.5, br;q=0.1", "a.css.gz"), ("gzip;q=0.5, br;q=0.5", "a.css.br"), ("gzip, br;q=0", "a.css.gz"),
                         ("gzip;q=0.001", "a.css.gz"), ("*;q=0.1, gzip;q=0.2", "a.css.gz"), ("zstd, br;q=0.3", "a.css.br"), ("zstd", "a.css")):
        assert proxy.get("/a.css", [("Accept-Encoding", accept)]).body == name.encode(), accept


def test_a_large_folder_is_shown_in_part(stack):
    """Each name costs, and they are all of one turn of the loop: 10,000 held it for 50 ms."""
    proxy, fpm = stack(site={"routes": [{"path": "/many/", "list": True}]})
    (fpm.www / "many").mkdir()
    for i in range(1000):
        (fpm.www / "many" / f"f{i}.txt").touch()
    page = proxy.get("/many/").body
    assert page.count(b'href="./f') == 1000 and b"more than" not in page
    (fpm.www / "many" / "dangling").symlink_to("nowhere")
    page = proxy.get("/many/").body
    assert 999 <= page.count(b'href="./f') <= 1000 and b"There are more than 1000 names" in page


def test_the_names_of_a_folder(stack):
    proxy, fpm = stack(site={"routes": [{"path": "/dl/", "list": True}, {"path": "/dl/secret/", "deny": 404}]})
    for name in ("dl/a b&.txt", "dl/.env", "dl/dump.sql", "dl/sub/x.txt", "dl/secret/x.txt", "other/x.txt"):
        write(fpm.www / name, "x")
    page = proxy.get("/dl/")
    assert page.status == 200 and page.get("Content-Type") == "text/html; charset=utf-8", page
    assert b'href="./a%20b%26.txt"' in page.body and b'href="./sub/"' in page.body and b'href="../"' in page.body
    for hidden in (b".env", b"dump", b"secret"):
        assert hidden not in page.body, page.body
    assert proxy.get("/dl/a%20b%26.txt").status == 200
    assert proxy.get("/dl").get("Location") == "/dl/"
    assert proxy.get("/dl/", method="HEAD").get("Content-Length") == str(len(page.body))
    assert proxy.get("/dl/", method="POST", body=b"").status == 405
    assert b"x.txt" in proxy.get("/dl/sub/").body
    assert proxy.get("/other/").status == 404
    write(fpm.www / "dl" / "index.html", "index")
    assert proxy.get("/dl/").body == b"index"
