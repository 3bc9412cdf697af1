"""Signals: each does what the README says of it, none ends the server but those that stop it; and how it stops."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness.holdfast import BINARY, command
from harness.http_client import Client
from harness.process import Process, alive, wait_exit
from harness.scenes import hold, refuses
from harness.wait import PATIENCE, wait_until

STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


@pytest.mark.parametrize("number", STOPS)
def test_stops_in_order_and_says_so_until_the_end(stack, number):
    """The admin endpoint is what an orchestrator asks meanwhile."""
    proxy, fpm = stack()
    running = hold(proxy, fpm)
    kept = Client(("127.0.0.1", int(proxy.admin_address.rsplit(":", 1)[1])), PATIENCE)
    assert kept.request("GET", "/readyz").status == 200
    proxy.process.signal(number)
    wait_until(lambda: refuses(proxy), "the listener to be closed")
    assert proxy.admin("GET", "/readyz")[0] == 503
    assert proxy.admin("GET", "/healthz")[0] == 200
    assert proxy.status()["stopping"] is True and proxy.pool()["leased"] == 1
    assert b"holdfast_uptime_seconds" in proxy.admin("GET", "/metrics")[1]
    assert proxy.admin("POST", "/pools/php/pause")[0] == 409
    assert kept.request("GET", "/healthz").status == 200, "also on a connection that was there"
    fpm.touch("go")
    response = running.read()
    assert response.body == b"h\n" and response.closes
    assert wait_exit(proxy.process) == 0


def test_a_live_page_does_not_hold_up_the_stop(stack):
    proxy, _ = stack(shutdown={"grace": "10m"})
    page = Client(("127.0.0.1", int(proxy.admin_address.rsplit(":", 1)[1])), PATIENCE)
    page.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    page.read_head()
    idle = Client(("127.0.0.1", int(proxy.admin_address.rsplit(":", 1)[1])), PATIENCE)
    assert idle.request("GET", "/healthz").status == 200
    assert proxy.stop() == 0


def test_shutdown_delay_keeps_the_listeners_open(stack):
    """A load balancer sees /readyz fail before the port closes."""
    proxy, fpm = stack(shutdown={"delay": "1500ms"})
    kept, idle = proxy.client(), proxy.client()
    for client in (kept, idle):
        assert not client.request("GET", "/echo.php?t=before").closes
    running = hold(proxy, fpm)
    proxy.process.signal(signal.SIGTERM)
    wait_until(lambda: proxy.admin("GET", "/readyz")[0] == 503, "/readyz to fail")
    assert proxy.status()["stopping"] is True
    response = proxy.get("/echo.php?t=new")
    assert response.body == b"new\n" and response.closes, "new clients are served, and told to go"
    response = kept.request("GET", "/echo.php?t=kept")
    assert response.body == b"kept\n" and response.closes, "kept ones as well"
    wait_until(lambda: refuses(proxy), "the listener to be closed")
    assert idle.at_eof()
    assert proxy.process.running
    fpm.touch("go")
    assert running.read().body == b"h\n"
    assert wait_exit(proxy.process) == 0


def test_a_second_signal_cuts_delay_and_grace_short(stack):
    proxy, fpm = stack(shutdown={"delay": "10m", "grace": "10m"})
    stays = hold(proxy, fpm)
    proxy.process.signal(signal.SIGTERM)
    wait_until(lambda: "stopping: " in proxy.log(), "the first to be seen")
    proxy.process.signal(signal.SIGQUIT)
    assert wait_exit(proxy.process) == 0
    fpm.touch("go")
    assert [(line["status"], line["outcome"]) for line in proxy.access()] == [(503, "second_signal")]
    assert "second signal: 1 clients are cut off" in proxy.log() and "grace is over" not in proxy.log()
    stays.close()


def test_those_who_wait_at_a_paused_pool_are_served_before_the_end(stack):
    proxy, _ = stack()
    assert proxy.admin("POST", "/pools/php/pause")[0] == 200
    waiting = proxy.client()
    waiting.send(b"GET /echo.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["waiting"] == 1, "the waiter")
    proxy.process.signal(signal.SIGTERM)
    assert waiting.read().body == b"w\n"
    assert wait_exit(proxy.process) == 0


def test_usr1_opens_the_access_log_again(stack):
    proxy, _ = stack()
    assert proxy.get("/echo.php?t=one").status == 200
    proxy.wait_access(lambda a: "t=one" in a["target"])
    moved = proxy.access_path.rename(proxy.access_path.with_suffix(".1"))
    assert proxy.get("/echo.php?t=still").status == 200
    wait_until(lambda: "t=still" in moved.read_text(), "the line in the old file")
    proxy.process.signal(signal.SIGUSR1)
    wait_until(lambda: f"the access log is opened again: {proxy.access_path}" in proxy.log(), "it to say so")
    assert proxy.get("/echo.php?t=two").status == 200
    proxy.wait_access(lambda a: "t=two" in a["target"])
    assert "t=two" not in moved.read_text() and "reloaded" not in proxy.log()


def test_usr1_that_cannot_open_it_goes_on_with_the_old_one(stack):
    proxy, _ = stack()
    moved = proxy.access_path.rename(proxy.access_path.with_suffix(".1"))
    proxy.access_path.mkdir()
    proxy.process.signal(signal.SIGUSR1)
    wait_until(lambda: "lines go where they went before" in proxy.log(), "it to say so")
    assert proxy.get("/echo.php?t=on").status == 200
    wait_until(lambda: "t=on" in moved.read_text(), "the line in the old file")
    proxy.access_path.rmdir()


def test_usr2_reloads(stack):
    proxy, _ = stack()
    proxy.process.signal(signal.SIGUSR2)
    wait_until(lambda: "SIGUSR2: reloads" in proxy.log() and " reloaded: " in proxy.log(), "the reload")


def test_no_other_signal_ends_it(stack, base):
    """In any number, while it serves and while it stops."""
    proxy, fpm = stack()
    running = hold(proxy, fpm)
    for _ in range(20):
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            proxy.process.signal(number)
    assert proxy.get("/echo.php?t=on").body == b"on\n"
    proxy.process.signal(signal.SIGTERM)
    wait_until(lambda: refuses(proxy), "the listener to be closed")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        proxy.process.signal(number)
    wait_until(lambda: "no reload while stopping" in proxy.log(), "the refusal")
    fpm.touch("go")
    assert running.read().body == b"h\n"
    assert wait_exit(proxy.process) == 0


def test_a_file_that_may_not_grow_ends_nothing(stack):
    """SIGXFSZ: a body, the access log and the error log at the limit of the size of files."""
    proxy, _ = stack(log={"format": "combined"})
    proxy.stop()
    seen = len(proxy.log())
    proxy.process = Process(["prlimit", "--fsize=65536:65536", BINARY, "run", "-c", proxy.config_path], proxy.log_path)
    proxy.addresses = wait_until(lambda: re.findall(r" listening on (\S+)\n", proxy.log()[seen:]), "it to listen")
    with open(proxy.access_path, "ab") as f:
        f.write(b"\n" * 100000)
    assert proxy.get("/echo.php?t=b", method="POST", body=b"x" * 300000).status == 503
    wait_until(lambda: "the body of POST /echo.php?t=b cannot be stored: cannot write to the spill file" in proxy.log(), "it to say so")
    wait_until(lambda: f"{proxy.access_path} cannot be written: File too large" in proxy.log(), "that of the log")
    with open(proxy.log_path, "ab") as f:
        f.write(b"\n" * 100000)
    proxy.process.signal(signal.SIGUSR1)
    assert proxy.get("/echo.php?t=on").body == b"on\n"
    assert proxy.stop() == 0


EARLY = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


@pytest.fixture
def reading(base):
    """`run` that reads its configuration, which has not come yet: the process, and where to write it."""
    path = base / "early.yaml"
    os.mkfifo(path)
    process = Process([BINARY, "run", "-c", path], base / "early.log")
    try:
        yield process, path, wait_until(lambda: open_to_write(path), "it to read")
    finally:
        process.kill_group()


def open_to_write(fifo):
    with contextlib.suppress(OSError):
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    return None


def test_no_signal_kills_before_the_loop_runs(base, reading):
    """They are obeyed once it does."""
    process, path, end = reading
    for number in EARLY:
        process.signal(number)
    os.chmod(base, 0o777)  # root becomes another user
    text = json.dumps({"listen": f"unix:{base}/front.sock", "admin": "off", "log": {"access": f"{base}/access.log"},
                       "pools": {"php": {"address": "unix:/nowhere"}}, "sites": [{"root": str(base), "pool": "php"}]})
    (base / "file.yaml").write_text(text, encoding="ascii")
    (base / "file.yaml").rename(path)  # what the reload reads
    os.write(end, text.encode())
    os.close(end)
    wait_until(lambda: all(each in process.log() for each in (" reloaded: ", "SIGUSR2: reloads", "opened again"))
               or not process.running, "all to be obeyed")
    assert process.terminate() == 0, process.log()


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_before_there_is_anything_to_end(reading, number):
    process, _, end = reading
    for each in EARLY:
        process.signal(each)
    process.signal(number)
    assert wait_exit(process) == 0
    os.close(end)


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_while_php_fpm_starts_ends_it_too(base, number):
    site, temporary = base / "site", base / "tmp"
    for folder in (site, temporary):
        folder.mkdir()
        os.chmod(folder, 0o777)
    fpm = base / "php-fpm"  # never listens
    fpm.write_text(f"#!/bin/sh\necho $$ > {temporary}/new && mv {temporary}/new {temporary}/pid\nexec sleep 600\n",
                   encoding="ascii")
    fpm.chmod(0o755)
    process = Process([BINARY, "serve", site, "--fpm", fpm, "--listen", "127.0.0.1:0", "--admin", "off"], base / "log",
                      env={"TMPDIR": str(temporary)})
    try:
        wait_until(lambda: (temporary / "pid").exists() or not process.running, "php-fpm to start")
        child = int((temporary / "pid").read_text())
        wait_until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes(), "it to wait")
        for each in (*EARLY, number):
            process.signal(each)
        assert wait_exit(process) == 0, process.log()
        assert not alive(child)
        assert [each.name for each in temporary.iterdir()] == ["pid"]
    finally:
        process.kill_group()


def test_php_fpm_inherits_no_signal_that_waits_or_is_ignored(base):
    """Of what serve does to its own; what php-fpm does not set itself its scripts would have."""
    said = base / "said"
    said.mkdir()
    os.chmod(said, 0o777)
    fpm = base / "php-fpm"
    fpm.write_text(f"#!/bin/sh\ngrep ^Sig /proc/self/status > {said}/sig\n", encoding="ascii")
    fpm.chmod(0o755)
    command("serve", base, "--fpm", fpm, "--listen", "127.0.0.1:0", "--admin", "off")
    fields = dict(line.split() for line in (said / "sig").read_text().splitlines() if line.startswith(("SigBlk", "SigIgn")))
    own = [number for number in (*STOPS, *EARLY) if signal.getsignal(number) != signal.SIG_IGN]  # nohup: its user's will
    bits = sum(1 << number - 1 for number in (*own, signal.SIGPIPE, signal.SIGXFSZ))
    for name in ("SigBlk:", "SigIgn:"):
        assert int(fields[name], 16) & bits == 0, (name, fields[name])


def test_a_reader_of_the_log_that_has_gone_ends_nothing(base):
    """`holdfast run | head -1`: SIGPIPE, before the loop runs and after."""
    config = {"listen": f"unix:{base}/front.sock", "admin": {"listen": f"unix:{base}/admin.sock"},
              "pools": {"php": {"address": "unix:/nowhere"}}, "sites": [{"root": str(base), "pool": "php"}]}
    (base / "holdfast.yaml").write_text(json.dumps(config), encoding="ascii")
    with subprocess.Popen([BINARY, "run", "-c", base / "holdfast.yaml"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as proxy:
        proxy.stdout.close()
        wait_until(lambda: (base / "admin.sock").exists() or proxy.poll() is not None, "its sockets")
        with Client(str(base / "admin.sock"), PATIENCE) as client:
            assert client.request("POST", "/pools/php/pause").status == 200
        proxy.terminate()
        try:
            assert proxy.wait(PATIENCE) == 0
        finally:
            proxy.kill()
