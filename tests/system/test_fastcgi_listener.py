"""The FastCGI listener by an own client: what is passed on unchanged, interleaved requests, ends, refusals."""

import json
import random
import socket
import struct

import pytest

from harness import fastcgi
from harness.fastcgi import GET_VALUES, GET_VALUES_RESULT, PARAMS, STDIN, STDOUT, begin, pair, pairs, record
from harness.fastcgi_client import FastcgiClient, abort, head, request
from harness.wait import wait_until


def faults(holdfast):
    text = holdfast.admin("GET", "/metrics")[1].decode()
    return {line.split('"')[1]: int(line.rsplit(" ", 1)[1]) for line in text.splitlines()
            if line.startswith("holdfast_fastcgi_faults_total{") and not line.endswith(" 0")}


def test_parameters_reach_php_as_they_came(listening, transport):
    holdfast, php, client = listening(transport)
    extra = [("HTTP_X_TWICE", "1"), ("HTTP_X_TWICE", "2"), ("lower_case", "x"), ("EMPTY", ""), ("HTTP_PROXY", "evil"),
             ("LONG", "v" * 60000), ("HTTP_X_BYTES", "\xe4\xff")]
    script = php.www / "params.php"
    through = json.loads(client().ask(script, "a=b", extra=extra).body)["server"]
    want = [e for e in extra if e[0] != "HTTP_PROXY"]
    with FastcgiClient(php.address) as direct:
        straight = json.loads(direct.ask(script, "a=b", extra=want).body)["server"]
    for name in ("REQUEST_TIME", "REQUEST_TIME_FLOAT"):
        through.pop(name), straight.pop(name)
    assert through == straight
    line = holdfast.wait_access(lambda line: True)[0]
    assert line["listener"] == holdfast.config["listen"][0]["fastcgi"] and line["script"] == str(script)
    assert (line["client"], line["target"], line["host"], line["pool"]) == (
        "192.0.2.7", "/params.php?a=b", "front.example", "php")


def test_head_is_passed_on_byte_for_byte(listening):
    _, php, client = listening()
    query = "status=404&h[]=X-Accel-Redirect:%20/files/x&h[]=X-Sendfile:%20/y&h[]=Set-Cookie:%20a%3D1&body=b"
    web = client()
    with FastcgiClient(php.address) as direct:
        straight = direct.ask(php.www / "respond.php", query)
    assert web.ask(php.www / "respond.php", query).out == straight.out
    assert b"X-Accel-Redirect: /files/x" in straight.head and b"X-Sendfile" in straight.head


@pytest.mark.parametrize("length", [None, "-1", "3", "0", "99999", "+5"])
def test_stdin_decides_the_length(listening, length):
    """Apache leaves CONTENT_LENGTH out of a chunked upload, Caddy 2.6 says -1."""
    _, php, client = listening()
    answer = client().ask(php.www / "upload.php", body=b"x" * 70000, length=length, method="POST")
    seen = json.loads(answer.body)
    assert (seen["bytes"], seen["length"]) == (70000, "70000")


def test_without_keep_conn_the_connection_is_closed_behind_the_end(listening, transport):
    _, php, client = listening(transport)
    web = client()
    answer = web.ask(php.www / "echo.php", "t=a", keep=False)
    assert answer.body == b"a\n" and (answer.app_status, answer.protocol_status) == (0, 0)
    assert [kind for kind, content in answer.records if not content] == [STDOUT]  # one empty one, before the end
    assert web.at_eof()


def test_interleaved_requests(listening, transport):
    """200 at once on one connection, records and bodies interleaved, some aborted: each answer is its own."""
    holdfast, php, client = listening(transport)
    web = client()
    chance = random.Random(7)
    left = {}
    for i in range(1, 201):
        body = bytes([i % 251]) * chance.choice([0, 1, 700, 9000])
        data = head(php.www / "echo.php", f"t=r{i}&n={i * 37}", i, method="POST", length=len(body))
        left[i] = [data[at:at + 300] for at in range(0, len(data), 300)] if False else [data]
        left[i] += [record(STDIN, i, body[at:at + 500], chance.randrange(8)) for at in range(0, len(body), 500)]
        left[i].append(record(STDIN, i))
    aborted = set(chance.sample(range(1, 201), 20))
    waiting = dict(left)
    while waiting:
        i = chance.choice(list(waiting))
        if i in aborted and len(waiting[i]) == 1:
            web.send(abort(i))
            del waiting[i]
            continue
        web.send(waiting[i].pop(0))
        if not waiting[i]:
            del waiting[i]
    web.read(*left)
    for i in set(left) - aborted:
        answer = web.answers[i]
        want = (f"r{i}\n" * 7400)[:i * 37].encode()
        assert answer.body == want and answer.app_status == 0, (i, answer.out[:200])
    assert web.ask(php.www / "echo.php", "t=last").body == b"last\n"
    assert not faults(holdfast)


def test_get_values_is_answered_at_once(listening):
    _, php, client = listening()
    web = client()
    names = pair(b"FCGI_MPXS_CONNS", b"") + pair(b"FCGI_MAX_REQS", b"") + pair(b"OTHER", b"")
    web.send(record(GET_VALUES, 0, names))
    kind, request_id, content, _ = fastcgi.read_record(web.sock)
    assert (kind, request_id) == (GET_VALUES_RESULT, 0)
    assert pairs(content)["FCGI_MPXS_CONNS"] == "0" and set(pairs(content)) == {"FCGI_MPXS_CONNS", "FCGI_MAX_REQS"}
    assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"


def test_half_close_is_answered(listening, transport):
    _, php, client = listening(transport)
    web = client()
    web.send(request(php.www / "echo.php", "t=a"))
    web.sock.shutdown(socket.SHUT_WR)
    assert web.read(1).body == b"a\n"
    assert web.at_eof()


def test_stderr_comes_only_with_stdout(listening):
    """HAProxy 2.6.12 crashes on STDERR alone; in the log only where it is asked for."""
    holdfast, php, client = listening()
    answer = client().ask(php.www / "stderr.php", "t=a&n=3")
    kinds = [kind for kind, _ in answer.records]
    assert answer.body == b"a\n" and answer.err.count(b"noise-") == 3
    assert kinds[0] == STDOUT and b"noise-0" not in holdfast.log().encode()


def test_stderr_is_logged_by_key(listening):
    holdfast, php, client = listening(listen={"log_stderr": True})
    answer = client().ask(php.www / "stderr.php", "t=a&n=1")
    assert answer.err.count(b"noise-") == 1
    wait_until(lambda: "noise-0" in holdfast.log(), "the line of php in the log")


def test_a_body_above_the_limit_is_refused_by_a_status(listening):
    _, php, client = listening(listen={"max_body": "10k"})
    web = client()
    answer = web.ask(php.www / "count.php", "t=big", body=b"x" * 20000, method="POST")
    assert (answer.status, answer.protocol_status) == (413, 0)
    assert web.ask(php.www / "count.php", "t=big", body=b"x" * 20000, length=None, method="POST").status == 413
    assert web.ask(php.www / "count.php", "t=small", body=b"x" * 10240, method="POST").status == 200
    assert php.runs() == ["small"]


def test_a_full_queue_says_when_to_come_again(listening):
    _, php, client = listening(pool={"max_connections": 1, "queue": {"size": 0, "timeout": "10s"}})
    first, second = client(), client()
    first.send(request(php.www / "hold.php", "t=h&r=go"))
    wait_until(lambda: php.seen("started-h"), "the first script to run")
    answer = second.ask(php.www / "echo.php", "t=a")
    assert (answer.status, answer.field("Retry-After"), answer.protocol_status) == (503, "1", 0)
    php.touch("go")
    assert first.read(1).body == b"h\n"


@pytest.mark.parametrize("how", ["close", "abort", "reset"])
def test_who_leaves_the_queue_never_runs(listening, transport, how):
    holdfast, php, client = listening(transport, pool={"max_connections": 1})
    first, second = client(), client()
    first.send(request(php.www / "hold.php", "t=h&r=go"))
    wait_until(lambda: php.seen("started-h"), "the first script to run")
    second.send(request(php.www / "count.php", "t=gone", method="POST", body=b"x"))
    holdfast.wait_pool(lambda p: p["waiting"] == 1, "a request in the queue")
    if how == "abort":
        second.send(abort(1))
        assert second.read(1).protocol_status == 0
    else:
        if how == "reset":
            second.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        second.sock.close()
    holdfast.wait_pool(lambda p: p["waiting"] == 0, "an empty queue")
    php.touch("go")
    assert first.read(1).body == b"h\n"
    assert client().ask(php.www / "count.php", "t=last").status == 200
    assert php.runs() == ["h", "last"]
    assert [line["status"] for line in holdfast.wait_access(lambda line: "gone" in line["target"])] == [499]


def test_who_does_not_read_is_cut_alone(listening, transport):
    """A large answer that is not taken is given up; small ones on the same connection arrive whole."""
    holdfast, php, client = listening(transport, client={"timeouts": {"write": "1s"}})
    web = client()
    web.send(request(php.www / "big.php", "mb=30&t=b", 1))
    wait_until(lambda: php.seen("written-b"), "php to be rid of the large answer")
    for i in range(2, 12):
        web.send(request(php.www / "echo.php", f"t=s{i}&n=3000", i))
    cut = holdfast.wait_access(lambda line: "big.php" in line["target"])
    assert [line["outcome"] for line in cut] == ["client_stalled"]
    web.read(*range(1, 12))
    assert web.answers[1].app_status == 1 and len(web.answers[1].body) < 30 << 20
    for i in range(2, 12):
        assert web.answers[i].body == (f"s{i}\n" * 1000)[:3000].encode() and web.answers[i].app_status == 0


def test_a_web_server_that_reads_nothing_is_given_up(listening, transport):
    holdfast, php, client = listening(transport, client={"timeouts": {"write": "500ms"}})
    web = client()
    for i in range(1, 4):
        web.send(request(php.www / "big.php", f"mb=20&t=b{i}", i))
    lines = wait_until(lambda: len(holdfast.access()) == 3 and holdfast.access(), "three to be given up")
    assert {line["outcome"] for line in lines} == {"client_stalled"}
    with pytest.raises((ConnectionError, ValueError)):
        web.read(1, 2, 3)


def test_limits_of_parameters(listening):
    holdfast, php, client = listening()
    web = client()
    answer = web.ask(php.www / "echo.php", "t=a", extra=[("BIG", "x" * 65536)])
    assert (answer.status, answer.protocol_status) == (431, 0)
    assert (f"client on a Unix socket, a web server at {holdfast.addresses[0]}: refused, 431: "
            "a FastCGI parameter is larger than php-fpm takes\n") in holdfast.log()
    answer = web.ask(php.www / "echo.php", "t=a", extra=[(f"P{i}", "x" * 60000) for i in range(300)])
    assert answer.status == 431
    assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"
    web.send(begin(2, role=2))
    web.read(2)
    assert web.answers[2].protocol_status == 3  # FCGI_UNKNOWN_ROLE
    assert web.ask(php.www / "echo.php", "t=b").body == b"b\n"


def test_rules_choose_the_pool(listening, start_fpm, base):
    other = start_fpm("unix").start()
    block = {"when": [{"SCRIPT_FILENAME": f"{other.www}/**", "pool": "old"}]}
    holdfast, php, client = listening(listen=block, pools={"old": {"address": other.address, "max_connections": 2}})
    web = client()
    assert web.ask(php.www / "echo.php", "t=new").body == b"new\n"
    assert web.ask(other.www / "echo.php", "t=old").body == b"old\n"
    assert web.ask(f"proxy:fcgi://localhost{other.www}/echo.php", "t=apache").body == b"apache\n"
    wait_until(lambda: len(holdfast.access()) == 3, "three lines")
    assert [line["pool"] for line in holdfast.access()] == ["php", "old", "old"]


def test_only_who_is_allowed_may_speak(start_listening):
    holdfast, php, address = start_listening("tcp", listen={"allow": ["10.9.8.0/24"]})
    with FastcgiClient(address) as stranger:
        assert stranger.at_eof()
    assert "127.0.0.1 may not speak FastCGI" in holdfast.log()
    config = dict(holdfast.config)
    config["listen"] = [{**config["listen"][0], "allow": ["127.0.0.1"]}]
    holdfast.reload(config)
    with FastcgiClient(address) as known:
        assert known.ask(php.www / "echo.php", "t=a").body == b"a\n"


def test_socket_has_its_mode(listening, base):
    import os
    import stat
    _, _, _ = listening(listen={"mode": "0600"})
    assert stat.S_IMODE(os.stat(base / "front.sock").st_mode) == 0o600


def test_reload_takes_a_listener_away(listening):
    holdfast, php, client = listening()
    web = client()
    web.send(request(php.www / "hold.php", "t=h&r=go"))
    wait_until(lambda: php.seen("started-h"), "the script to run")
    config = dict(holdfast.config)
    config["listen"] = [{"fastcgi": config["listen"][0]["fastcgi"] + "2", "pool": "php"}]
    holdfast.reload(config)
    php.touch("go")
    assert web.read(1).body == b"h\n"
    assert web.at_eof()


def test_stopping_answers_what_runs(listening):
    holdfast, php, client = listening()
    web, idle = client(), client()
    assert idle.ask(php.www / "echo.php", "t=a").body == b"a\n"
    web.send(request(php.www / "hold.php", "t=h&r=go"))
    wait_until(lambda: php.seen("started-h"), "the script to run")
    holdfast.process.signal(15)
    assert idle.at_eof()
    php.touch("go")
    assert web.read(1).body == b"h\n"
    assert holdfast.process.wait(30) == 0


def test_at_the_end_of_grace_a_request_gets_a_byte(listening):
    """Apache and HAProxy send a POST again whose connection is closed without one. Not 503: it runs."""
    holdfast, php, client = listening(shutdown={"grace": "1s"})
    web = client()
    web.send(request(php.www / "hold.php", "t=h&r=never", method="POST", body=b"x"))
    wait_until(lambda: php.seen("started-h"), "the script to run")
    holdfast.process.signal(15)
    assert web.read(1).status == 500
    holdfast.process.wait(30)
    php.touch("never")


def test_posts_run_once_while_workers_come_and_go(listening, transport):
    holdfast, php, client = listening(transport, fpm={"max_requests": 20, "max_children": 5})
    webs = [client() for _ in range(8)]
    tags = []
    for turn in range(40):
        for n, web in enumerate(webs):
            web.answers.clear()
            tags.append(f"p{turn}-{n}")
            web.send(request(php.www / "count.php", f"t={tags[-1]}", method="POST", body=b"x"))
        for n, web in enumerate(webs):
            assert web.read(1).body == f"p{turn}-{n} 1\n".encode()
    assert sorted(php.runs()) == sorted(tags)


def test_the_end_of_stdin_may_be_missing_where_there_is_no_body(listening):
    """HAProxy leaves it out behind an HTTP/2 POST without a body (its issue 2499)."""
    _, php, client = listening()
    web = client()
    web.send(head(php.www / "count.php", "t=a", method="POST", length=0))
    assert web.read(1).body == b"a 0\n"
    assert web.ask(php.www / "count.php", "t=b", method="POST", body=b"xy").body == b"b 2\n"


def test_parameters_that_do_not_come_are_not_waited_for(listening):
    holdfast, php, client = listening(client={"timeouts": {"header": "300ms"}})
    web = client()
    web.send(begin(1) + record(PARAMS, 1, pair(b"A", b"b")))
    assert web.read(1).status == 408
    assert web.ask(php.www / "echo.php", "t=a").body == b"a\n"


def test_a_body_that_does_not_come_is_not_waited_for(listening):
    _, php, client = listening(client={"timeouts": {"body": "300ms"}})
    web = client()
    web.send(head(php.www / "count.php", "t=a", method="POST", length=5) + record(STDIN, 1, b"xx"))
    assert web.read(1).status == 408
    assert web.ask(php.www / "echo.php", "t=a").body == b"a\n" and php.runs() == []


def test_a_script_that_fails_is_told(listening):
    """php's own status goes on; without a head of php's the answer is a Status too, and never END_REQUEST alone."""
    _, php, client = listening()
    web = client()
    assert web.ask(php.www / "missing.php").status == 404
    answer = web.ask(php.www / "kill.php", "t=a", method="POST", body=b"x")
    assert answer.status in (502, 504) and answer.protocol_status == 0


def test_application_status_is_passed_on(listening, start_app):
    app = start_app(lambda connection: app_answers(connection))
    web = listening(php=app)[2]()
    answer = web.ask("/x.php", "t=a")
    assert answer.app_status == 7


def app_answers(connection):
    while True:
        connection_request = connection.read_request()
        if connection_request is None:
            return
        connection.answer(connection_request, app_status=7)


def test_many_connections_of_one_address_are_no_flood(listening):
    """client.max_per_address is about clients: a web server's connections are those of all of them."""
    _, php, client = listening("tcp", client={"max_per_address": 2})
    webs = [client() for _ in range(10)]
    for n, web in enumerate(webs):
        assert web.ask(php.www / "echo.php", f"t={n}").body == f"{n}\n".encode()
