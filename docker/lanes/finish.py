"""The report container: judges what the lanes left in /results and writes the report to /out (docker/out).

Files: report.html, results.json, results.csv, samples.csv, and for use elsewhere summary.svg, sockets.svg, table.md. The
report also takes the place of the progress page. Exit status: 0 all claims hold, 1 one does not, 2 a lane is missing.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "docker/demo"), str(PROJECT / "docker/report")]

import claims  # noqa: E402
import demo  # noqa: E402
import lanes as stages  # noqa: E402
import plots  # noqa: E402

RESULTS, OUT = Path("/results"), Path("/out")
SHORTEST_FOR_FIGURES = 5
# A plot alone, outside of a page: ink and paper of its own.
SVG_STYLE = ("<style>svg { color: #1c2126; background: #fff } @media (prefers-color-scheme: dark) "
             "{ svg { color: #e4e8ec; background: #14181c } }</style>")


def judge(played: list) -> list:
    """The claims of the first act; the second needs narrow ports and is ./dev demo's."""
    by_id = {lane["id"]: lane for lane in played}
    holdfast = [lane for lane in played if lane["server"] == "holdfast"]
    kept = [by_id[i] for i in ("nginx-holdfast", "holdfast-tcp", "holdfast-unix")]
    return [*map(claims.short_connections, (by_id["nginx-short"], by_id["holdfast-short"])),
            *map(claims.kept_time_wait, kept), *map(claims.kept_opened, kept), claims.ceiling(holdfast),
            claims.counts_agree([lane for lane in holdfast if not lane["unix"]]), *map(claims.all_answered, holdfast),
            claims.cured(by_id["nginx-holdfast"]), *map(claims.told, (by_id["nginx-short"], by_id["nginx-kept"])),
            claims.price(by_id["nginx-short"], by_id["nginx-holdfast"])]


def about(played: list) -> dict:
    by_id = {lane["id"]: lane for lane in played}
    load = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    seconds = int(os.environ.get("LANE_SECONDS", "9"))
    return {"when": time.strftime("%Y-%m-%d %H:%M %Z"), "kernel": platform.release(), "processors": os.cpu_count(),
            "holdfast": by_id["holdfast-tcp"]["software"]["server"], "nginx": by_id["nginx-short"]["software"]["server"],
            "php": by_id["holdfast-tcp"]["software"]["php"] or "php-fpm of Debian", "load": (load.stdout or load.stderr).split(" [")[0],
            "children": stages.CHILDREN, "pool": stages.POOL, "phase_seconds": seconds,
            "quick": seconds < SHORTEST_FOR_FIGURES, "ports": {"proxy": stages.PROXY_PORT, "php": stages.PHP_PORT},
            "command": "docker compose -f docker/compose.yaml up --build",
            "needs": "It needs Docker, and leaves its images, containers and two volumes until "
                     "<code>down --volumes</code>."}


def alone(svg: str) -> str:
    return svg.replace(">", ">" + SVG_STYLE, 1)


def markdown(played: list, judged: list, meta: dict) -> str:
    heads = [heading for _, heading, _ in demo.COLUMNS]
    rows = ["| " + " | ".join(cells) + " |" for cells in [heads, ["---"] * len(heads), *demo.table(played)]]
    verdicts = [f"- **{c['verdict']}** {c['text']}: {c['measured']}" for c in judged]
    told = (f"{meta['when']}, Linux {meta['kernel']}, {meta['processors']} processors; {meta['nginx']}, {meta['php']}, "
            f"{meta['load']}; {meta['phase_seconds']} s a load.")
    pictures = ["![Peaks, rates and latencies of each lane](summary.svg)", "",
                "![Sockets over time in each lane](sockets.svg)"]
    return "\n".join(["# Before and after", "", told, "", *pictures, "", *rows, "", *verdicts, ""])


def hand_over() -> None:
    """To whoever owns the folder: this runs as root, so that it may write there whoever that is."""
    owner = OUT.stat()
    for name in ("report.html", "results.json", "results.csv", "samples.csv", "summary.svg", "sockets.svg", "table.md"):
        shutil.copyfile(RESULTS / name, OUT / name)
        os.chown(OUT / name, owner.st_uid, owner.st_gid)
    (RESULTS / "index.html").unlink(missing_ok=True)
    shutil.copyfile(RESULTS / "report.html", RESULTS / "index.html")


def main() -> int:
    outcomes = []
    for lane in stages.FIRST_ACT:
        path = RESULTS / lane.id / "result.json"
        if not path.exists():
            print(f"report: {lane.title} left no result; see `docker compose logs {lane.id}-load`", file=sys.stderr)
            return 2
        outcomes.append(json.loads(path.read_text(encoding="utf-8")))
    played = [outcome["lane"] for outcome in outcomes]
    samples = {outcome["lane"]["id"]: outcome["samples"] for outcome in outcomes}
    judged, meta = judge(played), about(played)
    demo.print_table(played)
    demo.print_claims(judged)
    demo.write_results(RESULTS, meta, played, samples, judged)
    (RESULTS / "summary.svg").write_text(alone(plots.summary(played)), encoding="utf-8")
    (RESULTS / "sockets.svg").write_text(alone(plots.over_time(played, samples, meta["ports"])), encoding="utf-8")
    (RESULTS / "table.md").write_text(markdown(played, judged, meta), encoding="utf-8")
    hand_over()
    print("\nReport: docker/out/report.html")
    return 0 if claims.passed(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
