"""A sampler container: counts the sockets of the network namespace that it shares with a proxy or a php-fpm.

    sampler.py LANE PLACE

Leaves in /results/LANE samples-PLACE.csv, and accepted-PLACE: one line, the moment (CLOCK_MONOTONIC) and the number of
TCP connections that this namespace has accepted since its start. Runs until SIGTERM.
"""

import os
import sys
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "docker/demo"), str(PROJECT / "docker/report")]

import lanes as stages  # noqa: E402
import sampling  # noqa: E402


def count_accepted(out: Path) -> None:
    new = out.with_suffix(".new")
    while True:
        new.write_text(f"{time.monotonic():.3f} {stages.counter('Tcp', 'PassiveOpens')}\n", encoding="ascii")
        new.replace(out)  # a reader sees the old line or the new one
        time.sleep(stages.SAMPLE_SECONDS)


def main() -> None:
    lane, place = sys.argv[1:]
    folder = Path("/results", lane)
    folder.mkdir(exist_ok=True)
    threading.Thread(target=count_accepted, args=(folder / f"accepted-{place}",), daemon=True).start()
    sampling.run(place, [stages.PROXY_PORT, stages.PHP_PORT], stages.SAMPLE_SECONDS, folder / f"samples-{place}.csv",
                 os.getppid())


if __name__ == "__main__":
    main()
