"""Clients: h2load where the rate counts, threads of our own where each answer is looked at.

Lenient on purpose: what counts is whether the answer that was asked for comes. How well a server speaks HTTP is not
judged here.
"""

import collections
import http.client
import re
import socket
import subprocess
import threading
import time

ANSWER_SECONDS = 10.0  # longer than any server here needs in order to come back
STARVED_PART = 0.75  # of the load's time: who has had no answer for so long starves
FAILURE_PAUSE_SECONDS = 0.02  # a client that got an error does not ask again at once


# ------------------------------------------------------------------------------------- h2load, and what ss knows


def starved(port: int, seconds: float) -> int:
    """Clients that are connected and have received nothing for so long, or ever. By the kernel's own account."""
    listing = subprocess.run(["ss", "-tinOH", "state", "established", f"dst 127.0.0.1:{port}"], capture_output=True,
                             text=True, check=True).stdout
    return sum(is_starved(line, seconds) for line in listing.splitlines())


def is_starved(line: str, seconds: float) -> bool:
    last = re.search(r"\blastrcv:(\d+)", line)
    return "bytes_received:" not in line or (last is not None and int(last[1]) > seconds * 1e3)


def unread(port: int, state: str) -> list:
    """Bytes that the server has not read, of each of its sockets to clients in this state."""
    listing = subprocess.run(["ss", "-tnOH", "state", state, f"src 127.0.0.1:{port}"], capture_output=True, text=True,
                             check=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines()]


def hammer(port: int, path: str, clients: int, seconds: int) -> dict:
    """Keep-alive clients in a closed loop for a time. Each asks again as soon as it has its answer."""
    began = time.monotonic()
    load = subprocess.Popen(["h2load", "--h1", "-c", str(clients), "-D", str(seconds), f"http://127.0.0.1:{port}{path}"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True)
    try:
        time.sleep(max(0.0, began + 0.9 * seconds - time.monotonic()))
        hungry = starved(port, STARVED_PART * (time.monotonic() - began))
        output, _ = load.communicate(timeout=seconds + 30)
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
    return parse_h2load(output) | {"starved": hungry, "clients": clients}


def parse_h2load(output: str) -> dict:
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", output)
    done = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
    each = re.search(r"req/s\s*:\s*([\d.]+)\s+([\d.]+)", output)
    if not (rate and done and each):
        raise RuntimeError(f"h2load said: {output[-800:]}")
    good, failed, errored, late = map(int, done.groups())
    return {"rate": float(rate[1]), "answers": good, "errors": failed + errored + late, "slowest": float(each[1]),
            "fastest": float(each[2])}


# ---------------------------------------------------------------------------------------------- clients of ours


class Client:
    """One keep-alive connection, opened again when the server has closed it. Nothing is ever sent twice."""

    def __init__(self, port: int, seconds: float = ANSWER_SECONDS):
        self.port, self.seconds = port, seconds
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def open(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.auto_open = 0

    def ask(self, target: str, method: str = "GET", body=None) -> tuple:
        """(status, body); the status is 0 when the connection ended without a whole answer, -1 when none came in time."""
        try:
            if not self.connection or not self.connection.sock:
                self.open()
            self.connection.request(method, target, body=body)
            response = self.connection.getresponse()
            return response.status, response.read()
        except TimeoutError:
            self.close()
            return -1, b""
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, b""


class Tally:
    """What a crowd of clients saw."""

    def __init__(self):
        self.sent = 0
        self.statuses = collections.Counter()
        self.wrong = 0  # 200, and not the page that was asked for

    def add(self, status: int, right: bool):
        self.sent += 1
        self.statuses[status] += 1
        self.wrong += status == 200 and not right

    def counts(self) -> dict:
        return {"sent": self.sent, "ok": self.statuses[200] - self.wrong, "wrong": self.wrong,
                "errors": sum(n for status, n in self.statuses.items() if status > 0 and status != 200),
                "cut": self.statuses[0], "no_answer": self.statuses[-1]}


class Crowd:
    """Keep-alive clients in threads, each asking again when it has its answer: until `requests` have been sent by all of
    them together, or stop() is called, or `seconds` are over. `make(number)`: (target, the page it must give)."""

    def __init__(self, port: int, clients: int, make, requests=None, seconds: float = 30.0, method="GET", body=None):
        self.port, self.make, self.method, self.body = port, make, method, body
        self.left = requests
        self.deadline = time.monotonic() + seconds
        self.tally = Tally()
        self.number = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> Tally:
        self._stop.set()
        return self.join()

    def join(self) -> Tally:
        for thread in self._threads:
            thread.join()
        return self.tally

    def answered(self) -> int:
        return self.tally.statuses[200]

    def _take(self):
        """The next request's number; None when there is none."""
        with self._lock:
            if self._stop.is_set() or self.left == 0 or time.monotonic() > self.deadline:
                return None
            if self.left:
                self.left -= 1
            self.number += 1
            return self.number

    def _run(self):
        with Client(self.port) as client:
            while (number := self._take()) is not None:
                target, page = self.make(number)
                status, body = client.ask(target, self.method, self.body)
                with self._lock:
                    self.tally.add(status, body == page)
                if status != 200:
                    self._stop.wait(FAILURE_PAUSE_SECONDS)
