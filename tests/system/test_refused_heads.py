"""What was no request leaves its first bytes in the logs: escaped, cut, and without fields."""

import pytest

from harness.wait import wait_until

TLS_HELLO = bytes.fromhex("16030100f8010000f40303") + bytes(range(0x80, 0xb2))


@pytest.mark.parametrize("sent,status,begins,why", [
    (TLS_HELLO, 400, "\x16\x03\x01\x00", "TLS on a port that speaks plain HTTP"),
    (b"GET /a b HTTP/1.1\r\nCookie: secret=1\r\n\r\n", 400, "GET /a b HTTP/1.1", ""),
    (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414, "GET /" + "a" * 59, ""),
    (b"GET /long HTTP/1.1\r\nCookie: secret=" + b"b" * 70000 + b"\r\n\r\n", 431, "GET /long HTTP/1.1", ""),
    (b"GET /folded HTTP/1.1\r\nCookie: secret=1\r\n folded\r\n\r\n", 400, "GET /folded HTTP/1.1", ""),
], ids=["tls", "space", "long target", "long head", "folded"])
def test_refused_heads_leave_their_first_bytes(app_stack, sent, status, begins, why):
    proxy, _ = app_stack()
    with proxy.client() as client:
        client.send(sent)
        assert client.read().status == status
    line = proxy.wait_access(lambda line: line["status"] == status)[0]
    assert line["method"] == line["target"] == "" and line["first_bytes"].startswith(begins), line
    assert len(line["first_bytes"]) <= 64
    assert why in line["outcome"]
    assert f"refused, {status}: " in proxy.log() and "it began with" in proxy.log()
    assert "secret" not in proxy.log() + proxy.access_path.read_text(encoding="utf-8")


def test_a_slow_head_leaves_what_has_come(app_stack):
    proxy, _ = app_stack(client={"timeouts": {"header": "200ms"}})
    with proxy.client() as client:
        client.send(b"GET /slow HT")
        assert client.read().status == 408
    assert proxy.wait_access(lambda line: line["status"] == 408)[0]["first_bytes"] == "GET /slow HT"


def test_the_combined_format_and_the_rate_of_the_log(app_stack, base):
    """A scanner fills the access log, which is there for that, but not the error log."""
    proxy, _ = app_stack(log={"format": "combined"})
    for _ in range(20):
        with proxy.client() as client:
            client.send(TLS_HELLO)
            assert client.read().status == 400
    lines = wait_until(lambda: (text := proxy.access_path.read_text(encoding="latin-1").splitlines())[19:] and text, "20 lines")
    assert all('] "\\x16\\x03\\x01\\x00\\xf8' in line and " 400 " in line for line in lines), lines[0]
    assert proxy.log().count("it began with") == 1
