"""An answer that is whole for its client, and an application that goes on giving bytes: its place is for others."""

import pytest

from harness import fastcgi as fcgi
from harness.fastcgi_client import request as web_request
from harness.http_client import build_request
from harness.wait import pause, wait_until

PLAIN = b"Content-Type: text/plain\r\n"
STREAM = b"Content-Type: text/event-stream\r\n"
# Query: method and answer; what follows goes on for ever.
ANSWERS = {
    "head": ("HEAD", PLAIN + b"\r\n"),
    "head_stream": ("HEAD", STREAM + b"\r\n"),
    "length": ("GET", PLAIN + b"Content-Length: 3\r\n\r\nabc"),
    "stream_length": ("GET", STREAM + b"Content-Length: 3\r\n\r\nabc"),
    "none": ("POST", b"Status: 204 No Content\r\n\r\n"),
    "redirect": ("GET", b"Status: 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
    "unchanged": ("GET", b"Status: 304 Not Modified\r\n\r\n"),
    "refused_file": ("GET", b"X-Sendfile: /x\r\n\r\n"),
    "site_page": ("GET", b"Status: 404 Not Found\r\n" + PLAIN + b"\r\n"),
    "site_page_stream": ("GET", b"Status: 404 Not Found\r\n" + STREAM + b"\r\n"),
}
STREAMS = [name for name in ANSWERS if "stream" in name]


def give_for_ever(connection):
    """Until it is hung up on; other requests get a page."""
    while request := connection.read_request():
        answer = ANSWERS.get(request.params["QUERY_STRING"])
        if answer is None:
            connection.answer(request)
            continue
        connection.send(fcgi.stream(fcgi.STDOUT, request.id, answer[1]))
        while True:
            connection.send(fcgi.record(fcgi.STDOUT, request.id, b"data: x\n\n"))
            pause(0.02)


def served_to_the_next(proxy, names):
    assert proxy.get("/x.php?t=next").body == b"next\n"
    pool = proxy.wait_pool(lambda p: p["leased"] == 0 and sum(p["closed"].values()) >= len(names), "their places to be free")
    streams = len([name for name in names if name in STREAMS])
    expected = {"client_abort": streams, "drain_limit": len(names) - streams}
    assert pool["closed"] == {reason: count for reason, count in expected.items() if count}, pool


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("only", [list(ANSWERS), STREAMS])
def test_http_clients(app_stack, base, stays, only):
    proxy, app = app_stack(give_for_ever, pool={"max_connections": len(only)},
                           site={"errors": {"from_php": True, 404: "/404.html"}})
    (base / "www" / "404.html").write_text("not here\n")
    clients = []
    for name in only:
        clients.append(proxy.client())
        method = ANSWERS[name][0]
        response = clients[-1].request(method, "/x.php?" + name, body=b"x" if method == "POST" else None)
        assert response.body == {"length": b"abc", "stream_length": b"abc", "site_page": b"not here\n",
                                 "site_page_stream": b"not here\n"}.get(name, response.body)
        if not stays:
            clients[-1].close()
    served_to_the_next(proxy, only)
    for client in clients if stays else []:
        assert client.request("GET", "/x.php?t=again").body == b"again\n"
    proxy.wait_access(lambda line: "t=next" in line["target"])
    assert {line["outcome"] for line in proxy.access() if "t=" not in line["target"]} <= {"ok", "upstream_send_file"}
    assert "upstream_" not in proxy.log()


@pytest.mark.parametrize("stays", [True, False])
def test_web_servers(listening, start_app, base, stays):
    script = base / "x.php"
    script.write_text("<?php\n")
    names = ["head", "head_stream", "length", "none", "unchanged"]
    holdfast, _, client = listening(php=start_app(give_for_ever), pool={"max_connections": len(names)})
    for name in names:
        web = client()
        web.send(web_request(script, name, 1, method=ANSWERS[name][0]))
        web.read(1)
        if not stays:
            web.sock.close()
    assert client().ask(script, "t=next").body == b"next\n"
    holdfast.wait_quiet()


def test_a_file_that_an_endless_answer_names(app_stack, base):
    """It is sent when the application has ended, or given enough."""
    def behave(connection):
        while request := connection.read_request():
            connection.send(fcgi.stream(fcgi.STDOUT, request.id, b"X-Accel-Redirect: /files/a.txt\r\n\r\n"))
            while True:
                connection.send(fcgi.record(fcgi.STDOUT, request.id, b"x"))
                pause(0.02)

    proxy, _ = app_stack(behave, site={"internal": {"/files/": str(base / "files")}})
    (base / "files").mkdir()
    (base / "files" / "a.txt").write_text("the file\n")
    assert proxy.get("/x.php").body == b"the file\n"


def test_much_at_once(app_stack):
    """More than is thrown away for the sake of a connection."""
    def behave(connection):
        while request := connection.read_request():
            if request.tag == "next":
                connection.answer(request)
                continue
            connection.send(fcgi.stream(fcgi.STDOUT, request.id, PLAIN + b"\r\n"))
            while True:
                connection.send(fcgi.record(fcgi.STDOUT, request.id, b"x" * 65000))

    proxy, _ = app_stack(behave, pool={"max_connections": 1})
    with proxy.client() as client:
        client.send(build_request("HEAD", "/x.php?t=much"))
        assert client.read("HEAD").status == 200
        assert client.request("GET", "/x.php?t=next").body == b"next\n"
    assert proxy.pool()["closed"] == {"drain_limit": 1}


def test_a_last_word_behind_longer_work(app_stack):
    """Bytes behind the answer, then work in silence, then a word: that is no giving without end."""
    words = []

    def behave(connection):
        while request := connection.read_request():
            connection.send(fcgi.stream(fcgi.STDOUT, request.id, PLAIN + b"Content-Length: 3\r\n\r\nabc and more"))
            wait_until(lambda: words, "the test's word")
            connection.send(fcgi.stream(fcgi.STDOUT, request.id, b"done\n") + fcgi.end(request.id, 0))

    proxy, _ = app_stack(behave)
    assert proxy.get("/x.php").body == b"abc"
    pause(1.2)  # the work
    words.append("done")
    pool = proxy.wait_quiet()
    assert not pool["closed"], pool
