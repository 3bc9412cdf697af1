"""`./dev compare`: Holdfast beside nginx and HAProxy, with real php-fpm, in one run.

    compare.py [--quick] [--rounds N] [--out DIR]

Plays the trials of comparison/trials.py with each subject of comparison/subjects.py, prints a table, and PASS or FAIL for
each claim of comparison/claims.py, all of them about Holdfast. Leaves compare.md, compare.json and the configurations in
DIR (build/compare). Exit status: 0 all claims hold, 1 one does not, 2 it could not be run, 130 Ctrl-C.
"""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from comparison import PROJECT, claims, table, trials
from comparison.clients import Client
from comparison.subjects import BINARY, SUBJECTS, SetupError, Stage, find
from harness.php_fpm import find_php_fpm


def told(trial: str, f: dict) -> str:
    """What one play came to, for the line that tells of it."""
    if trial in ("cost", "full"):
        return f"{f['rate']:,.0f} requests/s, clients {f['slowest']:.0f} - {f['fastest']:.0f}, {f['starved']} starved"
    return {"opened": "{connections} for {sent:,} requests",
            "pages": "mean ms: {mean_ms}",
            "posts": "{lost} of {sent:,} lost, {ran_twice} ran twice",
            "prints": "{foreign} of {tries} in another's page, {failed} pages lost",
            "leavers": "{ran} of {left} scripts ran",
            "restarts": "{ok:,} pages, {errors:,} errors, {cut} cut, {wrong} spoilt, {no_answer} never answered",
            }[trial].format(**f | {"mean_ms": ", ".join(f"{kb} KB {ms:.1f}" for kb, ms in f.get("mean_ms", {}).items())})


def progress(trial, number: int, rounds: int, subject, figures: dict) -> None:
    place = [each.id for each in trials.TRIALS].index(trial.id) + 1
    of_rounds = f", round {number}/{rounds}" if rounds > 1 else ""
    if subject is SUBJECTS[0]:
        print(f"trial {place}/{len(trials.TRIALS)}: {trial.title}{of_rounds}")
    print(f"  {subject.title}: {told(trial.id, figures)}", flush=True)


def about(options, plan) -> dict:
    def version(name: str, *command) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        line = ((done.stdout or done.stderr).strip().splitlines() or ["?"])[0]
        return f"{name} {next((word for word in line.replace('/', ' ').split() if word[0].isdigit()), '?')}"

    return {"when": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "kernel": platform.release(),
            "versions": {"holdfast": version("Holdfast", str(BINARY), "--version"),
                         "nginx": version("nginx", find("nginx"), "-v"),
                         "haproxy": version("HAProxy", find("haproxy"), "-v"),
                         "php": version("php-fpm", find_php_fpm(), "-v"),
                         "h2load": version("h2load", "h2load", "--version")},
            "rounds": plan.rounds, "plan": dataclasses.asdict(plan),
            "command": "./dev compare" + (" --quick" if options.quick else "")}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev compare", description="Holdfast beside nginx and HAProxy, with real php-fpm.")
    parser.add_argument("--quick", action="store_true", help="seconds in place of minutes: for tests")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of the trial of speed (3, quick 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=PROJECT / "build/compare", help="folder for the report")
    options = parser.parse_args()
    if options.rounds is not None and not 1 <= options.rounds <= 100:
        parser.error("--rounds: from 1 to 100")
    return options


def check_machine() -> None:
    missing = [name for name in ("nginx", "haproxy", "h2load", "ss") if not find(name)]
    if missing or not find_php_fpm():
        raise SetupError(f"missing programs: {', '.join(missing or ['php-fpm'])}; ./dev compare installs them")
    if not os.access(BINARY, os.X_OK):
        raise SetupError(f"{BINARY} is not built: ./dev build")


def rehearse(folder: Path) -> dict:
    """Each subject gives a page before any is measured. Returns the configurations, to be kept beside the report."""
    files = {}
    for subject in SUBJECTS:
        with Stage(subject, folder) as stage, Client(stage.port) as client:
            status, body = client.ask("/hello.php")
            if status != 200 or b"Hello" not in body:
                raise SetupError(f"{subject.title} gives no page (status {status}): {stage.process.log()[-800:]}")
            files |= stage.files()
    return files


def write_report(out: Path, results: dict, judged: list, meta: dict, files: dict) -> None:
    (out / "configs").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / "configs" / name).write_text(text, encoding="utf-8")
    (out / "compare.md").write_text(table.markdown(results, judged, meta), encoding="utf-8")
    (out / "compare.json").write_text(json.dumps({"meta": meta, "results": results, "claims": judged}, indent=1) + "\n",
                                      encoding="utf-8")


def play(options) -> int:
    check_machine()
    plan = trials.QUICK if options.quick else trials.FULL
    if options.rounds:
        plan = dataclasses.replace(plan, rounds=options.rounds)
    meta = about(options, plan)
    print(f"{', '.join(meta['versions'].values())}; {meta['cores']} cores; {meta['when']}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-compare-"))
    folder.chmod(0o755)  # php-fpm's workers read the pages from here
    try:
        files = rehearse(folder)
        results = trials.run_all(plan, folder, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    judged = claims.judge(results)
    print(f"\n{table.terminal(results)}\n")
    for claim in judged:
        print(f"{table.verdict(claim)}  {claim['text']}\n      {claim['measured']}")
    write_report(options.out, results, judged, meta, files)
    print(f"\nReport: {options.out / 'compare.md'}")
    return 0 if claims.passed(judged) else 1


def main() -> int:
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number, _frame):
        for each in signals:
            signal.signal(each, signal.SIG_IGN)  # a second one must not leave half of it behind
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for each in signals:
        signal.signal(each, stop)
    try:
        return play(arguments())
    except (SetupError, AssertionError) as error:  # the harness asserts
        print(f"\ncompare: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; all programs are ended", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
