"""The compose stack of docker/, run for real: `serve` answers a page of PHP; five lanes leave a report whose claims hold.

Runs with HOLDFAST_TEST_COMPOSE=1: where no engine answers (`docker info`), it starts a dockerd of its own (root) and ends
it. Skipped with the reason elsewhere: building the images takes minutes the first time. Ports come from
the kernel, the project's name is the test's own, and the stack is taken down with its volumes whatever happens.
"""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BASE_IMAGE = "debian:bookworm-slim"
BUILD_PATIENCE, RUN_PATIENCE, START_PATIENCE = 1800, 600, 30


def done(*command, timeout=60, **more) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **more)


def engine_answers() -> bool:
    return bool(shutil.which("docker")) and done("docker", "info").returncode == 0


def compose_command() -> list:
    if done("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("neither `docker compose` nor docker-compose is installed")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """An engine that answers: the machine's, or one of our own."""
    if os.environ.get("HOLDFAST_TEST_COMPOSE") != "1":
        # Nobody expects ./dev test to build images for minutes and leave a gigabyte behind.
        pytest.skip("HOLDFAST_TEST_COMPOSE=1 builds and runs the stack (uses or starts an engine; package docker.io)")
    if engine_answers():
        yield
        return
    if not shutil.which("dockerd") or os.geteuid() != 0:
        pytest.skip("HOLDFAST_TEST_COMPOSE=1 needs root and the packages docker.io and iptables")
    folder = tmp_path_factory.mktemp("dockerd")
    with open(folder / "log", "wb") as log:
        daemon = subprocess.Popen(["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                                   "--pidfile", str(folder / "pid")], stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_PATIENCE
        while not engine_answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"dockerd does not run here: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


@pytest.fixture(scope="module")
def base_image(engine):
    """Already there, or from a registry, or made here."""
    if done("docker", "image", "inspect", BASE_IMAGE).returncode == 0:
        return
    pulled = done("docker", "pull", BASE_IMAGE, timeout=300)
    if pulled.returncode == 0:
        return
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip(f"no {BASE_IMAGE}: {pulled.stderr.strip()[-200:]}; base-image.sh needs root and debootstrap")
    made = done(str(PROJECT / "docker/base-image.sh"), timeout=600)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def stack(base_image, tmp_path):
    """Calls compose for a project of the test's own; takes it down at the end."""
    out = tmp_path / "out"
    out.mkdir()
    ports = dict.fromkeys(("LIVE_PORT_SHORT", "LIVE_PORT_TCP", "LIVE_PORT_UNIX", "PAGE_PORT", "HTTP_PORT", "ADMIN_PORT"), "0")
    environment = os.environ | ports | {"OUT": str(out), "LANE_SECONDS": "4", "COMPOSE_PROJECT_NAME": f"hf{os.getpid()}"}
    command = [*compose_command(), "-f", str(PROJECT / "docker/compose.yaml")]

    def compose(*arguments, timeout=RUN_PATIENCE):
        return done(*command, *arguments, timeout=timeout, env=environment)

    compose.out = out
    try:
        yield compose
    finally:
        gone = compose("--profile", "serve", "down", "--volumes", "--timeout", "5")
        assert gone.returncode == 0, gone.stderr


def published(stack, service: str, port: int) -> str:
    answer = stack("port", service, str(port))
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", answer.stdout.strip()), answer
    return answer.stdout.strip()


def test_serve(stack):
    up = stack("up", "--build", "--detach", "serve", timeout=BUILD_PATIENCE)
    assert up.returncode == 0, up.stdout[-2000:] + up.stderr[-2000:]
    names = set(stack("--profile", "serve", "ps", "--services", "--filter", "status=running").stdout.split())
    assert {"serve", "serve-php"} <= names and not any("load" in name for name in names)
    with urllib.request.urlopen(f"http://{published(stack, 'serve', 8080)}/info.php", timeout=10) as answer:
        assert answer.status == 200 and b"SCRIPT_FILENAME" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://{published(stack, 'serve', 8080)}/none.php", timeout=10)
    with urllib.request.urlopen(f"http://{published(stack, 'serve', 9180)}/status", timeout=10) as answer:
        assert json.load(answer)["pools"]["php"]["opened"] == 1
    # As promised: not root, nothing writable but /tmp, no capability.
    for service in ("serve", "serve-php"):
        shown = stack("--profile", "serve", "exec", "-T", service, "sh", "-c",
                      "id -u; touch /none 2>/dev/null && echo writable; grep CapBnd /proc/1/status").stdout.split()
        assert shown[0] != "0" and shown[1:] == ["CapBnd:", "0" * 16], shown


@pytest.mark.heavy
def test_lanes(stack):
    up = stack("up", "--build", "--exit-code-from", "report", timeout=BUILD_PATIENCE)
    assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-2000:]
    document = json.loads((stack.out / "results.json").read_text())
    lanes = {lane["id"]: lane for lane in document["lanes"]}
    assert list(lanes) == ["nginx-short", "nginx-kept", "holdfast-short", "holdfast-tcp", "holdfast-unix"]
    assert {c["verdict"] for c in document["claims"]} == {"PASS", "seen"}
    assert all(phase["good"] > 0 for lane in lanes.values() for phase in lane["phases"])
    places = {(row.split(",")[0], row.split(",")[2]) for row in (stack.out / "samples.csv").read_text().splitlines()[1:]}
    assert places == {(lane, place) for lane in lanes for place in ("clients", "proxy", "php")} - {("holdfast-unix", "php")}
    assert (stack.out / "report.html").read_text().count("<svg ") == 2
    for name in ("summary.svg", "sockets.svg"):
        assert (stack.out / name).read_text().startswith("<svg ")
    assert (stack.out / "table.md").read_text().count("\n| ") >= 2 + 2 * len(lanes)
