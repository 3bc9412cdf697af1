"""A web server of the tests' own: FastCGI by hand, many requests on a connection, in any cut."""

from . import fastcgi
from .fastcgi import ABORT, END, PARAMS, STDERR, STDIN, STDOUT, begin, connect, pair, record, stream


class Answer:
    def __init__(self):
        self.out, self.err = b"", b""
        self.records = []  # (kind, bytes) in their order
        self.app_status = self.protocol_status = None  # of END_REQUEST

    @property
    def ended(self):
        return self.app_status is not None

    @property
    def head(self):
        return self.out.partition(b"\r\n\r\n")[0]

    @property
    def body(self):
        return self.out.partition(b"\r\n\r\n")[2]

    @property
    def status(self):
        for line in self.head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"status":
                return int(value.split()[0])
        return 200

    def field(self, wanted):
        for line in self.head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == wanted.lower().encode():
                return value.strip().decode()
        return None


class FastcgiClient:
    def __init__(self, address, timeout=30):
        self.sock = connect(address, timeout)
        self.answers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def read(self, *ids):
        """Reads until the requests of these ids have ended; the last one's answer."""
        while not all(i in self.answers and self.answers[i].ended for i in ids):
            got = fastcgi.read_record(self.sock)
            if got is None:
                raise ConnectionError(f"EOF; so far: { {i: a.out[-200:] for i, a in self.answers.items()} }")
            self.take(*got[:3])
        return self.answers[ids[-1]]

    def read_one(self):
        """One record more; False at the end."""
        got = fastcgi.read_record(self.sock)
        if got:
            self.take(*got[:3])
        return got is not None

    def take(self, kind, request_id, content):
        answer = self.answers.setdefault(request_id, Answer())
        answer.records.append((kind, content))
        if kind == STDOUT:
            answer.out += content
        elif kind == STDERR:
            answer.err += content
        elif kind == END:
            answer.app_status = int.from_bytes(content[:4], "big")
            answer.protocol_status = content[4]

    def at_eof(self):
        try:
            return fastcgi.read_record(self.sock) is None
        except (ConnectionResetError, TimeoutError):
            return True

    def ask(self, script, query="", request_id=1, **more):
        """One request and its answer."""
        self.answers.pop(request_id, None)
        self.send(request(script, query, request_id, **more))
        return self.read(request_id)


def params(script, query="", method="GET", length=0, extra=()):
    name = "/" + str(script).rsplit("/", 1)[1]
    values = [("SCRIPT_FILENAME", script), ("QUERY_STRING", query), ("REQUEST_METHOD", method),
              ("CONTENT_LENGTH", "" if length is None else str(length)), ("SCRIPT_NAME", name),
              ("REQUEST_URI", name + ("?" + query if query else "")), ("SERVER_PROTOCOL", "HTTP/1.1"),
              ("GATEWAY_INTERFACE", "CGI/1.1"), ("REMOTE_ADDR", "192.0.2.7"), ("HTTP_HOST", "front.example"), *extra]
    return b"".join(pair(str(k).encode("latin-1"), str(v).encode("latin-1")) for k, v in values)


def head(script, query="", request_id=1, keep=True, **more):
    return (begin(request_id, flags=1 if keep else 0) + stream(PARAMS, request_id, params(script, query, **more))
            + record(PARAMS, request_id))


def request(script, query="", request_id=1, body=b"", keep=True, length=-1, **more):
    return (head(script, query, request_id, keep, length=len(body) if length == -1 else length, **more)
            + stream(STDIN, request_id, body) + record(STDIN, request_id))


def abort(request_id):
    return record(ABORT, request_id)


