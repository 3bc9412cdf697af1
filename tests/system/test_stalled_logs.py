"""Logs whose reader has stopped: a pipe, the journal's socket, a FIFO, a terminal. Nobody waits for it; what it never
gets is counted, and told when it reads on."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from harness import fastcgi as fcgi
from harness.holdfast import BINARY
from harness.http_client import Client
from harness.process import wait_exit
from harness.wait import PATIENCE, wait_until

COMPLAINT = b"x" * 9000  # of php, with each page: one line of the error log


def complain(connection):
    while request := connection.read_request():
        connection.send(fcgi.stream(fcgi.STDERR, request.id, COMPLAINT))
        connection.answer(request)


class Reader:
    """The reading end, and the writing end that the server gets."""

    def __init__(self, kind, base):
        if kind == "pipe":
            self.fd, self.theirs = os.pipe()
        elif kind == "socket":
            ours, theirs = socket.socketpair()
            self.fd, self.theirs = ours.detach(), theirs.detach()
        elif kind == "terminal":
            self.fd, self.theirs = pty.openpty()
        else:
            os.mkfifo(base / "fifo")
            self.fd = os.open(base / "fifo", os.O_RDONLY | os.O_NONBLOCK)
            self.theirs = os.open(base / "fifo", os.O_WRONLY)
            os.set_blocking(self.fd, True)
        self.kept = os.dup(self.theirs)  # as the shell that started it keeps its own
        self.text = b""

    def handed_over(self):
        os.close(self.theirs)

    def read_on(self):
        """From now on all is read, by a thread."""

        def read():
            while True:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    return
                if not data:
                    return
                self.text += data

        threading.Thread(target=read, daemon=True).start()

    def full(self):
        return not select.select([], [self.kept], [], 0)[1]


class Server:
    def __init__(self, base, app, www, reader, **log):
        self.base = base
        config = {"listen": f"unix:{base}/front.sock", "admin": {"listen": f"unix:{base}/admin.sock"},
                  "pools": {"php": {"address": app.address}}, "sites": [{"root": str(www), "pool": "php"}],
                  "log": {"access": "off", **log}}
        (base / "holdfast.yaml").write_text(json.dumps(config), encoding="ascii")
        wrapper = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen([*wrapper, BINARY, "run", "-c", base / "holdfast.yaml"], stdin=subprocess.DEVNULL,
                                        stdout=reader.theirs, stderr=reader.theirs, start_new_session=True)
        reader.handed_over()
        wait_until(lambda: (base / "front.sock").exists() and (base / "admin.sock").exists(), "its sockets")

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    @property
    def popen(self):
        return self.process

    def get(self, path, where="front"):
        with Client(str(self.base / f"{where}.sock"), PATIENCE) as client:
            return client.request("GET", path)

    def metric(self, log):
        text = self.get("/metrics", "admin").body.decode()
        return int(re.search(rf'holdfast_log_lines_dropped_total{{log="{log}"}} (\d+)', text)[1])


@pytest.fixture
def serve(base, start_app):
    started = []
    www = base / "www"
    www.mkdir()
    (www / "x.php").write_text("<?php\n", encoding="ascii")

    def start(kind, **log):
        reader = Reader(kind, base)
        server = Server(base, start_app(complain), www, reader, **log)
        started.append((server, reader))
        return server, reader

    yield start
    for server, reader in started:
        if server.running:
            os.kill(server.pid, signal.SIGKILL)
            server.process.wait(10)
        for fd in (reader.fd, reader.kept):
            with contextlib.suppress(OSError):
                os.close(fd)


def fill(server, count):
    with Client(str(server.base / "front.sock"), PATIENCE) as client:
        for n in range(count):
            assert client.request("GET", f"/x.php?t={n}").body == f"{n}\n".encode()


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal", "fifo"])
def test_stderr_whose_reader_has_stopped(serve, kind):
    """Pages, /healthz and SIGTERM all the same; how many lines were lost is told once somebody reads on."""
    server, reader = serve(kind)
    flags = fcntl.fcntl(reader.kept, fcntl.F_GETFL)
    fill(server, 150)  # 1.2 MB of lines
    assert server.get("/healthz", "admin").status == 200
    dropped = server.metric("error")
    assert dropped > 20 and json.loads(server.get("/status", "admin").body)["log_lines_dropped"]["error"] >= dropped
    assert fcntl.fcntl(reader.kept, fcntl.F_GETFL) == flags, "what is shared with others stays as it was"
    reader.read_on()
    wait_until(lambda: b"were dropped" in reader.text, "the number of lost lines")
    fill(server, 3)
    wait_until(lambda: b"t=2 " in reader.text or reader.text.rstrip().endswith(b"more bytes"), "the lines after them")
    lines = reader.text.decode(errors="replace").replace("\r\n", "\n").splitlines()
    told = [int(found[1]) for line in lines if (found := re.search(r"error log: (\d+) lines were dropped", line))]
    assert told == [server.metric("error")], lines
    assert max(len(line) for line in lines) < 8192 and sum("more bytes" in line for line in lines) > 5
    server.process.send_signal(signal.SIGTERM)
    assert wait_exit(server) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_though_nobody_reads(serve, number):
    server, reader = serve("pipe")
    fill(server, 60)
    assert reader.full()
    server.process.send_signal(number)
    assert wait_exit(server) == 0


def test_a_refused_reload_with_many_mistakes_waits_for_nobody(serve):
    """The diagnostics are written by the server as well."""
    server, reader = serve("pipe")
    fill(server, 60)
    assert reader.full()
    wrong = "".join(f"mistake_number_{n}: {n}\n" for n in range(2000))
    (server.base / "holdfast.yaml").write_text(wrong, encoding="ascii")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not json.loads(server.get("/status", "admin").body)["config"]["last_reload_successful"], "the refusal")


def test_stdout_whose_reader_has_stopped(serve):
    """The access log: 4 MB are kept, then lines are dropped, counted, and told of in the error log."""
    server, reader = serve("pipe", access="stdout", format="json", level="error")
    target = "/none?" + "t" * 7000
    with Client(str(server.base / "front.sock"), PATIENCE) as client:
        for _ in range(700):
            assert client.request("GET", target).status == 404
    dropped = wait_until(lambda: server.metric("access"), "lines to be dropped")
    assert server.get("/healthz", "admin").status == 200
    reader.read_on()
    # Whole lines: the last one may be on its way.
    wait_until(lambda: reader.text.endswith(b"\n") and reader.text.count(b'"target":"/none?') >= 700 - dropped, "what was kept")
    lines = [json.loads(line) for line in reader.text.splitlines() if line.startswith(b"{")]
    assert len(lines) == 700 - server.metric("access")
    server.process.send_signal(signal.SIGTERM)
    assert wait_exit(server) == 0


def test_an_access_line_has_a_length_limit_and_stays_json(app_stack):
    proxy, _ = app_stack(client={"max_header": "256k"})
    # Referer and User-Agent may be as long as the head.
    assert proxy.get("/x.php?t=long", [("Referer", "r" * 30000), ("User-Agent", "\"" * 15000)]).status == 200
    line = proxy.wait_access(lambda a: "t=long" in a["target"])[0]
    assert re.fullmatch(r"r+\.\.\. \d+ more bytes", line["referer"]) and line["user_agent"].endswith(" more bytes")
    assert max(len(text) for text in proxy.access_path.read_bytes().splitlines()) < 8192
