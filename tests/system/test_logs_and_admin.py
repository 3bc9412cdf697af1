"""What is said: the access log, the error log with php's own words, the admin endpoint."""

import re
import threading

import pytest

from harness.load import Load
from harness.wait import wait_until

FIELDS = {"time", "client", "method", "target", "status", "body_bytes", "request_time", "queue_time", "connect_time",
          "first_byte_time", "pool", "connection", "reused", "retried", "outcome"}


def test_access_log_json(stack, transport):
    proxy, _ = stack(transport)
    with proxy.client() as client:
        assert client.request("GET", "/echo.php?t=one&n=5000").status == 200
        proxy.wait_quiet()
        assert client.request("GET", "/echo.php?t=two").status == 200
        assert client.request("GET", "/style.css").status == 200
        assert client.request("GET", "/none").status == 404
    proxy.wait_access(lambda a: a["target"] == "/none")
    one, two, static, none = proxy.access()
    assert FIELDS <= set(one), FIELDS - set(one)
    assert (one["method"], one["target"], one["status"], one["body_bytes"]) == ("GET", "/echo.php?t=one&n=5000", 200, 5000)
    assert one["client"].startswith("127.0.0.1") and one["pool"] == "php"
    assert (one["reused"], two["reused"]) == (False, True)
    assert one["connection"] == two["connection"]
    assert one["retried"] == 0
    assert 0 < one["first_byte_time"] <= one["request_time"]
    # The connection was opened when the proxy started, at nobody's cost.
    assert not one["connect_time"], one
    assert not static["pool"] and static["status"] == 200
    assert none["status"] == 404


def test_access_log_of_a_wait(stack):
    """queue_time is the time in the queue alone."""
    proxy, fpm = stack(pool={"max_connections": 1})
    holder, waiter = proxy.client(), proxy.client()
    holder.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: fpm.seen("started-h"), "the holder")
    waiter.send(b"GET /echo.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["oldest_wait_seconds"] > 0.2, "a wait")
    fpm.touch("go")
    assert holder.read().status == 200 and waiter.read().status == 200
    line = proxy.wait_access(lambda a: "t=w" in a["target"])[0]
    assert 0.2 < line["queue_time"] <= line["request_time"]
    assert proxy.wait_access(lambda a: "t=h" in a["target"])[0]["queue_time"] < 0.2


def test_access_log_combined(stack):
    proxy, _ = stack(log={"format": "combined"})
    assert proxy.get("/echo.php?t=c", [("User-Agent", 'a"b\\c\x1b[31m'), ("Referer", "http://r/")]).status in (200, 400)
    assert proxy.get("/echo.php?t=d", [("User-Agent", 'say "hi"'), ("Referer", "http://r/")]).status == 200
    wait_until(lambda: "t=d" in proxy.access_path.read_text(), "the line")
    text = proxy.access_path.read_text()
    line = [line for line in text.splitlines() if "t=d" in line][0]
    assert re.match(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /echo\.php\?t=d HTTP/1\.1" 200 2 ', line)
    assert "\x1b" not in text and '"say "hi""' not in text, "outside text is escaped"


def test_one_access_line_a_request(stack):
    proxy, _ = stack()
    result = Load(proxy.port, clients=10, requests=1000).run()
    assert not result.errors and not result.failures, result
    lines = wait_until(lambda: len(proxy.access()) >= 1000 and proxy.access(), "a thousand lines")
    assert len(lines) == 1000 and len({a["target"] for a in lines}) == 1000
    assert len({a["time"][-5:-1] for a in lines}) > 1, "the milliseconds are told"
    connected = [a for a in lines if a["connect_time"]]
    assert all(a["connect_time"] <= a["request_time"] for a in connected), connected


def test_refused_requests_are_logged(stack):
    proxy, _ = stack()
    with proxy.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \x1b[31m\r\n forged\r\n\r\n")
        assert client.read().status == 400
    line = proxy.wait_access(lambda a: a["status"] == 400)[0]
    assert line["outcome"] != "ok", line
    assert "\x1b" not in proxy.access_path.read_text()


def test_php_stderr_is_logged_once_with_its_request(stack, transport):
    proxy, _ = stack(transport)
    response = proxy.get("/stderr.php?t=s&n=40")
    assert response.status == 200 and response.body == b"s\n", response
    wait_until(lambda: "noise-39-" in proxy.log(), "the last line of php's log")
    text = proxy.log()
    for i in range(40):
        assert text.count(f"noise-{i}-") == 1, f"noise-{i} is logged {text.count(f'noise-{i}-')} times"
    assert any("/stderr.php" in line and "noise-0-" in line for line in text.splitlines()), "with the request"


def test_php_stderr_is_escaped(stack):
    proxy, _ = stack()
    assert proxy.get("/stderr.php?t=s&text=forged%0d%0a2030-01-01T00:00:00.000Z%20error%20FORGED%1b[31mred%00").status == 200
    wait_until(lambda: "FORGED" in proxy.log(), "php's words")
    text = proxy.log()
    assert "\x1b" not in text and "\0" not in text
    assert not any(line.startswith("2030") for line in text.splitlines()), "a forged line"


def test_status(stack, transport):
    proxy, fpm = stack(transport)
    assert not Load(proxy.port, clients=6, requests=120).run().failures
    pool = proxy.wait_quiet()
    status = proxy.status()
    assert status["pid"] == proxy.pid and status["uptime_seconds"] >= 0 and status["version"]
    assert status["clients"]["requests"] >= 120 and status["clients"]["accepted"] >= 6
    assert status["spool"]["bytes"] == 0
    assert pool["address"] == fpm.address.removeprefix("tcp:") and pool["max_connections"] == 4
    assert pool["requests"] == 120 and 116 <= pool["reused"] < 120, pool
    assert pool["idle"] == pool["opened"] - sum(pool["closed"].values())
    assert pool["reachable"] is True and pool["paused"] is False


def test_health_and_metrics(stack):
    proxy, _ = stack()
    assert proxy.get("/echo.php?t=a").status == 200
    wait_until(lambda: proxy.admin("GET", "/readyz")[0] == 200, "readiness")
    assert proxy.admin("GET", "/healthz")[0] == 200
    assert proxy.admin("GET", "/none")[0] == 404
    assert proxy.admin("GET", "/pools/php/pause")[0] == 405
    code, body = proxy.admin("GET", "/metrics")
    assert code == 200
    names = set()
    for line in body.decode().splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="(\\.|[^"\\])*",?)*\})? [-+0-9.eE]+(Inf|NaN)?', line), line
            names.add(re.split(r"[{ ]", line)[0])
    assert len(names) > 10 and all(n.startswith("holdfast_") or n.startswith("process_") for n in names), names


def test_live_page(stack):
    proxy, _ = stack()
    code, body = proxy.admin("GET", "/")
    assert code == 200 and b"<html" in body.lower()


def test_admin_is_not_on_the_public_listener(stack):
    proxy, _ = stack()
    for path in ("/status", "/metrics", "/healthz"):
        assert proxy.get(path).status == 404
    assert proxy.get("/pools/php/pause", method="POST").status in (404, 405)
    assert proxy.pool()["paused"] is False


def test_healthz_never_touches_php(stack):
    proxy, fpm = stack(pool={"max_connections": 1})
    client = proxy.client()
    client.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: fpm.seen("started-h"), "the holder")
    for _ in range(20):
        assert proxy.admin("GET", "/healthz")[0] == 200
    assert proxy.pool()["requests"] == 1
    fpm.touch("go")
    assert client.read().status == 200


def test_pause_and_resume(stack, transport):
    """Paused: what runs ends, all else waits in the queue; resumed: nobody has noticed but for the time."""
    proxy, fpm = stack(transport, pool={"queue": {"timeout": "60s"}})
    running = proxy.client()
    running.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: fpm.seen("started-h"), "the holder")
    assert proxy.admin("POST", "/pools/php/pause")[0] in (200, 202, 204)
    assert proxy.pool()["paused"] is True
    waiters = []
    for i in range(6):
        client = proxy.client()
        client.send(f"GET /count.php?t=w{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        waiters.append(client)
    proxy.wait_pool(lambda p: p["waiting"] == 6, "six waiters")
    fpm.touch("go")
    assert running.read().body == b"h\n"
    pool = proxy.wait_pool(lambda p: p["leased"] == 0, "the running one to end")
    assert pool["waiting"] == 6 and fpm.runs() == ["h"]
    assert proxy.admin("POST", "/pools/php/resume")[0] in (200, 202, 204)
    for i, client in enumerate(waiters):
        assert client.read().body == f"w{i} 0\n".encode()


def test_php_fpm_can_be_replaced_while_paused(stack, transport):
    """What pause is for: not one request is lost over a restart."""
    proxy, fpm = stack(transport)
    with Load(proxy.port, clients=8) as load:
        wait_until(lambda: load.answered > 200, "the load")
        proxy.admin("POST", "/pools/php/pause")
        proxy.wait_pool(lambda p: not (p["leased"] or p["settling"]), "php to be at rest")
        fpm.stop()
        fpm.start()
        proxy.admin("POST", "/pools/php/resume")
        target = load.answered + 200
        wait_until(lambda: load.answered > target, "the load")
        result = load.stop()
    assert not result.errors and not result.failures, result


def test_recycle(stack, transport):
    """All connections are replaced, idle ones at once, leased ones after their request."""
    proxy, _ = stack(transport)
    assert not Load(proxy.port, clients=8, requests=200).run().failures
    before = proxy.wait_quiet()
    assert proxy.admin("POST", "/pools/php/recycle")[0] in (200, 202, 204)
    proxy.wait_pool(lambda p: sum(p["closed"].values()) >= before["opened"], "the old connections to be closed")
    assert not Load(proxy.port, clients=8, requests=200).run().failures
    assert proxy.wait_quiet()["opened"] <= before["opened"] + 4


def test_recycle_under_load(stack, transport):
    proxy, _ = stack(transport)
    with Load(proxy.port, clients=8) as load:
        for _ in range(5):
            target = load.answered + 150
            wait_until(lambda t=target: load.answered > t, "the load")
            proxy.admin("POST", "/pools/php/recycle")
        result = load.stop()
    assert not result.errors and not result.failures, result


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_admin_under_load_shows_a_pool_within_its_bound(stack, path):
    """The sum over the states never exceeds the ceiling, whenever one looks."""
    proxy, _ = stack(pool={"max_connections": 3}, fpm={"max_requests": 10})
    worst = []
    with Load(proxy.port, clients=20, requests=2000) as load:
        def look():
            while load.running:
                proxy.admin("GET", path)
                pool = proxy.pool()
                worst.append(sum(pool[k] for k in ("connecting", "idle", "settling", "leased", "draining")))
        looker = threading.Thread(target=look, daemon=True)
        looker.start()
        result = load.finish()
        looker.join(30)
    assert not result.errors and not result.failures, result
    assert worst and max(worst) <= 3, max(worst)


def test_a_full_disk_under_the_access_log_is_told_of_once(stack):
    proxy, _ = stack(log={"access": "/dev/full"})
    for _ in range(3):
        assert proxy.get("/echo.php?t=a").status == 200
    told = "error access log: /dev/full cannot be written: No space left on device"
    wait_until(lambda: told in proxy.log(), "the error log to tell of it")
    assert proxy.get("/echo.php?t=a").status == 200
    assert proxy.log().count("access log: ") == 1, proxy.log()


def test_a_page_of_another_site_cannot_pause_a_pool(stack):
    """A browser says where a POST comes from: the operator's own page may act, a foreign one may not."""
    proxy, _ = stack("unix")
    own = f"http://{proxy.admin_address}"
    for origin, status in (("http://evil.example", 403), ("null", 403), (own, 200)):
        assert proxy.admin("POST", "/pools/php/pause", {"Origin": origin})[0] == status, origin
        assert proxy.pool()["paused"] is (status == 200)
    for site, status in (("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)):
        assert proxy.admin("POST", "/pools/php/pause", {"Sec-Fetch-Site": site})[0] == status, site
