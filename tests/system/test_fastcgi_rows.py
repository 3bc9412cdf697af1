"""What a responder may do, and what the client of each web server sees of it through Holdfast.

Directly these five crash (HAProxy), hang, show nothing, or half a page as a whole one, for a good part of the rows.
Those that need no scripted application are elsewhere:

  flags 0 and a responder that stays open    test_fastcgi_listener.py, without_keep_conn; test_fastcgi_front.py, pages
  the next BEGIN before END, many at once    below, multiplexing; test_fastcgi_listener.py, interleaved
  GET_VALUES: MPXS_CONNS 0 and 1             below, multiplexing
  clients that leave                         below; test_fastcgi_front.py, clients_that_left_at_nginx
  redirects, 404, no content, X-Accel        test_fastcgi_front.py, answers_of_all_kinds, x_accel_redirect
  a connection that ends without a byte,     test_fastcgi_front.py, posts_run_once; test_fastcgi_load.py
  restarts, two addresses
"""

import pytest

from harness import fastcgi as fcgi
from harness.fronts import KINDS
from harness.http_client import Client, ProtocolError, Truncated
from harness.sockets import free_port
from harness.wait import PATIENCE, wait_until

PLAIN = b"Content-Type: text/plain\r\n"
CHUNKED = b"4\r\npage\r\n0\r\n\r\n"


def out(r, data):
    return fcgi.stream(fcgi.STDOUT, r.id, data)


def err(r, data):
    return fcgi.stream(fcgi.STDERR, r.id, data)


def done(r, app_status=0):
    return fcgi.record(fcgi.STDOUT, r.id) + fcgi.end(r.id, app_status)


def page(r, body=b"page", fields=b""):
    return out(r, PLAIN + fields + b"\r\n" + body) + done(r)


def apart(c, *pieces):
    """Each is read before the next is sent."""
    for piece in pieces:
        c.send_cut(piece, [])


def byte_by_byte(c, data):
    c.send_cut(data, range(1, len(data)))


ROWS = {}


def row(want, **request):
    """`want`: what the client sees: (status, body), a status, "cut"; where a web server differs, by its name, "" are all
    others. `request`: other than a GET."""
    def add(behave):
        ROWS[behave.__name__] = (behave, want if isinstance(want, dict) else {"": want}, request)
        return behave
    return add


@row((503, b"later"))
def status_503(c, r):
    c.send(out(r, b"Status: 503 Service Unavailable\r\nRetry-After: 7\r\n" + PLAIN + b"\r\nlater") + done(r))


@row(502)
def end_alone(c, r):
    c.send(fcgi.end(r.id))


@row((200, b"page"))
def app_status_1(c, r):
    c.send(out(r, PLAIN + b"\r\npage") + done(r, 1))


@row((200, b"page"))
def stderr_alone_before_the_head(c, r):
    apart(c, err(r, b"noise"), page(r))


@row((200, b"half and half"))
def stderr_alone_in_the_body(c, r):
    apart(c, out(r, PLAIN + b"\r\nhalf"), err(r, b"noise"), out(r, b" and half"), done(r))


@row((200, b"page"))
def stderr_of_40_kb(c, r):
    apart(c, err(r, b"n" * 40960), page(r))


@row((200, b"page"))
def stderr_with_stdout(c, r):
    c.send(err(r, b"noise") + page(r))


@row((200, b"12345"))
def length_and_close_without_end(c, r):
    c.send(out(r, PLAIN + b"Content-Length: 5\r\n\r\n12345"))
    return "close"


# Caddy 2.6 and lighttpd make a whole answer of anything that has no length.
@row({"": "cut", "caddy": (200, b"12345"), "lighttpd": (200, b"12345")})
def no_length_and_close_without_end(c, r):
    c.send(out(r, PLAIN + b"\r\n12345"))
    return "close"


@row(502)
def half_a_head(c, r):
    c.send(out(r, PLAIN))
    return "close"


@row(502)
def close_without_a_byte(c, r):
    return "close"


@row("cut")
def less_than_its_length(c, r):
    c.send(page(r, b"12345", b"Content-Length: 10\r\n"))


@row((200, b"page"))
def padding_255(c, r):
    c.send(fcgi.record(fcgi.STDOUT, r.id, PLAIN + b"\r\n", 255) + fcgi.record(fcgi.STDOUT, r.id, b"page", 255)
           + fcgi.record(fcgi.STDOUT, r.id, b"", 255) + fcgi.end(r.id))


@row((200, b"page"))
def no_empty_stdout(c, r):
    c.send(out(r, PLAIN + b"\r\npage") + fcgi.end(r.id))


@row((200, b"page"))
def one_byte_at_a_time(c, r):
    byte_by_byte(c, page(r))


# Php-fpm does neither, and what follows belongs to the answer; as it stood, HAProxy would lose it.
@row((200, b"page"))
def empty_stdout_first(c, r):
    c.send(fcgi.record(fcgi.STDOUT, r.id) + page(r))


@row((200, b"half and half"))
def empty_stdout_in_the_body(c, r):
    c.send(out(r, PLAIN + b"\r\nhalf") + fcgi.record(fcgi.STDOUT, r.id) + out(r, b" and half") + done(r))


@row(502)
def unknown_id(c, r):
    r.id ^= 0x100
    c.send(page(r))
    return "close"


@row((200, b"page"))
def unknown_type_unasked(c, r):
    c.send(fcgi.record(11, 0, bytes(8)) + page(r))


# Heads are passed on as they are: what a web server has no room for it refuses, as it does directly.
@row({"": (200, b"page"), "nginx": 502})
def head_of_7_kb(c, r):
    c.send(page(r, fields=b"X-Long: " + b"x" * 7000 + b"\r\n"))


@row({"": (200, b"page"), "nginx": 502, "haproxy": 502})
def head_of_40_kb(c, r):
    c.send(page(r, fields=b"".join(b"X-%d: " % i + b"x" * 4000 + b"\r\n" for i in range(10))))


@row({"": (200, b"page"), "nginx": 502, "apache": 500})
def head_line_of_12_kb(c, r):
    c.send(page(r, fields=b"X-Long: " + b"x" * 12000 + b"\r\n"))


@row((200, b"page"))
def x_sendfile(c, r):
    c.send(page(r, fields=b"X-Sendfile: /nowhere\r\n"))


@row({"": 302, "apache": 200, "caddy": 200})
def location_without_status(c, r):
    c.send(page(r, fields=b"Location: http://o.example/\r\n"))


@row((200, b"page"))
def status_103_and_then_200(c, r):
    c.send(out(r, b"Status: 103 Early Hints\r\nLink: </a>\r\n\r\n") + page(r))


@row({"": (200, b"page"), "nginx": (200, CHUNKED), "apache": (200, CHUNKED)})
def transfer_encoding(c, r):
    c.send(page(r, CHUNKED, b"Transfer-Encoding: chunked\r\n"))


@row((200, b""), method="HEAD")
def body_on_head(c, r):
    c.send(page(r))


LARGE = {"method": "POST", "body": b"x" * 200_000}


@row((200, b"page"), **LARGE)
def early_answer(c, r):
    c.send(page(r))


@row((200, b"page"), **LARGE)
def early_answer_and_close(c, r):
    c.send(page(r))
    return "close"


@row(413, method="POST", body=b"x" * 3_000_000)
def above_max_body(c, r):
    raise AssertionError("it never comes here")


def play(connection):
    """The row that the query names. GET_VALUES are answered, as php-fpm does."""
    while r := connection.read_head():
        if r.tag == "silent":
            while connection.read_record():
                pass
            return
        behave, _, request = ROWS[r.tag]
        early = behave.__name__.startswith("early")
        if not early:
            connection.read_body(r)
        if behave(connection, r) == "close":
            return
        if early:
            connection.read_body(r)


def see(front, name, method="GET", body=None):
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        try:
            answer = client.request(method, f"/x.php?t={name}", body=body)
        except Truncated:
            return "cut"
        except ProtocolError as e:
            return repr(e)
    return answer.status, answer.body


@pytest.fixture
def scripted(start_app, start_front, start_listening, base):
    """Holdfast before an application that plays the rows, and a function that starts web servers before it."""
    def start(transport="unix", **more):
        (base / "www").mkdir()
        (base / "www" / "x.php").touch()
        _, _, address = start_listening(transport, php=start_app(play), listen={"max_body": "1m"}, **more)

        def before(kind):
            # Else Apache tells its client of a cut answer after 5 s.
            return start_front(kind, address, base / "www", **({"more": "KeepAliveTimeout 100ms"} if kind == "apache" else {}))

        return before

    return start


def differs(seen, want):
    return seen[0] != want if isinstance(want, int) else seen != want


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_a_responder_may_do(scripted, transport, kind):
    front = scripted(transport)(kind)
    wrong = {}
    for name, (_, want, request) in ROWS.items():
        seen = see(front, name, **request)
        if differs(seen, want.get(kind, want[""])):
            wrong[name] = seen
    assert not wrong
    assert see(front, "status_503") == (503, b"later")  # none of them was the end of it


def test_a_silent_responder(scripted):
    """Our time is over before that of any web server is: 504, from HAProxy too, and not after its 50 s."""
    before = scripted(pool={"timeouts": {"first_byte": "300ms"}})
    assert {kind: see(before(kind), "silent")[0] for kind in KINDS} == dict.fromkeys(KINDS, 504)


def test_nobody_where_php_should_be(start_front, start_holdfast, base):
    (base / "x.php").touch()
    at = f"unix:{base}/front.sock"
    start_holdfast({"listen": [{"fastcgi": at, "pool": "php"}],
                    "pools": {"php": {"address": f"tcp:127.0.0.1:{free_port()}", "max_connections": 2,
                                      "queue": {"timeout": "300ms"}}}})
    for kind in KINDS:
        assert see(start_front(kind, at, base), "t")[0] in (502, 503), kind


@pytest.mark.parametrize("multiplex", [False, True])
def test_get_values_tells_haproxy_whether_to_multiplex(front_stack, multiplex):
    """With one connection for all, a client that does not read would stall the others: only who asks for it gets it."""
    front, holdfast, php = front_stack("haproxy-values", listen={"multiplex": multiplex}, fpm={"max_children": 6})
    assert see_body(front, "/echo.php?t=a") == b"a\n"  # it shares a connection of which it has had the answer
    clients = [Client(("127.0.0.1", front.port), PATIENCE) for _ in range(4)]
    for i, client in enumerate(clients):
        client.send(f"GET /hold.php?t=h{i}&r=go HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda i=i: php.seen(f"started-h{i}"), "it to run")
    assert holdfast.status()["clients"]["connections"] == (1 if multiplex else 4)
    php.touch("go")
    for i, client in enumerate(clients):
        assert client.read().body == f"h{i}\n".encode()
        client.close()


def see_body(front, target):
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        return client.request("GET", target).body


@pytest.mark.parametrize("variant", [*KINDS, "haproxy-mpxs"])
def test_a_client_leaves_in_its_upload_and_in_its_answer(front_stack, variant):
    front, holdfast, php = front_stack(variant, pool={"max_connections": 1})
    connects_early = not variant.startswith(("nginx", "lighttpd"))  # they do when they have all of the body
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        client.send(b"POST /count.php?t=gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100000)
        if connects_early:
            wait_until(lambda: holdfast.status()["clients"]["connections"] == 1, "the web server to connect")
    assert see_body(front, "/count.php?t=after") == b"after 0\n"
    if connects_early:
        assert [line["status"] for line in holdfast.wait_access(lambda line: "gone" in line["target"])] == [499]
    assert php.runs() == ["after"]

    with Client(("127.0.0.1", front.port), PATIENCE, receive_buffer=16384) as client:
        client.send(b"GET /big.php?mb=20&t=b HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.sock.recv(4096)
    assert see_body(front, "/count.php?t=last") == b"last 0\n"
    holdfast.wait_pool(lambda p: p["leased"] == 0 and p["waiting"] == 0, "php's connection to be free")
    wait_until(lambda: holdfast.status()["spool"]["bytes"] == 0, "the spool to be given back")
