"""HTTP/1.1 by the RFCs, raw bytes on a socket: framing, versions, Host, methods, targets, limits; whole and byte by byte."""

import json

import pytest

from harness.http_client import Client, chunk
from harness.wait import PATIENCE

HOST = b"Host: x\r\n"
CHUNKED = b"POST /count.php?t=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(fields, body=b""):
    return b"POST /count.php?t=c HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body


def get(target=b"/echo.php?t=g", version=b"HTTP/1.1", fields=HOST, method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + fields + b"\r\n"


RULES = {
    # Transfer-Encoding, RFC 9112 6.3
    "gzip": (post(b"Transfer-Encoding: gzip\r\n"), 400),
    "chunked_gzip": (post(b"Transfer-Encoding: chunked, gzip\r\n"), 400),
    "identity": (post(b"Transfer-Encoding: identity\r\n"), 400),
    "empty_coding": (post(b"Transfer-Encoding:\r\n"), 400),
    "chunked_twice": (post(b"Transfer-Encoding: chunked, chunked\r\n"), 400),
    "chunked_parameter": (post(b"Transfer-Encoding: chunked;q=1\r\n"), 400),
    "gzip_chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n"), 501),
    "tabs": (post(b"Transfer-Encoding:\tchunked\t\r\n", chunk(b"abc") + b"0\r\n\r\n"), 200),
    "length_tab": (post(b"Content-Length:\t3\t\r\n", b"abc"), 200),
    # versions, RFC 9112 2.3, RFC 9110 6.2
    "v1.2": (get(version=b"HTTP/1.2"), 200), "v1.9": (get(version=b"HTTP/1.9"), 200),
    "v1": (get(version=b"HTTP/1"), 400), "v01.01": (get(version=b"HTTP/01.01"), 400), "v1.10": (get(version=b"HTTP/1.10"), 400),
    "v2.0": (get(version=b"HTTP/2.0"), 505), "v2": (get(version=b"HTTP/2"), 400), "v0.9": (get(version=b"HTTP/0.9"), 505),
    # Host, RFC 9112 3.2
    "empty_host": (get(fields=b"Host:\r\n"), 400), "blank_host": (get(fields=b"Host: \t\r\n"), 400),
    "old_empty_host": (get(version=b"HTTP/1.0", fields=b"Host:\r\n"), 400),
    "absolute_empty_host": (get(b"http://x/echo.php?t=g", fields=b"Host:\r\n"), 200),
    # chunk extensions, RFC 9112 7.1.1
    "ext": (CHUNKED + b'3;a;b=c;d="e;\\"f" ; g = h\r\nabc\r\n0;last\r\n\r\n', 200),
    "ext_none": (CHUNKED + b"5;\r\nhello\r\n0\r\n\r\n", 400), "ext_bad": (CHUNKED + b"5;bad[=x\r\nhello\r\n0\r\n\r\n", 400),
    "ext_no_value": (CHUNKED + b"5;a=\r\nhello\r\n0\r\n\r\n", 400), "ext_open": (CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n', 400),
    "ext_tail": (CHUNKED + b'5;a="b"c\r\nhello\r\n0\r\n\r\n', 400), "ext_last": (CHUNKED + b"0;\r\n\r\n", 400),
    # methods and targets
    "connect": (get(method=b"CONNECT"), 405), "trace": (get(method=b"TRACE"), 405), "long_method": (get(method=b"A" * 33), 501),
    "delete_byte": (get(b"/echo.php?t=\x7f"), 400), "control": (get(b"/echo.php?t=\x01"), 400),
    "high_host": (get(fields=b"Host: \xc3\xa4\r\n"), 400),
}


@pytest.fixture
def one_proxy(stack):
    return stack()[0]


def test_the_rules(one_proxy):
    """Each as one write; what is refused for its framing says close and is closed."""
    for name, (data, status) in RULES.items():
        with one_proxy.client() as client:
            client.send(data)
            response = client.read(data.split(b" ")[0].decode())
            assert response.status == status, (name, response)
            assert bool(response.get("Allow")) == (status == 405), (name, response)  # RFC 9110 15.5.6
            if status in (400, 501, 505):
                assert response.closes and client.at_eof(), (name, response)


def test_the_rules_byte_by_byte(one_proxy):
    for name in ("tabs", "length_tab", "gzip", "gzip_chunked", "v1.2", "v01.01", "empty_host", "ext", "ext_none", "ext_open"):
        data, status = RULES[name]
        with one_proxy.client() as client:
            try:
                for byte in data:
                    client.send(bytes([byte]))
            except OSError:
                pass  # refused before its end
            assert client.read().status == status, name


REFUSED_HEADS = {
    "bad_field": (b"HEAD / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400), "no_host": (b"HEAD / HTTP/1.1\r\n\r\n", 400),
    "version": (b"HEAD / HTTP/2.0\r\nHost: x\r\n\r\n", 505), "in_the_middle": (b"HEAD / HTTP/1.1\r\nHost: x\r\n B", 400),
    "long_head": (b"HEAD / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000, 431), "long_target": (b"HEAD /" + b"a" * 40_000, 414),
    "bad_target": (b"HEAD /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400), "coding": (b"HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    "body": (b"HEAD /count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
    "chunk": (b"HEAD /count.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "missing": (b"HEAD /none.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    "expect": (b"HEAD / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417),
    "slow_head": (b"HEAD / HTTP/1.1\r\nHost: x\r\n", 408), "slow_body": (b"HEAD /count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 408),
}


def test_a_refused_head_gets_no_body(stack):
    """RFC 9110 9.3.2: an error neither, also when the head never came whole. Not one byte follows the answer's head."""
    proxy, _ = stack(site={"max_body": "1m"}, client={"timeouts": {"header": "500ms", "body": "500ms"}})
    for name, (data, status) in REFUSED_HEADS.items():
        with proxy.client() as client:
            client.send(data)
            response = client.read("HEAD")
            assert (response.status, response.closes) == (status, True), (name, response)
            assert int(response.get("Content-Length")) > 0, "the length that the page would have"
            assert client.at_eof() and bytes(client.parser.buffer) == b"", (name, bytes(client.parser.buffer)[:100])


def test_a_refused_head_over_php_has_no_body(app_stack):
    """Also when the error is php's doing (502)."""
    proxy, _ = app_stack(lambda c: [c.answer(r, b"A : b\r\n\r\nx") for r in iter(c.read_request, None)])
    with proxy.client() as client:
        assert client.request("HEAD", "/x.php?t=a").status == 502
        client.send(b"HEAD /x.php?t=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.read("HEAD").status == 502
        assert client.at_eof() and bytes(client.parser.buffer) == b""


UNWANTED = {
    "nothing": ("POST", "/none.css", 404), "file": ("POST", "/style.css", 405), "folder": ("POST", "/sub", 308),
    "file_get": ("GET", "/style.css", 200), "hidden": ("PUT", "/.git/x", 404),
}


@pytest.mark.parametrize("case", UNWANTED)
def test_a_body_that_nobody_wants(stack, case):
    """The decided answer, never 413: at once when the length says more than would be read, else behind the body."""
    method, target, status = UNWANTED[case]
    proxy, _ = stack(site={"max_body": "64m"})
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\n".encode()
    for length in (2147483648, 18446744073709551615, 5_000_000):
        with proxy.client() as client:
            client.send(head + b"Content-Length: %d\r\n\r\n" % length)
            response = client.read(method)
            assert (response.status, response.closes) == (status, True), (length, response)
    with proxy.client() as client:
        client.send(head + b"Content-Length: 2147483648\r\n\r\n" + b"x" * 3_000_000)
        assert client.read(method).status == status
    with proxy.client() as client:  # short: the connection goes on
        client.send(head + b"Content-Length: 3000\r\n\r\n" + b"x" * 3000 + get())
        response = client.read(method)
        assert (response.status, response.closes) == (status, False)
        assert client.read().body == b"g\n"
    with proxy.client() as client:  # chunked, longer than will be read
        client.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                client.send(chunk(b"x" * 65_536))
        except OSError:
            pass
        assert client.read(method).status == status


def test_a_body_for_the_admin_endpoint(one_proxy):
    """The same there: refused at once."""
    host, port = one_proxy.admin_address.rsplit(":", 1)
    with Client((host, int(port)), PATIENCE) as client:
        client.send(b"POST /status HTTP/1.1\r\nHost: " + one_proxy.admin_address.encode() + b"\r\nContent-Length: 2147483648\r\n\r\n")
        response = client.read("POST")
        assert response.status in (404, 405) and response.closes, response


METHODS = ["QUERY", "VERSION-CONTROL", "BAN", "PROPFIND", "BREW", "get", "MY-OWN", "!#$%&'*+-.^_`|~09", "A" * 32, "SOURCE", "PRI"]


def test_every_method_reaches_php(stack):
    proxy, _ = stack()
    with proxy.client() as client:
        for method in METHODS:
            seen = json.loads(client.request(method, "/params.php", body=b"x").body)
            assert seen["server"]["REQUEST_METHOD"] == method
        for method in METHODS:
            response = client.request(method, "/style.css", body=b"x")
            assert (response.status, response.get("Allow")) == (405, "GET, HEAD, OPTIONS"), method
    lines = proxy.wait_access(lambda a: a["method"] == "BAN" and a["status"] == 405)
    assert lines


def test_query_may_run_twice(app_stack):
    """QUERY asks and changes nothing: its worker died with no byte of an answer, so it is tried once more. BAN is not."""
    def behave(connection):
        while request := connection.read_request():
            if len([r for r in connection.app.requests if r.tag == request.tag]) < 2:
                return
            connection.answer(request)

    proxy, app = app_stack(behave)
    with proxy.client() as client:
        response = client.request("QUERY", "/x.php?t=q", body=b"q" * 1000)
        assert (response.status, response.body) == (200, b"q\n")
        assert client.request("BAN", "/x.php?t=b", body=b"x").status == 502
    assert [r.tag for r in app.requests] == ["q", "q", "b"] and app.requests[1].body == b"q" * 1000


RAW = """<?php
foreach (['REQUEST_URI', 'QUERY_STRING', 'PATH_INFO'] as $name) echo $name, '=', bin2hex($_SERVER[$name] ?? ''), "\n";
"""


def test_raw_bytes_in_a_target_reach_php_as_sent(stack):
    proxy, fpm = stack()
    (fpm.www / "raw.php").write_text(RAW, encoding="ascii")
    target = b"/raw.php/\xc3\xa4\xff\x80/%41?q=\xe4\xf6"
    with proxy.client() as client:
        client.send(get(target))
        seen = dict(line.split("=") for line in client.read().body.decode().splitlines())
        assert {name: bytes.fromhex(value) for name, value in seen.items()} == {
            "REQUEST_URI": target, "QUERY_STRING": b"q=\xe4\xf6", "PATH_INFO": b"/\xc3\xa4\xff\x80/A"}
        client.send(get(b"/sub?\xe4=%e4"))
        response = client.read()
        assert (response.status, response.get("Location")) == (301, "/sub/?%E4=%e4"), response
    proxy.wait_access(lambda a: a["target"] == "/sub?\ufffd=%e4")  # and the log stays UTF-8


def test_limits_follow_the_configuration(stack):
    """The target's is max_header; the number of fields is max_header_fields; both as a reload says."""
    proxy, _ = stack(client={"max_header": "64k"})
    long = b"/echo.php?t=g&x=" + b"a" * 40_000
    many = b"".join(b"X-%d: y\r\n" % i for i in range(199))

    def status(data):
        with proxy.client() as client:
            client.send(data)
            return client.read().status

    assert status(get(long)) == 200
    assert status(get(b"/" + b"a" * 70_000)) == 414
    assert status(get(b"/" + b"a" * 64_000, fields=HOST + b"X: " + b"y" * 3000 + b"\r\n")) == 431
    assert (status(get(fields=HOST + many)), status(get(fields=HOST + many + b"One: more\r\n"))) == (200, 431)
    proxy.config["client"].update({"max_header": "32k", "max_header_fields": 201})
    proxy.reload(proxy.config)
    assert status(get(long)) == 414
    assert (status(get(fields=HOST + many + b"One: more\r\n")), status(get(fields=HOST + many + b"A: b\r\nC: d\r\n"))) == (200, 431)


def test_a_target_too_long_for_fastcgi(stack):
    """A FastCGI pair has an end at 64 KB: 414 for a target, 431 for a field."""
    proxy, _ = stack(client={"max_header": "256k"})
    for data, status in ((get(b"/echo.php?t=" + b"a" * 66_000), 414), (get(fields=HOST + b"X: " + b"y" * 66_000 + b"\r\n"), 431)):
        with proxy.client() as client:
            client.send(data)
            assert client.read().status == status

