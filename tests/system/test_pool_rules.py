"""Rules of the pool that use has taught: turns of the queue, second tries, odd applications, an address that changes
while requests are held."""

import pytest

from harness import fastcgi as fcgi
from harness.forwarder import Forwarder
from harness.wait import wait_until

X = "/x.php?t="


def hold(proxy, fpm, tag="h"):
    client = proxy.client()
    client.send(f"GET /hold.php?t={tag}&r=go HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the holding script")
    return client


def ask(proxy, tag, address, waiting):
    """One request of a client that a trusted proxy names."""
    client = proxy.client()
    client.send(f"GET /count.php?t={tag} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n".encode())
    proxy.wait_pool(lambda p: p["waiting"] == waiting, f"{waiting} waiters")
    return client


def test_addresses_take_turns(stack):
    """Who asks for a lot waits behind who asks for little, within a queue that was first come, first served."""
    proxy, fpm = stack(pool={"max_connections": 1}, trusted_proxies=["127.0.0.1/32"])
    holder = hold(proxy, fpm)
    order = [("a0", "192.0.2.1"), ("a1", "192.0.2.1"), ("a2", "192.0.2.1"), ("a3", "192.0.2.1"), ("b0", "192.0.2.2"),
             ("c0", "2001:db8::1"), ("c1", "2001:db8::2"), ("b1", "192.0.2.2")]
    clients = [ask(proxy, tag, address, n + 1) for n, (tag, address) in enumerate(order)]
    fpm.touch("go")
    assert holder.read().status == 200
    for client in clients:
        assert client.read().status == 200
    assert fpm.runs() == ["h", "a0", "b0", "c0", "a1", "b1", "c1", "a2", "a3"]


def test_one_address_does_not_fill_the_queue(stack):
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"size": 3}}, trusted_proxies=["127.0.0.1/32"])
    holder = hold(proxy, fpm)
    many = [ask(proxy, f"a{n}", "192.0.2.1", n + 1) for n in range(3)]
    with proxy.client() as other:
        other.send(b"GET /count.php?t=b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n")
        assert many[2].read().status == 503
        fpm.touch("go")
        assert other.read().body == b"b 0\n"
    assert holder.read().status == 200
    assert [client.read().status for client in many[:2]] == [200, 200]
    assert proxy.pool()["rejected"]["queue_full"] == 1


def test_queue_timeout_tells_the_time_waited(stack):
    proxy, fpm = stack(pool={"max_connections": 1, "queue": {"timeout": "300ms"}})
    holder = hold(proxy, fpm)
    assert proxy.get("/count.php?t=late").status == 503
    fpm.touch("go")
    assert holder.read().status == 200
    line = proxy.wait_access(lambda a: a["status"] == 503)[0]
    assert line["queue_time"] >= 0.29, line


def test_terminated_script_is_not_run_again(stack, transport):
    """request_terminate_timeout kills it after a second and more: a second try would be killed as well."""
    proxy, fpm = stack(transport, fpm={"request_terminate_timeout": "1s"})
    assert proxy.get("/hold.php?t=g&r=never").status == 502
    proxy.wait_quiet()
    assert fpm.runs() == ["g"]
    assert proxy.pool()["retried"]["repeatable"] == 0


def test_bad_head_does_not_hold_the_connection(app_stack, transport):
    """`application: generic`: two pages with a reflected %01 used to be the whole site for timeouts.first_byte."""
    def behave(connection):
        while request := connection.read_request():
            connection.answer(request, b"no head\x01\r\n\r\n" if request.tag.startswith("bad") else None)

    proxy, app = app_stack(behave, transport, pool={"application": "generic", "max_connections": 1,
                                                    "queue": {"timeout": "5s"}})
    for n in range(3):
        assert proxy.get(X + f"bad{n}").status == 502
        assert proxy.get(X + f"good{n}").body == f"good{n}\n".encode()
    assert app.connections == 1 and proxy.pool()["closed"] == {}, proxy.pool()


def go_answers(connection):
    pair = b"\x0f\x01FCGI_MPXS_CONNS1"
    connection.send(fcgi.record(fcgi.GET_VALUES_RESULT, 0, pair) + fcgi.record(fcgi.GET_VALUES_RESULT, 0))


def unknown_type(connection):
    connection.send(fcgi.record(11, 0, bytes([fcgi.GET_VALUES]) + bytes(7)))


def nonsense(connection):
    connection.send(fcgi.record(fcgi.GET_VALUES_RESULT, 0, b"\x05"))


def ends_request_zero(connection):
    connection.send(fcgi.end(0))


@pytest.mark.parametrize("answers", [go_answers, unknown_type, nonsense, ends_request_zero], ids=lambda f: f.__name__)
def test_odd_answers_to_get_values(app_stack, answers):
    """They prove nothing, and harm nobody: served as a generic application, and the log names the cure."""
    def behave(connection):
        while request := connection.read_request(answers):
            connection.answer(request)

    proxy, _ = app_stack(behave)
    for n in range(20):
        assert proxy.get(X + f"g{n}").body == f"g{n}\n".encode()
    assert proxy.log().count("`application: generic`") == 1, proxy.log()
    assert not proxy.pool()["barrier_supported"]


def test_an_http_server_is_told_once(app_stack, transport):
    """An error line used to come with each attempt, nine in two seconds, and no remedy with any."""
    def http(connection):
        connection.sock.recv(65536)
        connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    proxy, app = app_stack(http, transport, pool={"queue": {"timeout": "1s"}})
    for tag in "ab":
        assert proxy.get(X + tag).status in (502, 503)
    wait_until(lambda: app.connections >= 4, "it to be tried again")
    log = proxy.log()
    assert log.count("not FastCGI from") == 1 and "port of something else, such as an HTTP server?" in log, log


@pytest.mark.parametrize("application", ["php-fpm", "generic"])
def test_connections_that_are_left_open_hold_their_place_for_a_second(app_stack, transport, application):
    """keep_alive: false. For want of a proof the place was held for ten minutes, as if a script ran on, and a stop waited."""
    def behave(connection):
        while request := connection.read_request():
            connection.answer(request)

    proxy, app = app_stack(behave, transport, pool={"keep_alive": False, "max_connections": 1, "application": application,
                                                    "queue": {"timeout": "20s"}})
    for n in range(2):
        assert proxy.get(X + f"g{n}").body == f"g{n}\n".encode()
    proxy.wait_pool(lambda p: p["closed"].get("request_done", 0) >= 2, "both to be closed")
    assert len(app.requests) == 2
    wait_until(lambda: proxy.log().count("leaves connections open after their request") == 1, "the line")


def test_accepts_and_closes_is_told_once(app_stack, transport):
    proxy, app = app_stack(lambda connection: None, transport, pool={"queue": {"timeout": "1s"}})
    assert proxy.get(X + "a").status in (502, 503)
    assert proxy.get(X + "b").status in (502, 503)
    assert proxy.log().count("listen.allowed_clients") == 1, proxy.log()


def test_held_requests_go_to_the_new_address(start_fpm, start_holdfast):
    """Pause, another address, reload, resume: the way to move php-fpm. The reload used to let them go to the old one."""
    old, new = start_fpm().start(), start_fpm("tcp").start()
    config = {
        "pools": {"php": {"address": old.address, "max_connections": 2}},
        "sites": [{"root": str(old.www), "pool": "php", "params": {"RECORD_DIR": str(new.record)}}],
    }
    proxy = start_holdfast(config)
    assert proxy.admin("POST", "/pools/php/pause")[0] < 300
    clients = []
    for n, method in enumerate(("GET", "POST", "GET")):
        client = proxy.client()
        length = "Content-Length: 1\r\n\r\nx" if method == "POST" else "\r\n"
        client.send(f"{method} /count.php?t=w{n} HTTP/1.1\r\nHost: x\r\n{length}".encode())
        proxy.wait_pool(lambda p, n=n: p["waiting"] == n + 1, "the waiter")
        clients.append(client)
    old.stop()
    changed = dict(proxy.config)
    changed["pools"] = {"php": {"address": new.address, "max_connections": 2}}
    proxy.reload(changed)
    pool = proxy.pool()
    assert pool["waiting"] == 3 and pool["paused"], pool
    assert proxy.admin("POST", "/pools/php/resume")[0] < 300
    for client, length in zip(clients, (0, 1, 0)):
        assert client.read().body.endswith(f" {length}\n".encode())
    assert sorted(new.runs()) == ["w0", "w1", "w2"]


def test_stop_while_paused_serves_who_waits(stack):
    proxy, fpm = stack(pool={"max_connections": 1})
    assert proxy.admin("POST", "/pools/php/pause")[0] < 300
    clients = [ask(proxy, f"w{n}", "192.0.2.1", n + 1) for n in range(3)]
    proxy.process.signal(15)
    assert [client.read().body for client in clients] == [f"w{n} 0\n".encode() for n in range(3)]
    assert proxy.process.wait() == 0
    assert fpm.runs() == ["w0", "w1", "w2"]


@pytest.mark.parametrize("warm", [False, True])
def test_an_end_of_stream_is_no_proof_that_php_did_not_run(start_fpm, start_holdfast, warm):
    """Behind a forwarder a dead worker looks like one that has closed its side: a POST ran six times, and a GET."""
    fpm = start_fpm("tcp").start()
    forwarder = Forwarder(int(fpm.address.rsplit(":", 1)[1]))
    try:
        proxy = start_holdfast({"pools": {"php": {"address": forwarder.address}},
                                "sites": [{"root": str(fpm.www), "pool": "php", "params": {"RECORD_DIR": str(fpm.record)}}]})
        if warm:
            assert proxy.get("/count.php?t=warm").status == 200
        assert proxy.get("/kill.php?t=get").status == 502
        assert fpm.runs().count("get") <= 2
        assert proxy.get("/kill.php?t=post", method="POST", body=b"order=1").status == 502
        assert fpm.runs().count("post") == 1
    finally:
        forwarder.close()
