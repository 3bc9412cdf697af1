"""Applications that break the protocol, or only bend it: no byte reaches a wrong client, nothing hangs.

The application is a script of the test (harness/scripted_app.py) with a codec of its own.
"""

import pytest

from harness import fastcgi as fcgi
from harness.http_client import ProtocolError, Truncated
from harness.load import Load, Work
from harness.scripted_app import answer_all
from harness.wait import wait_until

X = "/x.php?t="


def tagged(client, number):
    tag = f"c{client}n{number}"
    if number % 3 == 2:
        return Work(X + tag, f"{tag}\n".encode(), "POST", b"p" * (number % 500))
    return Work(X + tag, f"{tag}\n".encode())


def test_good_application(app_stack, transport):
    """The scripted application itself, well behaved: ids are fresh, every request says KEEP_CONN."""
    proxy, app = app_stack(transport=transport)
    result = Load(proxy.port, clients=8, requests=800, make=tagged).run()
    assert not result.errors and not result.failures, result
    pool = proxy.wait_quiet()
    # A connection whose worker takes long to come (a busy machine) is closed again: it has carried nothing.
    without_worker = pool["closed"].get("no_worker", 0)
    assert pool["opened"] <= 4 + without_worker and app.connections <= 4 + without_worker, pool
    assert all(r.keep for r in app.requests)
    assert app.get_values > 0, "the barrier was never used"


def test_request_ids_are_fresh_on_a_connection(app_stack):
    proxy, app = app_stack(pool={"max_connections": 1})
    for i in range(20):
        assert proxy.get(f"{X}i{i}").body == f"i{i}\n".encode()
    assert app.connections == 1
    ids = [r.id for r in app.requests]
    assert len(set(ids)) == 20 and 0 not in ids, ids


def test_generic_application_is_never_asked(app_stack, transport):
    """libfcgi never answers GET_VALUES and ruby-fcgi dies of it: `application: generic` gets none, ever."""
    def dies_of_it(connection):
        answer_all(connection, on_get_values=lambda c: "stop")

    proxy, app = app_stack(dies_of_it, transport, pool={"application": "generic", "ping": "50ms"})
    result = Load(proxy.port, clients=8, requests=600, make=tagged).run()
    assert not result.errors and not result.failures, result
    proxy.wait_quiet()
    pings = proxy.status()["uptime_seconds"]
    wait_until(lambda: proxy.status()["uptime_seconds"] >= pings + 1, "time for several pings")
    assert app.get_values == 0
    assert app.connections <= 4 and proxy.pool()["reused"] > 0


def test_old_php_closes_after_get_values(app_stack, transport):
    """php before 8.2.13: found out once per address, then the settle time is used instead of the barrier."""
    def answers_and_closes(connection):
        connection.answer_get_values()
        return "stop"

    proxy, app = app_stack(lambda c: answer_all(c, answers_and_closes), transport, pool={"ping": "100ms"})
    result = Load(proxy.port, clients=6, requests=600, make=tagged).run()
    assert not result.errors and not result.failures, result
    assert len(app.requests) == 600, "each request once"
    assert app.connections < 60, f"{app.connections} connections: the pool does not reuse them"
    assert app.get_values < 30, f"asked {app.get_values} times: the finding was not kept"


def test_never_answers_get_values(app_stack, transport):
    """What passes for php-fpm and is silent may be a busy php-fpm: it gets no request, and the log says why."""
    proxy, app = app_stack(lambda c: answer_all(c, on_get_values=lambda _: None), transport,
                           pool={"timeouts": {"connect": "100ms", "first_byte": "300ms"},
                                 "queue": {"timeout": "2s"}})
    wait_until(lambda: app.get_values >= 4, "it to be asked again and again")
    response = proxy.get(X + "a", method="POST", body=b"b")
    assert response.status == 503 and int(response.get("Retry-After")) >= 1, response
    assert not app.requests
    assert proxy.log().count("does not answer FCGI_GET_VALUES") == 1
    assert "`application: generic`" in proxy.log()
    assert proxy.admin("GET", "/readyz")[0] == 503


def test_silent_at_first(app_stack, transport):
    """A busy php-fpm answers late: many questions without an answer do not make it one without barriers."""
    silent = [True]

    def on_get_values(connection):
        if not silent[0]:
            connection.answer_get_values()

    proxy, app = app_stack(lambda c: answer_all(c, on_get_values), transport,
                           pool={"timeouts": {"connect": "100ms", "first_byte": "300ms"}})
    wait_until(lambda: app.get_values >= 5, "many questions")
    silent[0] = False
    assert proxy.get(X + "a", method="POST", body=b"b").body == b"a\n"
    assert proxy.pool()["barrier_supported"]
    assert len(app.requests) == 1


def get_cut(proxy, tag):
    """A request whose answer may be 502 or a response cut short; its status and what came of the body."""
    with proxy.client() as client:
        try:
            response = client.request("POST", X + tag, body=b"b")
            return response.status, response.body
        except Truncated as e:
            return "cut", e.response.body if e.response else b""


def wrong_id(c, r):
    c.send(fcgi.stream(fcgi.STDOUT, r.id + 1, r.page(b"FOREIGN\n")) + fcgi.end(r.id + 1))


def id_zero(c, r):
    c.send(fcgi.stream(fcgi.STDOUT, 0, r.page(b"FOREIGN\n")) + fcgi.end(0))


def bad_version(c, r):
    c.send(b"\x02" + fcgi.record(fcgi.STDOUT, r.id, r.page(b"FOREIGN\n"))[1:])


def unknown_type(c, r):
    c.send(fcgi.record(77, r.id, r.page(b"FOREIGN\n")) + fcgi.end(r.id))


def short_end(c, r):
    c.send(fcgi.record(fcgi.END, r.id, b"\0\0"))


def dies_at_once(c, r):
    del c, r


def dies_in_record(c, r):
    c.send(fcgi.record(fcgi.STDOUT, r.id, r.page(b"FOREIGN" * 100))[:20])


def end_without_head(c, r):
    c.send(fcgi.end(r.id))


def bad_head(c, r):
    c.answer(r, b"this is no head\r\n\r\nFOREIGN")


def bad_status(c, r):
    c.answer(r, b"Status: 2000000000000 x\r\n\r\nFOREIGN")


def endless_head(c, r):
    c.answer(r, b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(2000)) + b"\r\n")


def overloaded(c, r):
    c.send(fcgi.end(r.id, protocol_status=2))


BROKEN = [wrong_id, id_zero, bad_version, unknown_type, short_end, dies_at_once, dies_in_record, end_without_head,
          bad_head, bad_status, endless_head]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda f: f.__name__)
def test_broken_answer_is_502_and_spoils_nobody_else(app_stack, broken):
    """The bad answer goes to nobody, its connection is not used again, the next request is served."""
    def behave(connection):
        while request := connection.read_request():
            if request.tag.startswith("bad"):
                broken(connection, request)
                if broken in (dies_at_once, dies_in_record):
                    return
            else:
                connection.answer(request)

    proxy, app = app_stack(behave, "unix", pool={"max_connections": 1})
    for i in range(3):
        assert get_cut(proxy, f"good{i}") == (200, f"good{i}\n".encode())
        status, body = get_cut(proxy, f"bad{i}")
        assert (status, b"FOREIGN" in body) == (502, False), (status, body)
    assert get_cut(proxy, "last") == (200, b"last\n")
    sent = [r.tag for r in app.requests]
    assert len(sent) == len(set(sent)), f"a POST was sent twice: {sent}"
    assert all(a["outcome"] not in ("", "none", "ok") for a in proxy.wait_access(lambda a: a["status"] == 502))


def test_overloaded_application(app_stack):
    """FCGI_OVERLOADED says that it was not run: 502 or 503, or served by the second try."""
    def behave(connection):
        while request := connection.read_request():
            overloaded(connection, request)

    proxy, app = app_stack(behave, pool={"application": "generic"})
    assert get_cut(proxy, "o")[0] in (502, 503)
    assert len(app.requests) <= 2


CUT_HEADS = {"chunked": b"Content-Type: text/plain\r\n\r\n", "length": b"Content-Length: 9000000\r\n\r\n"}


@pytest.mark.parametrize("head", CUT_HEADS, ids=str)
@pytest.mark.parametrize("at_boundary", [True, False])
def test_death_in_mid_response_is_not_taken_for_its_end(app_stack, transport, head, at_boundary):
    """Bytes are out, then php dies: the client must be able to tell. Large, so that the head has surely gone."""
    def behave(connection):
        if request := connection.read_request():
            data = fcgi.stream(fcgi.STDOUT, request.id, CUT_HEADS[head] + b"z" * 4_000_000)
            connection.send(data if at_boundary else data[:-5])

    proxy, _ = app_stack(behave, transport)
    with proxy.client() as client:
        try:
            response = client.request("GET", X + "cut")
            assert response.status == 502, response
        except Truncated:
            pass


def test_stray_output_after_the_end(app_stack, transport):
    """STDOUT, STDERR or a second END_REQUEST after END_REQUEST: the connection is closed, nobody sees a byte."""
    def behave(connection):
        while request := connection.read_request():
            stray = [fcgi.stream(fcgi.STDOUT, request.id, b"Content-Type: x/y\r\n\r\nSTRAY"),
                     fcgi.stream(fcgi.STDERR, request.id, b"STRAY"), fcgi.end(request.id)][len(connection.app.requests) % 3]
            connection.send(fcgi.stream(fcgi.STDOUT, request.id, request.page()) + fcgi.end(request.id) + stray)

    proxy, app = app_stack(behave, transport, pool={"max_connections": 2})
    result = Load(proxy.port, clients=4, requests=90, make=tagged).run()
    assert not result.errors and not result.failures, result
    assert app.connections >= 80, "a connection with stray output was used again"
    assert len(app.requests) == 90


def test_body_longer_and_shorter_than_its_length(app_stack, transport):
    def behave(connection):
        while request := connection.read_request():
            connection.answer(request, b"Content-Length: 5\r\n\r\n" + (b"12345678" if request.tag == "long" else b"123"))

    proxy, _ = app_stack(behave, transport)
    with proxy.client() as client:
        response = client.request("GET", X + "long")
        assert response.body == b"12345", response
    with proxy.client() as client:
        try:
            response = client.request("GET", X + "short")
            assert response.status == 502 or response.body == b"123", response
        except Truncated as e:
            assert e.response.body == b"123"


def test_early_end_before_the_body_is_read(app_stack, transport):
    """The application answers on the head alone and reads nothing more; the answer counts, the connection not."""
    def behave(connection):
        while request := connection.read_head():
            connection.answer(request)
            if request.params["REQUEST_METHOD"] == "POST":
                return

    proxy, app = app_stack(behave, transport)
    for i in range(4):
        with proxy.client() as client:
            response = client.request("POST", f"{X}e{i}", body=b"e" * 3_000_000)
            assert (response.status, response.body) in ((200, f"e{i}\n".encode()), (502, response.body)), response
        tags = [r.tag for r in app.requests]
        assert len(tags) == len(set(tags)), f"a POST was sent twice: {tags}"
    proxy.wait_quiet()


def test_instant_responder_keeps_its_connection(app_stack, transport):
    """Answers on the parameters, but reads the body afterwards: small bodies are out by then, all is well."""
    def behave(connection):
        while request := connection.read_head():
            connection.answer(request)
            connection.read_body(request)

    proxy, app = app_stack(behave, transport)
    result = Load(proxy.port, clients=6, requests=300, make=tagged).run()
    assert not result.errors and not result.failures, result
    assert len(app.requests) == 300


def test_forty_kilobytes_of_stderr_in_every_cut(app_stack):
    """Before the head, in the middle of it, after it; cut at and around each record's boundary and elsewhere."""
    noise = b"".join(b"noise %05d\n" % i for i in range(40 * 1024 // 12))

    def conversation(request):
        """Records, and the offsets where they begin."""
        page = request.page()
        records = [fcgi.record(fcgi.STDERR, request.id, noise[i:i + 8184], 3) for i in range(0, len(noise), 8184)]
        records += [fcgi.record(fcgi.STDOUT, request.id, page[:10], 7), fcgi.record(fcgi.STDERR, request.id, b"amid"),
                    fcgi.record(fcgi.STDOUT, request.id, page[10:]), fcgi.record(fcgi.STDERR, request.id, b"late"),
                    fcgi.end(request.id)]
        offsets = [sum(map(len, records[:i])) for i in range(1, len(records))]
        return b"".join(records), offsets

    def behave(connection):
        while request := connection.read_request():
            data, offsets = conversation(request)
            n = int(request.tag.removeprefix("cut"))
            cut = cuts_of(offsets, len(data))[n]
            connection.send_cut(data, [cut])

    def cuts_of(offsets, size):
        around = {o + d for o in offsets for d in (-1, 0, 1, 7, 8, 9)}
        return sorted(c for c in around | set(range(1, size, 1500)) if 0 < c < size)

    class Any:
        id, page = 1, staticmethod(lambda: b"Content-Type: text/plain\r\n\r\ncut000\n")

    data, offsets = conversation(Any)
    count = len(cuts_of(offsets, len(data)))
    assert count > 60
    proxy, app = app_stack(behave, "unix", pool={"max_connections": 1})
    with proxy.client() as client:
        for n in range(count):
            response = client.request("GET", f"{X}cut{n:03}")
            assert (response.status, response.body) == (200, f"cut{n:03}\n".encode()), response
    assert app.connections == 1
    assert len(app.requests) == count


def test_silence_within_the_head_is_504(app_stack, transport):
    def behave(connection):
        while request := connection.read_request():
            if request.tag == "silent":
                connection.send(fcgi.record(fcgi.STDOUT, request.id, b"Content-Ty"))
                connection.read_record()  # until the proxy gives up
                return
            connection.answer(request)

    proxy, _ = app_stack(behave, transport, pool={"timeouts": {"first_byte": "300ms", "idle_read": "300ms"}})
    assert proxy.get(X + "silent").status == 504
    assert proxy.get(X + "after").body == b"after\n"


def test_accepts_and_closes(app_stack, transport):
    """listen.allowed_clients: php-fpm accepts and closes at once. Nothing ran; the client is not left hanging."""
    proxy, app = app_stack(lambda connection: None, transport, pool={"queue": {"timeout": "1s"}})
    response = proxy.get(X + "a")
    assert response.status in (502, 503), response
    assert app.connections < 200, "a busy loop of connects"


def test_one_byte_at_a_time(app_stack):
    """A whole answer in single bytes, each read alone."""
    def behave(connection):
        while request := connection.read_request():
            data = (fcgi.record(fcgi.STDERR, request.id, b"err", 5) + fcgi.record(fcgi.STDOUT, request.id, request.page(), 1)
                    + fcgi.end(request.id))
            connection.send_cut(data, range(1, len(data)))

    # One, so that a slow barrier is waited for and no second one is opened.
    proxy, app = app_stack(behave, pool={"max_connections": 1})
    for i in range(3):
        assert proxy.get(f"{X}b{i}").body == f"b{i}\n".encode()
    assert app.connections == 1


def test_client_sees_no_broken_http_from_hostile_fields(app_stack):
    """Header injection by the application's own fields: refused or cleaned, never passed on."""
    def behave(connection):
        while request := connection.read_request():
            head = {"cr": b"X-A: b\rX-Evil: 1\r\n", "te": b"Transfer-Encoding: chunked\r\nConnection: upgrade, close\r\n",
                    "two": b"Content-Length: 3\r\nContent-Length: 4\r\n", "nul": b"X-A: b\0c\r\n"}[request.tag]
            connection.answer(request, head + b"\r\nabc")

    proxy, _ = app_stack(behave)
    for tag in ("cr", "te", "two", "nul"):
        with proxy.client() as client:
            try:
                response = client.request("GET", X + tag)
            except Truncated:
                continue
            except ProtocolError as e:
                raise AssertionError(f"{tag}: {e}") from e
            assert response.status in (200, 502), (tag, response)
            assert not response.all("X-Evil")
            if response.status == 200:
                assert response.body == b"abc", (tag, response)
