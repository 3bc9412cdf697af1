"""Load by wrk, and single requests: what clients see.

wrk works in a closed loop: each client asks again as soon as it has its answer. Without keep-alive each request comes on
a connection of its own, as webbench makes them.
"""

import http.client
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from namespaces import Namespaces, SetupError, inside

TIMEOUT_SECONDS = 10
# wrk calls done() at the end; latencies are in microseconds, errors.status counts answers other than 2xx and 3xx.
SUMMARY_SCRIPT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'SUMMARY {"answers":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, e.connect, e.read, e.write, e.status, e.timeout))
end
"""


@dataclass
class Result:
    """What a load saw. `answers` are all complete responses, `good` those with a page."""
    answers: int
    good: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    error_kinds: dict


class Load:
    """One wrk, running."""

    def __init__(self, namespaces: Namespaces, name: str, url: str, clients: int, seconds: int, keep_alive: bool):
        script = namespaces.folder / "summary.lua"
        if not script.exists():
            script.write_text(SUMMARY_SCRIPT, encoding="ascii")
        self.log = Path(namespaces.folder / f"wrk-{name}-{time.monotonic_ns()}.log")
        self.seconds = seconds
        self.clients = clients
        self.start = time.monotonic()
        header = [] if keep_alive else ["-H", "Connection: close"]
        self.process = namespaces.start(name, [
            "wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(script),
            *header, url], self.log)

    def running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> float:
        """When the load stops, as far as it was asked to; connections are closed after that."""
        return self.start + self.seconds

    def result(self) -> Result:
        try:
            self.process.wait(self.seconds + TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise SetupError(f"wrk did not end: {error}") from error
        text = self.log.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.startswith("SUMMARY ")]
        if self.process.returncode != 0 or not lines:
            raise SetupError(f"wrk failed with status {self.process.returncode}: {text[-500:]}")
        seen = json.loads(lines[-1].removeprefix("SUMMARY ").replace("nan", "0"))
        kinds = {kind: seen[kind] for kind in ("connect", "read", "write", "status", "timeout") if seen[kind]}
        good = seen["answers"] - seen["status"]
        return Result(answers=seen["answers"], good=good, seconds=seen["seconds"], rate=good / seen["seconds"],
                      p50_ms=seen["p50_ms"], p99_ms=seen["p99_ms"], max_ms=seen["max_ms"],
                      errors=sum(kinds.values()), error_kinds=kinds)


def fetch(name: str, host: str, port: int, path: str):
    """(status, body) of one request made in a namespace."""
    def get():
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    return inside(name, get)


def wait_for_page(name: str, host: str, port: int, path: str, check, seconds: float = 15.0) -> None:
    """Until the page comes whole; check() raises when waiting has become useless."""
    deadline = time.monotonic() + seconds
    last = "nothing"
    while time.monotonic() < deadline:
        try:
            status, body = fetch(name, host, port, path)
            if status == 200 and b"Hello" in body:
                return
            last = f"status {status}"
        except (OSError, http.client.HTTPException) as error:
            last = str(error)
        check()
        time.sleep(0.02)
    raise SetupError(f"no page within {seconds:.0f} s: {last}")
