"""Counts sockets from /proc/net: what the kernel says, not what the proxy says of itself."""

import os
import random
import socket

ESTABLISHED, SYN_SENT, TIME_WAIT, LISTEN = "01", "02", "06", "0A"


def free_port():
    """A port that is free now and outside the ephemeral range.

    Inside that range an outgoing connection could take the port while its server is away, and a connect to a
    port nobody listens on could meet itself (TCP simultaneous open).
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low = int(f.read().split()[0])
    ports = range(10240, low) if low > 12000 else range(61001, 65535)
    for _ in range(200):
        port = random.choice(ports)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def _tcp_rows():
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as f:
                lines = f.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            local, remote = (int(a.rsplit(":", 1)[1], 16) for a in fields[1:3])
            yield local, remote, fields[3], fields[9]


def tcp_clients(port, states=(ESTABLISHED,), but_ports=()):
    """Sockets on the connecting side towards `port`; `but_ports`: local ports that do not count."""
    # Distinct local ports: /proc/net/tcp shows a socket twice when its hash chain changes between two reads.
    return len({local for local, remote, state, _ in _tcp_rows()
                if remote == port and state in states and local not in but_ports})


def time_wait(port):
    """TIME_WAIT sockets of `port`, whichever side holds them."""
    return sum(1 for local, remote, state, _ in _tcp_rows() if state == TIME_WAIT and port in (local, remote))


def unix_connections(path):
    """Accepted and not yet accepted connections of a listening Unix socket (they carry its path)."""
    count = 0
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as f:
        next(f)
        for line in f:
            fields = line.split(None, 7)
            # Flags 00010000 is the listener itself; state 03 is connected.
            if len(fields) == 8 and fields[7].strip() == str(path) and fields[5] == "03":
                count += 1
    return count


def connections_to(address):
    """Connections to `tcp:HOST:PORT` or `unix:PATH`, whoever made them."""
    if address.startswith("unix:"):
        return unix_connections(address[5:])
    return tcp_clients(int(address.rsplit(":", 1)[1]), (ESTABLISHED, SYN_SENT))


def socket_inodes(pid):
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
