"""The test suite's own FastCGI codec: a second opinion that shares no line with the proxy's.

Both sides: records and pairs for a scripted application, and `request()` for a direct client of php-fpm.
"""

import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
GET_VALUES, GET_VALUES_RESULT = 9, 10
KEEP = 1


def record(kind, request_id, content=b"", padding=0):
    return struct.pack(">BBHHBB", 1, kind, request_id, len(content), padding, 0) + content + bytes(padding)


def begin(request_id, flags=KEEP, role=1):
    return record(BEGIN, request_id, struct.pack(">HB5x", role, flags))


def end(request_id, app_status=0, protocol_status=0):
    return record(END, request_id, struct.pack(">IB3x", app_status, protocol_status))


def stream(kind, request_id, content, most=65528):
    """Content as records of at most `most` bytes, without the empty one."""
    return b"".join(record(kind, request_id, content[i:i + most]) for i in range(0, len(content), most))


def pair(name, value):
    out = b""
    for text in (name, value):
        out += bytes([len(text)]) if len(text) < 128 else struct.pack(">I", len(text) | 0x80000000)
    return out + name + value


def pairs(content):
    """Decodes name-value pairs; raises on a pair that is cut."""
    out, at = {}, 0
    while at < len(content):
        lengths = []
        for _ in range(2):
            if content[at] < 128:
                lengths.append(content[at])
                at += 1
            else:
                lengths.append(struct.unpack_from(">I", content, at)[0] & 0x7FFFFFFF)
                at += 4
        if at + sum(lengths) > len(content):
            raise ValueError("a name-value pair straddles two records")
        name = content[at:at + lengths[0]]
        out[name.decode("latin-1")] = content[at + lengths[0]:at + sum(lengths)].decode("latin-1")
        at += sum(lengths)
    return out


def read_exactly(sock, count):
    """None on EOF before the first byte; ConnectionError on EOF within."""
    data = bytearray()
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            if data:
                raise ConnectionError(f"EOF after {len(data)} of {count} bytes")
            return None
        data += piece
    return bytes(data)


def read_record(sock):
    """(kind, request id, content, padding), or None on EOF between records."""
    head = read_exactly(sock, 8)
    if head is None:
        return None
    version, kind, request_id, length, padding, _ = struct.unpack(">BBHHBB", head)
    if version != 1:
        raise ValueError(f"record of version {version}")
    rest = read_exactly(sock, length + padding) if length + padding else b""
    if rest is None:
        raise ConnectionError("EOF after a record header")
    return kind, request_id, rest[:length], padding


def connect(address, timeout=30):
    """A socket to `tcp:HOST:PORT` or `unix:PATH`."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(address[5:])
        return sock
    _, host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout)


def request(address, script, query="", method="GET", body=b"", extra=None, timeout=30):
    """One request straight to a FastCGI application, without keep-alive: (stdout, stderr)."""
    params = {"REQUEST_METHOD": method, "SCRIPT_FILENAME": script, "SCRIPT_NAME": "/" + script.rsplit("/", 1)[1],
              "QUERY_STRING": query, "REQUEST_URI": "/", "SERVER_PROTOCOL": "HTTP/1.1",
              "GATEWAY_INTERFACE": "CGI/1.1", "CONTENT_LENGTH": str(len(body)), **(extra or {})}
    encoded = b"".join(pair(k.encode(), v.encode()) for k, v in params.items())
    with connect(address, timeout) as sock:
        sock.sendall(begin(1, flags=0) + record(PARAMS, 1, encoded) + record(PARAMS, 1)
                     + stream(STDIN, 1, body) + record(STDIN, 1))
        out, err = b"", b""
        while True:
            got = read_record(sock)
            if got is None:
                raise ConnectionError(f"EOF before END_REQUEST; stdout so far: {out!r}")
            kind, _, content, _ = got
            if kind == STDOUT:
                out += content
            elif kind == STDERR:
                err += content
            elif kind == END:
                return out, err
