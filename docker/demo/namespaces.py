"""Network namespaces of one run: makes them, joins them, runs programs in them, and takes all of it away again.

Names are holdfast-PID-LANE-PLACE with the pid of the run, so that a later run can tell what a killed one left behind.
Nothing is ever made in the namespace of the machine itself: both ends of each veth pair are born where they belong.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
PREFIX = "holdfast"
NAME = re.compile(rf"{PREFIX}-(\d+)-[\w-]+")
FOLDER_PREFIX = f"{PREFIX}-demo-"
STOP_SECONDS = 5.0


class SetupError(RuntimeError):
    """The machine does not let us do this, or a program did not start; the message says which."""


def ip(*arguments, check=True) -> str:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, start_new_session=True)
    if check and result.returncode != 0:
        raise SetupError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


class Namespaces:
    """All namespaces and processes of one run. Use as a context manager: its end removes them, whatever happened."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
        os.chmod(self.folder, 0o755)  # php-fpm's workers read the page from here
        self.names = []
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not leave half of it behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, label: str) -> str:
        name = f"{PREFIX}-{os.getpid()}-{label}"
        self.names.append(name)
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def join(self, left: str, left_address: str, right: str, right_address: str) -> None:
        """A veth pair between two namespaces; addresses as 10.0.0.1/30."""
        ends = (("veth-" + right.rsplit("-", 1)[1], left, left_address),
                ("veth-" + left.rsplit("-", 1)[1], right, right_address))
        ip("link", "add", "name", ends[0][0], "netns", left, "type", "veth", "peer", "name", ends[1][0], "netns", right)
        for device, name, address in ends:
            ip("-n", name, "addr", "add", address, "dev", device)
            ip("-n", name, "link", "set", device, "up")

    def add_address(self, name: str, address: str) -> None:
        """A second address of a host: on its loopback device, which answers for all addresses of the namespace."""
        ip("-n", name, "addr", "add", address, "dev", "lo")

    def set(self, name: str, **settings) -> None:
        """Settings of net.ipv4 of one namespace."""
        def write():
            for key, value in settings.items():
                Path("/proc/sys/net/ipv4", key).write_text(str(value), encoding="ascii")

        inside(name, write)

    def start(self, name: str, command: list, log: Path) -> subprocess.Popen:
        """A program in its own session (Ctrl-C is ours to handle), which ends with us even when we are killed."""
        with open(log, "ab") as output:
            process = subprocess.Popen(["ip", "netns", "exec", name, "setpriv", "--pdeathsig", "TERM", *command],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        process.program = command[0]
        self.processes.append(process)
        return process

    def clear(self) -> None:
        """Ends all processes and removes all namespaces."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        for name in self.names:
            remove(name)
        self.names.clear()


def check_alive(programs) -> None:
    """Raises with the end of its log when one of these (process, log) pairs has ended."""
    for process, log in programs:
        if process.poll() is not None:
            end = log.read_text(encoding="utf-8", errors="replace")[-800:]
            raise SetupError(f"{process.program} ended with status {process.returncode}: {end}")


def remove(name: str) -> None:
    """With whatever still runs in it."""
    for pid in ip("netns", "pids", name, check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended meanwhile
    ip("netns", "del", name, check=False)


def remove_leftovers() -> list:
    """Namespaces and folders of runs that were killed. Returns their names."""
    removed = []
    for line in ip("netns", "list", check=False).splitlines():
        found = NAME.fullmatch(line.split(" ", 1)[0])
        if found and not is_a_run(int(found[1])):
            remove(found[0])
            removed.append(found[0])
    for folder in Path(tempfile.gettempdir()).glob(FOLDER_PREFIX + "*"):
        pid = folder.name[len(FOLDER_PREFIX):].split("-")[0]
        if pid.isdigit() and not is_a_run(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(str(folder))
    return removed


def is_a_run(pid: int) -> bool:
    """Whether this pid is a demo of now, and not one of long ago whose number another program has by now."""
    if pid == os.getpid():
        return False  # nothing of ours exists yet
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return any(name in command for name in (b"demo.py", b"cures.py"))
    except OSError:
        return False


def inside(name: str, work):
    """Runs work() in a thread that has entered the namespace; returns its result, raises its exception. Sockets that it
    opens belong there for good."""
    outcome = {}

    def enter():
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{name}", "rb") as file:
                if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {name}: {os.strerror(ctypes.get_errno())}")
            outcome["result"] = work()
        except BaseException as error:  # carried over to the caller's thread
            outcome["error"] = error

    thread = threading.Thread(target=enter, daemon=True)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]
