"""What no web server sends: the connection is closed with its reason, and nothing is lost for others, those on the same
connection whose requests are whole included. And what is odd, but lawful: served.
"""

import socket


from harness import fastcgi
from harness.fastcgi import (ABORT, BEGIN, END, GET_VALUES, GET_VALUES_RESULT, PARAMS, STDERR, STDIN, STDOUT, begin, pair,
                             record, stream)
from harness.fastcgi_client import abort, head, params, request
from harness.wait import wait_until
from test_fastcgi_listener import faults

DATA, UNKNOWN_TYPE = 8, 11
SCRIPT = "/srv/x.php"
GOOD = request(SCRIPT, "t=bad")
IN_STDIN = head(SCRIPT, "t=bad", method="POST", length=5)
BODY_CUT = IN_STDIN + record(STDIN, 1, b"xx")
# The fault that is counted and logged, and what brings it. Behind those of "eof" the web server shuts its side.
BAD = {
    "version 0": ("bad_version", b"\0" + GOOD[1:]),
    "version 2": ("bad_version", b"\2" + GOOD[1:]),
    "version 2 in the midst": ("bad_version", BODY_CUT + b"\2" + record(STDIN, 1, b"xxx")[1:]),
    "HTTP": ("bad_version", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "TLS": ("bad_version", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(500)),
    "BEGIN with id 0": ("null_request_id", begin(0)),
    "PARAMS with id 0": ("null_request_id", record(PARAMS, 0)),
    "STDIN with id 0": ("null_request_id", record(STDIN, 0, b"x")),
    "ABORT with id 0": ("null_request_id", record(ABORT, 0)),
    "STDOUT": ("wrong_direction", record(STDOUT, 1, b"x")),
    "STDERR of an open one": ("wrong_direction", begin(1) + record(STDERR, 1, b"x")),
    "END_REQUEST": ("wrong_direction", begin(1) + fastcgi.end(1)),
    "GET_VALUES_RESULT": ("wrong_direction", record(GET_VALUES_RESULT, 0)),
    "UNKNOWN_TYPE": ("wrong_direction", record(UNKNOWN_TYPE, 0, bytes(8))),
    "BEGIN of 3 bytes": ("begin_length", record(BEGIN, 1, b"\0\1\0")),
    "BEGIN of 65535 bytes": ("begin_length", record(BEGIN, 1, bytes(65535), 255)),
    "BEGIN again in PARAMS": ("begin_again", begin(1) + begin(1)),
    "BEGIN again in STDIN": ("begin_again", BODY_CUT + begin(1)),
    "ABORT with content": ("abort_with_content", begin(1) + record(ABORT, 1, b"x")),
    "PARAMS behind their end": ("params_after_end", IN_STDIN + record(PARAMS, 1, pair(b"A", b"b"))),
    "PARAMS that end in a pair": ("params_cut", begin(1) + record(PARAMS, 1, pair(b"NAME", b"value")[:-1]) + record(PARAMS, 1)),
    "PARAMS that end in a length": ("params_cut", begin(1) + record(PARAMS, 1, b"\x80\0") + record(PARAMS, 1)),
    "STDIN before the end of PARAMS": ("stdin_before_params", begin(1) + record(STDIN, 1, b"x")),
    "STDIN behind its end": ("stdin_after_end", record(STDIN, 9, b"x")),  # of the one that runs
    "DATA": ("data_for_responder", begin(1) + record(DATA, 1, b"x")),
    "empty DATA": ("data_for_responder", IN_STDIN + record(DATA, 1)),
    "GET_VALUES of half a pair": ("malformed_values", record(GET_VALUES, 0, b"\x7f\x7fx")),
    "eof in a header": ("eof_in_record", GOOD[:5]),
    "eof in content": ("eof_in_record", GOOD[:20]),
    "eof in padding": ("eof_in_record", record(STDIN, 7, b"x", 9)[:-1]),
    "eof behind BEGIN": ("eof_in_request", begin(1)),
    "eof behind PARAMS": ("eof_in_request", begin(1) + record(PARAMS, 1, params(SCRIPT))),
    "eof before STDIN": ("eof_in_request", IN_STDIN),
    "eof in STDIN": ("eof_in_request", BODY_CUT),
}


def until_eof(web):
    while not web.at_eof():
        pass


def test_bad_input_costs_nobody_else(listening):
    holdfast, php, client = listening(pool={"max_connections": 2})
    assert len(BAD) >= 20
    good = client()
    counted = dict.fromkeys((fault for fault, _ in BAD.values()), 0)
    for n, (kind, (fault, data)) in enumerate(BAD.items()):
        print(kind)
        bad = client()
        bad.send(request(php.www / "hold.php", f"t=h{n}&r=go{n}", 9))
        wait_until(lambda: php.seen(f"started-h{n}"), "the one beside it to run")
        bad.send(data)
        if kind.startswith("eof"):
            bad.sock.shutdown(socket.SHUT_WR)
        counted[fault] += 1
        want = {name: count for name, count in counted.items() if count}
        wait_until(lambda: faults(holdfast) == want, "its fault to be counted, and no other")
        assert good.ask(php.www / "echo.php", "t=good").body == b"good\n"
        php.touch(f"go{n}")
        assert bad.read(9).body == f"h{n}\n".encode()
        until_eof(bad)
        bad.sock.close()
        wait_until(lambda: holdfast.status()["clients"]["connections"] == 1, "its end")
        if n == 0:  # those that follow soon are counted only
            assert f"({fault})" in holdfast.log()
        assert good.ask(php.www / "echo.php", "t=good").body == b"good\n"
    assert php.runs() == [f"h{n}" for n in range(len(BAD))]


def whole(php, request_id=1, **more):
    return request(php.www / "count.php", "t=odd", request_id, method="POST", body=b"body", **more)


def in_records_of_one_byte(php):
    data = params(php.www / "count.php", "t=odd", method="POST", length=4)
    return (begin(1) + b"".join(record(PARAMS, 1, data[i:i + 1], i % 256) for i in range(len(data))) + record(PARAMS, 1, b"", 255)
            + b"".join(record(STDIN, 1, b"body"[i:i + 1], 255) for i in range(4)) + record(STDIN, 1, b"", 1))


def parameters(php, size):
    """A pair as large as php-fpm takes, in records as large as they may be."""
    data = params(php.www / "count.php", "t=odd", method="POST", length=4, extra=[("LONG", "v" * size)])
    return begin(1) + stream(PARAMS, 1, data, 65535) + record(PARAMS, 1) + record(STDIN, 1, b"body") + record(STDIN, 1)


ODD = {
    "padding of 255": lambda php: in_records_of_one_byte(php),
    "the largest records": lambda php: parameters(php, 65000),
    "id 65535": lambda php: whole(php, 65535),
    "reserved bits of the flags": lambda php: begin(1, flags=0xff) + whole(php)[16:],
    "records of no open request": lambda php: (record(PARAMS, 7, b"\xff\xff") + record(STDIN, 7, b"x") + record(STDIN, 7)
                                               + record(PARAMS, 7) + abort(7) + record(DATA, 7, b"x") + whole(php)),
    "roles of which there is none": lambda php: b"".join(
        begin(i, role=i) + record(PARAMS, i) + record(STDIN, i) + record(DATA, i) for i in (2, 3, 4)) + whole(php),
    "types that have no name": lambda php: record(99, 0, b"x" * 65535, 255) + record(0, 0) + record(255, 9, b"x") + whole(php),
    "GET_VALUES beside it": lambda php: whole(php)[:60] + whole(php)[60:] + record(GET_VALUES, 0) + record(GET_VALUES, 3),
    "empty STDIN again": lambda php: whole(php) + record(STDIN, 1),
    "ABORT in BEGIN": lambda php: begin(2) + abort(2) + whole(php),
    "ABORT in PARAMS": lambda php: begin(2) + record(PARAMS, 2, b"\4") + abort(2) + record(PARAMS, 2) + whole(php, 2),
    "ABORT in STDIN": lambda php: IN_STDIN + record(STDIN, 1, b"x") + abort(1) + record(STDIN, 1, b"x") + whole(php),
    "ABORT of a whole one": lambda php: request(php.www / "hold.php", "t=h&r=never", 2) + abort(2) + whole(php),
    "ABORT again": lambda php: begin(2) + abort(2) + abort(2) + whole(php),
}


def test_odd_input_is_served(listening):
    holdfast, php, client = listening()
    for n, (kind, make) in enumerate(ODD.items()):
        print(kind)
        web = client()
        web.send(make(php))

        def is_served():
            web.read_one()
            return [a for a in web.answers.values() if a.body == b"odd 4\n" and a.records[-1][0] == END]

        assert wait_until(is_served, "its answer")[0].app_status == 0
        assert web.ask(php.www / "echo.php", "t=next", 77).body == b"next\n"
        assert php.runs().count("odd") == n + 1
        web.sock.close()
    assert not faults(holdfast)


def test_ids_used_again_while_the_last_use_of_them_is_still_read(listening):
    """Answered early, 413, while the rest of its body is on its way; the id is free from the answer's end on."""
    holdfast, php, client = listening(listen={"max_body": "1k"})
    web = client()
    for turn in range(20):
        web.answers.clear()
        web.send(head(php.www / "count.php", "t=large", 1, method="POST", length=5000) + record(STDIN, 1, b"x" * 2000))
        assert web.read(1).status == 413
        web.answers.clear()
        web.send(record(STDIN, 1, b"x" * 3000) + (record(STDIN, 1) if turn % 2 else b""))
        assert web.ask(php.www / "count.php", f"t=c{turn}", 1, method="POST", body=b"x").body == f"c{turn} 1\n".encode()
    assert not faults(holdfast)
