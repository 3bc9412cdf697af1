"""The images and the compose stack of docker/, run for real: `serve` answers a page of PHP; the stack that docker/README.md
tells to write starts, stops, reloads and comes through a new php-fpm; six lanes leave a report whose claims hold.

Runs with HOLDFAST_TEST_COMPOSE=1: where no engine answers (`docker info`), it starts a dockerd of its own (root) and ends
it. Skipped with the reason elsewhere: building the images takes minutes the first time. Ports come from
the kernel, the project's name is the test's own, and the stack is taken down with its volumes whatever happens.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from harness.wait import wait_until

PROJECT = Path(__file__).resolve().parents[2]
BASE_IMAGE = "debian:bookworm-slim"
BUILD_PATIENCE, RUN_PATIENCE, START_PATIENCE = 1800, 600, 30
# A front controller. /wait runs until the test lets it go.
INDEX = """<?php
if ($_SERVER['REQUEST_URI'] === '/wait')
    for ($i = 0; $i < 600 && !file_exists('/srv/app/go'); $i++) { usleep(50000); clearstatcache(); }
echo 'php says ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['HTTPS'] ?? 'plain';
"""
CONFIGURATION = """
listen: :8080
pools: {{ php: {{ address: "tcp:php:9000" }} }}
sites: [{{ root: /srv/app/public, pool: php, front_controller: "{front}" }}]
"""


def done(*command, timeout=60, **more) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **more)


def engine_answers() -> bool:
    return bool(shutil.which("docker")) and done("docker", "info").returncode == 0


def last_words(log: Path) -> str:
    """Why dockerd ended: its own last line, without what a log puts around it."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it says nothing"]
    return re.sub(r"^time=.*? msg=|^failed to start daemon: ", "", lines[-1])[:300]


def compose_command() -> list:
    if shutil.which("docker") and done("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("neither `docker compose` nor docker-compose (package docker-compose) is installed")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """An engine that answers: the machine's, or one of our own."""
    if os.environ.get("HOLDFAST_TEST_COMPOSE") != "1":
        # Nobody expects ./dev test to build images for minutes and leave a gigabyte behind.
        pytest.skip("builds images for minutes: asked for by HOLDFAST_TEST_COMPOSE=1")
    compose_command()
    if engine_answers():
        yield
        return
    if not shutil.which("dockerd") or not shutil.which("iptables") or os.geteuid() != 0:
        pytest.skip("no engine answers (docker info); to start one, be root and apt-get install docker.io iptables")
    folder = tmp_path_factory.mktemp("dockerd")
    with open(folder / "log", "wb") as log:
        daemon = subprocess.Popen(["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                                   "--pidfile", str(folder / "pid")], stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_PATIENCE
        while not engine_answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"no engine answers, and dockerd does not start here: {last_words(folder / 'log')}")
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
        shutil.rmtree(folder / "data", ignore_errors=True)  # gigabytes


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


class Stack:
    """Calls compose for one file and a project of the test's own."""

    def __init__(self, file: Path, environment: dict):
        self.command = [*compose_command(), "-f", str(file)]
        self.environment = os.environ | {"COMPOSE_PROJECT_NAME": f"hf{os.getpid()}"} | environment

    def __call__(self, *arguments, timeout=RUN_PATIENCE) -> subprocess.CompletedProcess:
        return done(*self.command, *arguments, timeout=timeout, env=self.environment)

    def do(self, *arguments, timeout=RUN_PATIENCE) -> str:
        called = self(*arguments, timeout=timeout)
        assert called.returncode == 0, f"{arguments}: {called.stdout[-3000:]}{called.stderr[-2000:]}"
        return called.stdout

    def run_inside(self, service: str, *command) -> subprocess.CompletedProcess:
        return self("--profile", "serve", "exec", "-T", service, *command)

    def published(self, service: str, port: int) -> str:
        answer = self.do("port", service, str(port)).strip()
        assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", answer), answer
        return answer

    def get(self, service: str, path: str, port: int = 8080, **headers):
        """(status, body); None while nothing answers."""
        request = urllib.request.Request(f"http://{self.published(service, port)}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def state(self, service: str) -> dict:
        container = self.do("--profile", "serve", "ps", "--all", "--quiet", service).strip()
        return json.loads(done("docker", "inspect", container).stdout)[0]["State"]

    def healthy(self, service: str) -> bool:
        return self.state(service)["Health"]["Status"] == "healthy"

    def down(self) -> None:
        self.do("--profile", "serve", "down", "--volumes", "--timeout", "5")


@pytest.fixture
def stack(base_image, tmp_path):
    """The project's own compose file."""
    out = tmp_path / "out"
    out.mkdir()
    ports = dict.fromkeys(("LIVE_PORT_SHORT", "LIVE_PORT_TCP", "LIVE_PORT_UNIX", "PAGE_PORT", "HTTP_PORT", "ADMIN_PORT"), "0")
    stack = Stack(PROJECT / "docker/compose.yaml", ports | {"OUT": str(out), "LANE_SECONDS": "4"})
    stack.out = out
    try:
        yield stack
    finally:
        stack.down()


@pytest.fixture
def own(base_image, base):
    """The stack that docker/README.md tells to write, word for word but for php's image and the port, and with a folder
    for a configuration; not up yet."""
    Stack(PROJECT / "docker/compose.yaml", {}).do("build", "serve", "serve-php", timeout=BUILD_PATIENCE)
    text = re.search(r"```yaml\n(services:\n  web:.*?)```", (PROJECT / "docker/README.md").read_text(), re.S)[1]
    for told, here in (("your-php-fpm", "holdfast-compose-php"), ('"80:8080"', '"127.0.0.1::8080"')):
        assert text.count(told) == 1
        text = text.replace(told, here)
    (base / "compose.yaml").write_text(text)
    (base / "public").mkdir()
    (base / "public/index.php").write_text(INDEX)
    (base / "public/a.txt").write_text("a file")
    own = Stack(base / "compose.yaml", {})
    own.folder = base
    try:
        yield own
    finally:
        own.down()


def test_serve(stack):
    stack.do("up", "--build", "--detach", "serve", timeout=BUILD_PATIENCE)
    names = set(stack.do("--profile", "serve", "ps", "--services", "--filter", "status=running").split())
    assert {"serve", "serve-php"} <= names and not any("load" in name for name in names)
    wait_until(lambda: stack.get("serve", "/info.php"), "the proxy to listen")
    status, body = stack.get("serve", "/info.php")
    assert status == 200 and "SCRIPT_FILENAME" in body
    assert stack.get("serve", "/none.php")[0] == 404
    assert json.loads(stack.get("serve", "/status", 9180)[1])["pools"]["php"]["opened"] == 1
    wait_until(lambda: stack.healthy("serve"), "the proxy to be healthy")
    # As promised: not root, nothing writable but /tmp, no capability.
    for service in ("serve", "serve-php"):
        shown = stack.run_inside(service, "sh", "-c", "id -u; touch /none 2>/dev/null && echo writable; "
                                                      "grep CapBnd /proc/1/status").stdout.split()
        assert shown[0] != "0" and shown[1:] == ["CapBnd:", "0" * 16], shown


def test_stop_lets_a_running_request_end(own):
    own.do("up", "--detach")
    wait_until(lambda: own.get("web", "/a") == (200, "php says /a plain"), "the front controller's page")
    assert own.get("web", "/a.txt") == (200, "a file")
    answers = []
    client = threading.Thread(target=lambda: answers.append(own.get("web", "/wait")))
    client.start()
    try:
        wait_until(lambda: '"leased": 1' in own.run_inside("web", "holdfast", "status", "--json").stdout, "the request to run")
        stop = subprocess.Popen([*own.command, "stop", "web"], env=own.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: "stopping: no new clients" in own.do("logs", "web"), "the proxy to be told")
        assert not answers
    finally:
        (own.folder / "go").touch()
        client.join()
    stop.communicate(timeout=RUN_PATIENCE)
    assert answers == [(200, "php says /wait plain")]
    assert (own.state("web")["Status"], own.state("web")["ExitCode"]) == ("exited", 0)


def test_a_mounted_configuration_is_reloaded(own):
    file = own.folder / "compose.yaml"
    volumes = '["./:/srv/app:ro"]'
    assert file.read_text().count(volumes) == 1
    file.write_text(file.read_text().replace(volumes, '["./:/srv/app:ro", "./holdfast:/etc/holdfast:ro"]'))

    def configure(text: str) -> None:
        """As editors do it: a new file in the old one's place."""
        new = own.folder / "holdfast/new"
        new.write_text(text)
        new.replace(own.folder / "holdfast/holdfast.yaml")

    (own.folder / "holdfast").mkdir()
    configure(CONFIGURATION.format(front=""))
    own.do("up", "--detach")
    wait_until(lambda: own.get("web", "/a.txt") == (200, "a file"), "the proxy to serve")
    assert own.get("web", "/a")[0] == 404
    configure("listen: :8080\nnonsense: 1\n")
    assert own.run_inside("web", "holdfast", "check").returncode == 78
    own.do("kill", "-s", "HUP", "web")
    wait_until(lambda: "nonsense" in own.do("logs", "web"), "the bad file to be refused")
    assert own.get("web", "/a.txt") == (200, "a file")
    configure(CONFIGURATION.format(front="/index.php"))
    assert own.run_inside("web", "holdfast", "check").returncode == 0
    own.do("kill", "-s", "HUP", "web")
    wait_until(lambda: own.get("web", "/a") == (200, "php says /a plain"), "the front controller's page")
    assert own.state("web")["Status"] == "running"


def test_behind_another_proxy(own):
    file, https = own.folder / "compose.yaml", {"X-Forwarded-Proto": "https"}
    own.do("up", "--detach")
    wait_until(lambda: own.get("web", "/a", **https) == (200, "php says /a plain"), "the page, nobody trusted")
    (own.folder / "public").rename(own.folder / "web")
    file.write_text(file.read_text().replace(
        "FRONT_CONTROLLER:", "TRUSTED_PROXIES: private\n      DOCUMENT_ROOT: /srv/app/web\n      FRONT_CONTROLLER:"))
    own.do("up", "--detach")
    wait_until(lambda: own.get("web", "/a", **https) == (200, "php says /a on"), "the page, as asked for by https")


def test_php_goes_and_comes_back(own):
    """A new container of php-fpm, elsewhere for all one knows, needs nothing done to the proxy."""
    own.do("up", "--detach")
    wait_until(lambda: own.run_inside("web", "holdfast-ready").returncode == 0, "readiness")
    own.do("rm", "--stop", "--force", "php")
    wait_until(lambda: own.run_inside("web", "holdfast-ready").returncode == 1, "php-fpm to be missed")
    assert own.run_inside("web", "holdfast-ready", "/healthz").returncode == 0
    own.do("up", "--detach", "php")
    wait_until(lambda: own.run_inside("web", "holdfast-ready").returncode == 0, "readiness")
    assert own.get("web", "/b") == (200, "php says /b plain")


@pytest.mark.heavy
def test_lanes(stack):
    stack.do("up", "--build", "--exit-code-from", "report", timeout=BUILD_PATIENCE)
    document = json.loads((stack.out / "results.json").read_text())
    lanes = {lane["id"]: lane for lane in document["lanes"]}
    assert list(lanes) == ["nginx-short", "nginx-kept", "nginx-holdfast", "holdfast-short", "holdfast-tcp", "holdfast-unix"]
    assert {c["verdict"] for c in document["claims"]} == {"PASS", "seen"}
    assert all(phase["good"] > 0 for lane in lanes.values() for phase in lane["phases"])
    places = {(row.split(",")[0], row.split(",")[2]) for row in (stack.out / "samples.csv").read_text().splitlines()[1:]}
    assert places == {(lane, place) for lane in lanes for place in ("clients", "proxy", "php")} - {("holdfast-unix", "php")}
    assert (stack.out / "report.html").read_text().count("<svg ") == 2
    for name in ("summary.svg", "sockets.svg"):
        assert (stack.out / name).read_text().startswith("<svg ")
    assert (stack.out / "table.md").read_text().count("\n| ") >= 2 + 2 * len(lanes)


# ------------------------------------------------------------------------------------------------ without an engine


def test_the_report_takes_what_the_lanes_leave(tmp_path, monkeypatch):
    """finish.py judges, and writes, results of the form that play.py leaves."""
    pytest.importorskip("matplotlib")
    if not shutil.which("wrk"):
        pytest.skip("the report names the version of wrk, which is not installed")
    monkeypatch.setattr(sys, "path", [str(PROJECT / folder) for folder in ("docker/lanes", "docker/demo", "docker/report")] + sys.path)
    import finish
    import lanes
    import load
    seen = load.Result(answers=9, good=9, seconds=1.0, rate=9.0, p50_ms=1.0, p99_ms=2.0, max_ms=3.0, errors=0, error_kinds={})
    plan = lanes.Plan(Path("holdfast"), warm_up=1, phase=1, narrow_phase=0)
    monkeypatch.setattr(finish, "RESULTS", tmp_path)
    monkeypatch.setattr(finish, "OUT", tmp_path / "out")
    (tmp_path / "out").mkdir()
    for lane in lanes.FIRST_ACT:
        played = [(phase, clients, 10.0, 11.0, seen) for phase, clients, *_ in lanes.phases(lane, plan)]
        result = lanes.outcome(lane, played, [], 9.0, accepted=None if lane.unix else 5, status=None, config="", fpm_config="",
                               opened=5 if lane.server == "holdfast" else None)
        result["software"] = {"server": "a server", "php": "a php"}
        (tmp_path / lane.id).mkdir()
        (tmp_path / lane.id / "result.json").write_text(json.dumps({"lane": result, "samples": []}))
    assert finish.main() == 1  # no lane with a connection per request has left a socket in TIME_WAIT
    claims = json.loads((tmp_path / "out/results.json").read_text())["claims"]
    assert [c["text"].split(":")[0] for c in claims if c["verdict"] == "FAIL"] == ["nginx as shipped", "Holdfast, keep_alive"]
    assert "a connection per request" in (tmp_path / "out/table.md").read_text()


def test_the_image_tells_the_version():
    version = re.search(r"project\(holdfast VERSION (\S+)", (PROJECT / "CMakeLists.txt").read_text())[1]
    assert f'image.version="{version}"' in (PROJECT / "docker/Dockerfile").read_text()
