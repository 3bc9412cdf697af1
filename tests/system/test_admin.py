"""Who may ask the admin endpoint, by which name, and what a browser may do with its answers."""

import re
import socket
import stat
from pathlib import Path

import pytest

from harness.holdfast import command, merge
from harness.http_client import Client
from harness.wait import PATIENCE, wait_until


def admin_raw(proxy, text):
    """An answer of the admin endpoint to a request as it is."""
    host, port = proxy.admin_address.rsplit(":", 1)
    with Client((host, int(port)), PATIENCE) as client:
        client.send(text)
        return client.read()


def test_admin_refuses_a_name_that_is_not_listed(stack):
    """DNS rebinding: a page whose own name points at us reads nothing and steers nothing. The remedy is told twice."""
    proxy, _ = stack("unix", admin={"hosts": ["holdfast", "*.ops.example"]})
    port = proxy.admin_address.rsplit(":", 1)[1]
    for method, path in (("GET", "/"), ("GET", "/status"), ("GET", "/metrics"), ("GET", "/events"), ("GET", "/healthz"),
                         ("GET", "/readyz"), ("GET", "/none"), ("POST", "/pools/php/pause")):
        code, body = proxy.admin(method, path, {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"})
        assert code == 421 and b'admin: { hosts: ["evil.example"] }' in body, (method, path, code, body)
    assert proxy.pool()["paused"] is False
    for host in ("holdfast", "Holdfast:9180", "a.ops.example", "localhost", f"localhost:{port}", "127.0.0.1", "10.0.0.9:9180",
                 "[::1]:80", "[::ffff:10.0.0.1]"):
        assert proxy.admin("GET", "/healthz", {"Host": host})[0] == 200, host
    for host in ("ops.example", "127.0.0.1.evil.example", "localhost.evil.example", "holdfast.evil.example"):
        assert proxy.admin("GET", "/healthz", {"Host": host})[0] == 421, host
    assert admin_raw(proxy, b"GET /healthz HTTP/1.0\r\n\r\n").status == 200, "load balancers send no Host"
    told = [line for line in proxy.log().splitlines() if "admin: refused" in line]
    assert len(told) == 1 and "evil.example" in told[0] and "admin: { hosts:" in told[0], told
    refused = re.search(r"^holdfast_admin_requests_refused_total (\d+)$", proxy.admin("GET", "/metrics")[1].decode(), re.M)
    assert int(refused.group(1)) == 12, refused


def test_admin_hosts_follow_a_reload(stack):
    proxy, _ = stack("unix")
    assert proxy.admin("GET", "/healthz", {"Host": "holdfast"})[0] == 421
    proxy.reload(merge(proxy.config, {"admin": {"hosts": ["holdfast"]}}))
    wait_until(lambda: proxy.admin("GET", "/healthz", {"Host": "holdfast"})[0] == 200, "the new name")


@pytest.mark.parametrize("request_text", [
    b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /status HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
])
def test_the_last_admin_answer_is_not_reset_by_what_follows(stack, request_text):
    """RFC 9112 9.6: closing with unread bytes is a reset, which may take the answer along."""
    proxy, _ = stack("unix")
    host, port = proxy.admin_address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(request_text + b"x" * 1_000_000)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while part := client.recv(65536):  # an end, no reset
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"


@pytest.mark.parametrize("request_text", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
])
def test_every_admin_answer_is_shut_to_other_sites(stack, request_text):
    proxy, _ = stack("unix")
    answer = admin_raw(proxy, request_text)
    assert answer.get("x-frame-options") == "DENY"
    assert answer.get("x-content-type-options") == "nosniff"
    policy = answer.get("content-security-policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    is_page = answer.status == 200 and answer.get("content-type").startswith("text/html")
    assert ("script-src" in policy) == is_page, policy
    assert answer.get("access-control-allow-origin") is None


def test_the_image_keeps_its_admin_endpoint_to_itself():
    """docker/lanes/serve.yaml: loopback of the container unless the environment asks for more."""
    file = Path(__file__).resolve().parents[2] / "docker/lanes/serve.yaml"

    def admin_of(env):
        status, out, err = command("config", "-c", file, env=env)
        assert status == 0, err
        return re.search(r"^admin:\n  listen: (\S+)\n  hosts: \[(.*)\]$", out, re.M).groups(), err

    (listen, hosts), warned = admin_of({})
    assert (listen, hosts) == ("127.0.0.1:9180", "localhost") and "admin.listen" not in warned
    (listen, hosts), warned = admin_of({"ADMIN_LISTEN": ":9180", "ADMIN_HOST": "web"})
    assert (listen, hosts) == ("0.0.0.0:9180", "web") and "the admin endpoint has no password" in warned
    assert admin_of({"ADMIN_LISTEN": "off"})[0][0] == "off"


def test_status_by_every_kind_of_address(stack, base):
    """The command is no browser: it needs no listed name, whatever it connects to."""
    proxy, _ = stack("unix", admin={"listen": f"unix:{base}/admin.sock"})
    assert stat.S_IMODE((base / "admin.sock").stat().st_mode) == 0o660, "who may connect may pause the pools"
    wait_until(lambda: command("status", "--admin", f"unix:{base}/admin.sock")[0] == 0, "a worker that has answered")
    proxy.reload(merge(proxy.config, {"admin": {"listen": "127.0.0.1:0"}}))
    address = re.findall(r"admin on (127\S+)", proxy.log())[-1]
    assert command("status", "--admin", address)[0] == 0
    assert command("status", "--admin", address.replace("127.0.0.1", "localhost"))[0] == 0
