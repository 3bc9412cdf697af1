"""A load container: plays one lane, whose proxy and php-fpm run in containers beside it.

    play.py LANE          LANE: an id of docker/demo/lanes.py, and the name of the proxy's service

Two loads, as ./dev demo makes them: 1,000 clients with a connection per request, then 200 that keep theirs; LANE_SECONDS
each. Leaves /results/LANE/result.json, creates /tmp/done, which its health check looks for, and stays until SIGTERM: the
next lane waits for that health, and no container but the report's ends by itself.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "docker/demo"), str(PROJECT / "docker/report")]

import lanes as stages  # noqa: E402
import sampling  # noqa: E402
from load import Load  # noqa: E402

RESULTS = Path("/results")
CONFIGS = {"nginx-short": "nginx-short.conf", "nginx-kept": "nginx-kept.conf", "nginx-holdfast": "behind.yaml"}
PATIENCE = 30
PROGRESS = """<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=1>
<title>Holdfast: lanes</title><style>:root {{ color-scheme: light dark }} body {{ font: 18px/1.5 system-ui, sans-serif;
margin: 3rem auto; max-width: 40rem; padding: 0 1rem }}</style><h1>Lane {number} of {all}: {title}</h1><p>{load}</p>
<p><b>{time_wait:,}</b> sockets in TIME_WAIT to php-fpm. The report takes this page's place.</p></html>
"""


class Here:
    """Stands for demo/namespaces.py where each part has its namespace already: it is this container's."""
    folder = Path("/tmp")

    @staticmethod
    def start(_name, command: list, log: Path) -> subprocess.Popen:
        with open(log, "ab") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        process.program = command[0]
        return process


def fetch(host: str, port: int, path: str):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def wait_for(what: str, condition):
    deadline, found = time.monotonic() + PATIENCE, None
    while not found:
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {PATIENCE} s")
        time.sleep(0.05)
        try:
            found = condition()
        except (OSError, ValueError, http.client.HTTPException):
            continue  # not there yet
    return found


def accepted_since(folder: Path, moment: float):
    """What php-fpm's namespace had accepted at some time after `moment`; None while that is not known."""
    when, number = (folder / "accepted-php").read_text(encoding="ascii").split()
    return (int(number),) if float(when) > moment else None


def samples(lane, folder: Path) -> list:
    rows = []
    for place in ("clients", "proxy") if lane.unix else ("clients", "proxy", "php"):
        rows += sampling.load(folder / f"samples-{place}.csv")
    return sorted(rows, key=lambda row: row["time"])


def show_progress(lane, text: str, rows: list) -> None:
    number = [each.id for each in stages.FIRST_ACT].index(lane.id) + 1
    last = [r["time_wait"] for r in rows if r["port"] == stages.PHP_PORT][-6:]
    new = RESULTS / "index.new"
    new.write_text(PROGRESS.format(number=number, all=len(stages.FIRST_ACT), title=lane.title, load=text,
                                   time_wait=max(last, default=0)), encoding="utf-8")
    new.replace(RESULTS / "index.html")


def play_phases(lane, plan, folder: Path) -> list:
    played = []
    for phase, clients, keep_alive, seconds in stages.phases(lane, plan):
        text = f"{clients} clients, " + ("keep-alive" if keep_alive else "a connection per request")
        print(f"{lane.title}: {text}, {seconds} s", flush=True)
        load = Load(Here(), "clients", f"http://{lane.id}:{stages.PROXY_PORT}{stages.PAGE}", clients, seconds, keep_alive)
        while load.running():
            show_progress(lane, text, samples(lane, folder))
            time.sleep(0.5)
        played.append((phase, clients, load.start, load.end(), load.result()))
    time.sleep(2 * stages.SAMPLE_SECONDS)  # what the last connections leave behind belongs to the picture
    return played


def configuration(lane) -> tuple:
    """As the containers have them: the proxy's file and php-fpm's, the lane's environment in front."""
    here = PROJECT / "docker/lanes"
    proxy = (here / CONFIGS.get(lane.id, "holdfast.yaml")).read_text(encoding="utf-8")
    if lane.server == "holdfast":
        address = "unix:/run/php/php-fpm.sock" if lane.unix else f"tcp:{lane.id}-php:{stages.PHP_PORT}"
        proxy = f"# PHP_ADDRESS={address} KEEP_ALIVE={str(lane.keep_alive).lower()}\n{proxy}"
    if lane.front:
        proxy = (here / f"{lane.id}.conf").read_text(encoding="utf-8") + "\n# ---- Holdfast\n" + proxy
    listen = "/run/php/php-fpm.sock" if lane.unix else f"0.0.0.0:{stages.PHP_PORT}"
    fpm = f"; PHP_LISTEN={listen} PHP_CHILDREN={stages.CHILDREN}\n{(here / 'php-fpm.conf').read_text(encoding='utf-8')}"
    return proxy, fpm


def quiet_status(lane):
    """Holdfast's own figures, once what the load left behind is done; None before that."""
    document = json.loads(fetch(lane.id, 9180, "/status")[2])
    pool = document["pools"]["php"]
    busy = sum(pool[state] for state in ("connecting", "leased", "draining", "closing", "waiting"))
    return None if busy else document


def play(lane, plan, folder: Path) -> dict:
    def page():
        status, headers, body = fetch(lane.id, stages.PROXY_PORT, stages.PAGE)
        return headers if status == 200 and b"Hello" in body else None

    def accepted():
        moment = time.monotonic()
        return None if lane.unix else wait_for("php's sampler", lambda: accepted_since(folder, moment))[0]

    headers = wait_for("the page", page)
    # Holdfast looks at php-fpm once before the first request: both sides count from here.
    first = wait_for("a quiet pool", lambda: quiet_status(lane)) if lane.server == "holdfast" else None
    before, began = accepted(), time.monotonic()
    wait_for("the samples", lambda: samples(lane, folder))
    played = play_phases(lane, plan, folder)
    rows = [row for row in samples(lane, folder) if row["time"] >= began - 1]
    pool = opened = None
    if lane.server == "holdfast":
        document = wait_for("a quiet pool", lambda: quiet_status(lane))
        pool, headers["Server"] = document["pools"]["php"], "Holdfast " + document["version"]
        opened = pool["opened"] - first["pools"]["php"]["opened"]
    proxy, fpm = configuration(lane)
    result = stages.outcome(lane, played, rows, began, accepted=None if lane.unix else accepted() - before, opened=opened,
                            status=pool, config=proxy, fpm_config=fpm)
    result["software"] = {"server": headers.get("Server", ""), "php": headers.get("X-Powered-By", "")}
    for row in rows:
        row["time"] = round(row["time"] - began, 3)
    return {"lane": result, "samples": rows}


def main() -> None:
    lane = next(each for each in stages.FIRST_ACT if each.id == sys.argv[1])
    seconds = int(os.environ.get("LANE_SECONDS", "9"))
    plan = stages.Plan(Path("holdfast"), warm_up=min(2, seconds), phase=seconds, narrow_phase=0)
    folder = RESULTS / lane.id
    for old in (folder / "result.json", folder / "samples-clients.csv"):
        old.unlink(missing_ok=True)
    sampler = Here.start("clients", [sys.executable, str(stages.SAMPLER), "--place", "clients", "--ports",
                                     f"{stages.PROXY_PORT},{stages.PHP_PORT}", "--interval", str(stages.SAMPLE_SECONDS),
                                     "--out", str(folder / "samples-clients.csv")], Path("/tmp/sampler.log"))
    outcome = play(lane, plan, folder)
    sampler.terminate()
    sampler.wait()
    (folder / "result.json").write_text(json.dumps(outcome), encoding="utf-8")
    Path("/tmp/done").touch()
    print(f"{lane.title}: done", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    # As process 1 the default action of SIGTERM does not exist.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main()
