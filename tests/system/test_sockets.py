"""`holdfast sockets`: what it says about sockets that the test itself makes.

Uses the built program alone; no php-fpm. Waits on conditions, never on time.
"""

import csv
import io
import json
import os
import pty
import select
import signal
import socket
import subprocess

import pytest
from harness.holdfast import BINARY


def run(*arguments, check=True):
    result = subprocess.run([BINARY, "sockets", *arguments], capture_output=True, text=True, timeout=30)
    if check:
        assert result.returncode == 0, result.stderr
    return result


@pytest.fixture
def closed_by_server():
    """A port whose service closed first: one TIME_WAIT with it, and one open connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    server, _ = listener.accept()
    server.close()
    assert client.recv(1) == b""
    client.close()
    open_client = socket.create_connection(("127.0.0.1", port))
    open_server, _ = listener.accept()
    yield port
    for each in (open_client, open_server, listener):
        each.close()


def port_row(report, port, side):
    rows = [row for row in report["ports"] if row["port"] == port and row["side"] == side]
    assert len(rows) == 1, report["ports"]
    return rows[0]


@pytest.mark.parametrize("source", [[], ["--proc"]])
def test_json_tells_who_closed_first(closed_by_server, source):
    report = json.loads(run("--json", *source).stdout)
    assert report["source"] == ("/proc/net" if source else "inet_diag")
    server = port_row(report, closed_by_server, "server")
    assert server["states"]["listen"] == 1
    assert server["states"]["established"] == 1
    assert server["closed_first"] == {"here": 1, "there": 0}
    assert port_row(report, closed_by_server, "client")["states"]["established"] == 1
    assert report["tcp"]["total"] == sum(report["tcp"]["states"].values())


def test_csv_has_the_same_rows(closed_by_server):
    rows = list(csv.DictReader(io.StringIO(run("--csv").stdout)))
    (row,) = [row for row in rows if row["port"] == str(closed_by_server) and row["side"] == "server"]
    assert (row["scope"], row["established"], row["listen"]) == ("tcp_port", "1", "1")


def test_table_without_colours_in_a_pipe(closed_by_server):
    out = run("--top", "65536").stdout  # other tests leave TIME_WAIT behind: the port may lie far down
    assert "\x1b" not in out
    assert str(closed_by_server) in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_csv_and_json_exclude_each_other():
    assert run("--csv", "--json", check=False).returncode != 0


def test_watch_csv_appends_rows_until_interrupted():
    process = subprocess.Popen([BINARY, "sockets", "--watch", "--csv"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("time,scope,")
        totals = 0
        while totals < 2:  # the second table comes a second after the first
            line = process.stdout.readline()
            assert line
            totals += line.split(",")[1] == "tcp"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


def test_watch_restores_the_terminal():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(BINARY, [BINARY, "sockets", "--watch"])
    shown = b""

    def read_until(mark):
        nonlocal shown
        while mark not in shown:
            readable, _, _ = select.select([terminal], [], [], 20)
            assert readable, shown
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # EIO: the program has gone
                break

    read_until(b"Unix stream sockets")
    assert shown.startswith(b"\x1b[?1049h")
    os.write(terminal, b"\x03")  # Ctrl-C
    read_until(b"\x1b[?1049l")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert shown.endswith(b"\x1b[?25h\x1b[?1049l")
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
