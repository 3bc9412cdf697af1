"""Files of a site: conditional and range requests, index, redirects, and what must never be served."""

import os
import re

import pytest

from harness.http_client import build_request
from harness.wait import wait_until


@pytest.fixture
def site(stack):
    proxy, fpm = stack()
    return proxy, fpm.www


def test_file(site):
    proxy, www = site
    response = proxy.get("/style.css")
    content = (www / "style.css").read_bytes()
    assert response.status == 200 and response.body == content
    assert response.framing == "content_length"
    assert response.get("Content-Type", "").startswith("text/css"), response
    assert response.get("ETag") and response.get("Last-Modified")
    assert proxy.pool()["requests"] == 0, "php was asked for a file"


def test_conditional_requests(site):
    proxy, www = site
    first = proxy.get("/style.css")
    etag, date = first.get("ETag"), first.get("Last-Modified")
    with proxy.client() as client:
        for headers, status in (([("If-None-Match", etag)], 304),
                                ([("If-None-Match", f'"other", {etag}')], 304),
                                ([("If-None-Match", f"W/{etag.removeprefix('W/')}")], 304),
                                ([("If-None-Match", "*")], 304),
                                ([("If-None-Match", '"other"')], 200),
                                ([("If-Modified-Since", date)], 304),
                                ([("If-Modified-Since", "Thu, 01 Jan 1998 00:00:00 GMT")], 200),
                                ([("If-None-Match", '"other"'), ("If-Modified-Since", date)], 200)):
            response = client.request("GET", "/style.css", headers)
            assert response.status == status, (headers, response)
            if status == 304:
                assert response.get("ETag") == etag and response.body == b""
    path = www / "style.css"
    path.write_bytes(b"new content")
    os.utime(path, (1, 1))
    response = proxy.get("/style.css", [("If-None-Match", etag)])
    assert response.status == 200 and response.body == b"new content" and response.get("ETag") != etag


def test_ranges(site):
    proxy, www = site
    content = bytes(range(256)) * 4
    (www / "data.bin").write_bytes(content)
    with proxy.client() as client:
        for spec, start, end in (("0-0", 0, 1), ("0-99", 0, 100), ("100-", 100, 1024), ("-24", 1000, 1024),
                                 ("1000-9999", 1000, 1024), ("-9999", 0, 1024), ("1023-1023", 1023, 1024)):
            response = client.request("GET", "/data.bin", [("Range", f"bytes={spec}")])
            assert response.status == 206, (spec, response)
            assert response.body == content[start:end], spec
            assert response.get("Content-Range") == f"bytes {start}-{end - 1}/1024"
        for spec in ("1024-", "9999-10000", "-0"):
            response = client.request("GET", "/data.bin", [("Range", f"bytes={spec}")])
            assert response.status == 416 and response.get("Content-Range") == "bytes */1024", (spec, response)
        for spec in ("5-2", "x-y", "", "1-2-3"):  # not a valid range: the field is ignored
            response = client.request("GET", "/data.bin", [("Range", f"bytes={spec}")])
            assert response.status == 200 and response.body == content, (spec, response)
        etag = client.request("GET", "/data.bin").get("ETag")
        for condition, status in ((etag, 206), ('"other"', 200)):
            if not condition.startswith("W/"):
                response = client.request("GET", "/data.bin", [("Range", "bytes=0-9"), ("If-Range", condition)])
                assert response.status == status, (condition, response)


def test_empty_and_large_files(site):
    proxy, www = site
    (www / "empty.txt").write_bytes(b"")
    content = os.urandom(1 << 20) * 12
    (www / "large.bin").write_bytes(content)
    with proxy.client() as client:
        response = client.request("GET", "/empty.txt")
        assert response.status == 200 and response.body == b"" and response.get("Content-Length") == "0"
        assert client.request("GET", "/large.bin").body == content
        assert client.request("GET", "/empty.txt").status == 200


def test_a_file_that_shrinks_while_it_is_sent(site):
    """The promised length cannot be kept: the connection is closed, never padded, and nothing crashes."""
    proxy, www = site
    path = www / "shrinks.bin"
    path.write_bytes(b"s" * (24 << 20))
    with proxy.client(receive_buffer=65536) as client:
        client.send(b"GET /shrinks.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        os.truncate(path, 1000)
        try:
            response = client.read()
            assert set(response.body) == {ord("s")}  # all of it was in flight already
        except Exception as e:
            assert "EOF inside the body" in str(e)
    assert proxy.get("/style.css").status == 200


def test_index_and_slash_redirect(site):
    proxy, www = site
    assert b"index of sub" in proxy.get("/sub/").body
    response = proxy.get("/sub?a=b")
    assert response.status in (301, 302, 307, 308), response
    assert re.sub(r"^http://[^/]*", "", response.get("Location", "")) == "/sub/?a=b", response
    (www / "empty").mkdir()
    assert proxy.get("/empty/").status in (403, 404), "no listings"
    response = proxy.get("/")
    assert response.status == 200 and b'"script":"\\/index.php"' in response.body


def test_redirect_cannot_leave_the_host(site):
    """`//sub` as a Location would be another host."""
    proxy, _ = site
    for target in ("//sub", "///sub", "/\\sub", "/sub/..//sub"):
        location = proxy.get(target).get("Location", "")
        assert not location.startswith(("//", "/\\")), (target, location)


NEVER = ["/.env", "/.hidden/file.txt", "/sub/../.env", "/%2eenv", "/.hidden%2ffile.txt"]


@pytest.mark.parametrize("target", NEVER)
def test_dotfiles(site, target):
    proxy, _ = site
    response = proxy.get(target)
    assert response.status in (403, 404), response
    assert b"secret" not in response.body


def test_well_known_is_not_a_dotfile(site):
    proxy, www = site
    (www / ".well-known").mkdir()
    (www / ".well-known" / "token").write_text("token")
    assert proxy.get("/.well-known/token").body == b"token"


OUTSIDE = ["/../outside.txt", "/sub/../../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/.%2e/outside.txt",
           "/sub/%2e%2e/%2e%2e/outside.txt", "//../outside.txt", "/..\\outside.txt", "/%252e%252e/outside.txt",
           "http://localhost/../outside.txt", "/sub/..;/../outside.txt"]


@pytest.mark.parametrize("target", OUTSIDE)
def test_nothing_outside_the_root(site, target):
    proxy, www = site
    (www.parent / "outside.txt").write_text("secret outside the root")
    with proxy.client() as client:
        client.send(build_request("GET", target))
        response = client.read()
    assert response.status in (400, 403, 404), response
    assert b"secret" not in response.body


SOURCE = ["/echo.php", "/echo.php/", "/echo.php/x.css", "/echo.php%00.css", "/echo.php.", "/echo.php%20", "/echo.PHP",
          "/sub/../echo.php", "/echo%2ephp", "/wait.inc", "/echo.php;x", "/echo.php~", "//echo.php", "/./echo.php"]


@pytest.mark.parametrize("target", SOURCE)
@pytest.mark.parametrize("pool", [True, False])
def test_no_php_source(start_fpm, start_holdfast, target, pool):
    """With a pool and without one; .inc is the site's own affair, but not a reason to break."""
    fpm = start_fpm().start()
    site = {"root": str(fpm.www), **({"pool": "php"} if pool else {})}
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [site]})
    for headers in ([], [("Range", "bytes=0-20")]):
        for method in ("GET", "POST"):
            response = proxy.get(target, headers, method)
            if not target.endswith(".inc"):
                assert b"<?ph" not in response.body, (method, response)
    assert proxy.get("/style.css").status == 200


def test_links_do_not_break_anything(site):
    """A link to a file inside works; a fifo or a directory in the place of a file does not hang the loop."""
    proxy, www = site
    (www / "link.css").symlink_to("style.css")
    os.mkfifo(www / "fifo.txt")
    (www / "dir.php").mkdir()
    assert proxy.get("/link.css").body == (www / "style.css").read_bytes()
    assert proxy.get("/fifo.txt").status in (403, 404)
    assert proxy.get("/dir.php").status in (301, 302, 307, 308, 403, 404)
    assert proxy.get("/style.css").status == 200


def test_unreadable_file(site):
    proxy, www = site
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (www / "closed.txt").write_text("x")
    os.chmod(www / "closed.txt", 0)
    assert proxy.get("/closed.txt").status in (403, 404)


def test_methods_on_files(site):
    proxy, _ = site
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        response = proxy.get("/style.css", method=method, body=b"x")
        assert response.status == 405 and "GET" in response.get("Allow", ""), response


def test_without_front_controller_a_missing_file_is_404(site):
    proxy, _ = site
    for target in ("/none", "/none.css", "/none.php", "/sub/none.html"):
        assert proxy.get(target).status == 404, target
    assert proxy.pool()["requests"] == 0, "php was asked for a script that is not there"


def test_hosts(start_fpm, start_holdfast):
    """Exact name before wildcard before the site for any host; the port does not count, nor does the case."""
    fpm = start_fpm()
    for name in ("exact", "wild", "any"):
        (fpm.dir / name).mkdir()
        (fpm.dir / name / "who.txt").write_text(name)
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [
        {"root": str(fpm.dir / "any")},
        {"hosts": ["*.example.com"], "root": str(fpm.dir / "wild")},
        {"hosts": ["www.example.com"], "root": str(fpm.dir / "exact")}]})
    for host, who in (("www.example.com", "exact"), ("WWW.Example.COM:8080", "exact"), ("a.example.com", "wild"),
                      ("example.com", "any"), ("notexample.com", "any"), ("127.0.0.1", "any"), ("[::1]:80", "any")):
        assert proxy.get("/who.txt", host=host).body == who.encode(), host
    wait_until(lambda: proxy.admin("GET", "/healthz")[0] == 200)
