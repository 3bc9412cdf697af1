"""`./dev demo`: a quick run passes its own claims, leaves a report and nothing else; a run that is stopped or killed leaves
no namespace. Needs root, nginx, wrk and matplotlib; skipped
without.

The judging and the counting are tested with figures of the tests' own: claims must be able to fail.
"""

import copy
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DEMO = PROJECT / "docker/demo/demo.py"
BINARY = os.environ.get("HOLDFAST_BIN", str(PROJECT / "build/release/holdfast"))
sys.path[:0] = [str(PROJECT / "docker/demo"), str(PROJECT / "docker/report")]

import claims  # noqa: E402
import sampling  # noqa: E402

PATIENCE = 60


def may_make_namespaces() -> bool:
    name = f"holdfast-test-{os.getpid()}"
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return False
    # In a chroot one can be made and not entered: `ip` remounts /, which is no mount there.
    entered = subprocess.run(["ip", "netns", "exec", name, "true"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], check=True)
    return entered.returncode == 0


needs_namespaces = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("wrk") and importlib.util.find_spec("matplotlib")
         and may_make_namespaces()),
    reason="needs root with network namespaces, nginx, wrk and matplotlib")


def namespaces_of(pid: int) -> list:
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return re.findall(rf"^holdfast-{pid}-\S+", listing, re.MULTILINE)


def is_empty(namespace: str) -> bool:
    """`ip netns pids` fails when a process ends while it looks."""
    listing = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, check=False)
    return listing.returncode == 0 and not listing.stdout.strip()


def start_demo(out: Path, *options) -> subprocess.Popen:
    # As a job in the background of a script: the shell has it ignore SIGINT.
    return subprocess.Popen(["/usr/bin/python3", str(DEMO), "--binary", BINARY, "--out", str(out), *options],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))


def wait_until(condition, what: str):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)
    return found


def wait_for_load(demo: subprocess.Popen) -> None:
    """Until its first lane is under load: the line comes when all is set up."""
    line = demo.stdout.readline()
    while line and not line.startswith("lane 1/"):
        line = demo.stdout.readline()
    assert line, "the demo ended before its first lane"


@needs_namespaces
@pytest.mark.heavy
def test_quick_run(tmp_path):
    demo = start_demo(tmp_path / "out", "--quick")
    output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output
    assert namespaces_of(demo.pid) == []
    document = json.loads((tmp_path / "out/results.json").read_text())
    assert {lane["id"] for lane in document["lanes"]} >= {"nginx-short", "nginx-holdfast", "holdfast-tcp", "ports-nginx-short"}
    assert {c["verdict"] for c in document["claims"]} == {"PASS", "seen"}
    assert "Cannot assign requested address" in output
    page = (tmp_path / "out/report.html").read_text()
    assert page.count("<svg ") == 3
    # Nothing from outside: no resource is named but namespaces of XML.
    outside = [url for url in re.findall(r"(?:src=|href=|url\(|@import)\s*[\"']?([^\"')>\s]+)", page) if url[0] != "#"]
    assert outside == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), Counter(ids).most_common(3)
    lines = (tmp_path / "out/samples.csv").read_text().splitlines()
    assert lines[0].startswith("lane,time,place,port,side,") and len(lines) > 100


@needs_namespaces
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_stopped_run_leaves_nothing(tmp_path, number, status):
    demo = start_demo(tmp_path / "out", "--quick")
    wait_for_load(demo)
    assert namespaces_of(demo.pid)
    demo.send_signal(number)
    demo.communicate(timeout=PATIENCE)
    assert demo.returncode == status
    assert namespaces_of(demo.pid) == []
    assert not list(Path("/tmp").glob(f"holdfast-demo-{demo.pid}-*"))


@needs_namespaces
def test_next_run_removes_what_a_killed_one_left(tmp_path):
    killed = start_demo(tmp_path / "out", "--quick")
    wait_for_load(killed)
    killed.kill()
    killed.communicate(timeout=PATIENCE)
    left = namespaces_of(killed.pid)
    assert left
    # Its programs go with it, even so.
    for name in left:
        wait_until(lambda name=name: is_empty(name), f"programs in {name} end")
    following = start_demo(tmp_path / "out", "--quick")
    wait_for_load(following)
    assert namespaces_of(killed.pid) == []
    assert not list(Path("/tmp").glob(f"holdfast-demo-{killed.pid}-*"))
    following.terminate()
    following.communicate(timeout=PATIENCE)
    assert namespaces_of(following.pid) == []


# ----------------------------------------------------------------------------------------------------- counting


@pytest.fixture
def sockets():
    """On one port: two open connections and one in TIME_WAIT, closed first by the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    pairs = []
    for _ in range(3):
        client = socket.create_connection(listener.getsockname())
        pairs.append((client, listener.accept()[0]))
    pairs[0][1].close()
    assert pairs[0][0].recv(1) == b""
    pairs[0][0].close()
    yield listener.getsockname()[1]
    for client, server in pairs:
        client.close()
        server.close()
    listener.close()


@pytest.mark.parametrize("reader", [sampling.NetlinkSource, sampling.ProcSource])
def test_sampler_counts_by_side(sockets, reader):
    server, client = sampling.sample("here", [sockets], reader())
    assert server[1:] == ["here", sockets, "server", 2, 0, 0, 1, ""]
    assert client[1:] == ["here", sockets, "client", 2, 0, 0, 0, ""]


def test_sampler_ends_with_its_lane(tmp_path):
    """In a process of its own: it takes the signals."""
    done, out = tmp_path / "result.json", tmp_path / "samples.csv"
    code = (f"import os, sys; sys.path.insert(0, {str(PROJECT / 'docker/report')!r}); import sampling; from pathlib import Path\n"
            f"sys.exit(sampling.run('here', [80], 0.05, Path({str(out)!r}), os.getppid(), until=Path({str(done)!r})))")
    sampler = subprocess.Popen(["/usr/bin/python3", "-c", code])
    try:
        wait_until(lambda: out.exists() and len(sampling.load(out)) >= 4, "two samples")
        done.touch()
        assert sampler.wait(timeout=PATIENCE) == 1, "True: by its lane's end"
    finally:
        sampler.kill()
        sampler.wait()


def row(time_, waiting, established=200):
    return {"time": time_, "established": established, "opening": 0, "waiting": waiting}


@pytest.mark.parametrize("rows, expected", [
    ([], 0),
    ([row(10, ""), row(14.75, "")], 0),
    ([row(14.75, "1:5 2:7")], 0),                         # late, but not for four fifths of 4.75 s
    ([row(14.75, "2:7 3:9 4:84")], 93),
    ([row(12, "2:50"), row(14.75, "1:3")], 0),            # answered meanwhile
    ([row(14.75, "4:84"), row(14.9, "", 0)], 84),         # all closed at the end: the last sample with clients counts
    ([row(14.75, "4:84"), row(15.25, "")], 84),           # after the end
])
def test_never_answered(rows, expected):
    assert sampling.never_answered(rows, 10, 15) == expected


# ------------------------------------------------------------------------------------------------------ judging


def phase(name, **figures):
    return {"id": name, "clients": 200, "rate": 1000.0, "answers": 5000, "good": 5000, "errors": 0, "error_kinds": {},
            "never_answered": 0, "p99_ms": 9.0, "time_wait_php": 0, "time_wait_proxy": 0, "open_to_php": 15} | figures


def lane(id_, server, act=1, unix=False, opened=15, **figures):
    return {"id": id_, "title": id_, "server": server, "act": act, "unix": unix, "pool": 15, "connections": opened,
            "accepted_by_php": None if unix else opened, "answers": 10000, "opened_by_proxy": opened, "ports": [1, 2000],
            "kernel_errors": 0, "phases": [phase(name, **figures) for name in ("short", "kept")]}


@pytest.fixture
def good():
    return [lane("nginx-short", "nginx", opened=10000, time_wait_php=9000), lane("nginx-kept", "nginx", opened=300),
            lane("nginx-holdfast", "holdfast"),
            lane("holdfast-short", "holdfast", opened=10000, time_wait_php=9000), lane("holdfast-tcp", "holdfast"),
            lane("holdfast-unix", "holdfast", unix=True),
            lane("ports-nginx-short", "nginx", act=2, time_wait_proxy=2000) | {"kernel_errors": 7},
            lane("ports-holdfast-tcp", "holdfast", act=2)]


def verdicts(lanes):
    return [c["verdict"] for c in claims.judge(lanes)]


def test_good_figures_pass(good):
    assert "FAIL" not in verdicts(good) and verdicts(good).count("PASS") == 17
    assert claims.passed(claims.judge(good))


@pytest.mark.parametrize("lane_id, figure, value", [
    ("nginx-short", "time_wait_php", 999), ("holdfast-short", "time_wait_php", 999),
    ("holdfast-tcp", "time_wait_php", 16), ("holdfast-unix", "time_wait_proxy", 16), ("holdfast-tcp", "open_to_php", 16),
    ("nginx-holdfast", "time_wait_proxy", 16), ("nginx-holdfast", "never_answered", 1),
    ("holdfast-short", "errors", 1), ("holdfast-tcp", "errors", 1), ("holdfast-unix", "never_answered", 1),
    ("ports-nginx-short", "time_wait_proxy", 1799), ("ports-holdfast-tcp", "errors", 1)])
def test_one_bad_figure_fails(good, lane_id, figure, value):
    bad = copy.deepcopy(good)
    next(each for each in bad if each["id"] == lane_id)["phases"][1][figure] = value
    if figure.startswith("time_wait") and value < 9000 and lane_id.endswith("short"):
        next(each for each in bad if each["id"] == lane_id)["phases"][0][figure] = value
    assert verdicts(bad).count("FAIL") == 1
    assert not claims.passed(claims.judge(bad))


def test_time_wait_of_short_clients_behind_nginx_fails(good):
    next(each for each in good if each["id"] == "nginx-holdfast")["phases"][0]["time_wait_php"] = 16
    assert verdicts(good).count("FAIL") == 1


@pytest.mark.parametrize("lane_id, change", [
    ("holdfast-tcp", {"opened_by_proxy": 16}), ("holdfast-unix", {"connections": 16}), ("nginx-holdfast", {"connections": 16}),
    ("ports-nginx-short", {"kernel_errors": 0}), ("ports-holdfast-tcp", {"connections": 16})])
def test_one_bad_count_fails(good, lane_id, change):
    bad = [each | (change if each["id"] == lane_id else {}) for each in good]
    assert verdicts(bad).count("FAIL") == 1
