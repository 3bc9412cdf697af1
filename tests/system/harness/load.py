"""Load from many clients in one thread (epoll): each sends its next request when its answer has come.

Every request carries a tag of its own, and every answer is verified to carry the same: a byte of somebody
else's response is a failure here, whatever its status. Owns the thread and its sockets.
"""

import collections
import select
import socket
import threading
import time

from .http_client import ProtocolError, ResponseParser, Truncated, build_request


class Work:
    """One request: its bytes, and the body that a 200 must have (None: not looked at)."""

    __slots__ = ("data", "body", "method")

    def __init__(self, target, body, method="GET", send=None, headers=()):
        self.data = build_request(method, target, headers, send)
        self.body = body
        self.method = method


def echo(client, number):
    """GET of echo.php with a tag that no other request has."""
    tag = f"c{client}n{number}"
    return Work(f"/echo.php?t={tag}", f"{tag}\n".encode())


class Result:
    def __init__(self):
        self.statuses = collections.Counter()
        self.per_client = collections.Counter()  # 200s with the right body
        self.errors = []  # mismatches, broken HTTP, cut connections
        self.failures = []  # answers that are not 200
        self.seconds = 0.0

    def __repr__(self):
        return f"<{dict(self.statuses)} errors={self.errors[:3]} failures={self.failures[:3]} {self.seconds:.2f}s>"


class _Client:
    def __init__(self, index):
        self.index = index
        self.number = 0
        self.sock = None
        self.work = None
        self.parser = None
        self.unsent = b""


class Load:
    """`requests`: for all clients together (None: until stop()). Use as a context manager, or run()."""

    def __init__(self, port, clients, requests=None, make=echo, patience=60):
        self.address = ("127.0.0.1", port)
        self.left = requests
        self.make = make
        self.patience = patience
        self.result = Result()
        self.answered = 0
        self._clients = [_Client(i) for i in range(clients)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._broken = None

    def start(self):
        self._thread.start()
        return self

    def run(self):
        self.start()
        return self.finish()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(self.patience + 10)

    @property
    def running(self):
        return self._thread.is_alive()

    def stop(self):
        """No new requests; those under way are waited for."""
        self._stop.set()
        return self.finish()

    def finish(self):
        self._thread.join()
        if self._broken:
            raise self._broken
        return self.result

    def _run(self):
        start = time.monotonic()
        try:
            self._loop()
        except Exception as e:  # shown by finish(), in the test's own thread
            self._broken = e
        finally:
            self.result.seconds = time.monotonic() - start
            for client in self._clients:
                if client.sock:
                    client.sock.close()

    def _loop(self):
        self._epoll = select.epoll()
        self._by_fd = {}
        for client in self._clients:
            self._next(client)
        last = time.monotonic()
        while self._by_fd:
            events = self._epoll.poll(1)
            if events:
                last = time.monotonic()
            elif time.monotonic() - last > self.patience:
                waiting = [c.work.data[:80] for c in self._by_fd.values()]
                self.result.errors.append(f"no answer for {self.patience} s: {waiting[:5]}")
                return
            for fd, event in events:
                client = self._by_fd.get(fd)
                if client:
                    self._on_event(client, event)

    def _next(self, client):
        """Sends the client's next request, on its connection or on a new one."""
        if self._stop.is_set() or self.left == 0:
            self._close(client)
            return
        if self.left is not None:
            self.left -= 1
        client.work = self.make(client.index, client.number)
        client.number += 1
        if client.sock is None:
            client.sock = socket.create_connection(self.address, 10)
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sock.setblocking(False)
            client.parser = ResponseParser()
            self._by_fd[client.sock.fileno()] = client
            self._epoll.register(client.sock.fileno(), select.EPOLLIN)
        client.unsent = client.work.data
        self._send(client)

    def _send(self, client):
        try:
            client.unsent = client.unsent[client.sock.send(client.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            client.unsent = b""  # the read side tells what happened
        wanted = select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0)
        self._epoll.modify(client.sock.fileno(), wanted)

    def _close(self, client):
        if client.sock:
            self._by_fd.pop(client.sock.fileno(), None)
            self._epoll.unregister(client.sock.fileno())
            client.sock.close()
            client.sock = None

    def _on_event(self, client, event):
        if event & select.EPOLLOUT and client.unsent:
            self._send(client)
        if not event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            return
        try:
            data = client.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.parser.feed(data)
        try:
            response = client.parser.take(client.work.method)
        except Truncated as e:
            self._fail(client, f"{client.work.data[:80]!r}: {e}")
            return
        except ProtocolError as e:
            self._fail(client, f"broken HTTP: {client.work.data[:80]!r}: {e}")
            return
        if response:
            self._on_response(client, response)

    def _fail(self, client, text):
        self.result.errors.append(text)
        self._close(client)
        if len(self.result.errors) < 100:
            self._next(client)

    def _on_response(self, client, response):
        self.answered += 1
        self.result.statuses[response.status] += 1
        if response.status != 200:
            self.result.failures.append((client.work.data[:80], response))
        elif client.work.body is not None and response.body != client.work.body:
            self.result.errors.append(f"mismatch: {client.work.data[:80]!r} got {response.body[:200]!r}")
        else:
            self.result.per_client[client.index] += 1
        if client.parser.buffer:
            self.result.errors.append(f"bytes after the answer: {bytes(client.parser.buffer[:100])!r}")
            self._close(client)
        elif response.closes:
            self._close(client)
        self._next(client)
