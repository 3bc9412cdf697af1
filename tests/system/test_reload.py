"""SIGHUP: the new file is in force, all of it, or none of it and the log says why. Listeners:
test_reload_listeners.py; pools that go or become others: test_reload_pools.py."""

import copy
import json
import os
import signal
import time

import pytest

from harness.holdfast import command, merge
from harness.http_client import build_request
from harness.load import Load
from harness.wait import wait_until


def hold(proxy, fpm, tag="h", release="go"):
    client = proxy.client()
    client.send(f"GET /hold.php?t={tag}&r={release} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the holding script")
    return client


def test_a_pipe_in_the_place_of_the_file(stack):
    """Nobody would write it while the server waits for it."""
    proxy, _ = stack()
    proxy.config_path.unlink()
    os.mkfifo(proxy.config_path)
    proxy.process.signal(signal.SIGHUP)
    wait_until(lambda: "stays in force: " in proxy.log(), "the refusal")
    assert f"{proxy.config_path}: is a pipe, not a file" in proxy.log()
    assert proxy.get("/echo.php?t=on").body == b"on\n"
    proxy.config_path.unlink()
    proxy.reload()


def gauge(proxy, name):
    lines = proxy.admin("GET", "/metrics")[1].decode().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith(name + " ")][0]


def test_sites(stack, transport):
    """New sites at once; the untouched pool keeps its connections; what runs is not disturbed."""
    proxy, fpm = stack(transport)
    running = hold(proxy, fpm)
    opened = proxy.pool()["opened"]
    (fpm.dir / "second").mkdir()
    (fpm.dir / "second" / "who.txt").write_text("second")
    config = copy.deepcopy(proxy.config)
    config["sites"][0]["params"]["APP_ENV"] = "reloaded"
    config["sites"].append({"hosts": ["second.example"], "root": str(fpm.dir / "second")})
    proxy.reload(config)
    assert proxy.get("/who.txt", host="second.example").body == b"second"
    assert b'"APP_ENV":"reloaded"' in proxy.get("/params.php").body
    assert proxy.pool()["opened"] <= opened + 1
    assert proxy.pool()["leased"] == 1
    fpm.touch("go")
    assert running.read().body == b"h\n"


def test_the_same_file_changes_nothing(stack):
    proxy, _ = stack()
    assert not Load(proxy.port, clients=4, requests=100).run().failures
    before = proxy.wait_quiet()
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=a").status == 200
        for _ in range(3):
            said = proxy.reload()
            assert "the file says what it said before" in said
            assert not proxy.ports(said) and " closed " not in said
        response = client.request("GET", "/echo.php?t=b")
        assert response.status == 200 and not response.closes
    after = proxy.wait_quiet()
    assert (after["opened"], sum(after["closed"].values())) == (before["opened"], sum(before["closed"].values()))


def test_a_changed_pool_under_load(stack, transport):
    proxy, _ = stack(transport)
    with Load(proxy.port, clients=8) as load:
        for size in (2, 4, 1, 3):
            target = load.answered + 200
            wait_until(lambda t=target: load.answered > t, "the load")
            proxy.reload(merge(proxy.config, {"pools": {"php": {"max_connections": size}}}))
        result = load.stop()
    assert not result.errors and not result.failures, result
    assert proxy.pool()["max_connections"] == 3


def test_a_changed_pool_keeps_its_connections_and_its_ceiling(stack, transport):
    """php-fpm has no more workers for a reload: what runs from before it counts."""
    proxy, fpm = stack(transport, pool={"max_connections": 2}, fpm={"max_children": 2})
    running = [hold(proxy, fpm, tag, release=f"go-{tag}") for tag in ("a", "b")]
    before = proxy.pool()
    proxy.reload(merge(proxy.config, {"pools": {"php": {"queue": {"timeout": "60s"}, "ping": "2s"}}}))
    with proxy.client() as waiter:
        waiter.send(b"GET /count.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
        pool = proxy.wait_pool(lambda p: p["waiting"] == 1, "the third request in the queue")
        assert pool["leased"] == 2 and pool["connecting"] == 0 and pool["opened"] == before["opened"] == 2
        fpm.touch("go-a")
        assert waiter.read().body == b"w 0\n", "on the first connection that is free"
    fpm.touch("go-b")
    assert [client.read().body for client in running] == [b"a\n", b"b\n"]
    after = proxy.wait_quiet()
    assert after["opened"] == 2 and after["requests"] == before["requests"] + 1, "counters go on"


def test_a_lower_ceiling_is_reached_as_requests_end(stack, transport):
    proxy, fpm = stack(transport, pool={"max_connections": 4})
    running = [hold(proxy, fpm, tag, release=f"go-{tag}") for tag in ("a", "b", "c")]
    proxy.reload(merge(proxy.config, {"pools": {"php": {"max_connections": 1}}}))
    with proxy.client() as waiter:
        waiter.send(b"GET /count.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
        pool = proxy.wait_pool(lambda p: p["waiting"] == 1, "the fourth request in the queue")
        assert pool["leased"] == 3 and pool["max_connections"] == 1, "nobody is cut off"
        for tag, client in zip("abc", running):
            fpm.touch(f"go-{tag}")
            assert client.read().body == f"{tag}\n".encode()
        assert waiter.read().body == b"w 0\n"
    pool = proxy.wait_quiet()
    assert pool["idle"] == 1 and pool["closed"] == {"recycled": 2}, pool


# ------------------------------------------------------------------------------------------------- refused


def test_a_refusal_is_seen(stack):
    """In the log, in /status, in /metrics and in `holdfast status`, until a reload succeeds."""
    proxy, _ = stack()
    good = copy.deepcopy(proxy.config)
    started = proxy.status()["config"]
    assert started["last_reload_successful"] is True and "error" not in started
    assert abs(started["last_reload_success_timestamp_seconds"] - time.time()) < 600
    assert gauge(proxy, "holdfast_config_last_reload_successful") == 1

    why = proxy.reload_refused(merge(good, {"pools": {"php": {"max_conections": 3}}}))
    assert "max_conections" in why and f"{proxy.config_path}:" in why
    assert "did you mean 'max_connections'" in proxy.log(), "the diagnostics as `check` has them"
    status = proxy.status()["config"]
    assert status["last_reload_successful"] is False and "max_conections" in status["error"]
    assert gauge(proxy, "holdfast_config_last_reload_successful") == 0
    stamp = gauge(proxy, "holdfast_config_last_reload_success_timestamp_seconds")
    assert stamp == started["last_reload_success_timestamp_seconds"]
    _, out, _ = command("status", "--admin", proxy.admin_address)
    assert "the last reload was refused" in out and "max_conections" in out
    assert proxy.get("/echo.php?t=a").body == b"a\n"

    # Timestamps have whole seconds.
    wait_until(lambda: time.time() > stamp + 1, "another second")
    proxy.reload(good)
    assert proxy.status()["config"]["last_reload_successful"] is True
    assert gauge(proxy, "holdfast_config_last_reload_successful") == 1
    assert gauge(proxy, "holdfast_config_last_reload_success_timestamp_seconds") > stamp
    _, out, _ = command("status", "--admin", proxy.admin_address)
    assert "refused" not in out
    assert proxy.get("/echo.php?t=b").body == b"b\n"


def test_a_missing_file_is_refused(stack):
    proxy, _ = stack()
    seen = len(proxy.log())
    proxy.config_path.unlink()
    proxy.process.signal(1)
    wait_until(lambda: "reload refused" in proxy.log()[seen:], "the refusal")
    wait_until(lambda: f"in force: {proxy.config_path}: cannot be read: No such file" in proxy.log()[seen:], "the reason, without a line")
    assert proxy.get("/echo.php?t=a").body == b"a\n"


def test_an_access_log_that_cannot_be_opened(stack, base):
    """The path and the reason; nothing of the file is taken, and the old log goes on, also after a rotation."""
    proxy, _ = stack()
    nowhere = base / "nowhere" / "access.log"
    before = proxy.pool()
    proxy.access_path.rename(proxy.access_path.with_suffix(".1"))
    why = proxy.reload_refused(merge(proxy.config, {"log": {"access": str(nowhere), "format": "combined"}, "listen": "127.0.0.1:0",
                                                    "client": {"max_header": "1k"}, "pools": {"php": {"max_connections": 2}}}))
    assert str(nowhere) in why and "No such file or directory" in why
    assert proxy.pool()["max_connections"] == before["max_connections"]
    assert proxy.get("/echo.php?t=a", [("X-Long", "x" * 2000)]).body == b"a\n"
    assert [a["target"] for a in proxy.wait_access(lambda a: True)] == ["/echo.php?t=a"]


# -------------------------------------------------------------------------------------------------- settings


def test_access_log_after_a_rotation(stack):
    """As logrotate does it: move, then SIGHUP."""
    proxy, _ = stack()
    assert proxy.get("/echo.php?t=a").status == 200
    proxy.wait_access(lambda a: "t=a" in a["target"])
    proxy.access_path.rename(proxy.access_path.with_suffix(".1"))
    proxy.reload()
    assert proxy.get("/echo.php?t=b").status == 200
    assert [a["target"] for a in proxy.wait_access(lambda a: True)] == ["/echo.php?t=b"]


def test_log(stack, base):
    """Path, format and level, at once, for connections that are open as well."""
    proxy, _ = stack()
    other = base / "other.log"
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=a").status == 200
        proxy.reload(merge(proxy.config, {"log": {"access": str(other), "format": "combined", "level": "debug"}}))
        assert client.request("GET", "/echo.php?t=b").status == 200
        wait_until(lambda: "t=b" in other.read_text(), "the line")
        assert other.read_text().startswith("127.0.0.1 - - ["), "combined"
        assert [a["target"] for a in proxy.access()] == ["/echo.php?t=a"]

        proxy.reload(merge(proxy.config, {"log": {"access": "off", "level": "info"}}))
        assert client.request("GET", "/echo.php?t=c").status == 200
        proxy.reload(merge(proxy.config, {"log": {"access": "stdout", "format": "json"}}))
        assert client.request("GET", "/echo.php?t=d").status == 200
        wait_until(lambda: '"target":"/echo.php?t=d"' in proxy.log(), "the line on stdout")
        proxy.reload(merge(proxy.config, {"log": {"access": str(proxy.access_path), "format": "json"}}))
        assert client.request("GET", "/echo.php?t=e").status == 200
        proxy.wait_access(lambda a: "t=e" in a["target"])
    assert "t=c" not in proxy.log() + other.read_text() + proxy.access_path.read_text()


def test_log_level(stack):
    proxy, _ = stack()
    proxy.reload(merge(proxy.config, {"log": {"level": "debug"}}))
    proxy.admin("POST", "/pools/php/recycle")
    wait_until(lambda: " debug " in proxy.log(), "a line of level debug")
    proxy.write_config(merge(proxy.config, {"log": {"level": "error"}, "pools": {"php": {"max_connections": 2}}}))
    proxy.process.signal(1)
    proxy.wait_pool(lambda p: p["max_connections"] == 2, "the reload")
    seen = len(proxy.log())
    proxy.admin("POST", "/pools/php/recycle")
    assert not proxy.log()[seen:]


def test_client_limits(stack):
    """From the next request of an open connection on."""
    proxy, _ = stack()
    long = [("X-Long", "x" * 3000)]
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=a", long).body == b"a\n"
        proxy.reload(merge(proxy.config, {"client": {"max_header": "1k"}}))
        assert client.request("GET", "/echo.php?t=b", long).status == 431
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=c", long).status == 431
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=d").status == 200
        proxy.reload(merge(proxy.config, {"client": {"max_header": "8k", "requests_per_connection": 3}}))
        assert client.request("GET", "/echo.php?t=e", long).body == b"e\n"
        assert client.request("GET", "/echo.php?t=f").closes
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=g").status == 200
        proxy.reload(merge(proxy.config, {"client": {"requests_per_connection": 0, "timeouts": {"keep_alive": "100ms"}}}))
        assert client.request("GET", "/echo.php?t=h").status == 200
        assert client.at_eof(), "closed for being idle"


def test_a_head_that_comes_across_a_reload(stack):
    """It was begun under the old limit; that limit holds to its end."""
    proxy, _ = stack()
    data = build_request("GET", "/echo.php?t=a", [("X-Long", "x" * 3000)])
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=0").status == 200
        client.send(data[:500])
        proxy.reload(merge(proxy.config, {"client": {"max_header": "1k"}}))
        client.send(data[500:])
        assert client.read().body == b"a\n"
        client.send(data)
        assert client.read().status == 431


def test_max_connections(stack):
    """Raised, it lets in who waits; lowered, it cuts no request, and idle clients go only when new ones come."""
    proxy, fpm = stack(client={"max_connections": 2})
    first = [proxy.client() for _ in range(2)]
    for i, client in enumerate(first):
        client.send(f"GET /hold.php?t=h{i}&r=go HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda n=i: fpm.seen(f"started-h{n}"), "the script")
    late = proxy.client()
    late.send(b"GET /echo.php?t=late HTTP/1.1\r\nHost: x\r\n\r\n")
    assert proxy.status()["clients"]["connections"] == 2
    proxy.reload(merge(proxy.config, {"client": {"max_connections": 3}}))
    assert late.read().body == b"late\n"

    proxy.reload(merge(proxy.config, {"client": {"max_connections": 1}}))
    fpm.touch("go")
    for i, client in enumerate(first):
        assert client.read().body == f"h{i}\n".encode()
    for i, client in enumerate([*first, late]):
        assert client.request("GET", f"/echo.php?t=g{i}").body == f"g{i}\n".encode()
    assert proxy.get("/echo.php?t=new").body == b"new\n"
    assert all(client.at_eof() for client in [*first, late])


def test_buffers(stack, base):
    """The spool folder, its limit and the memory before it: for the next body of an open connection."""
    proxy, _ = stack(buffers={"request_memory": "1m"})
    second = base / "second"
    second.mkdir()
    second.chmod(0o777)
    body = b"x" * 200_000
    data = build_request("POST", "/upload.php", body=body)

    def spooled(client):
        client.send(data[:-1])
        wait_until(lambda: proxy.status()["spool"]["bytes"] > 100_000, "the body to be spooled")
        return client

    with proxy.client() as client:
        assert json.loads(client.request("POST", "/upload.php", body=body).body)["bytes"] == len(body)
        proxy.reload(merge(proxy.config, {"buffers": {"request_memory": "1k"}}))
        spooled(client)
        assert len(proxy.spool_files()) == 1
        # What is in the old folder stays good.
        proxy.reload(merge(proxy.config, {"buffers": {"spool_dir": str(second)}}))
        client.send(data[-1:])
        assert json.loads(client.read().body)["bytes"] == len(body)
        spooled(client)
        assert not proxy.spool_files()
        client.send(data[-1:])
        assert json.loads(client.read().body)["bytes"] == len(body)
        proxy.reload(merge(proxy.config, {"buffers": {"spool_max": "1m"}}))
        assert client.request("POST", "/upload.php", body=body * 10).status == 503


def test_trusted_proxies(stack):
    proxy, _ = stack()
    forwarded = [("X-Forwarded-For", "203.0.113.7")]
    with proxy.client() as client:
        def address():
            return json.loads(client.request("GET", "/params.php", forwarded).body)["server"]["REMOTE_ADDR"]

        assert address() == "127.0.0.1"
        proxy.reload(merge(proxy.config, {"trusted_proxies": ["127.0.0.1"]}))
        assert address() == "203.0.113.7"
        proxy.reload(merge(proxy.config, {"trusted_proxies": []}))
        assert address() == "127.0.0.1"


@pytest.mark.parametrize("before,after", [("60s", "100ms")])
def test_grace(stack, before, after):
    proxy, fpm = stack(shutdown={"grace": before})
    running = hold(proxy, fpm)
    proxy.reload(merge(proxy.config, {"shutdown": {"grace": after}}))
    assert proxy.stop(timeout=20) == 0
    running.close()
    fpm.touch("go")


def test_no_reload_while_stopping(stack):
    proxy, fpm = stack()
    running = hold(proxy, fpm)
    proxy.process.signal(15)
    wait_until(lambda: "stopping:" in proxy.log(), "the stop")
    proxy.process.signal(1)
    wait_until(lambda: "no reload while stopping" in proxy.log(), "the answer to SIGHUP")
    fpm.touch("go")
    assert running.read().body == b"h\n"
    assert proxy.stop() == 0
