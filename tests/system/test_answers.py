"""php's answer judged: what is passed on, what is left out, what is refused, and what the logs say of it.

Raw CGI answers come from a scripted application, the usual mistakes from real php as well.
"""

import pytest

from harness import fastcgi as fcgi
from harness.http_client import Truncated
from harness.wait import wait_until

X = "/x.php?t="


@pytest.fixture
def cgi(app_stack):
    """A proxy whose application answers with these CGI bytes: `cgi(raw)` or `cgi({tag: raw})`."""

    def start(raw, **config):
        def behave(connection):
            while request := connection.read_request():
                connection.answer(request, raw if isinstance(raw, bytes) else raw[request.tag])

        return app_stack(behave, **config)[0]

    return start


def read_cut(proxy, target, headers=()):
    """What came of a response that is cut."""
    with proxy.client() as client:
        with pytest.raises(Truncated) as cut:
            client.request("GET", target, headers)
    return cut.value.response.body


@pytest.mark.parametrize("gzip", [False, True])
def test_a_body_shorter_than_its_length_is_no_ok(cgi, gzip):
    """The client can tell, and so does the access log: also where gzip hides the length that php told."""
    body = b"z" * 3000
    head = b"Content-Type: text/plain\r\nContent-Length: 4000\r\n\r\n"
    proxy = cgi({"short": head + body, "long": head + body * 2}, site={"gzip": gzip})
    accept = [("Accept-Encoding", "gzip")]
    assert gzip or read_cut(proxy, X + "short", accept) == body
    if gzip:
        read_cut(proxy, X + "short", accept)
    assert proxy.get(X + "long").body == b"z" * 4000
    proxy.wait_access(lambda a: a["target"] == X + "long")  # the second one
    assert {a["target"]: a["outcome"] for a in proxy.access()} == {X + "short": "truncated", X + "long": "ok"}


def test_reset_content_has_none(cgi):
    """RFC 9110 15.3.6: 205 has no content and says so; what php prints is dropped, the connection goes on."""
    proxy = cgi({"reset": b"Status: 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello",
                 "bare": b"Status: 205\r\n\r\nhello", "page": b"Content-Type: text/plain\r\n\r\npage\n"})
    with proxy.client() as client:
        for tag in ("reset", "bare"):
            response = client.request("GET", X + tag)
            assert (response.status, response.all("Content-Length"), response.body) == (205, ["0"], b"")
            assert not response.all("Transfer-Encoding") and not response.closes
            assert client.request("GET", X + "page").body == b"page\n"


PAGE = b"Content-Type: text/plain\r\n"

LEFT_OUT = {
    "colon": b"no colon here", "name": b"A(b: c", "bracket": b"[a]: b", "eightbit": b"\xc3\xa4: b", "empty": b": b",
    "control": b"X-A: b\x01c", "escape": b"X-A: \x1b[0m", "delete": b"X-A: b\x7f",
    "length_empty": b"Content-Length:", "length_word": b"Content-Length: abc", "length_list": b"Content-Length: 12, 12",
    "length_big": b"Content-Length: 99999999999999999999", "second_status": b"Status: 500",
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_one_bad_line_does_not_cost_the_page(cgi, version):
    """It is left out; all else of the head, the status that was meant and the body reach the client."""
    proxy = cgi({tag: PAGE + b"Status: 404 Not Here\r\n" + line + b"\r\nX-After: 1\r\n\r\n" + tag.encode()
                 for tag, line in LEFT_OUT.items()})
    for tag in LEFT_OUT:
        with proxy.client() as client:
            client.send(f"GET {X}{tag} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
            response = client.read()
        assert (response.status, response.reason, response.body) == (404, "Not Here", tag.encode()), (tag, response)
        assert response.get("X-After") == "1" and not response.all("X-A"), response
        assert {name for name, _ in response.fields} <= {"Content-Type", "X-After", "Date", "Content-Length", "Connection",
                                                         "Transfer-Encoding"}, response
    assert all(a["outcome"] == "ok" for a in proxy.access())


def test_a_line_left_out_is_logged_once_with_the_script(cgi):
    proxy = cgi(PAGE + b"bad\x1b]0;line\r\nA(: b\r\n\r\nx")
    for i in range(5):
        assert proxy.get(f"{X}{i}").body == b"x"
    said = [line for line in proxy.log().splitlines() if "left out" in line]
    assert len(said) == 1, said
    assert "/www/x.php: " in said[0] and "GET localhost/x.php?t=0" in said[0], said
    assert "line 2 of the response head has no colon, left out: bad\\x1b]0;line" in said[0], said
    assert "A(: b" in said[0], said


STATUSES = {
    "six": (b"Status: 600 Odd", 600, "Odd"), "nine": (b"Status: 999", 999, None),
    "colon": (b"Status: 404: Not Found", 404, "Not Found"), "glued": (b"Status: 404Gone", 404, "Not Found"),
    "line": (b"HTTP/1.1 404 Gone fishing", 404, "Gone fishing"), "old": (b"HTTP/1.0 503 Busy", 503, "Busy"),
    "control": (b"Status: 404 Not\x01Found", 404, "Not Found"), "empty": (b"Status:", 200, "OK"),
    "early": (b"Status: 103 Early Hints", 200, "OK"), "switch": (b"Status: 101 Switching Protocols", 200, "OK"),
    "go_on": (b"Status: 100 Continue", 200, "OK"),
}


def test_the_status_that_was_meant(cgi):
    proxy = cgi({tag: line + b"\r\n" + PAGE + b"\r\npage" for tag, (line, _, _) in STATUSES.items()})
    with proxy.client() as client:
        for tag, (_, status, reason) in STATUSES.items():
            response = client.request("GET", X + tag)
            assert (response.status, response.body) == (status, b"page"), (tag, response)
            assert reason is None or response.reason == reason, (tag, response.reason)
    assert proxy.status()["clients"]["responses"]["other"] == 2
    assert b'holdfast_http_responses_total{class="other"} 2\n' in proxy.admin("GET", "/metrics")[1]


REFUSED = {
    "space_behind": b"A : b", "tab_behind": b"A\t: b", "space_in": b"A B: c", "length_behind": b"Content-Length : 4",
    "cr": b"A: b\rX-Evil: 1", "nul": b"A: b\0c", "two_lengths": b"Content-Length: 3\r\nContent-Length: 4",
    "two_in_one": b"Content-Length: 3, 4", "no_number": b"Status: abc",
}


def test_what_is_dangerous_is_refused_and_its_bytes_are_escaped_in_the_log(cgi):
    answers = {tag: PAGE + line + b"\r\n\r\npage" for tag, line in REFUSED.items()}
    answers["folded_first"] = b" folded: x\r\n" + PAGE + b"\r\npage"
    answers["no_head"] = b"this is no head\r\n\r\npage"
    answers["escape"] = PAGE + b"Status: \x1b]0;x\x07\r\n\r\npage"
    proxy = cgi(answers)
    for tag in answers:
        response = proxy.get(X + tag, method="POST", body=b"x")
        assert response.status == 502 and b"page" not in response.body, (tag, response)
    assert "\x1b" not in proxy.log() and "Status that does not begin with a number of 100 to 999: \"\\x1b]0;x\\x07\"" in proxy.log()
    assert all(a["outcome"] == "upstream_bad_head" for a in proxy.access())


def test_the_log_names_what_had_no_head(app_stack):
    def behave(connection):
        while request := connection.read_request():
            connection.send(fcgi.end(request.id))

    proxy, _ = app_stack(behave)
    assert proxy.get(X + "none", method="POST", body=b"x").status == 502
    assert "php: POST /x.php?t=none: the application ended the request without a response head" in proxy.log()


def test_a_head_over_its_limit(cgi):
    """The log names the reason, the limit and its key; the key is read again by a reload."""
    head = PAGE + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n"
    proxy = cgi(head + b"page")
    assert proxy.get(X + "big").status == 502
    assert "the response head is longer than 65536 bytes (buffers.response_head)" in proxy.log()
    proxy.config["buffers"]["response_head"] = "128k"
    proxy.reload(proxy.config)
    assert proxy.get(X + "big").body == b"page"


def test_interim_answers_are_left_out(cgi):
    proxy = cgi({"two": b"Status: 103 Early Hints\r\nLink: </a.css>\r\n\r\nStatus: 404 Not Here\r\n" + PAGE + b"\r\npage",
                 "bare": b"Status: 103\r\n\r\n<p>no head: at all</p>"})
    for headers in ((), [("Connection", "close")]):
        response = proxy.get(X + "two", headers)
        assert (response.status, response.reason, response.body) == (404, "Not Here", b"page"), response
        assert proxy.get(X + "bare", headers).body == b"<p>no head: at all</p>"


def test_fields_for_the_server_reach_no_client(cgi):
    others = b"X-Accel-Expires: 10\r\nX-Accel-Limit-Rate: 1\r\nX-Accel-Charset: utf-8\r\nX-Accel-Buffering: no\r\nx-accel-own: 1\r\n"
    proxy = cgi({"others": PAGE + others + b"\r\npage", "accel": PAGE + b"X-Accel-Redirect: /secret/a.pdf\r\n\r\nmine",
                 "sendfile": PAGE + b"x-sendfile: /srv/secret\x1b\xff\r\n\r\n",
                 "good": PAGE + b"X-Sendfile: /srv/sec\xe4ret\r\n\r\nmine"}, pool={"max_connections": 1})
    with proxy.client() as client:
        response = client.request("GET", X + "others")
        assert response.body == b"page" and not [n for n, _ in response.fields if n.lower().startswith("x-accel")], response
        for tag in ("accel", "good"):
            response = client.request("GET", X + tag)
            assert response.status == 502 and b"mine" not in response.body and "secret" not in str(response.fields), response
    assert "asks for a file by X-Accel-Redirect: /secret/a.pdf, which holdfast sends where `internal` of the site names its folder" in proxy.log()
    wait_until(lambda: "asks for a file by X-Sendfile: /srv/sec\\xe4ret" in proxy.log(), "the second complaint")
    assert {a["outcome"] for a in proxy.access() if a["status"] == 502} == {"upstream_send_file"}
    assert proxy.pool()["opened"] == 1, "the connection is kept"


def chatter(app_stack, pieces, **pool):
    """An application that says each of `pieces` (functions of the request) every 50 ms until the proxy hangs up."""
    def behave(connection):
        while request := connection.read_request():
            for first in pieces[:-1]:
                connection.send(first(request))
            connection.sock.settimeout(0.05)
            while True:
                try:
                    if connection.sock.recv(1) == b"":
                        return
                except TimeoutError:
                    connection.send(pieces[-1](request))

    return app_stack(behave, pool={"application": "generic", **pool})[0]


NOISE = {
    "stderr": lambda r: fcgi.record(fcgi.STDERR, r.id, b"PHP Notice: still here"),
    "empty_stderr": lambda r: fcgi.record(fcgi.STDERR, r.id, b""),
    "empty_stdout": lambda r: fcgi.record(fcgi.STDOUT, r.id, b""),
}


@pytest.mark.parametrize("noise", NOISE)
def test_noise_does_not_restart_first_byte(app_stack, noise):
    """timeouts.first_byte runs from the request to the head, whatever php says beside it."""
    proxy = chatter(app_stack, [NOISE[noise]], timeouts={"first_byte": "500ms"})
    assert proxy.get(X + "a").status == 504


def test_interim_heads_and_a_dripping_head_do_not_restart_first_byte(app_stack):
    for drip in (b"Status: 103\r\n\r\n", b"X"):
        proxy = chatter(app_stack, [lambda r, drip=drip: fcgi.record(fcgi.STDOUT, r.id, drip)],
                        timeouts={"first_byte": "500ms"})
        assert proxy.get(X + "a").status == 504


@pytest.mark.parametrize("noise", NOISE)
def test_noise_does_not_restart_idle_read(app_stack, noise):
    page = PAGE + b"Content-Length: 100\r\nX-Accel-Buffering: no\r\n\r\nbegun"
    proxy = chatter(app_stack, [lambda r: fcgi.record(fcgi.STDOUT, r.id, page), NOISE[noise]],
                    timeouts={"idle_read": "500ms"})
    assert read_cut(proxy, X + "a") == b"begun"
    assert proxy.wait_access(lambda a: a["outcome"] == "upstream_timeout")


def test_progress_restarts_idle_read(app_stack):
    """A page that comes in pieces may take far longer than the limit of one silence."""
    def behave(connection):
        while request := connection.read_request():
            connection.send(fcgi.record(fcgi.STDOUT, request.id, PAGE + b"Content-Length: 20\r\n\r\n"))
            for _ in range(20):
                connection.sock.settimeout(0.05)
                try:
                    connection.sock.recv(1)
                except TimeoutError:
                    connection.send(fcgi.record(fcgi.STDOUT, request.id, b"x"))
            connection.sock.settimeout(None)
            connection.send(fcgi.end(request.id))
            return

    proxy, _ = app_stack(behave, pool={"application": "generic", "timeouts": {"idle_read": "500ms", "first_byte": "500ms"}})
    assert proxy.get(X + "a").body == b"x" * 20


@pytest.mark.parametrize("rfc2616", [0, 1])
def test_php_itself(stack, rfc2616):
    """What php-fpm makes of these header() calls, with a Status field and with a status line of its own."""
    proxy, _ = stack(site={"params": {"PHP_VALUE": f"cgi.rfc2616_headers={rfc2616}"}})
    for query, status, body in (
            ("h[]=no-colon", 200, b"z"), ("h[]=A%28:%201", 200, b"z"), ("h[]=HTTP/1.1%20404:%20Not%20Found", 404, b"z"),
            ("h[]=HTTP/1.1%20404%20Gone%20fishing", 404, b"z"),
            ("h[]=Content-Length:%20abc", 200, b"z"), ("h[]=Content-Length:", 200, b"z"), ("status=650", 650, b"z"),
            ("h[]=X-A:%20%01", 200, b"z"), ("h[]=Content-Type:%20text/html%01", 200, b"z"), ("status=103&h[]=Link:%20x", 200, b"z"),
            ("status=103&h[]=Content-Type:&body=Set-Cookie:%20a%0A%0Az", 200, b"Set-Cookie: a\n\nz"), ("status=205", 205, b""),
            ("h[]=X-Accel-Redirect:%20/x", 502, None), ("h[]=X-Accel-Expires:%201", 200, b"z")):
        response = proxy.get(f"/respond.php?body=z&{query}")
        assert response.status == status and body in (None, response.body), (query, response)
        assert not [n for n, _ in response.fields if n.lower().startswith("x-accel")], response


def test_a_file_that_shrinks_while_it_is_sent_is_no_ok(cgi, base):
    """Its length was told: the client can tell that it is short, and so does the access log."""
    proxy = cgi(b"")
    path = base / "www" / "big.bin"
    path.write_bytes(b"f" * 40_000_000)
    with proxy.client(receive_buffer=65536) as client:
        client.send(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        path.write_bytes(b"f" * 1000)
        with pytest.raises(Truncated):
            client.read()
    assert proxy.wait_access(lambda a: a["target"] == "/big.bin" and a["outcome"] == "truncated")
