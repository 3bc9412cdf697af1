"""Clients that read slowly, and clients that read nothing: progress is what has reached them, not what the kernel took."""

import pytest

from harness.http_client import Client
from harness.wait import pause, wait_until

MIB = 1 << 20
BLOCK = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def slow_site(stack, base):
    """A proxy that is patient for 1.5 s, on TCP and on a Unix socket, with a large file."""
    path = str(base / "http.sock")
    proxy, fpm = stack(listen=["127.0.0.1:0", f"unix:{path}"], client={"timeouts": {"write": "1500ms"}})
    (fpm.www / "large.bin").write_bytes(BLOCK * 24)
    return proxy, fpm, path


def ask(address, target, version="1.1", behind=b""):
    client = Client(address, 30, receive_buffer=65536)
    client.send(f"GET {target} HTTP/{version}\r\nHost: x\r\n\r\n".encode() + behind)
    return client


def test_a_steady_slow_download_is_not_cut(slow_site):
    """Their kernel gives the proxy no room for many times timeouts.write, and yet they take some all the time."""
    proxy, fpm, path = slow_site
    tcp = ("127.0.0.1", proxy.port)
    clients = {"file": ask(tcp, "/large.bin"), "stored": ask(tcp, "/big.php?t=b&mb=24"), "unix": ask(path, "/large.bin")}
    wait_until(lambda: fpm.seen("written-b"), "php to be done")
    for _ in range(120):
        for client in clients.values():
            client.receive(8192)
        pause(0.04)
    for name, client in clients.items():
        response = client.read()
        assert response.body_bytes == 24 * MIB, (name, response.body_bytes)
        client.close()
    assert {line["outcome"] for line in proxy.wait_access(lambda line: line["body_bytes"] >= 24 * MIB)} == {"ok"}


@pytest.mark.parametrize("kind,more", [("file", False), ("file", True), ("stored", True), ("stream", False), ("unix", True)])
def test_who_takes_nothing_is_given_up_in_order(slow_site, kind, more):
    """What the kernel holds arrives, then an end: a reset would throw it away. Also with requests of its that nobody read."""
    proxy, fpm, path = slow_site
    (fpm.www / "endless.php").write_text(
        "<?php header('X-Accel-Buffering: no'); for ($i = 0; $i < 1000; $i++) { echo str_repeat('x', 65536); flush(); }")
    target = {"stored": "/big.php?t=b&mb=24", "stream": "/endless.php"}.get(kind, "/large.bin")
    client = ask(path if kind == "unix" else ("127.0.0.1", proxy.port), target)
    client.sock.settimeout(0.5)
    try:
        client.send(b"GET /index.php HTTP/1.1\r\nHost: x\r\n\r\n" * (8000 if more else 0))
    except TimeoutError:
        pass  # the proxy does not read what it cannot answer
    client.sock.settimeout(30)
    proxy.wait_access(lambda line: line["outcome"] == "client_stalled", "the client to be given up")
    wait_until(lambda: proxy.status()["spool"]["bytes"] == 0, "the spool to be empty")
    got = 0
    while data := client.sock.recv(MIB):  # raises where a reset comes
        got += len(data)
    assert 60_000 < got < 24 * MIB
    assert proxy.wait_quiet()["leased"] == 0
    client.close()


def test_http_1_0_is_told_by_a_reset(slow_site):
    """Nothing but the end delimits this answer: an orderly one would pass for the whole."""
    proxy, _, _ = slow_site
    client = ask(("127.0.0.1", proxy.port), "/big.php?t=b&mb=24", "1.0")
    proxy.wait_access(lambda line: line["outcome"] == "client_stalled", "the client to be given up")
    with pytest.raises(ConnectionResetError):
        while client.sock.recv(MIB):
            pass
    client.close()
