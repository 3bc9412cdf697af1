"""HTTP/1.1 on the client's side: framing, keep-alive, pipelining, interim answers, refusals."""

import json

import pytest

from harness.http_client import Truncated, chunk
from harness.wait import wait_until

HOST = b"Host: x\r\n"


def test_keep_alive_and_close(stack):
    proxy, _ = stack()
    with proxy.client() as client:
        for i in range(5):
            response = client.request("GET", f"/echo.php?t=k{i}")
            assert response.body == f"k{i}\n".encode() and not response.closes
        response = client.request("GET", "/echo.php?t=last", [("Connection", "close")])
        assert response.closes and client.at_eof()


def test_http_1_0(stack):
    """Closed by default, kept when asked for; never chunked."""
    proxy, _ = stack()
    with proxy.client() as client:
        client.send(b"GET /echo.php?t=old&n=300000 HTTP/1.0\r\n\r\n")
        response = client.read()
        assert response.status == 200 and response.framing != "chunked" and len(response.body) == 300000
        assert client.at_eof()
    with proxy.client() as client:
        for i in range(2):
            client.send(b"GET /style.css HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            response = client.read()
            assert response.get("Connection", "").lower() == "keep-alive", response
            assert response.framing == "content_length"


def test_pipelining(stack, transport):
    """Many requests in one write, bodies among them: answered one by one, in order."""
    proxy, fpm = stack(transport)
    wanted, sent = [], b""
    for i in range(40):
        kind = i % 4
        if kind == 0:
            sent += b"GET /echo.php?t=g%d HTTP/1.1\r\n%s\r\n" % (i, HOST)
            wanted.append(("GET", f"g{i}\n"))
        elif kind == 1:
            sent += b"POST /count.php?t=p%d HTTP/1.1\r\n%sContent-Length: 7\r\n\r\nGET / H" % (i, HOST)
            wanted.append(("POST", f"p{i} 7\n"))
        elif kind == 2:
            sent += b"HEAD /echo.php?t=h%d HTTP/1.1\r\n%s\r\n" % (i, HOST)
            wanted.append(("HEAD", ""))
        else:
            sent += b"POST /count.php?t=c%d HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n" % (i, HOST)
            sent += chunk(b"ab") + chunk(b"c") + b"0\r\n\r\n"
            wanted.append(("POST", f"c{i} 3\n"))
    with proxy.client() as client:
        client.send(sent)
        for method, body in wanted:
            response = client.read(method)
            assert (response.status, response.body.decode()) == (200, body)
    assert len(fpm.runs()) == 20


def test_a_request_byte_by_byte(stack):
    proxy, _ = stack()
    data = (b"POST /count.php?t=b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk(b"hello") + chunk(b"you") + b"0\r\nX-Trailer: 1\r\n\r\n")
    with proxy.client() as client:
        for byte in data:
            client.send(bytes([byte]))
        assert client.read().body == b"b 8\n"


def test_head_equals_get_without_body(stack):
    proxy, _ = stack()
    for target in ("/echo.php?t=abc", "/style.css", "/none.css", "/respond.php?status=404&body=x"):
        with proxy.client() as client:
            got, head = client.request("GET", target), client.request("HEAD", target)
            assert head.status == got.status and head.body == b""
            for name in ("Content-Type", "ETag", "Last-Modified"):
                assert head.all(name) == got.all(name), (target, name)
            if head.all("Content-Length"):
                assert head.all("Content-Length") == got.all("Content-Length")
            assert client.request("GET", "/echo.php?t=n").body == b"n\n"


@pytest.mark.parametrize("target", ["/respond.php?status=204", "/respond.php?status=304", "/respond.php?status=204&body=x"])
def test_statuses_without_a_body(stack, target):
    proxy, _ = stack()
    with proxy.client() as client:
        response = client.request("GET", target)
        assert response.status in (204, 304) and not response.all("Transfer-Encoding")
        assert client.request("GET", "/echo.php?t=n").body == b"n\n"


def test_statuses_and_fields_of_php(stack):
    proxy, _ = stack()
    response = proxy.get("/respond.php?status=418&h[]=X-One:%201&h[]=Set-Cookie:%20a=1&h[]=Set-Cookie:%20b=2&body=tea")
    assert response.status == 418 and response.body == b"tea"
    assert response.get("X-One") == "1"
    assert response.all("Set-Cookie") == ["a=1", "b=2"], "Set-Cookie may not be joined"
    response = proxy.get("/respond.php?h[]=Location:%20/there")
    assert response.status == 302 and response.get("Location") == "/there"
    response = proxy.get("/respond.php?h[]=Connection:%20close,%20X-Hop&h[]=X-Hop:%201&h[]=Keep-Alive:%20x&body=z")
    assert not response.all("X-Hop") and not response.all("Keep-Alive"), response


def test_expect_continue(stack):
    proxy, fpm = stack(site={"max_body": "1m"})
    with proxy.client() as client:
        client.send(b"POST /count.php?t=e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        wait_until(lambda: b"\r\n\r\n" in client.parser.buffer or client.receive(), "100 Continue")
        client.send(b"12345")
        response = client.read()
        assert response.interim[0] == 100 and response.body == b"e 5\n", response
    with proxy.client() as client:
        client.send(b"POST /count.php?t=f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
        response = client.read()
        assert response.status == 413 and response.interim == [], "refused before the body is sent"
    with proxy.client() as client:
        client.send(b"POST /count.php?t=g HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 5\r\n\r\n")
        assert client.read().status == 417
    assert fpm.runs() == ["e"]


REFUSED = {
    "no_version": (b"GET /\r\n\r\n", {400, 505}),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "version_2": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", {400, 505}),
    "version_3_1": (b"GET / HTTP/3.1\r\nHost: x\r\n\r\n", {400, 505}),
    "no_host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
    "two_hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    "bad_host": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", {400}),
    "two_lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", {400}),
    "bad_length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", {400}),
    "huge_length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\na", {400, 413}),
    "length_and_coding": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "other_coding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", {400}),
    "coding_not_last": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", {400}),
    "bad_chunk": (b"POST /count.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", {400}),
    "long_chunk": (b"POST /count.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", {400}),
    "bare_lf": (b"GET / HTTP/1.1\nHost: x\n\n", {400}),
    "bare_cr": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n", {400}),
    "folded": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", {400}),
    "space_before_colon": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n", {400}),
    "nul": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n", {400}),
    "nul_in_target": (b"GET /echo.php%00.css HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
    "bad_escape": (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "connect": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 405, 501}),
    "long_target": (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
    "long_head": (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 40000 + b"\r\n\r\n", {431}),
    "many_fields": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(1000)) + b"\r\n", {431}),
    "long_body": (b"POST /count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", {413}),
    "long_chunked_body": (b"POST /count.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + b"a" * 0x200000,
                          {413}),
}



@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_status_and_closed(stack, case):
    """The answer can be read whole (no reset over it), says close, and what follows is never taken for a request."""
    proxy, fpm = stack(site={"max_body": "1m"})
    data, statuses = REFUSED[case]
    with proxy.client() as client:
        client.send(data)
        if case not in ("long_body", "other_coding", "coding_not_last"):
            try:
                client.send(b"GET /count.php?t=smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
            except OSError:
                pass  # closed already
        response = client.read()
        assert response.status in statuses, response
        if case != "nul_in_target" and case != "bad_escape" and case != "connect":
            assert response.closes and client.at_eof(), response
            assert fpm.runs() == []
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_two_equal_lengths_are_one(stack):
    """RFC 9110 8.6 lets a recipient take or refuse them; either way nothing is smuggled."""
    proxy, fpm = stack()
    with proxy.client() as client:
        client.send(b"POST /count.php?t=e HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na")
        assert client.read().status in (200, 400)


def test_limits_at_and_above(stack):
    """max_body: at the limit it passes, one above it is 413; with a length and chunked."""
    proxy, fpm = stack(site={"max_body": "1000"})
    for size, status in ((1000, 200), (1001, 413)):
        assert proxy.get("/upload.php", method="POST", body=b"x" * size).status == status
        with proxy.client() as client:
            response = client.request("POST", "/upload.php", [("Transfer-Encoding", "chunked")],
                                      chunk(b"x" * size) + b"0\r\n\r\n")
            assert response.status == status
            assert status == 413 or json.loads(response.body)["bytes"] == size


def test_client_time_limits(stack):
    """A head, or a body, that never comes whole: 408 or nothing, and the connection ends."""
    proxy, _ = stack(client={"timeouts": {"header": "300ms", "body": "300ms", "keep_alive": "300ms"}})
    for sent in (b"GET / HT", b"POST /count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"):
        with proxy.client() as client:
            client.send(sent)
            try:
                response = client.read()
                assert response.status == 408 and response.closes, response
            except Truncated:
                pass
            assert client.at_eof()
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=a").status == 200
        assert client.at_eof(), "keep_alive ends an idle connection, without an answer"
    wait_until(lambda: proxy.status()["clients"]["connections"] == 0, "the connections to be gone")


def test_slow_client_is_given_up(stack):
    """timeouts.write: a client that reads nothing at all for that long is closed, and its spool freed."""
    proxy, fpm = stack(client={"timeouts": {"write": "500ms"}})
    with proxy.client(receive_buffer=65536) as client:
        client.send(b"GET /big.php?t=b&mb=30 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: fpm.seen("written-b"), "php to be done")
        wait_until(lambda: proxy.status()["clients"]["connections"] == 0, "the client to be given up")
        wait_until(lambda: proxy.status()["spool"]["bytes"] == 0, "the spool to be empty")


def test_requests_per_connection(stack):
    proxy, _ = stack(client={"requests_per_connection": 3})
    with proxy.client() as client:
        assert [client.request("GET", f"/echo.php?t=q{i}").closes for i in range(3)] == [False, False, True]
        assert client.at_eof()


def test_unknown_methods_reach_php(stack):
    proxy, _ = stack()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        seen = json.loads(proxy.get("/params.php", method=method, body=b"x").body)
        assert seen["server"]["REQUEST_METHOD"] == method
