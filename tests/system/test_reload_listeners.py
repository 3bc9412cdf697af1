"""SIGHUP and the addresses listened on: new ones opened, dropped ones closed in order, the others not touched; or, when
one cannot be had, all as before."""

import copy
import signal
import socket
import stat

import pytest

from harness.holdfast import merge
from harness.http_client import Client, Truncated
from harness.load import Load, Work
from harness.wait import PATIENCE, wait_until


def with_listen(proxy, listen, **more):
    config = copy.deepcopy(proxy.config)
    config["listen"] = listen
    return merge(config, more)


def get(target, path="/echo.php?t=l"):
    with Client(target, PATIENCE) as client:
        return client.request("GET", path)


def local(port):
    return "127.0.0.1", port


def refuses(target):
    try:
        Client(target, 5).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError, FileNotFoundError):
        return True


def one_connection_each(client, number):
    """A connection for each request: one that is refused breaks the load."""
    tag = f"c{client}n{number}"
    return Work(f"/echo.php?t={tag}", f"{tag}\n".encode(), headers=[("Connection", "close")])


def wait_answered(load, count=200):
    target = load.answered + count
    wait_until(lambda: load.answered > target or not load.running, "the load")


def test_addresses_come_and_go_under_load(stack, base, transport):
    """The address that stays loses no connection and no request."""
    proxy, _ = stack(transport)
    path = base / "front.sock"
    first = local(proxy.port)
    with Load(proxy.port, 8, make=one_connection_each) as fresh, Load(proxy.port, 4) as kept:
        for _ in range(3):
            wait_answered(fresh)
            said = proxy.reload(with_listen(proxy, ["127.0.0.1:0", "127.0.0.1:0", f"unix:{path}"]))
            second = local(proxy.ports(said)[0])
            assert " closed " not in said and get(second).body == b"l\n" and get(str(path)).body == b"l\n"
            wait_answered(fresh)
            said = proxy.reload(with_listen(proxy, "127.0.0.1:0"))
            assert not proxy.ports(said) and proxy.ports(said, "closed") == [second[1]]
            assert refuses(second) and refuses(str(path)) and not path.exists()
        results = fresh.stop(), kept.stop()
    for result in results:
        assert not result.errors and not result.failures, result
    assert get(first).body == b"l\n"


def test_clients_of_a_dropped_address_finish_in_order(stack):
    proxy, fpm = stack(listen=["127.0.0.1:0", "127.0.0.1:0"])
    ports = [int(address.rsplit(":", 1)[1]) for address in proxy.addresses]
    running, idle, half, streamed, piped = [Client(local(ports[1]), PATIENCE) for _ in range(5)]
    stays = Client(local(ports[0]), PATIENCE)
    for client in (idle, half, stays):
        assert client.request("GET", "/echo.php?t=i").status == 200
    running.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    # The heads of these answers are out, and say that the connection stays.
    for client, tag, more in ((streamed, "a", b""), (piped, "b", b"GET /echo.php?t=behind HTTP/1.1\r\nHost: x\r\n\r\n")):
        client.send(f"GET /stream.php?t={tag}&events=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode() + more)
        assert not client.read_head().closes
    half.send(b"GET /echo.php?t=half HTTP/1.1\r\nHo")
    wait_until(lambda: fpm.seen("started-h"), "the holding script")
    proxy.reload(with_listen(proxy, "127.0.0.1:0"))
    assert refuses(local(ports[1]))
    fpm.touch("go")
    half.send(b"st: x\r\n\r\n")
    for client, body in ((running, b"h\n"), (half, b"half\n")):
        response = client.read()
        assert response.body == body and response.closes and client.at_eof(), response
    for client, tag in ((streamed, "a"), (piped, "b")):
        fpm.touch(f"ack-{tag}-0")
        assert client.read().body.endswith(b"data: end\n\n")
    response = piped.read()
    assert response.body == b"behind\n" and response.closes and piped.at_eof(), response
    for client in (idle, streamed):
        response = client.request("GET", "/echo.php?t=once")
        assert response.body == b"once\n" and response.closes and client.at_eof(), "one more, told to be the last"
    response = stays.request("GET", "/echo.php?t=s")
    assert response.body == b"s\n" and not response.closes


def test_the_backlog_of_a_dropped_address_is_served(stack):
    """Connections that were made, and not yet accepted, when the address went."""
    proxy, _ = stack(listen=["127.0.0.1:0", "127.0.0.1:0"])
    second = local(int(proxy.addresses[1].rsplit(":", 1)[1]))
    proxy.process.signal(signal.SIGSTOP)
    clients = [Client(second, PATIENCE) for _ in range(20)]
    for i, client in enumerate(clients):
        client.send(f"GET /echo.php?t=b{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    proxy.write_config(with_listen(proxy, "127.0.0.1:0"))
    proxy.process.signal(signal.SIGHUP)
    proxy.process.signal(signal.SIGCONT)
    for i, client in enumerate(clients):
        assert client.read().body == f"b{i}\n".encode()
    wait_until(lambda: refuses(second), "the address to be closed")


@pytest.mark.parametrize("spelled", ["0.0.0.0:{}", ":{}", "localhost:{}"])
def test_one_port_from_one_address_to_another(stack, spelled):
    """The new address covers the old one: both listen for a moment, so that the port is never closed."""
    proxy, _ = stack()
    port = proxy.port
    wide = spelled.format(port)
    with Load(port, 4) as load:
        wait_answered(load)
        said = proxy.reload(with_listen(proxy, wide))
        assert proxy.ports(said) == proxy.ports(said, "closed") == [port]
        wait_answered(load)
        assert get(local(port)).body == b"l\n"
        proxy.reload(with_listen(proxy, f"127.0.0.1:{port}"))
        assert get(local(port)).body == b"l\n"
        result = load.stop()
    assert not result.errors and not result.failures, result
    # It was for that moment only: a second holdfast does not get the port.
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as rival, pytest.raises(OSError):
            rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            rival.bind((host, port))
            rival.listen()


# ------------------------------------------------------------------------------------------------- refused


def impossible(kind, base):
    """(an address, what the refusal says, whatever holds it)."""
    if kind == "taken":
        taken = socket.create_server(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}", "EADDRINUSE", taken
    if kind == "shared":  # by somebody who would share it
        taken = socket.create_server(("127.0.0.1", 0), reuse_port=True)
        return f"127.0.0.1:{taken.getsockname()[1]}", "EADDRINUSE", taken
    if kind == "not ours":
        return "192.0.2.1:80", "EADDRNOTAVAIL", None
    if kind == "folder":
        return f"unix:{base}/nowhere/front.sock", "ENOENT", None
    if kind == "file":
        (base / "front.sock").write_text("not a socket")
        return f"unix:{base}/front.sock", "not a socket", None
    taken = socket.socket(socket.AF_UNIX)
    taken.bind(str(base / "front.sock"))
    (base / "front.sock").chmod(0o666)
    taken.listen()
    return f"unix:{base}/front.sock", "another process listens there", taken


KINDS = ["taken", "shared", "not ours", "folder", "file", "live"]


@pytest.mark.parametrize("place", ["listen", "admin"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_cannot_be_had(stack, base, kind, place):
    """Nothing of the file is taken: not the address that could be opened, not the log, not the pool, not the sites."""
    proxy, _ = stack(listen=["127.0.0.1:0", "127.0.0.1:0"])
    ports = [int(address.rsplit(":", 1)[1]) for address in proxy.addresses]
    address, words, holder = impossible(kind, base)
    opened = proxy.pool()["opened"]
    also = base / "also.sock"
    config = with_listen(proxy, ["127.0.0.1:0", f"unix:{also}"], pools={"php": {"max_connections": 2}},
                         log={"access": str(base / "other.log")}, sites=[{"root": str(base)}])
    if place == "listen":
        config["listen"].append(address)
    else:
        config["admin"]["listen"] = address
    with Client(local(ports[1]), PATIENCE) as open_client:
        assert open_client.request("GET", "/echo.php?t=o").status == 200
        why = proxy.reload_refused(config)
        assert address in why and words in why and (place == "listen" or "admin.listen" in why), why
        response = open_client.request("GET", "/echo.php?t=p")
        assert response.body == b"p\n" and not response.closes
    for port in ports:
        assert get(local(port)).body == b"l\n"
    assert not also.exists()
    assert proxy.pool()["max_connections"] == 4 and proxy.pool()["opened"] <= opened + 1
    assert proxy.status()["config"]["last_reload_successful"] is False and words in proxy.status()["config"]["error"]
    assert len(proxy.wait_access(lambda a: "t=l" in a["target"])) >= 1
    if holder:
        holder.close()
    if place == "listen" and kind in ("taken", "live"):
        proxy.reload(config)  # what was in the way has gone; a stale socket file is replaced


# --------------------------------------------------------------------------------------------- Unix, admin


def test_stale_socket_file(stack, base):
    """Left by a process that was killed: replaced, as at the start, and removed when the address goes."""
    proxy, _ = stack()
    path = base / "front.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        path.chmod(0o666)
    proxy.reload(with_listen(proxy, ["127.0.0.1:0", f"unix:{path}"]))
    assert get(str(path)).body == b"l\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    inode = path.stat().st_ino
    proxy.reload()
    assert path.stat().st_ino == inode and get(str(path)).body == b"l\n"
    proxy.reload(with_listen(proxy, "127.0.0.1:0"))
    assert not path.exists()


def test_admin_off_and_on(stack):
    proxy, _ = stack()
    port = int(proxy.admin_address.rsplit(":", 1)[1])
    page = Client(local(port), PATIENCE)
    page.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    page.read_head()
    idle = Client(local(port), PATIENCE)
    assert idle.request("GET", "/healthz").status == 200
    proxy.reload(merge(proxy.config, {"admin": {"listen": "off"}}))
    assert refuses(local(port))
    assert proxy.get("/echo.php?t=a").body == b"a\n"
    assert idle.request("GET", "/healthz").closes
    with pytest.raises(Truncated):
        page.read_body_until(b"a word that never comes")
    said = proxy.reload(merge(proxy.config, {"admin": {"listen": "127.0.0.1:0"}}))
    proxy.admin_address = f"127.0.0.1:{proxy.ports(said, 'admin on')[0]}"
    assert proxy.status()["config"]["last_reload_successful"] is True


def test_two_addresses_change_places(stack):
    """What served sites is the admin endpoint, and the other way round; neither socket is opened anew."""
    proxy, _ = stack()
    site, admin = proxy.port, int(proxy.admin_address.rsplit(":", 1)[1])
    fixed = with_listen(proxy, f"127.0.0.1:{site}", admin={"listen": f"127.0.0.1:{admin}"})
    proxy.reload(fixed)
    client = Client(local(site), PATIENCE)
    assert client.request("GET", "/echo.php?t=a").status == 200
    said = proxy.reload(with_listen(proxy, f"127.0.0.1:{admin}", admin={"listen": f"127.0.0.1:{site}"}))
    assert " closed " not in said
    assert get(local(admin)).body == b"l\n" and get(local(site), "/healthz").body == b"ok\n"
    response = client.request("GET", "/echo.php?t=b")
    assert response.body == b"b\n" and response.closes, "who came for the sites is not let in to the admin endpoint"
    proxy.admin_address = f"127.0.0.1:{site}"
    assert {p["port"]: p["role"] for p in proxy.status()["sockets"]["ports"] if p["role"] != "pool"} == {admin: "listen", site: "admin"}


def test_a_full_house(stack):
    """client.max_connections is reached: a new address waits like the old one."""
    proxy, _ = stack(client={"max_connections": 1})
    first = proxy.client()
    assert first.request("GET", "/echo.php?t=a").status == 200
    said = proxy.reload(with_listen(proxy, ["127.0.0.1:0", "127.0.0.1:0"]))
    late = Client(local(proxy.ports(said)[0]), PATIENCE)
    late.send(b"GET /echo.php?t=late HTTP/1.1\r\nHost: x\r\n\r\n")
    assert proxy.status()["clients"]["connections"] == 1
    first.close()
    assert late.read().body == b"late\n"
