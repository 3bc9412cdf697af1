"""A FastCGI application that does what a test says: the misbehaving upstream.

A behaviour is a function `behave(connection)` that runs in the connection's thread. `Connection` has the
pieces; well-behaved ones are `answer_all` and its options. Owns the listener, the threads, and what it saw.
"""

import fcntl
import os
import socket
import struct
import termios
import threading
import traceback

from . import fastcgi as fcgi
from .sockets import free_port
from .wait import wait_until


class Request:
    def __init__(self, request_id, flags):
        self.id = request_id
        self.keep = bool(flags & fcgi.KEEP)
        self.params = {}
        self.body = b""

    @property
    def tag(self):
        return self.params.get("QUERY_STRING", "").removeprefix("t=")

    def page(self, text=None):
        """Head and body of the answer to this request alone."""
        body = (self.tag + "\n").encode() if text is None else text
        return b"Content-Type: text/plain\r\n\r\n" + body


class Connection:
    def __init__(self, app, sock, number):
        self.app = app
        self.sock = sock
        self.number = number  # from 0, in the order of accept()

    def send(self, data):
        self.sock.sendall(data)

    def send_cut(self, data, cuts):
        """Sends in pieces, each read by the peer before the next is sent (Unix sockets: SIOCOUTQ is 0 then)."""
        at = 0
        for cut in [*cuts, len(data)]:
            self.send(data[at:cut])
            at = cut
            wait_until(lambda: self.unread() == 0, "the peer to read", interval=0.0005)

    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]

    def read_record(self):
        """The next record, management ones noted and returned as well; None on EOF."""
        got = fcgi.read_record(self.sock)
        if got and got[0] == fcgi.GET_VALUES:
            self.app.get_values += 1
        return got

    def answer_get_values(self):
        self.send(fcgi.record(fcgi.GET_VALUES_RESULT, 0))

    def read_head(self, on_get_values=None):
        """A request up to the end of its parameters; None on EOF. `on_get_values`: default answers it."""
        request, params = None, b""
        while True:
            got = self.read_record()
            if got is None:
                return None
            kind, request_id, content, _ = got
            if kind == fcgi.GET_VALUES and request is None:
                if (on_get_values or Connection.answer_get_values)(self) == "stop":
                    return None
            elif kind == fcgi.BEGIN and request is None:
                _, flags = struct.unpack(">HB5x", content)
                request = Request(request_id, flags)
            elif kind == fcgi.PARAMS and request and request_id == request.id:
                if not content:
                    request.params = fcgi.pairs(params)
                    self.app.requests.append(request)
                    return request
                fcgi.pairs(content)  # php-fpm parses each record alone: raises when a pair straddles
                params += content
            elif kind == fcgi.STDIN and request is None and not content:
                continue  # php-fpm, too, skips an empty STDIN between requests
            else:
                raise ValueError(f"unexpected record {kind} of id {request_id}")

    def read_body(self, request):
        while True:
            got = self.read_record()
            if got is None:
                return None
            kind, request_id, content, _ = got
            if kind != fcgi.STDIN or request_id != request.id:
                raise ValueError(f"unexpected record {kind} of id {request_id} in the body")
            if not content:
                return request
            request.body += content

    def read_request(self, on_get_values=None):
        request = self.read_head(on_get_values)
        return request and self.read_body(request)

    def answer(self, request, page=None, app_status=0):
        self.send(fcgi.stream(fcgi.STDOUT, request.id, request.page() if page is None else page)
                  + fcgi.end(request.id, app_status))


def answer_all(connection, on_get_values=None):
    """The good citizen: answers each request with its tag."""
    while request := connection.read_request(on_get_values):
        connection.answer(request)
        if not request.keep:
            return


class ScriptedApp:
    def __init__(self, base, behave=answer_all, transport="unix"):
        self.behave = behave
        self.requests = []
        self.get_values = 0
        self.connections = 0
        self.errors = []  # what a behaviour did not expect
        self._open = []
        if transport == "unix":
            path = os.path.join(str(base), "app.sock")
            self.address = f"unix:{path}"
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o666)
        else:
            port = free_port()
            self.address = f"tcp:127.0.0.1:{port}"
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", port))
        self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self._open.append(sock)
            connection = Connection(self, sock, self.connections)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.behave(connection)
        except (OSError, AssertionError):
            pass  # the proxy hung up on us: what the tests look at is its side
        except Exception:
            self.errors.append(traceback.format_exc())
        finally:
            connection.sock.close()

    def close(self):
        self.listener.close()
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
