"""300 MB through each web server, up and down: whole, in bounded memory, and the spool is given back."""

import functools
import hashlib
import json
import struct

import pytest

from harness.holdfast import sanitized
from harness.http_client import Client, Md5Sink
from harness.wait import PATIENCE, wait_until

MIB = 1 << 20
SIZE = 300  # MiB
# Each web server once, each transport more than once.
STACKS = [("nginx", "unix"), ("apache", "tcp"), ("haproxy", "unix"), ("caddy", "tcp"), ("lighttpd", "unix")]


def blocks():
    """One buffer, filled anew for each MiB: no two are alike."""
    block = bytearray(range(256)) * 4096
    for number in range(SIZE):
        struct.pack_into(">Q", block, 0, number)
        yield block


@functools.cache
def upload_md5():
    digest = hashlib.md5()
    for block in blocks():
        digest.update(block)
    return digest.hexdigest()


@functools.cache
def download_md5():
    """Of what big.php makes."""
    digest = hashlib.md5()
    for number in range(16 * SIZE):
        digest.update(struct.pack(">Q", number) * 8192)
    return digest.hexdigest()


def upload(client):
    client.send(f"POST /upload.php HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                f"Content-Length: {SIZE * MIB}\r\n\r\n".encode())
    for block in blocks():
        client.send(block)
    return json.loads(client.read("POST").body)


@pytest.mark.heavy
@pytest.mark.parametrize("variant,transport", STACKS)
def test_300_mb(front_stack, variant, transport):
    front, holdfast, php = front_stack(variant, transport)
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        assert client.request("GET", "/echo.php?t=a").body == b"a\n"
    before = holdfast.rss_kib("VmRSS")
    with Client(("127.0.0.1", front.port), 2 * PATIENCE) as client:
        seen = upload(client)
    assert (seen["bytes"], seen["length"], seen["md5"]) == (SIZE * MIB, str(SIZE * MIB), upload_md5())
    with Client(("127.0.0.1", front.port), 2 * PATIENCE) as client:
        sink = Md5Sink()
        answer = client.request("GET", f"/big.php?mb={SIZE}&t=d", sink=sink)
    assert (answer.status, sink.count, sink.hash.hexdigest()) == (200, SIZE * MIB, download_md5())
    if not sanitized():
        assert holdfast.rss_kib("VmHWM") - before < 16 * 1024
    wait_until(lambda: holdfast.status()["spool"]["bytes"] == 0 and not holdfast.spool_files(), "the spool to be given back")
    lines = holdfast.wait_access(lambda line: "big.php" in line["target"])
    assert [line["outcome"] for line in lines] == ["ok"]
