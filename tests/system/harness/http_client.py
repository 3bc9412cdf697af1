"""A strict HTTP/1.1 client on a raw socket: what the proxy sends is checked, not repaired.

`ResponseParser` is sans-I/O, shared by `Client` (blocking) and by the load generator.
"""

import hashlib
import re
import socket

STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ([^\r\n]*)\Z")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\Z")


class ProtocolError(Exception):
    """The peer broke HTTP."""


class Truncated(ProtocolError):
    """The connection ended inside a response."""

    def __init__(self, text, response=None):
        super().__init__(text)
        self.response = response


class Response:
    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.interim = []
        self.body = b""
        self.body_bytes = 0
        self.framing = "none"

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    @property
    def closes(self):
        options = ",".join(self.all("Connection")).lower()
        return self.framing == "until_close" or "close" in [o.strip() for o in options.split(",")]

    def __repr__(self):
        return f"<{self.status} {self.body_bytes} bytes {self.body[:100]!r} {self.fields}>"


class ResponseParser:
    """`feed()` bytes, then `take()` a response when one is whole. `sink`: gets body bytes instead of memory."""

    def __init__(self):
        self.buffer = bytearray()
        self.eof = False
        self.current = None
        self.interim = []
        self.sink = None
        self._left = None
        self._parts = []
        self._chunk = "size"

    def feed(self, data):
        if data:
            self.buffer += data
        else:
            self.eof = True

    def take(self, method="GET"):
        """The next whole response, or None while more bytes are needed."""
        while self.current is None:
            if not self._take_head(method):
                return None
        done = getattr(self, "_take_" + self.current.framing)()
        if not done:
            if self.eof and self.current.framing != "until_close":
                raise Truncated(f"EOF inside the body ({self.current.framing})", self.peek())
            return None
        response = self.peek()
        self.current, self._parts, self.sink, self.interim = None, [], None, []
        return response

    def peek(self):
        """The response that is under way, with the body so far."""
        if self.current is not None:
            self.current.body = b"".join(self._parts)
            self._parts = [self.current.body]
        return self.current

    def _take_head(self, method):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if self.eof:
                raise Truncated(f"EOF before a response head; got {bytes(self.buffer[:300])!r}")
            return False
        lines = bytes(self.buffer[:end]).split(b"\r\n")
        del self.buffer[:end + 4]
        match = STATUS_LINE.match(lines[0])
        if not match:
            raise ProtocolError(f"bad status line {lines[0]!r}")
        fields = []
        for line in lines[1:]:
            field = FIELD_LINE.match(line)
            if not field:
                raise ProtocolError(f"bad field line {line!r}")
            fields.append((field.group(1).decode("latin-1"), field.group(2).decode("latin-1")))
        response = Response(int(match.group(1)), match.group(2).decode("latin-1"), fields)
        if 100 <= response.status < 200:
            self.interim.append(response.status)
            return True
        response.interim = list(self.interim)
        self._frame(response, method)
        self.current = response
        return True

    def _frame(self, response, method):
        """RFC 9112 6.3, and no message may carry both framings or two lengths."""
        length, coding = response.all("Content-Length"), response.all("Transfer-Encoding")
        if length and coding:
            raise ProtocolError("Content-Length beside Transfer-Encoding")
        if len(length) > 1 or (length and not length[0].isdigit()):
            raise ProtocolError(f"bad Content-Length {length}")
        dates = len(response.all("Date"))
        if dates > 1 or (dates == 0 and response.status < 500):  # RFC 9110 6.6.1
            raise ProtocolError(f"{dates} Date fields: {response.status} {response.fields}")
        if response.status == 204 and (length or coding):
            raise ProtocolError("204 with a framing field")
        self._left = None
        if method == "HEAD" or response.status in (204, 304):
            response.framing = "none"
        elif coding:
            if coding != ["chunked"]:
                raise ProtocolError(f"coding {coding}")
            response.framing, self._chunk = "chunked", "size"
        elif length:
            response.framing, self._left = "content_length", int(length[0])
        else:
            response.framing = "until_close"

    def _body(self, count):
        piece = bytes(self.buffer[:count])
        del self.buffer[:count]
        self.current.body_bytes += len(piece)
        if self.sink:
            self.sink(piece)
        elif piece:
            self._parts.append(piece)
        return len(piece)

    def _take_none(self):
        return True

    def _take_content_length(self):
        self._left -= self._body(min(self._left, len(self.buffer)))
        return self._left == 0

    def _take_until_close(self):
        self._body(len(self.buffer))
        return self.eof

    def _take_chunked(self):
        while True:
            if self._chunk == "data":
                self._left -= self._body(min(self._left, len(self.buffer)))
                if self._left:
                    return False
                self._chunk = "crlf"
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return False
            line = bytes(self.buffer[:end])
            del self.buffer[:end + 2]
            if self._chunk == "crlf":
                if line:
                    raise ProtocolError(f"chunk data not followed by CRLF but {line!r}")
                self._chunk = "size"
            elif self._chunk == "trailer":
                if not line:
                    return True
            else:
                if not re.fullmatch(rb"[0-9A-Fa-f]+", line):
                    raise ProtocolError(f"bad chunk size {line!r}")
                self._left = int(line, 16)
                self._chunk = "data" if self._left else "trailer"


def build_request(method, target, headers=(), body=None, host="localhost"):
    """Head and body; Content-Length is added for a body that is not framed by a given field."""
    if isinstance(headers, dict):
        headers = headers.items()
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    names = {name.lower() for name, _ in headers}
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Client:
    """One connection. `methods` of requests sent are remembered, so that HEAD answers are framed right."""

    def __init__(self, address, timeout, receive_buffer=None, source=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family)
        if receive_buffer:  # before connect: it bounds the window that is offered
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:  # an address of this machine to come from
            self.sock.bind((source, 0))
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.parser = ResponseParser()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def local_port(self):
        return self.sock.getsockname()[1]

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def read(self, method="GET", sink=None):
        """The next final response; interim ones are listed in it. ProtocolError or timeout else."""
        while True:
            self.parser.sink = sink
            response = self.parser.take(method)
            if response:
                return response
            self.receive()

    def receive(self, most=262144):
        try:
            data = self.sock.recv(most)
        except ConnectionResetError:
            data = b""
        if not data and self.parser.eof:
            raise Truncated("EOF")
        self.parser.feed(data)
        return data

    def read_head(self, method="GET"):
        """The head of the next response; its body stays with the parser."""
        while self.parser.current is None:
            if self.parser.buffer or self.parser.eof:
                response = self.parser.take(method)
                if response:
                    return response
                if self.parser.current:
                    break
            self.receive()
        return self.parser.peek()

    def read_body_until(self, wanted):
        """Bytes of the response under way, once `wanted` is in them."""
        while wanted not in self.parser.peek().body:
            self.receive()
            whole = self.parser.take()
            if whole:
                assert wanted in whole.body, whole
                return whole.body
        return self.parser.peek().body

    def request(self, method, target, headers=(), body=None, host="localhost", sink=None):
        self.send(build_request(method, target, headers, body, host))
        return self.read(method, sink)

    def at_eof(self):
        """True when the peer has closed and nothing more has come; waits for either."""
        if self.parser.buffer:
            return False
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


class Md5Sink:
    """Counts and hashes a body that is too large to keep."""

    def __init__(self):
        self.hash = hashlib.md5()
        self.count = 0

    def __call__(self, piece):
        self.hash.update(piece)
        self.count += len(piece)
