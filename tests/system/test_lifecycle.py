"""Start, shut-down, and the limits of the process itself."""

import json
import os
import signal
import resource
import socket

import pytest

from harness.holdfast import BINARY
from harness.http_client import Client
from harness.load import Load
from harness.process import Process, cpu_seconds, open_files, wait_exit
from harness.scenes import hold, refuses
from harness.wait import PATIENCE, pause, wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful_shutdown(stack, transport, number):
    """What runs is finished and says close, nothing new is taken, the exit status is 0."""
    proxy, fpm = stack(transport)
    idle = proxy.client()
    assert idle.request("GET", "/echo.php?t=i").status == 200
    running = hold(proxy, fpm)
    proxy.process.signal(number)
    wait_until(lambda: refuses(proxy), "the listener to be closed")
    assert idle.at_eof(), "an idle connection is ended"
    assert proxy.process.running
    fpm.touch("go")
    response = running.read()
    assert response.body == b"h\n" and response.closes, response
    assert wait_exit(proxy.process) == 0


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_started_without_standard_descriptors(tmp_path, closed):
    """What took their numbers was libuv's own: log lines were written into it, and at the end libuv aborted."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "a.txt").write_text("text")
    tmp_path.chmod(0o755)
    (tmp_path / "c.json").write_text(json.dumps({"listen": f"unix:{tmp_path}/s", "admin": "off", "pools": {"php": {"address": "unix:/nowhere"}}, "user": "root",
                                                "sites": [{"root": f"{tmp_path}/www"}]}))
    process = Process(["/bin/sh", "-c", f'exec "$0" run -c "$1" {closed}', BINARY, tmp_path / "c.json"], tmp_path / "log")
    try:
        wait_until(lambda: (tmp_path / "s").exists() or not process.running, "the socket")
        for number in (0, 1, 2):
            if str(number) in closed:
                assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
        with Client(str(tmp_path / "s"), PATIENCE) as client:
            assert client.request("GET", "/a.txt").body == b"text"
        assert process.terminate() == 0, process.log()
    finally:
        process.kill_group()


def test_shutdown_answers_what_was_sent_behind_a_running_answer(stack):
    """Its head was written before the end was known, so the client was free to send one more; that one says close."""
    proxy, fpm = stack()
    with proxy.client() as client:
        client.send(b"GET /stream.php?t=s&events=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                    b"GET /echo.php?t=behind HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not client.read_head().closes
        client.read_body_until(b"data: s 0\n\n")
        proxy.process.signal(signal.SIGTERM)
        wait_until(lambda: refuses(proxy), "the listener to be closed")
        fpm.touch("ack-s-0")
        assert client.read().body.endswith(b"data: end\n\n")
        behind = client.read()
        assert behind.body == b"behind\n" and behind.closes and client.at_eof(), behind
    assert wait_exit(proxy.process) == 0


def test_shutdown_does_not_wait_for_what_is_no_request(stack):
    """A line end behind a request (RFC 9112 2.2), which some clients send."""
    proxy, fpm = stack(shutdown={"grace": "10m"})
    with proxy.client() as client:
        client.send(b"GET /stream.php?t=s&events=1 HTTP/1.1\r\nHost: x\r\n\r\n\r\n")
        client.read_head()
        client.read_body_until(b"data: s 0\n\n")
        proxy.process.signal(signal.SIGTERM)
        wait_until(lambda: refuses(proxy), "the listener to be closed")
        fpm.touch("ack-s-0")
        assert client.read().body.endswith(b"data: end\n\n") and client.at_eof()
    assert wait_exit(proxy.process) == 0


def test_shutdown_serves_the_queue(stack):
    """Waiters that were accepted before are served as well."""
    proxy, fpm = stack(pool={"max_connections": 1})
    running = hold(proxy, fpm)
    waiter = proxy.client()
    waiter.send(b"GET /count.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the waiter")
    proxy.process.signal(signal.SIGTERM)
    wait_until(lambda: refuses(proxy), "the listener to be closed")
    fpm.touch("go")
    assert running.read().status == 200 and waiter.read().body == b"w 0\n"
    assert wait_exit(proxy.process) == 0


def test_shutdown_grace_is_a_limit(stack):
    """And who is cut off by it has not left: the logs say so."""
    proxy, fpm = stack(shutdown={"grace": "500ms"})
    stays = hold(proxy, fpm)
    proxy.process.signal(signal.SIGTERM)
    assert wait_exit(proxy.process) == 0
    fpm.touch("go")
    assert [(line["status"], line["outcome"]) for line in proxy.access()] == [(503, "grace_over")]
    assert "shutdown.grace is over: 1 clients are cut off" in proxy.log()
    stays.close()


def test_shutdown_under_load_cuts_nobody(stack):
    """Each request that got an answer got a whole one; the load then finds the door closed."""
    proxy, _ = stack()
    clients = [proxy.client() for _ in range(8)]
    for i, client in enumerate(clients):
        client.send(f"GET /sleep.php?t=s{i}&ms=300 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    proxy.wait_pool(lambda p: p["leased"] == 4 and p["waiting"] == 4, "all of them")
    proxy.process.signal(signal.SIGTERM)
    for i, client in enumerate(clients):
        assert client.read().body == f"s{i}\n".encode()
    assert wait_exit(proxy.process) == 0


def test_two_listeners_and_a_unix_one(stack, base):
    path = base / "front.sock"
    proxy, _ = stack(listen=["127.0.0.1:0", "127.0.0.1:0", f"unix:{path}"])
    assert len(proxy.addresses) == 3
    for address in proxy.addresses:
        target = str(path) if address.startswith("unix:") else ("127.0.0.1", int(address.rsplit(":", 1)[1]))
        with Client(target, 10) as client:
            assert client.request("GET", "/echo.php?t=l").body == b"l\n"
    assert proxy.stop() == 0
    assert not path.exists(), "its socket file is removed"


def test_a_taken_port_is_an_error_at_start(stack, start_holdfast):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        proxy = start_holdfast({"listen": address, "pools": {"php": {"address": "unix:/x"}},
                                "sites": [{"root": "/tmp", "pool": "php"}]}, run=False)
        proxy.expect_death = True
        with pytest.raises(AssertionError, match="ended at start"):
            proxy.start()
    assert proxy.process.popen.returncode not in (0, None)
    assert address in proxy.log()
    assert f"(pid {os.getpid()}) has it" in proxy.log(), "who has it: this very test"


def test_out_of_descriptors_does_not_spin(start_fpm, start_holdfast):
    """accept() fails with EMFILE: it waits instead of trying for ever, and goes on when there are some again."""
    fpm = start_fpm(max_children=5).start()
    proxy = start_holdfast({"user": "root", "pools": {"php": {"address": fpm.address}},  # root: we may change its limits
                            "sites": [{"root": str(fpm.www), "pool": "php"}]})
    # Before as after. It also shows UBSan's vptr check each class while there is a descriptor for the pipe it looks with.
    assert proxy.get("/echo.php?t=before").body == b"before\n"
    # Lowered behind its back: it knows what to allow when it starts.
    before = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (40, before[1]))
    crowd = []
    for _ in range(120):
        client = socket.create_connection(("127.0.0.1", proxy.port), 10)
        crowd.append(client)
    wait_until(lambda: len(proxy_descriptors(proxy)) >= 40, "the descriptors to be used up")
    before = cpu_seconds(proxy.pid)
    pause(1.5)
    assert cpu_seconds(proxy.pid) - before < 0.6, "it spins"
    assert proxy.process.running
    for client in crowd:
        client.close()
    wait_until(lambda: len(proxy_descriptors(proxy)) < 40, "the descriptors to be free again")
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def proxy_descriptors(proxy):
    return open_files(proxy.pid)


def test_client_max_connections(stack):
    """At the limit further clients wait to be accepted, and are served when one leaves."""
    proxy, _ = stack(client={"max_connections": 3})
    first = [proxy.client() for _ in range(3)]
    for i, client in enumerate(first):
        assert client.request("GET", f"/echo.php?t=f{i}").status == 200
    late = proxy.client()
    late.send(b"GET /echo.php?t=late HTTP/1.1\r\nHost: x\r\n\r\n")
    assert proxy.status()["clients"]["connections"] <= 3
    first[0].close()
    response = late.read()
    assert response.body == b"late\n" or response.status == 503, response


def test_idle_costs_nothing(stack):
    """No timer runs hot while nothing happens (pings included)."""
    proxy, _ = stack(pool={"ping": "1s"})
    assert not Load(proxy.port, clients=4, requests=50).run().failures
    proxy.wait_quiet()
    before = cpu_seconds(proxy.pid)
    pause(2)
    assert cpu_seconds(proxy.pid) - before < 0.2
