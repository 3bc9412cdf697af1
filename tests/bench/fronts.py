"""What Holdfast costs and saves behind nginx: the same page and php-fpm, four ways to it, in one run.

    fronts.py [--seconds N] [--rounds N]

Two loads each, by wrk: 32 clients that keep their connection, and 1,000 with a connection a request. Prints requests a
second, p99, the processor time of Holdfast a request, and the connections to php-fpm. All share the processors of this
machine: compare the rows, not the figures with yours.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from harness.fronts import VARIANTS, Front  # noqa: E402
from harness.holdfast import Holdfast  # noqa: E402
from harness.php_fpm import PhpFpm  # noqa: E402
from harness.wait import wait_until  # noqa: E402

PAGE = "/echo.php?t=page"
LOADS = [("32 kept", 32, ()), ("1,000 short", 1000, ("-H", "Connection: close"))]
CONNECTIONS = 4


def processor_seconds(holdfast):
    if holdfast is None:
        return 0.0
    fields = Path(f"/proc/{holdfast.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def opened(holdfast):
    return holdfast.pool()["opened"] if holdfast else 0


def play(title, port, holdfast, options):
    for load, clients, more in LOADS:
        before, conns = processor_seconds(holdfast), opened(holdfast)
        out = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{options.seconds}s", "--latency", "--timeout", "10s", *more,
                              f"http://127.0.0.1:{port}{PAGE}"], capture_output=True, text=True, check=True).stdout
        answers = int(re.search(r"(\d+) requests in", out).group(1))
        used = processor_seconds(holdfast) - before
        conns = opened(holdfast) - conns if holdfast else answers
        p99 = re.search(r"^\s+99%\s+(\S+)", out, re.MULTILINE).group(1)
        errors = " ".join(re.findall(r"Non-2xx.*|Socket errors.*", out))
        cost = f"{1e6 * used / max(1, answers):5.1f} us" if holdfast else "       -"
        print(f"{title:34}{load:>12}{answers / options.seconds:9,.0f}/s  p99 {p99:>9}  {cost}  {conns:7,} connections  {errors}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    started = []
    with tempfile.TemporaryDirectory(prefix="holdfast-fronts-") as folder:
        base = Path(folder)
        base.chmod(0o755)
        try:
            php = PhpFpm(base / "fpm", "tcp")
            started.append(php)
            php.start()
            holdfast = Holdfast(base / "holdfast", {
                "listen": ["127.0.0.1:0", {"fastcgi": f"unix:{base}/holdfast/front.sock", "pool": "php", "group": "www-data"}],
                "pools": {"php": {"address": php.address, "max_connections": CONNECTIONS}},
                "sites": [{"root": str(php.www), "pool": "php"}], "log": {"access": "off"}})
            started.append(holdfast)
            holdfast.start()
            wait_until(lambda: holdfast.admin("GET", "/readyz")[0] == 200, "Holdfast to be ready")
            behind = f"unix:{base}/holdfast/front.sock"
            rows = [("nginx as shipped", php.address, "nginx", None),
                    ("nginx as shipped, Holdfast behind", behind, "nginx", holdfast),
                    ("nginx, keepalive, Holdfast behind", behind, "nginx-kept", holdfast)]
            ports = [("Holdfast, HTTP", int(holdfast.addresses[0].rsplit(":", 1)[1]), holdfast)]
            for number, (title, address, variant, of) in enumerate(rows):
                kind, more = VARIANTS[variant]
                front = Front(base / f"front{number}", kind, address, php.www, **more)
                started.append(front)
                ports.append((title, front.start().port, of))
            for _ in range(options.rounds):
                for title, port, of in ports:
                    play(title, port, of, options)
        finally:
            for each in reversed(started):
                each.cleanup()


if __name__ == "__main__":
    main()
