"""A sampler container: counts the sockets of the network namespace that it shares with a proxy or a php-fpm.

    sampler.py LANE PLACE

Leaves in /results/LANE samples-PLACE.csv, and accepted-PLACE: one line, the moment (CLOCK_MONOTONIC) and the number of
TCP connections that this namespace has accepted since its start. When the lane's result is there it only waits for
SIGTERM: the lanes after it have the processors to themselves.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "docker/demo"), str(PROJECT / "docker/report")]

import lanes as stages  # noqa: E402
import sampling  # noqa: E402


def count_accepted(out: Path, done: Path) -> None:
    new = out.with_suffix(".new")
    while not done.exists():
        new.write_text(f"{time.monotonic():.3f} {stages.counter('Tcp', 'PassiveOpens')}\n", encoding="ascii")
        new.replace(out)  # a reader sees the old line or the new one
        time.sleep(stages.SAMPLE_SECONDS)


def main() -> None:
    lane, place = sys.argv[1:]
    folder = Path("/results", lane)
    folder.mkdir(exist_ok=True)
    done = folder / "result.json"
    done.unlink(missing_ok=True)  # of an earlier run
    threading.Thread(target=count_accepted, args=(folder / f"accepted-{place}", done), daemon=True).start()
    if sampling.run(place, [stages.PROXY_PORT, stages.PHP_PORT], stages.SAMPLE_SECONDS, folder / f"samples-{place}.csv",
                    os.getppid(), until=done):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as process 1 it has no default action
        signal.pause()


if __name__ == "__main__":
    main()
