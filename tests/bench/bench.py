#!/usr/bin/env python3
"""Measures what a request costs the proxy, Holdfast beside nginx, in one run.

An instant FastCGI application stands behind both, so that the proxy is the bottleneck: 100 keep-alive clients (h2load --h1) fetch a
small page. Rounds alternate between the two, and what counts is the ratio of the medians: absolute figures depend on the
machine. CPU is the proxy process's own (user and system, /proc/PID/stat).

    ./dev bench [--rounds N] [--requests N] [--before BINARY] [--json FILE]
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
CLIENTS = 100
CONNECTIONS = 16


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"bench: nothing listens on port {port}")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def child_of(pid: int) -> int:
    """nginx: the worker does the work, the master waits."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    sys.exit("bench: nginx has no worker")


class Subject:
    def __init__(self, name: str, process: subprocess.Popen, pid: int, port: int):
        self.name, self.process, self.pid, self.port = name, process, pid, port
        self.cpu_us, self.rate = [], []

    def round(self, requests: int) -> None:
        before = cpu_seconds(self.pid)
        result = subprocess.run(
            ["h2load", "--h1", "-c", str(CLIENTS), "-n", str(requests), f"http://127.0.0.1:{self.port}/hello.php"],
            capture_output=True, text=True, check=True).stdout
        used = cpu_seconds(self.pid) - before
        succeeded = int(re.search(r"(\d+) succeeded", result).group(1))
        if succeeded != requests:
            sys.exit(f"bench: {self.name}: {requests - succeeded} of {requests} requests failed\n{result}")
        self.cpu_us.append(used / requests * 1e6)
        self.rate.append(float(re.search(r"([\d.]+) req/s", result).group(1)))


def start_nginx(folder: Path, application: int) -> Subject:
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream app {{ server 127.0.0.1:{application}; keepalive {CONNECTIONS}; keepalive_requests 100000000; }}
  include /etc/nginx/fastcgi_params;
  fastcgi_param SCRIPT_FILENAME {folder}/www$fastcgi_script_name;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ fastcgi_pass app; fastcgi_keep_conn on; }} }}
}}
""")
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), "-p", str(folder)],
                               stderr=subprocess.DEVNULL)
    wait_for(port, process)
    return Subject("nginx, kept connections", process, child_of(process.pid), port)


def start_holdfast(folder: Path, application: int, binary: Path = ROOT / "build/release/holdfast",
                   name: str = "holdfast") -> Subject:
    port = free_port()
    config = folder / f"{name.replace(' ', '-')}.yaml"
    config.write_text(json.dumps({
        "listen": f"127.0.0.1:{port}", "admin": {"listen": "off"},
        "pools": {"app": {"address": f"tcp:127.0.0.1:{application}", "max_connections": CONNECTIONS}},
        "sites": [{"root": str(folder / "www"), "pool": "app"}],
        "log": {"access": "off", "level": "error"}}))
    process = subprocess.Popen([str(binary), "run", "-c", str(config)])
    wait_for(port, process)
    return Subject(name, process, process.pid, port)


def report(subjects: list, arguments) -> float:
    print(f"\n{'':26}{'CPU, us a request':>26}{'requests/s':>22}")
    for subject in subjects:
        cpu = f"{statistics.median(subject.cpu_us):.1f} ({min(subject.cpu_us):.1f} - {max(subject.cpu_us):.1f})"
        rate = f"{statistics.median(subject.rate):,.0f}"
        print(f"{subject.name:26}{cpu:>26}{rate:>22}")
    holdfast, nginx, *before = subjects
    ratio = statistics.median(holdfast.cpu_us) / statistics.median(nginx.cpu_us)
    print(f"\nCPU of holdfast / CPU of nginx: {ratio:.2f}  (medians of {arguments.rounds} rounds of "
          f"{arguments.requests:,} requests, {CLIENTS} clients, alternating)")
    for old in before:
        print(f"CPU of holdfast / CPU of {old.name}: {statistics.median(holdfast.cpu_us) / statistics.median(old.cpu_us):.2f}, "
              f"of the least ones {min(holdfast.cpu_us) / min(old.cpu_us):.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({
            "ratio": ratio, "subjects": {s.name: {"cpu_us": s.cpu_us, "rate": s.rate} for s in subjects}}, indent=2) + "\n")
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--requests", type=int, default=60000, help="requests a round (default 60000)")
    parser.add_argument("--before", metavar="BINARY", type=Path, help="another build of holdfast, measured beside")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    started = []
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "hello.php").write_text("<?php // the instant application answers in its place\n")
        try:
            port = free_port()
            application = subprocess.Popen([str(ROOT / "build/release/tests/instant_app"), str(port)])
            started.append(application)
            wait_for(port, application)
            subjects = []
            for start in (start_holdfast, start_nginx):
                subjects.append(start(folder, port))
                started.append(subjects[-1].process)
            if arguments.before:
                subjects.append(start_holdfast(folder, port, arguments.before, "holdfast before"))
                started.append(subjects[-1].process)
            for number in range(arguments.rounds + 1):  # the first is a warm-up
                for subject in subjects:
                    subject.round(arguments.requests if number else max(arguments.requests // 10, CLIENTS))
                    if not number:
                        subject.cpu_us.clear()
                        subject.rate.clear()
                print(f"round {number} of {arguments.rounds}" if number else "warm-up done", file=sys.stderr)
            return 0 if report(subjects, arguments) < 1 else 1
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
