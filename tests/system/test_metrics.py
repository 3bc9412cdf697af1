"""/metrics: valid by Prometheus' own checker, bounded in its labels, and with php-fpm's own numbers among them."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import fastcgi
from harness.load import Load
from harness.wait import wait_until

PROMTOOL = os.environ.get("HOLDFAST_PROMTOOL") or shutil.which("promtool")
WITH_STATUS = {"status_path": "/fpm-status"}
SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:\\.|[^"\\])*",?)*)\})? (\S+)')


def samples(proxy):
    """{(name, ((label, value), ...)): number} of all that /metrics has."""
    code, body = proxy.admin("GET", "/metrics")
    assert code == 200
    out = {}
    for line in body.decode().splitlines():
        if line.startswith("#"):
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        key = found[1], tuple(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', found[2] or ""))
        assert key not in out, f"twice: {line}"
        out[key] = float(found[3])
    return out


def fpm_numbers(proxy, pool="php"):
    return {name.removeprefix("phpfpm_"): value for (name, labels), value in samples(proxy).items()
            if name.startswith("phpfpm_") and labels == (("pool", pool),)}


def wait_fpm(proxy, up):
    return wait_until(lambda: fpm_numbers(proxy).get("up") == up and fpm_numbers(proxy), f"phpfpm_up {up}", interval=0.1)


@pytest.mark.skipif(not PROMTOOL, reason="no promtool on this machine (Debian package prometheus)")
def test_promtool(stack, transport):
    """Two pools, of which one is away; after answers, refusals and retries."""
    proxy, fpm = stack(transport, pool=WITH_STATUS, fpm={"max_requests": 20},
                       pools={"away": {"address": "unix:/nowhere/php.sock", **WITH_STATUS}})
    assert not Load(proxy.port, clients=8, requests=300).run().failures
    wait_fpm(proxy, 1)
    _, body = proxy.admin("GET", "/metrics")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=body, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert b"phpfpm_accepted_connections" in body and b'phpfpm_up{pool="away"} 0' in body


def test_names_of_families(stack):
    """What the issue names is there: pool gauges by state, histograms, closes and retries by reason, TIME_WAIT by port."""
    proxy, fpm = stack("tcp", pool=WITH_STATUS)
    assert proxy.get("/echo.php?t=a").status == 200
    seen = samples(proxy)
    names = {name for name, _ in seen}
    for histogram in ("queue_wait", "connect", "first_byte", "request"):
        assert {f"holdfast_{histogram}_seconds_{part}" for part in ("bucket", "sum", "count")} <= names
    assert seen["holdfast_internal_checks_failed_total", ()] == 0
    states = {dict(labels)["state"] for name, labels in seen if name == "holdfast_pool_connections"}
    assert states == {"connecting", "idle", "leased", "settling", "draining", "closing"}
    assert any(name == "holdfast_pool_connections_closed_total" and dict(labels)["reason"] for name, labels in seen)
    assert any(name == "holdfast_pool_retries_total" and dict(labels)["reason"] for name, labels in seen)
    wait_fpm(proxy, 1)
    exported = {"up", "active_processes", "idle_processes", "total_processes", "max_active_processes", "max_children_reached",
                "listen_queue", "max_listen_queue", "listen_queue_length", "accepted_connections", "slow_requests", "start_since"}
    assert set(fpm_numbers(proxy)) == exported


def test_time_wait_by_port(stack):
    """Without keep-alive php-fpm closes first: its port has the TIME_WAIT, on the server's side."""
    proxy, fpm = stack("tcp", pool={"keep_alive": False})
    for i in range(30):
        assert proxy.get(f"/echo.php?t=w{i}").status == 200

    def of(side, state, port=fpm.port):
        return samples(proxy)["holdfast_sockets", (("port", str(port)), ("side", side), ("state", state))]

    wait_until(lambda: of("server", "time_wait") >= 30, "30 in TIME_WAIT", interval=0.1)
    assert of("client", "time_wait") <= 1
    ports = {p["port"]: p for p in proxy.status()["sockets"]["ports"]}
    assert ports[fpm.port]["role"] == "pool" and ports[fpm.port]["name"] == "php"
    assert ports[proxy.port]["role"] == "listen"
    assert len(ports) == 3, "the listener, the pool, the admin endpoint"


def test_labels_are_bounded(stack):
    """Whatever clients send, no series is added: labels are pools, states, reasons, classes, bounds, our ports and other words of ours."""
    proxy, _ = stack("tcp", site={"front_controller": "/index.php"}, pool=WITH_STATUS)
    assert proxy.get("/echo.php?t=a").status == 200
    wait_fpm(proxy, 1)
    before = samples(proxy)
    for i in range(40):
        proxy.get(f"/p{i}?q={i}", [("User-Agent", f"agent-{i}"), ("X-Forwarded-For", f"10.0.0.{i}")], host=f"host{i}.example")
        proxy.get(f"/missing{i}.php", method=("GET", "POST", "PURGE", f"M{i}")[i % 4])
    after = samples(proxy)
    assert set(after) == set(before)
    allowed = {"pool", "state", "reason", "class", "le", "port", "side", "version", "log", "place", "use", "share"}
    assert {label for _, labels in after for label, _ in labels} <= allowed
    assert {value for _, labels in after for label, value in labels if label == "pool"} == {"php"}
    ports = {value for _, labels in after for label, value in labels if label == "port"}
    assert str(proxy.port) in ports and len(ports) == 3


def test_fpm_numbers_are_php_fpms(stack, transport):
    """The same as a direct question gives, for what does not move."""
    proxy, fpm = stack(transport, pool=WITH_STATUS, fpm={"max_children": 7})
    assert "php_fpm" in proxy.pool()
    numbers = wait_fpm(proxy, 1)
    out, _ = fastcgi.request(fpm.address, "/fpm-status", "json", extra={"SCRIPT_NAME": "/fpm-status"})
    direct = {key.decode(): int(value) for key, value in re.findall(rb'"([a-z ]+)":(\d+)', out)}
    assert numbers["listen_queue_length"] == direct["listen queue len"]
    assert numbers["slow_requests"] == direct["slow requests"] == 0
    assert 0 < numbers["accepted_connections"] < direct["accepted conn"]
    # The one that answers is not idle; kept connections make php-fpm count others as active too.
    assert 0 < numbers["idle_processes"] <= 6 and numbers["start_since"] <= direct["start since"]
    shown = proxy.pool()["php_fpm"]
    assert shown["up"] is True and shown["listen_queue_length"] == direct["listen queue len"] and shown["age_seconds"] >= 0


def test_fpm_is_asked_within_the_ceiling_and_never_before_requests(stack, transport):
    """One connection, held by a request: the question waits for its turn, beside the pool there is none."""
    proxy, fpm = stack(transport, pool={"max_connections": 1, **WITH_STATUS})
    client, waiter = proxy.client(), proxy.client()
    client.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: fpm.seen("started-h"), "the holder")
    for _ in range(20):
        assert "up" not in fpm_numbers(proxy)
    waiter.send(b"GET /echo.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the waiter alone")
    samples(proxy)
    pool = proxy.pool()
    assert pool["waiting"] == 1 and pool["requests"] == 1 and pool["opened"] == 1, "the question is not in the queue"
    fpm.touch("go")
    assert client.read().status == 200 and waiter.read().body == b"w\n"
    wait_fpm(proxy, 1)
    assert proxy.pool()["opened"] == 1


def test_fpm_is_asked_only_while_somebody_reads(stack):
    proxy, _ = stack(pool=WITH_STATUS)
    assert proxy.get("/echo.php?t=a").status == 200
    for _ in range(5):
        assert proxy.pool()["php_fpm"] == {"up": None}, "/status alone asks nothing"
    assert proxy.pool()["requests"] == 1
    wait_fpm(proxy, 1)
    for _ in range(50):
        samples(proxy)
    assert proxy.pool()["requests"] <= 3, "not at each reading"


def test_fpm_down_and_up(stack, transport):
    proxy, fpm = stack(transport, pool=WITH_STATUS)
    # php-fpm answers before it has started them all.
    wait_until(lambda: fpm_numbers(proxy).get("total_processes", 0) >= 5, "all workers", interval=0.1)
    fpm.stop()
    wait_until(lambda: fpm_numbers(proxy) == {"up": 0}, "phpfpm_up 0 and no old numbers", interval=0.1)
    assert proxy.pool()["php_fpm"]["error"]
    fpm.start()
    wait_fpm(proxy, 1)


def test_fpm_without_that_status_path(stack):
    """Said once, with what to look at."""
    proxy, _ = stack(pool={"status_path": "/other"})
    # At first php-fpm may not be reached yet.
    wait_until(lambda: samples(proxy) and "pm.status_path = /other" in proxy.pool()["php_fpm"].get("error", ""),
               "what is wrong with it", interval=0.1)
    for _ in range(5):
        samples(proxy)
    assert proxy.log().count("status of php-fpm: answered 404") == 1


def test_status_page_is_not_for_clients(stack):
    """php-fpm goes by SCRIPT_NAME alone, which no URL chooses."""
    proxy, _ = stack(pool=WITH_STATUS, site={"front_controller": "/index.php"})
    wait_fpm(proxy, 1)
    for target in ("/fpm-status", "/fpm-status?json", "/index.php/fpm-status", "//fpm-status", "/%66pm-status"):
        assert b"active processes" not in proxy.get(target).body, target


@pytest.mark.parametrize("how", ["reload", "stop"])
def test_question_under_way_at_reload_and_stop(app_stack, how):
    """An application that never answers the question: it holds up neither, and nothing is left behind."""
    asked = []

    def silent(connection):
        if request := connection.read_request():
            asked.append(request.params["SCRIPT_NAME"])
        while connection.read_record():
            pass

    proxy, _ = app_stack(silent, pool=WITH_STATUS, shutdown={"grace": "1s"})
    wait_until(lambda: samples(proxy) and asked == ["/fpm-status"], "the question", interval=0.05)
    if how == "reload":
        proxy.config["pools"]["php"]["max_connections"] = 3
        proxy.write_config()
        proxy.process.signal(signal.SIGHUP)
        proxy.wait_pool(lambda p: p["max_connections"] == 3, "the reload")
    assert proxy.stop(timeout=20) == 0
