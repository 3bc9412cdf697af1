"""`./dev demo`: before and after, side by side, on one machine and without Docker.

    demo.py [--quick] [--out DIR]

Plays the lanes of lanes.py one after another, prints a table and PASS or FAIL for each claim of claims.py, and leaves
report.html, samples.csv, results.csv and results.json in DIR (docker/out/demo). Exit status: 0 all claims passed, 1 one
failed, 2 the machine did not let it run, 130 Ctrl-C. It removes its namespaces whatever happens.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "docker/report"))

import claims  # noqa: E402
import lanes as stages  # noqa: E402
import report  # noqa: E402
import sampling  # noqa: E402
from namespaces import Namespaces, SetupError, remove_leftovers  # noqa: E402

COLUMNS = [  # name in results.csv, heading in the terminal, value of (lane, phase)
    ("lane", "lane", lambda lane, p: lane["title"]),
    ("clients", "clients", lambda lane, p: f"{p['clients']} {'kept' if p['id'] == 'kept' else 'short'}"),
    ("requests_per_second", "req/s", lambda lane, p: round(p["rate"])),
    ("p50_ms", "p50 ms", lambda lane, p: round(p["p50_ms"], 1)),
    ("p99_ms", "p99 ms", lambda lane, p: round(p["p99_ms"], 1)),
    ("errors", "errors", lambda lane, p: p["errors"]),
    ("never_answered", "never", lambda lane, p: p["never_answered"]),
    ("connections_opened", "opened", lambda lane, p: lane["connections"]),
    ("reuse", "reuse", lambda lane, p: f"{lane['reuse']:.2%}"),
    ("time_wait_php_9000", "TW php", lambda lane, p: p["time_wait_php"]),
    ("time_wait_proxy_9000", "TW proxy", lambda lane, p: p["time_wait_proxy"]),
    ("time_wait_proxy_80", "TW :80", lambda lane, p: p["time_wait_listen"]),
    ("time_wait_clients_80", "TW clients", lambda lane, p: p["time_wait_clients"]),
]


class Progress:
    """One line that renews itself on a terminal, one line a phase elsewhere."""

    def __init__(self, lanes: list):
        self.order = [lane.id for lane in lanes]
        self.live = sys.stdout.isatty()
        self.said = None

    def __call__(self, lane, phase: str, clients: int, seconds_left: float, rows: list) -> None:
        head = f"lane {self.order.index(lane.id) + 1}/{len(self.order)}  {lane.title}"
        load = {"warm-up": "warm-up", "short": f"{clients} clients, a connection per request",
                "kept": f"{clients} keep-alive clients"}[phase]
        if self.live:
            now = [r["time_wait"] for r in rows if r["port"] == stages.PHP_PORT][-2 * 3:]
            print(f"\r\033[K{head}: {load}, {max(0, seconds_left):.0f} s left, "
                  f"{max(now, default=0):,} in TIME_WAIT to php-fpm", end="", flush=True)
        elif self.said != (lane.id, phase):
            print(f"{head}: {load}", flush=True)
        self.said = (lane.id, phase)

    def lane_done(self, result: dict) -> None:
        kept = claims.phase(result, "kept")
        print(("\r\033[K" if self.live else "") + f"  {result['title']}: {kept['rate']:,.0f} requests/s, "
              f"{claims.highest(result, 'time_wait_php', 'time_wait_proxy'):,} in TIME_WAIT to php-fpm at the peak",
              flush=True)
        if result["kernel_error"]:
            print(f"    the kernel's answer, {result['kernel_errors']:,} times: {result['kernel_error']}")


def loaded(lane: dict) -> list:
    return [p for p in lane["phases"] if p["id"] != "warm-up"]


def table(results: list) -> list:
    return [[str(value(lane, p)) for _, _, value in COLUMNS] for lane in results for p in loaded(lane)]


def print_table(results: list) -> None:
    for act, title in ((1, "First act: the same load on each lane"),
                       (2, f"Second act: {stages.NARROW_PORTS[1] - stages.NARROW_PORTS[0] + 1} ports for the proxy")):
        rows = table([lane for lane in results if lane["act"] == act])
        if not rows:
            continue
        heads = [heading for _, heading, _ in COLUMNS]
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        print(f"\n{title}")
        for row in [heads, *rows]:
            print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))))
    print("\nreq/s: good answers; never: clients without one byte; opened, reuse: connections to php-fpm, whole lane;\n"
          "TW: TIME_WAIT at the peak of this load, what earlier load left included: php, proxy = their sides of port "
          "9000; :80 = clients' connections.")


def print_claims(judged: list) -> None:
    colours = {"PASS": "\033[32m", "FAIL": "\033[31;1m"} if sys.stdout.isatty() else {}
    print()
    for each in judged:
        colour = colours.get(each["verdict"], "")
        verdict = colour + each["verdict"] + ("\033[0m" if colour else "")
        print(f"{verdict}  {each['text']}\n      {each['measured']}")


def write_results(out: Path, meta: dict, results: list, samples: dict, judged: list) -> None:
    out.mkdir(parents=True, exist_ok=True)
    document = {"meta": meta, "lanes": results, "claims": judged}
    (out / "results.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    with open(out / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([name for name, _, _ in COLUMNS])
        writer.writerows(table(results))
    with open(out / "samples.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["lane", *sampling.COLUMNS])
        for lane, rows in samples.items():
            writer.writerows([lane, *(row[c] for c in sampling.COLUMNS)] for row in rows)
    report.write(out)
    owner = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if all(owner):
        for path in (out, *out.iterdir()):
            os.chown(path, int(owner[0]), int(owner[1]))


def about(plan, quick: bool) -> dict:
    def version(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return ((done.stdout or done.stderr).strip().splitlines() or ["?"])[0]

    return {"when": time.strftime("%Y-%m-%d %H:%M %Z"), "kernel": platform.release(), "processors": os.cpu_count(),
            "holdfast": version(str(plan.binary), "--version"), "nginx": version("nginx", "-v").split(": ")[-1],
            "php": version(stages.fpm_binary(), "-v").split(" (")[0], "load": version("wrk", "-v").split(" [")[0],
            "children": stages.CHILDREN, "pool": stages.POOL, "phase_seconds": plan.phase, "quick": quick,
            "ports": {"proxy": stages.PROXY_PORT, "php": stages.PHP_PORT},
            "command": "./dev demo" + (" --quick" if quick else "")}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev demo", description="Before and after, side by side, without Docker.")
    parser.add_argument("--quick", action="store_true", help="seconds in place of minutes: for tests")
    parser.add_argument("--out", type=Path, default=PROJECT / "docker/out/demo", help="folder for the report")
    parser.add_argument("--binary", type=Path, default=PROJECT / "build/release/holdfast", help="the holdfast program")
    return parser.parse_args()


def check_machine(binary: Path) -> None:
    if os.geteuid() != 0:
        if shutil.which("sudo"):
            os.execvp("sudo", ["sudo", sys.executable, *sys.argv])
        raise SetupError("network namespaces need root: run it as root or install sudo")
    missing = [name for name in ("ip", "setpriv", "nginx", "wrk") if not shutil.which(name)]
    if missing:
        raise SetupError(f"missing programs: {', '.join(missing)}; ./dev demo installs them")
    if not os.access(binary, os.X_OK):
        raise SetupError(f"{binary} is not built: ./dev build")


def play(options) -> int:
    check_machine(options.binary)
    for name in remove_leftovers():
        print(f"removed what a killed run left behind: {name}")
    plan = stages.Plan(options.binary.resolve(), warm_up=0, phase=2, narrow_phase=2) if options.quick else \
        stages.Plan(options.binary.resolve(), warm_up=2, phase=9, narrow_phase=6)
    second_act = [lane for lane in stages.SECOND_ACT if lane.judged or not options.quick]
    played = [*stages.FIRST_ACT, *second_act]
    progress, results, samples = Progress(played), [], {}
    with Namespaces() as namespaces:
        for lane in played:
            result, samples[lane.id] = stages.run(lane, plan, namespaces, progress)
            results.append(result)
            progress.lane_done(result)
    judged = claims.judge(results)
    print_table(results)
    print_claims(judged)
    write_results(options.out, about(plan, options.quick), results, samples, judged)
    print(f"\nReport: {options.out / 'report.html'}")
    return 0 if claims.passed(judged) else 1


def main() -> int:
    def stop(number, _frame):
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    # SIGINT too: started in the background of a script it would be ignored.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)
    try:
        return play(arguments())
    except SetupError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; namespaces and programs are removed", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
