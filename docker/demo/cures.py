"""What each old cure for TIME_WAIT does, measured: the table of docker/TIME_WAIT.md.

    /usr/bin/python3 docker/demo/cures.py        (as root)

Two namespaces, one for the side that connects, with 2,000 ports. Each row opens connections one after another, each closed
at once, until 6,000 are made or the kernel refuses one. "Listening side" is where php-fpm would be. No proxy and no php: this is the kernel alone.
"""

import errno
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))

import sampling  # noqa: E402
from namespaces import Namespaces, SetupError, inside, remove_leftovers  # noqa: E402

PORT = 9000
WANTED = 6000
ADDRESSES = ("10.78.0.2", "10.78.0.6")

# name, settings of the connecting side, and how connections are made
ROWS = [
    ("nothing: the connecting side closes first", {}, {}),
    ("nothing: the listening side closes first", {}, {"server_first": True}),
    ("tcp_tw_reuse=2 (default: loopback only)", {"tcp_tw_reuse": 2}, {}),
    ("tcp_tw_reuse=1", {"tcp_tw_reuse": 1}, {}),
    ("tcp_tw_reuse=1, 1,000 connections a second", {"tcp_tw_reuse": 1}, {"pace": 1000}),
    ("twice the port range", {"ip_local_port_range": "32768 36767"}, {}),
    ("tcp_max_tw_buckets=500", {"tcp_max_tw_buckets": 500}, {}),
    ("SO_LINGER 0: a reset in place of a close", {}, {"reset": True}),
    ("a second address of the listening side", {}, {"addresses": ADDRESSES}),
    ("a Unix socket", {}, {"unix": True}),
    ("one kept connection", {}, {"kept": True}),
]


def accept_all(listener: socket.socket, server_first: bool) -> None:
    """Answers each byte with one; ends when the listener is shut."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                while connection.recv(1):
                    connection.sendall(b"x")
                    if server_first:
                        break
            except ConnectionError:
                pass  # the row with resets


def exchange(connection: socket.socket) -> None:
    connection.sendall(b"x")
    connection.recv(1)


def connect_many(addresses=ADDRESSES[:1], server_first=False, reset=False, unix=None, kept=False, pace=0) -> tuple:
    """(exchanges made, the kernel's refusal or "")."""
    family = socket.AF_UNIX if unix else socket.AF_INET
    connection, made, began = None, 0, time.monotonic()
    for made in range(WANTED):
        if pace:
            time.sleep(max(0.0, began + made / pace - time.monotonic()))
        if connection is None or not kept:
            connection = socket.socket(family)
            try:
                connection.connect(unix or (addresses[made % len(addresses)], PORT))
            except OSError as error:
                return made, f"{errno.errorcode[error.errno]} ({error.errno}): {error.strerror}"
        exchange(connection)
        if kept:
            continue
        if server_first:
            connection.recv(1)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    return made + 1, ""


def row(namespaces: Namespaces, settings: dict, how: dict) -> tuple:
    how = dict(how)
    client, server = namespaces.create("cures-client"), namespaces.create("cures-server")
    namespaces.join(client, "10.78.0.1/24", server, f"{ADDRESSES[0]}/24")
    namespaces.add_address(server, f"{ADDRESSES[1]}/32")
    namespaces.set(client, **({"ip_local_port_range": "32768 34767", "tcp_tw_reuse": 0} | settings))
    unix = str(namespaces.folder / "listener.sock") if how.pop("unix", False) else None
    listener = inside(server, lambda: make_listener(unix))
    thread = threading.Thread(target=accept_all, args=(listener, how.get("server_first", False)), daemon=True)
    thread.start()
    began = time.monotonic()
    made, refusal = inside(client, lambda: connect_many(unix=unix, **how))
    seconds = time.monotonic() - began
    waits = [inside(place, time_wait) for place in (client, server)]
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()
    namespaces.clear()
    return made, seconds, waits[0], waits[1], refusal


def make_listener(unix) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    if unix:
        Path(unix).unlink(missing_ok=True)
    listener.bind(unix or ("0.0.0.0", PORT))
    listener.listen(64)
    return listener


def time_wait() -> int:
    rows = sampling.sample("here", [PORT], sampling.NetlinkSource())
    return sum(r[sampling.COLUMNS.index("time_wait")] for r in rows)


def main() -> int:
    remove_leftovers()
    print(f"{'':44} {'made':>6} {'seconds':>8} {'TIME_WAIT: connecting':>22} {'listening side':>15}  refused")
    with Namespaces() as namespaces:
        for name, settings, how in ROWS:
            made, seconds, here, there, refusal = row(namespaces, settings, how)
            print(f"{name:44} {made:6,} {seconds:8.1f} {here:22,} {there:15,}  {refusal}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"cures: {error}")
