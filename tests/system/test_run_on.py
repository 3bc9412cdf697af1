"""An answer that is whole for its client (its Content-Length bytes, or no body) while its script still runs."""

import pytest

from harness import fastcgi as fcgi
from harness.http_client import build_request
from harness.wait import wait_until

# Each says its piece and then works on until the test lets it. (flush() alone does not make php-fpm send a head.)
BODY = "header('Content-Length: 3'); echo 'abc'; flush();"
ANSWERS = {
    "length": (BODY, "GET", 200, b"abc"),
    "gzip": ("header('Content-Type: text/html'); header('Content-Length: 5000'); echo str_repeat('abcde', 1000); flush();",
             "GET", 200, None),
    "nothing": ("http_response_code(204); echo ' '; flush();", "GET", 204, b""),
    "redirect": ("header('Location: /else'); header('Content-Length: 0'); http_response_code(302); echo ' '; flush();", "GET", 302, b""),
    "unchanged": ("http_response_code(304); echo ' '; flush();", "GET", 304, b""),
    "head": (BODY, "HEAD", 200, b""),
    "too_much": ("header('Content-Length: 3'); echo 'abcdef'; flush();", "GET", 200, b"abc"),
}


@pytest.fixture
def run_on(stack):
    def start(what, transport="unix", pool=None, **config):
        proxy, fpm = stack(transport, pool={"max_connections": 2, **(pool or {})}, **config)
        (fpm.www / "on.php").write_text(
            "<?php require __DIR__ . '/wait.inc'; " + ANSWERS[what][0] + " note('answered-' . $_GET['t']); wait_for('go');"
            " echo 'stray'; flush(); error_log('said late'); note('ended-' . $_GET['t']);")
        return proxy, fpm

    return start


@pytest.mark.parametrize("what", ANSWERS)
def test_the_next_request_does_not_wait_for_the_script(run_on, transport, what):
    proxy, fpm = run_on(what, transport, **({"site": {"gzip": True}} if what == "gzip" else {}))
    _, method, status, body = ANSWERS[what]
    headers = [("Accept-Encoding", "gzip")] if what == "gzip" else []
    with proxy.client() as client:
        response = client.request(method, "/on.php?t=a", headers)
        assert response.status == status and (body is None or response.body == body), response
        assert client.request("GET", "/echo.php?t=next").body == b"next\n"
        assert client.request("POST", "/count.php?t=p", body=b"xy").body == b"p 2\n"
        # Its slot is counted, and it is not cut off.
        pool = proxy.pool()
        assert pool["leased"] == 1 and pool["opened"] == 2, pool
        assert not fpm.seen("ended-a")
        fpm.touch("go")
        wait_until(lambda: fpm.seen("ended-a"), "the script's end")
        wait_until(lambda: "said late" in proxy.log(), "what it said late in the log")
        assert client.request("GET", "/echo.php?t=last").body == b"last\n"
    assert "on.php?t=a" in [line for line in proxy.log().splitlines() if "said late" in line][0]
    proxy.wait_access(lambda line: "t=last" in line["target"])
    lines = [line for line in proxy.access() if "/on.php" in line["target"]]
    assert len(lines) == 1 and lines[0]["outcome"] == "ok" and lines[0]["status"] == status, lines
    pool = proxy.wait_quiet()
    assert sum(pool["closed"].values()) == 0, pool


def test_who_asks_for_the_end_gets_it_at_once(run_on):
    proxy, fpm = run_on("length")
    with proxy.client() as client:
        assert client.request("GET", "/on.php?t=a", [("Connection", "close")]).body == b"abc"
        assert client.at_eof() and not fpm.seen("ended-a")
    fpm.touch("go")
    proxy.wait_quiet()


def test_a_stop_waits_for_it(run_on):
    proxy, fpm = run_on("length")
    with proxy.client() as client:
        assert client.request("GET", "/on.php?t=a").body == b"abc"
    proxy.process.signal(15)
    wait_until(lambda: "stopping" in proxy.log(), "the stop to begin")
    assert proxy.process.running
    fpm.touch("go")
    assert proxy.process.wait() == 0
    assert fpm.seen("ended-a")


def test_the_grace_of_a_stop_is_its_limit(run_on):
    proxy, fpm = run_on("length", shutdown={"grace": "300ms"})
    with proxy.client() as client:
        assert client.request("GET", "/on.php?t=a").body == b"abc"
    assert proxy.stop() == 0
    assert not fpm.seen("ended-a")
    fpm.touch("go")


def test_its_death_is_no_matter_of_the_client(run_on):
    proxy, fpm = run_on("length")
    (fpm.www / "dies.php").write_text("<?php " + BODY + " posix_kill(getmypid(), 9);")
    with proxy.client() as client:
        for _ in range(5):
            assert client.request("GET", "/dies.php").body == b"abc"
            assert client.request("GET", "/echo.php?t=n").body == b"n\n"
    assert [line["outcome"] for line in proxy.access() if "dies" in line["target"]] == ["ok"] * 5


def test_answered_before_the_body_was_read(app_stack):
    """The application has not read the request's body: what it has not got yet outlives the client's next request."""
    body = b"b" * (8 << 20)
    done = []

    def behave(connection):
        while True:
            request = connection.read_head()
            if request is None:
                return
            if "early" in request.params["QUERY_STRING"]:
                head = b"Status: 200\r\nContent-Length: 5\r\n\r\nearly"
                connection.send(fcgi.stream(fcgi.STDOUT, request.id, head))
                wait_until(lambda: done, "the next request to be answered")
                connection.read_body(request)
                assert request.body == body
                connection.send(fcgi.end(request.id, 0))
            else:
                connection.read_body(request)
                connection.answer(request)
                done.append(True)

    proxy, app = app_stack(behave, pool={"max_connections": 2}, site={"max_body": "16m"})
    with proxy.client() as client:
        client.send(build_request("POST", "/x.php?t=early", body=body))
        assert client.read().body == b"early"
        assert client.request("GET", "/x.php?t=next").body == b"next\n"
    wait_until(lambda: len(app.requests) == 2 and app.requests[0].body, "the body")
    proxy.wait_quiet()
    assert not proxy.spool_files()


def test_connection_close_of_php_is_honoured(stack):
    proxy, _ = stack()
    with proxy.client() as client:
        response = client.request("GET", "/respond.php?h[]=Connection:%20close&body=abc")
        assert response.body == b"abc" and response.closes
        assert client.at_eof()
