"""Counts TCP sockets by port, side and state, several times a second, and reads such counts back.

    sampling.py --place php --ports 80,9000 --interval 0.25 --out FILE

One such process looks at one network namespace (or container): the one it is started in. It asks the kernel by
netlink (inet_diag), which costs a few milliseconds for 30,000 sockets; where that is refused it reads /proc/net/tcp.
It ends by SIGTERM or SIGINT, or when its parent is gone. It knows nothing of lanes, proxies or load.

A row: time (CLOCK_MONOTONIC, the same for all namespaces of a machine), place, port, side, established, opening,
closing, time_wait, waiting. Side is `server` where the port is the local one, `client` where it is the remote one.
`waiting` tells of clients that have asked at least a second ago and have not received one byte: "3:12 7:84" are 12
since three seconds and 84 since seven.
"""

import argparse
import csv
import os
import re
import signal
import socket
import struct
import time
from collections import Counter
from pathlib import Path

COLUMNS = ["time", "place", "port", "side", "established", "opening", "closing", "time_wait", "waiting"]

# Kernel's numbers (include/net/tcp_states.h).
ESTABLISHED, SYN_SENT, SYN_RECV, TIME_WAIT, LISTEN, NEW_SYN_RECV = 1, 2, 3, 6, 10, 12
ALL_STATES = (1 << 13) - 2
KIND = {ESTABLISHED: "established", SYN_SENT: "opening", SYN_RECV: "opening", NEW_SYN_RECV: "opening",
        TIME_WAIT: "time_wait"}

# linux/netlink.h, linux/inet_diag.h: a message is nlmsghdr (16 bytes), inet_diag_msg (72 bytes), then attributes.
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR, NLMSG_DONE = 2, 3
DUMP_REQUEST = 0x301
HEADER, MESSAGE = 16, 72
DONE_BYTES = 20  # of the message that ends a dump; it may share the last buffer with others
INET_DIAG_INFO = 2
# struct tcp_info: milliseconds since the last data went out; bytes that came in.
LAST_DATA_SENT, BYTES_RECEIVED = 44, 128


def dump(netlink: socket.socket, family: int, states: int, extensions: int = 0):
    """Yields the kernel's buffers, each of whole messages; the last ends with NLMSG_DONE."""
    body = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, extensions, states)
    netlink.sendto(struct.pack("=IHHII", HEADER + len(body), SOCK_DIAG_BY_FAMILY, DUMP_REQUEST, 0, 0) + body, (0, 0))
    while True:
        buffer = netlink.recv(1 << 16)
        if struct.unpack_from("=H", buffer, 4)[0] == NLMSG_ERROR:
            raise OSError(-struct.unpack_from("=i", buffer, HEADER)[0], "inet_diag")
        yield buffer
        if struct.unpack_from("=IH", buffer, len(buffer) - DONE_BYTES) == (DONE_BYTES, NLMSG_DONE):
            return


def messages(buffer: bytes):
    """(state, local port, remote port, offset and end of the attributes) of each socket."""
    offset = 0
    while offset + HEADER <= len(buffer):
        length, kind = struct.unpack_from("=IH", buffer, offset)
        if kind != SOCK_DIAG_BY_FAMILY:
            return
        local, remote = struct.unpack_from(">HH", buffer, offset + HEADER + 4)
        yield buffer[offset + HEADER + 1], local, remote, offset + HEADER + MESSAGE, offset + length
        offset += (length + 3) & ~3


def count_time_wait(buffer: bytes, ports, counts: Counter) -> None:
    """TIME_WAIT has no attributes, so that all messages have one length: ports are counted by strides, without a look
    at each message. This is what makes 30,000 sockets cheap."""
    step = HEADER + MESSAGE
    whole = len(buffer) // step * step
    words = memoryview(buffer)[:whole]
    lengths = words.cast("I")[::step // 4].tolist()
    if lengths.count(step) != len(lengths):
        for _, local, remote, _, _ in messages(buffer):
            count(counts, ports, TIME_WAIT, local, remote)
        return
    columns = words.cast("H")
    local, remote = (columns[(HEADER + 4) // 2 + i::step // 2].tolist() for i in (0, 1))
    for port in ports:
        counts[port, "server", "time_wait"] += local.count(socket.htons(port))
        counts[port, "client", "time_wait"] += remote.count(socket.htons(port))


def count(counts: Counter, ports, state: int, local: int, remote: int) -> None:
    if state == LISTEN:
        return
    if local in ports:
        counts[local, "server", KIND.get(state, "closing")] += 1
    elif remote in ports:
        counts[remote, "client", KIND.get(state, "closing")] += 1


def seconds_unanswered(buffer: bytes, offset: int, end: int):
    """How long ago this socket asked, in seconds, when nothing has come back yet; else None."""
    while offset + 4 <= end:
        length, kind = struct.unpack_from("=HH", buffer, offset)
        if kind == INET_DIAG_INFO and length >= 4 + BYTES_RECEIVED + 8:
            info = offset + 4
            if struct.unpack_from("=Q", buffer, info + BYTES_RECEIVED)[0]:
                return None
            return struct.unpack_from("=I", buffer, info + LAST_DATA_SENT)[0] // 1000
        offset += (max(length, 4) + 3) & ~3
    return None


class NetlinkSource:
    """Both address families: in a container IPv4 peers may be those of an IPv6 socket."""

    def __init__(self):
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
        # A dump of the other states tells first whether the kernel answers at all.
        self.read({}, Counter())

    def read(self, ports, waiting: Counter) -> Counter:
        counts = Counter()
        for family in (socket.AF_INET, socket.AF_INET6):
            for buffer in dump(self.netlink, family, 1 << TIME_WAIT):
                count_time_wait(buffer, ports, counts)
            others = ALL_STATES & ~(1 << TIME_WAIT) & ~(1 << LISTEN)
            for buffer in dump(self.netlink, family, others, 1 << (INET_DIAG_INFO - 1)):
                for state, local, remote, attributes, end in messages(buffer):
                    count(counts, ports, state, local, remote)
                    if remote in ports and state in (ESTABLISHED, SYN_SENT):
                        seconds = seconds_unanswered(buffer, attributes, end)
                        if seconds:
                            waiting[remote, seconds] += 1
        return counts


class ProcSource:
    """/proc/net/tcp: slower, and nothing is known of waiting clients."""

    LINE = re.compile(rb":([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{2}) ")

    def read(self, ports, waiting: Counter) -> Counter:
        counts = Counter()
        for name in ("tcp", "tcp6"):
            path = Path("/proc/self/net") / name
            lines = Counter(self.LINE.findall(path.read_bytes())) if path.exists() else {}
            for (local, remote, state), number in lines.items():
                one = Counter()
                count(one, ports, int(state, 16), int(local, 16), int(remote, 16))
                for key in one:
                    counts[key] += number
        return counts


def source():
    try:
        return NetlinkSource()
    except OSError:
        return ProcSource()


def sample(place: str, ports, reader) -> list:
    """One look: two rows for each port."""
    waiting = Counter()
    counts = reader.read(ports, waiting)
    now = f"{time.monotonic():.3f}"
    rows = []
    for port in ports:
        for side in ("server", "client"):
            numbers = [counts[port, side, kind] for kind in ("established", "opening", "closing", "time_wait")]
            ages = sorted((s, n) for (p, s), n in waiting.items() if p == port) if side == "client" else []
            rows.append([now, place, port, side, *numbers, " ".join(f"{s}:{n}" for s, n in ages)])
    return rows


def run(place: str, ports, interval: float, out: Path, parent: int, until: Path | None = None) -> bool:
    """Until a signal (False), until the file `until` is there (True), or until `parent` is not the parent any more (False):
    whoever started this was killed."""
    running = True

    def stop(_signal, _frame):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    reader = source()
    with open(out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        due = time.monotonic()
        while running and os.getppid() == parent:
            writer.writerows(sample(place, ports, reader))
            file.flush()
            # Kept to the beat; a beat that was missed is left out.
            due = max(due + interval, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
            if until is not None and until.exists():
                return True
    return False


# ---------------------------------------------------------------------------------------------------- reading back


def load(path: Path) -> list:
    """The rows of a file, as dictionaries with numbers; a last line that is not whole yet is left out."""
    text = Path(path).read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(text[:text.rfind("\n") + 1].splitlines()):
        for name in ("port", "established", "opening", "closing", "time_wait"):
            row[name] = int(row[name])
        row["time"] = float(row["time"])
        rows.append(row)
    return rows


def series(rows, place: str, port: int, side: str) -> list:
    return [r for r in rows if (r["place"], r["port"], r["side"]) == (place, port, side)]


def peak(rows, what, start: float = float("-inf"), end: float = float("inf")) -> int:
    """The highest of `what` (a column, or several added) between two moments; 0 without a sample."""
    columns = [what] if isinstance(what, str) else what
    return max((sum(r[c] for c in columns) for r in rows if start <= r["time"] <= end), default=0)


def never_answered(rows, start: float, end: float) -> int:
    """Clients that had no byte during four fifths of the time from `start`, as the last sample before `end` shows it.
    `rows`: the clients' side of the proxy's port."""
    within = [r for r in rows if start <= r["time"] <= end and r["established"] + r["opening"] > 0]
    if not within:
        return 0
    last = within[-1]
    enough = int((last["time"] - start) * 0.8)
    pairs = (pair.split(":") for pair in last["waiting"].split())
    return sum(int(number) for seconds, number in pairs if int(seconds) >= max(1, enough))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--place", required=True, help="a name for this namespace")
    parser.add_argument("--ports", required=True, help="listening ports to count, with commas")
    parser.add_argument("--interval", type=float, default=0.25, help="seconds")
    parser.add_argument("--out", type=Path, required=True)
    # Named by the one who starts it: it may have been killed before the sampler looks.
    parser.add_argument("--parent", type=int, default=os.getppid(), help="ends with this process, its parent")
    arguments = parser.parse_args()
    run(arguments.place, [int(p) for p in arguments.ports.split(",")], arguments.interval, arguments.out, arguments.parent)


if __name__ == "__main__":
    main()
