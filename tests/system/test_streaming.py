"""Streaming on demand: each flush reaches the client at once, and a client that does not read stops php.

No clocks: the script waits for a file that the client makes after it has seen the flush.
"""

import pytest

from harness.wait import pause, wait_stable, wait_until


@pytest.mark.parametrize("kind", ["", "&sse=1"])
def test_each_flush_reaches_the_client(stack, transport, kind):
    proxy, fpm = stack(transport)
    with proxy.client() as client:
        client.send(f"GET /stream.php?t=s&events=5{kind} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = client.read_head()
        assert head.status == 200 and head.framing == "chunked", head
        assert not head.all("X-Accel-Buffering"), "an instruction to the proxy, not to the client"
        for i in range(5):
            client.read_body_until(f"data: s {i}\n\n".encode())
            assert proxy.pool()["leased"] == 1
            fpm.touch(f"ack-s-{i}")
        response = client.read()
        assert response.body == b"".join(b"data: s %d\n\n" % i for i in range(5)) + b"data: end\n\n"
        assert client.request("GET", "/echo.php?t=next").body == b"next\n"


def test_two_streams_and_a_page_side_by_side(stack, transport):
    proxy, fpm = stack(transport, pool={"max_connections": 3})
    clients = {}
    for tag in ("a", "b"):
        clients[tag] = proxy.client()
        clients[tag].send(f"GET /stream.php?t={tag}&events=3&sse=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        clients[tag].read_head()
    for i in range(3):
        for tag, client in clients.items():
            client.read_body_until(f"data: {tag} {i}\n\n".encode())
        assert proxy.get(f"/echo.php?t=p{i}").body == f"p{i}\n".encode()
        for tag in clients:
            fpm.touch(f"ack-{tag}-{i}")
    for tag, client in clients.items():
        assert client.read().body.endswith(b"data: end\n\n")
        client.close()


def test_back_pressure_reaches_php(stack, transport):
    """A script without end and a client that does not read: php stops, and nothing is spooled."""
    proxy, fpm = stack(transport, client={"timeouts": {"write": "60s"}})
    before = proxy.rss_kib("VmRSS")
    client = proxy.client(receive_buffer=65536)
    client.send(b"GET /endless.php?t=e HTTP/1.1\r\nHost: x\r\n\r\n")
    client.read_head()
    wait_until(lambda: fpm.read("sent-e"), "the script's start")
    sent = wait_stable(lambda: int(fpm.read("sent-e") or 0), "what the script has written")
    # Kernel buffers of four sockets and ours: a few MiB. Without back-pressure php gives 100 MiB in this time.
    assert sent < 24 << 20, f"php has written {sent} bytes for a client that does not read"
    assert proxy.rss_kib("VmRSS") - before < 32 * 1024
    assert proxy.status()["spool"]["bytes"] == 0
    read = 0
    while read < sent + (4 << 20):
        read += len(client.sock.recv(1 << 18))
    wait_until(lambda: int(fpm.read("sent-e") or 0) > sent, "php to go on")
    client.close()
    # The script never ends by itself: what is thrown away is limited, then the connection is closed.
    wait_until(lambda: proxy.pool()["leased"] == 0, "the lease's end")
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_a_slow_streamer_is_not_cut_while_it_speaks(stack):
    """idle_read counts silence, not the whole: a stream longer than the limit goes on."""
    proxy, fpm = stack(pool={"timeouts": {"idle_read": "2s", "first_byte": "2s"}})
    with proxy.client() as client:
        client.send(b"GET /stream.php?t=s&events=8 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        for i in range(8):
            client.read_body_until(f"data: s {i}\n\n".encode())
            pause(0.4)
            fpm.touch(f"ack-s-{i}")
        assert client.read().body.endswith(b"data: end\n\n")


def test_silence_in_a_stream_cuts_it(stack):
    proxy, fpm = stack(pool={"timeouts": {"idle_read": "300ms"}})
    with proxy.client() as client:
        client.send(b"GET /stream.php?t=s&events=2 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        client.read_body_until(b"data: s 0\n\n")
        with pytest.raises(Exception, match="EOF inside the body"):
            client.read()
    fpm.touch("ack-s-0")
    fpm.touch("ack-s-1")
    proxy.wait_quiet()
    assert proxy.get("/echo.php?t=after").body == b"after\n"
