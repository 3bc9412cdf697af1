"""The FastCGI listener where something ends at an odd moment: a connection that is told to close in mid-record, what
comes late, bytes that nobody takes, a reload."""

import json
import os
import signal
from pathlib import Path

import pytest

from harness.fastcgi import GET_VALUES, PARAMS, STDIN, begin, pair, record
from harness.fastcgi_client import abort, head, params, request
from harness.wait import wait_until
from test_fastcgi_listener import faults


def moved(holdfast, transport="unix", **more):
    """The configuration with the listener at another address."""
    at = holdfast.config["listen"][0]["fastcgi"]
    block = {"fastcgi": at + "2" if transport == "unix" else "127.0.0.2:0", "pool": "php", **more}
    return {**holdfast.config, "listen": [block]}


def unread_answer(php, web, **more):
    """Of request 1: larger than the sockets hold."""
    web.send(request(php.www / "big.php", "mb=5&t=b", 1, **more))
    wait_until(lambda: php.seen("written-b"), "php to be rid of the large answer")


def cut_in_its_begin(php, web, other, keep):
    """While another runs; what is left of the request that is cut, which has been read."""
    web.send(request(php.www / "hold.php", "t=h&r=go", 1, keep=keep))
    wait_until(lambda: php.seen("started-h"), "the first to run")
    second = request(php.www / "count.php", "t=second", 3, method="POST", body=b"x")
    web.send(second[:8])
    assert other.ask(php.www / "echo.php", "t=o").body == b"o\n"  # so that is read
    return second[8:]


def test_a_request_cut_in_its_begin_never_runs_behind_the_last_one(listening):
    _, php, client = listening()
    web = client()
    rest = cut_in_its_begin(php, web, client(), keep=False)
    php.touch("go")
    assert web.read(1).body == b"h\n"
    web.send(rest)
    assert web.at_eof()
    assert client().ask(php.www / "echo.php", "t=o").body == b"o\n"
    assert php.runs() == ["h"]


def test_a_request_cut_in_its_begin_by_the_stop_is_answered(listening):
    holdfast, php, client = listening()
    web, other = client(), client()
    rest = cut_in_its_begin(php, web, other, keep=True)
    holdfast.process.signal(signal.SIGTERM)
    assert other.at_eof()
    web.send(rest)
    status = web.read(3).status
    assert status in (200, 503)  # 503 where the test is slower than the time for what was on its way
    php.touch("go")
    assert web.read(1).body == b"h\n" and web.at_eof()
    assert holdfast.process.wait(30) == 0
    assert sorted(php.runs()) == (["h", "second"] if status == 200 else ["h"])


def test_parameters_that_come_behind_their_408(listening):
    """While the answer of another request is not taken: the 408 must not wait behind it."""
    holdfast, php, client = listening(client={"timeouts": {"header": "200ms"}})
    web = client()
    unread_answer(php, web)
    web.send(begin(2) + record(PARAMS, 2, pair(b"A", b"b")))
    later = client()
    later.send(begin(1) + record(PARAMS, 1, pair(b"A", b"b")))
    assert later.read(1).status == 408  # and so has the other one
    web.send(record(PARAMS, 2, params(php.www / "count.php", "t=late")) + record(PARAMS, 2) + record(STDIN, 2))
    web.read(1, 2)
    assert len(web.answers[1].body) == 5 << 20 and web.answers[2].status == 408
    assert web.ask(php.www / "echo.php", "t=a", 3).body == b"a\n"
    assert php.runs() == [] and not faults(holdfast)


@pytest.mark.parametrize("begun", [False, True])
def test_a_body_that_was_not_told_of_may_come_slowly(listening, begun):
    """Apache, GET with a chunked body: php got an empty one, and the connection was closed for the rest."""
    holdfast, php, client = listening()
    web, other = client(), client()
    web.send(head(php.www / "upload.php", "t=a", length=None) + (record(STDIN, 1, b"x" * 100) if begun else b""))
    other.send(head(php.www / "count.php", "t=empty", length=0))
    assert other.read(1).body == b"empty 0\n"  # the end of STDIN is not waited for: that time is over for both
    web.send(record(STDIN, 1, b"y" * 100) + record(STDIN, 1))
    assert json.loads(web.read(1).body)["bytes"] == (200 if begun else 100)
    assert not faults(holdfast)


def test_without_a_length_the_end_of_stdin_is_waited_for_no_longer_than_a_body(listening):
    _, php, client = listening(client={"timeouts": {"body": "300ms"}})
    web = client()
    web.send(head(php.www / "count.php", "t=a", length=None))
    assert web.read(1).status == 408
    assert web.ask(php.www / "echo.php", "t=b", 2).body == b"b\n" and php.runs() == []


def test_bytes_behind_a_body_of_no_bytes_are_dropped(listening):
    """CONTENT_LENGTH is 0, the end of STDIN is late, and then STDIN comes: it costs the requests beside it nothing."""
    holdfast, php, client = listening()
    web = client()
    web.send(head(php.www / "hold.php", "t=h&r=go", 1, method="POST", length=0) + head(php.www / "count.php", "t=b", 2, length=9))
    wait_until(lambda: php.seen("started-h"), "the first to run")
    web.send(record(STDIN, 1, b"late") + record(STDIN, 1) + record(STDIN, 2, b"123456789") + record(STDIN, 2))
    assert web.read(2).body == b"b 9\n"
    php.touch("go")
    assert web.read(1).body == b"h\n" and not faults(holdfast)


def test_a_body_that_was_not_told_of_is_watched(listening):
    _, php, client = listening(client={"timeouts": {"body": "300ms"}}, listen={"max_body": "1k"})
    web = client()
    web.send(head(php.www / "count.php", "t=stalls", length=None) + record(STDIN, 1, b"x"))
    web.send(head(php.www / "count.php", "t=large", 2, length=None) + record(STDIN, 2, b"x" * 1025))
    web.read(1, 2)
    assert (web.answers[1].status, web.answers[2].status) == (408, 413) and php.runs() == []


@pytest.mark.parametrize("keep", [True, False])
def test_bytes_of_nobody_that_are_not_taken_end_the_connection(listening, keep):
    """Their request is aborted. Other records of the web server are no sign that it takes them."""
    holdfast, php, client = listening(client={"timeouts": {"write": "500ms"}})
    web = client()
    unread_answer(php, web, keep=keep)
    web.send(abort(1))

    def is_cut():
        try:
            web.send(record(GET_VALUES, 0))
        except OSError:
            return True
        return False

    wait_until(is_cut, "the connection to be cut")


@pytest.mark.parametrize("why", ["parameter", "late"])
def test_refused_before_its_method_is_known_it_gets_no_body(listening, why):
    """It may be a HEAD: HAProxy makes a 502 of a body then."""
    _, php, client = listening(client={"timeouts": {"header": "200ms"}})
    web = client()
    if why == "late":
        web.send(begin(1) + record(PARAMS, 1, pair(b"A", b"b")))
    else:
        web.send(head(php.www / "echo.php", method="HEAD", extra=[("BIG", "x" * 65536)]))
    answer = web.read(1)
    assert answer.status == (408 if why == "late" else 431)
    assert answer.field("Content-Length") == "0" and answer.body == b""


def test_a_pool_is_renamed_while_a_body_comes(listening):
    holdfast, php, client = listening()
    web = client()
    web.send(head(php.www / "count.php", "t=a", method="POST", length=5) + record(STDIN, 1, b"xx"))
    web.send(request(php.www / "echo.php", "t=o", 3))
    web.read(3)  # so the beginning of the first is read
    config = {**holdfast.config, "pools": {"new": holdfast.config["pools"]["php"]}}
    config["listen"] = [{**config["listen"][0], "pool": "new"}]
    holdfast.reload(config)
    web.send(record(STDIN, 1, b"yyy") + record(STDIN, 1))
    assert web.read(1).status == 200
    assert [line["pool"] for line in holdfast.wait_access(lambda line: "count" in line["target"])] == ["new"]


def stopped(holdfast):
    os.kill(holdfast.pid, signal.SIGSTOP)
    stat = Path(f"/proc/{holdfast.pid}/stat")
    wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", "the process to be stopped")


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("count", [1, 30])
def test_what_came_before_its_address_was_dropped_is_answered(listening, transport, kept, count):
    """In the backlog, or on a kept connection, and not read when the reload comes; more than one turn takes, too."""
    holdfast, php, client = listening(transport)
    holds = [client() for _ in range(3)] if kept else []
    for web in holds:
        assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"
    stopped(holdfast)
    webs = holds or [client() for _ in range(3)]
    ids = range(3, 3 + count)
    for web in webs:
        web.send(b"".join(request(php.www / "echo.php", "t=b", i) for i in ids))
    holdfast.write_config(moved(holdfast, transport))
    os.kill(holdfast.pid, signal.SIGHUP)
    os.kill(holdfast.pid, signal.SIGCONT)
    for web in webs:
        web.read(*ids)
        assert {web.answers[i].body for i in ids} == {b"b\n"}
        assert web.at_eof()


@pytest.mark.parametrize("how", ["idle", "beside another", "a burst", "connected", "backlog"])
def test_what_came_before_the_stop_is_answered(listening, transport, how):
    """Closed with its request unread, nginx says 502 to the client of a POST."""
    holdfast, php, client = listening(transport)
    if how == "backlog":
        stopped(holdfast)
    web = client()
    if how == "connected":
        wait_until(lambda: holdfast.status()["clients"]["connections"] == 1, "the connection to be accepted")
        holdfast.process.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in holdfast.log(), "the stop to begin")
    elif how != "backlog":
        assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"
    if how == "beside another":
        web.send(request(php.www / "hold.php", "t=h&r=go", 2))
        wait_until(lambda: php.seen("started-h"), "the first to run")
    if how not in ("connected", "backlog"):
        stopped(holdfast)
    ids = range(3, 33 if how == "a burst" else 4)
    web.send(b"".join(request(php.www / "count.php", f"t=c{i}", i, method="POST", body=b"x") for i in ids))
    if how != "connected":
        holdfast.process.signal(signal.SIGTERM)
        os.kill(holdfast.pid, signal.SIGCONT)
    web.read(*ids)
    assert [web.answers[i].body for i in ids] == [f"c{i} 1\n".encode() for i in ids]
    php.touch("go")
    assert how != "beside another" or web.read(2).body == b"h\n"
    assert web.at_eof()
    assert holdfast.process.wait(30) == 0


@pytest.mark.parametrize("how", ["stop", "reload"])
def test_a_connection_that_is_at_work_is_told_503_soon(listening, how):
    """HAProxy sends on, since FastCGI has no word for an end. Not read, its requests would wait for the one that runs."""
    holdfast, php, client = listening()
    web = client()
    web.send(request(php.www / "hold.php", "t=h&r=go", 1))
    wait_until(lambda: php.seen("started-h"), "the first to run")
    if how == "stop":
        holdfast.process.signal(signal.SIGTERM)
    else:
        holdfast.reload(moved(holdfast))
    ids = iter(range(2, 1 << 16))

    def is_told():
        answer = web.ask(php.www / "echo.php", "t=a", next(ids))
        assert answer.status in (200, 503)
        return answer.status == 503 and answer

    assert wait_until(is_told, "503").field("Retry-After")
    php.touch("go")
    assert web.read(1).body == b"h\n"
    assert web.at_eof()


def test_a_kept_connection_of_a_dropped_address_ends_soon(listening):
    holdfast, php, client = listening()
    web = client()
    assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"
    holdfast.reload(moved(holdfast))
    assert web.sock.recv(1) == b""
