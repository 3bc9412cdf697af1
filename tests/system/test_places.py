"""Places of clients and descriptors: who goes when all are taken, how many one address may have, and what still works
when the process can have no more descriptors."""

import re
import resource
import socket

import pytest

from harness.holdfast import sanitized
from harness.http_client import Client
from harness.wait import PATIENCE, wait_until
from test_metrics import samples

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


def ask(proxy, target="/echo.php?t=a", **more):
    client = proxy.client(**more)
    client.send(GET % target.encode())
    return client


def hold(proxy, fpm, tag):
    client = ask(proxy, f"/hold.php?t={tag}&r=go-{tag}")
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the script")
    return client


def test_the_longest_idle_makes_room(stack):
    """Three idle ones have all places: the next is served at once, and only the longest idle is closed for it."""
    proxy, _ = stack(client={"max_connections": 3})
    idle = [proxy.client() for _ in range(3)]
    for i in (1, 0, 2):
        assert idle[i].request("GET", f"/echo.php?t=i{i}").body == f"i{i}\n".encode()
    late = proxy.client()
    assert late.request("GET", "/echo.php?t=late").body == b"late\n"
    assert idle[1].at_eof()
    for client in (idle[0], idle[2], late):
        assert client.request("GET", "/echo.php?t=again").body == b"again\n"
    assert proxy.status()["clients"]["connections"] == 3
    assert samples(proxy)["holdfast_client_connections_made_way_total", ()] == 1
    assert samples(proxy)["holdfast_client_connections_max", ()] == 3
    assert proxy.log().count("client.max_connections reached (3): idle clients are closed") == 1


def test_the_silent_make_room_and_the_busy_do_not(stack):
    proxy, fpm = stack(client={"max_connections": 2})
    silent = proxy.client()  # has not said a byte
    wait_until(lambda: proxy.status()["clients"]["connections"] == 1, "the silent client")
    holders = [hold(proxy, fpm, "a"), hold(proxy, fpm, "b")]
    assert silent.at_eof()
    late = ask(proxy, "/echo.php?t=late")  # both places are at work: it waits
    wait_until(lambda: "and none is idle: new clients wait" in proxy.log(), "the full house")
    assert proxy.status()["clients"]["connections"] == 2
    fpm.touch("go-a")
    assert holders[0].read().body == b"a\n"  # now idle: it has had its answer, another has not
    assert late.read().body == b"late\n"
    assert holders[0].at_eof()
    fpm.touch("go-b")
    assert holders[1].read().body == b"b\n"


def test_max_per_address(stack):
    proxy, fpm = stack(client={"max_per_address": 2})
    first = [proxy.client() for _ in range(2)]
    for client in first:
        assert client.request("GET", "/echo.php?t=a").status == 200
    for _ in range(5):
        refused = proxy.client()
        assert refused.at_eof()
    other = Client(("127.0.0.1", proxy.port), PATIENCE, source="127.0.0.2")
    assert other.request("GET", "/echo.php?t=other").body == b"other\n"
    assert samples(proxy)["holdfast_client_connections_refused_total", (("reason", "max_per_address"),)] == 5
    said = re.findall(r"client.max_per_address: .*", proxy.log())
    assert len(said) == 1 and "127.0.0.1 has 2 connections" in said[0], said
    first[0].close()
    wait_until(lambda: proxy.status()["clients"]["connections"] == 2, "its place to be free")
    assert proxy.get("/echo.php?t=b").body == b"b\n"


@pytest.mark.parametrize("how", ["trusted", "unix", "off"])
def test_max_per_address_exempts(stack, base, how):
    """A proxy in front brings everybody's connections from one address."""
    more = {"trusted": {"trusted_proxies": "127.0.0.1"}, "unix": {"listen": f"unix:{base}/http.sock"}, "off": {}}[how]
    proxy, _ = stack(client={"max_per_address": 0 if how == "off" else 1}, **more)
    address = f"{base}/http.sock" if how == "unix" else ("127.0.0.1", proxy.port)
    clients = [Client(address, PATIENCE) for _ in range(3)]
    for client in clients:
        assert client.request("GET", "/echo.php?t=a").body == b"a\n"


def test_the_limit_of_descriptors_bounds_the_clients(stack, start_fpm, start_holdfast):
    """64 descriptors for 120 clients: those inside are served, files and spooled bodies too, and so is /healthz."""
    fpm = start_fpm(max_children=5).start()
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}},
                            "sites": [{"root": str(fpm.www), "pool": "php", "params": {"RECORD_DIR": str(fpm.record)}}]},
                           nofile=64)
    said = re.search(r"the limit of 64 descriptors allows (\d+) clients, client.max_connections is 10000", proxy.log())
    assert said, proxy.log()
    most = int(said[1])
    assert samples(proxy)["holdfast_client_connections_max", ()] == most
    crowd = []
    for _ in range(120):
        client = socket.create_connection(("127.0.0.1", proxy.port), 10)
        client.sendall(b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 100000)
        crowd.append(client)
    wait_until(lambda: proxy.status()["clients"]["connections"] == most, "the places to be taken")
    wait_until(lambda: len(proxy.spool_files()) == most, "each to have its spool file")
    for _ in range(3):
        assert proxy.admin("GET", "/healthz")[0] == 200
    for client in crowd[:most]:
        client.sendall(b"x" * 200000)
        assert client.recv(100).startswith(b"HTTP/1.1 200"), "inside is who came first"
        client.close()
    assert "no descriptor left" not in proxy.log()
    for client in crowd[most:]:
        client.close()


@pytest.mark.skipif(sanitized(), reason="the sanitizer looks at memory by a pipe, for which there is no descriptor")
def test_no_descriptor_left(stack):
    """accept, connect, files and spool: each says so in the log, now and then, and counts; nothing hangs or dies of it."""
    proxy, _ = stack(pool={"queue": {"timeout": "300ms"}}, user="root")  # whose limits we may change
    assert proxy.get("/style.css").status == 200
    proxy.admin("POST", "/pools/php/recycle")
    clients = [proxy.client() for _ in range(5)]
    wait_until(lambda: proxy.status()["clients"]["connections"] == 5, "the clients")
    proxy.wait_pool(lambda p: p["idle"] == p["closing"] == 0, "the pool to be empty")
    before = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    # Below all that are open: whichever is closed, no new one can be had.
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    for client in clients[:3]:
        assert client.request("GET", "/style.css").status == 503
    assert clients[3].request("GET", "/echo.php?t=a").status == 503
    clients[4].send(b"POST /upload.php HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"x" * 100000)
    assert clients[4].read().status == 503
    late = ask(proxy)
    for what in ("a client waits to be accepted", "no connection to the application", "a file cannot be sent",
                 "a body cannot be spooled"):
        wait_until(lambda text=what: f"no descriptor left: {text}" in proxy.log(), what)
    assert proxy.log().count("no descriptor left: a file cannot be sent") == 1
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, before)
    assert late.read().body == b"a\n"
    errors = {dict(labels)["place"]: n for (name, labels), n in samples(proxy).items()
              if name == "holdfast_descriptor_errors_total"}
    assert errors["file"] == 3 and errors["spool"] == 1 and errors["accept"] >= 1 and errors["connect"] >= 1, errors
    assert proxy.get("/style.css").status == 200
