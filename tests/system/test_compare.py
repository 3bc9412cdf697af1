"""`./dev compare`: a quick run passes its own claims, leaves a report and nothing else, as does a run that is stopped.
Needs nginx, haproxy and h2load; skipped without.

The judging and the reading of what the tools print are tested with figures of the tests' own: claims must be able to fail.
"""

import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.wait import wait_until

PROJECT = Path(__file__).resolve().parents[2]
sys.path.append(str(PROJECT / "tests/bench"))

from comparison import claims, clients, table  # noqa: E402
from comparison.subjects import POOL, SUBJECTS, find  # noqa: E402

PATIENCE = 60
MISSING = [name for name in ("nginx", "haproxy", "h2load") if not find(name)]
needs_peers = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
OURS = [subject.id for subject in SUBJECTS if subject.ours]


@pytest.fixture
def start_compare(base):
    """A quick run whose temporary folder is ours to look at; ended with the test."""
    started = []
    (base / "t").mkdir(mode=0o755)

    def start():
        run = subprocess.Popen(
            ["/usr/bin/python3", str(PROJECT / "tests/bench/compare.py"), "--quick", "--out", str(base / "out")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "TMPDIR": str(base / "t")})
        started.append(run)
        return run

    yield start
    for run in started:
        if run.poll() is None:
            run.terminate()
            run.communicate(timeout=PATIENCE)


def left_in(base: Path) -> list:
    """Temporary files, and command lines of running programs that name the folder."""
    found = list((base / "t").iterdir())
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if str(base) in command:
            found.append(command)
    return found


@needs_peers
@pytest.mark.heavy
def test_quick_run(start_compare, base):
    run = start_compare()
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    document = json.loads((base / "out/compare.json").read_text())
    assert {claim["holds"] for claim in document["claims"]} == {True}
    assert {claim["subject"] for claim in document["claims"]} == set(OURS)
    assert all(set(figures) == {subject.id for subject in SUBJECTS} for figures in document["results"].values())
    opened = document["results"]["opened"]
    assert opened["nginx"][0]["connections"] == opened["nginx"][0]["sent"], "the count of connections is wrong"
    assert document["results"]["prints"]["nginx-kept"][0]["foreign"] > 0, "no print met a page: nothing was tested"
    page = (base / "out/compare.md").read_text()
    assert page.count("| PASS |") == len(document["claims"])
    configs = sorted(path.name for path in (base / "out/configs").iterdir())
    assert "haproxy.haproxy.cfg" in configs and len(configs) == 2 * len(SUBJECTS)
    assert left_in(base) == []


@needs_peers
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_leaves_nothing(start_compare, base, number, status):
    run = start_compare()
    line = run.stdout.readline()
    while line and not line.startswith("trial 1/"):
        line = run.stdout.readline()
    assert len(left_in(base)) > 1, "nothing was running: nothing was tested"
    run.send_signal(number)
    output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == status, output
    # A php-fpm that was being started is told by the kernel of its parent's end.
    wait_until(lambda: not left_in(base), "all to end")


# --------------------------------------------------------------------------------------------- judging, reading


LOAD = {"rate": 9000.0, "answers": 9000, "errors": 0, "slowest": 80.0, "fastest": 100.0, "starved": 0, "clients": 100,
        "cpu_us": 20.0}
COUNTS = {"sent": 600, "ok": 600, "wrong": 0, "errors": 0, "cut": 0, "no_answer": 0}
MILLISECONDS = {"1": 0.2, "12": 0.3, "20": 0.3, "64": 0.5}
GOOD = {
    "cost": [LOAD, LOAD], "full": [LOAD], "opened": [COUNTS | {"scripts": 600, "connections": POOL}],
    "pages": [{"mean_ms": MILLISECONDS, "typical_ms": MILLISECONDS, "failed": 0}],
    "posts": [COUNTS | {"lost": 0, "ran": 600, "ran_twice": 0}], "prints": [{"tries": 6, "foreign": 0, "failed": 0}],
    "leavers": [{"left": 20, "ran": 0, "stayer_status": 200, "scripts": 3}], "restarts": [COUNTS],
}


@pytest.fixture
def good():
    return {trial: {subject.id: copy.deepcopy(rounds) for subject in SUBJECTS} for trial, rounds in GOOD.items()}


def test_good_figures_pass(good):
    judged = claims.judge(good)
    assert claims.passed(judged) and len(judged) == 7 * len(OURS)


@pytest.mark.parametrize("subject", OURS)
@pytest.mark.parametrize("trial, change", [
    ("cost", {"starved": 1}), ("full", {"starved": 84}), ("cost", {"errors": 1}), ("full", {"slowest": 0.0}),
    ("opened", {"connections": POOL + 1}), ("opened", {"ok": 599}), ("opened", {"connections": 0}),
    ("pages", {"typical_ms": MILLISECONDS | {"20": 43.0}}), ("pages", {"failed": 1}),
    ("posts", {"lost": 1}), ("posts", {"ran_twice": 1}), ("posts", {"ran": 599}),
    ("prints", {"foreign": 1}), ("prints", {"failed": 1}), ("leavers", {"ran": 1}), ("leavers", {"stayer_status": 0}),
    ("restarts", {"ok": 599, "errors": 1}), ("restarts", {"ok": 599, "wrong": 1}), ("restarts", {"ok": 0, "sent": 0})])
def test_one_bad_figure_fails_one_claim(good, subject, trial, change):
    good[trial][subject][-1].update(change)
    failed = [claim for claim in claims.judge(good) if not claim["holds"]]
    assert [claim["subject"] for claim in failed] == [subject]


def test_others_are_told_not_judged(good):
    for subject in SUBJECTS:
        if not subject.ours:
            good["posts"][subject.id][0]["lost"] = 66
            good["full"][subject.id][0]["starved"] = 84
    assert claims.passed(claims.judge(good))
    told = [line for line in table.cells(good) if line[0].startswith("POSTs lost")][0]
    assert told[1:] == ["0" if subject.ours else "66" for subject in SUBJECTS]


def test_ratios_are_taken_within_a_round(good):
    """A busy machine in one round slows both of it: the ratio stays."""
    good["cost"]["nginx"] = [LOAD | {"rate": 1000.0}, LOAD | {"rate": 100.0}, LOAD | {"rate": 1000.0}]
    good["cost"]["haproxy"] = [LOAD | {"rate": 2000.0}, LOAD | {"rate": 200.0}, LOAD | {"rate": 2000.0}]
    assert table.ratio(good, "haproxy", "rate") == "2.00"
    assert table.ratio(good, "nginx", "rate") == "1.00"


def test_every_line_of_the_table_is_whole(good):
    lines = table.terminal(good).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines) > 15


H2LOAD = """\
finished in 2.00s, 195.50 req/s, 22.63KB/s
requests: 390 total, 400 started, 390 done, 380 succeeded, 10 failed, 2 errored, 1 timeout
status codes: 400 2xx, 0 3xx, 0 4xx, 0 5xx
req/s           :       0.00       22.99       19.49        5.52    70.00%
"""


def test_what_h2load_says():
    assert clients.parse_h2load(H2LOAD) == {"rate": 195.5, "answers": 380, "errors": 13, "slowest": 0.0, "fastest": 22.99}
    with pytest.raises(RuntimeError, match="could not connect"):
        clients.parse_h2load("could not connect to host")


@pytest.mark.parametrize("line, expected", [
    ("0 0 127.0.0.1:37092 127.0.0.1:34587 bytes_received:4055 segs_in:71 lastrcv:4 lastack:4", False),
    ("0 0 127.0.0.1:37092 127.0.0.1:34587 bytes_received:4055 segs_in:71 lastrcv:1501 lastack:4", True),
    ("0 0 127.0.0.1:37092 127.0.0.1:34587 bytes_sent:70 segs_in:1 lastrcv:4 lastack:4", True),
])
def test_who_starves(line, expected):
    assert clients.is_starved(line, 1.5) == expected


@pytest.mark.skipif(not shutil.which("ss"), reason="needs ss")
def test_a_client_that_was_answered_does_not_starve():
    """By ss itself, so that a change of its output is noticed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        pairs = []
        for _ in range(2):
            client = socket.create_connection(("127.0.0.1", port))
            pairs.append((client, listener.accept()[0]))
        assert clients.starved(port, 60) == 2
        pairs[0][1].sendall(b"answer")
        assert pairs[0][0].recv(10) == b"answer"
        pairs[1][0].sendall(b"request")
        assert clients.starved(port, 60) == 1
        assert sorted(clients.unread(port, "established")) == [0, 7]
        for client, server in pairs:
            client.close()
            server.close()
