"""A child process with its output in a file, in a process group of its own, that cannot outlive the tests.

Owns the process and the log file. Knows nothing of what runs in it.
"""

import os
import shutil
import signal
import subprocess

from .wait import PATIENCE, wait_until


class Process:
    def __init__(self, argv, log_path, env=None, nofile=None, cwd=None):
        self.log_path = log_path
        wrapper = []
        # exec wrappers instead of preexec_fn: no Python runs between fork and exec beside load threads.
        if shutil.which("setpriv"):
            wrapper += ["setpriv", "--pdeathsig", "TERM"]
        if nofile:
            wrapper += ["prlimit", f"--nofile={nofile}:{nofile}"]
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(
                wrapper + [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True)
        self.pid = self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """Exit status (negative: killed by that signal)."""
        return self.popen.wait(timeout)

    def terminate(self, timeout=PATIENCE):
        if self.running:
            self.popen.terminate()
        return self.wait(timeout)

    def kill_group(self):
        """Whatever is left of the group, children that lost their parent included."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            pass


def _stat_fields(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        text = f.read()
    return text[text.rindex(")") + 2:].split()


def cpu_seconds(pid):
    """Processor time of its main thread so far. Not the wall's: a busy machine does not change it much."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def written_by_calls(pid):
    """How many write(2) and its kin it has called, files only (sockets are not counted by sendmsg)."""
    with open(f"/proc/{pid}/io", encoding="ascii") as f:
        return int(dict(line.split(": ") for line in f.read().splitlines())["syscw"])


def children_of(pid):
    """Pids whose parent is `pid`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if int(_stat_fields(name)[1]) == pid:
                    found.append(int(name))
            except (OSError, ValueError, IndexError):
                continue
    return sorted(found)


def descendants_of(pid):
    found, todo = [], [pid]
    while todo:
        for child in children_of(todo.pop()):
            found.append(child)
            todo.append(child)
    return found


def alive(pid):
    try:
        return _stat_fields(pid)[0] not in "ZX"
    except OSError:
        return False


def memory_kib(pid, field="VmRSS"):
    """VmRSS (now) or VmHWM (the highest so far)."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {field} of pid {pid}")


def open_files(pid):
    """Targets of the descriptors of a process; deleted files end in ' (deleted)'."""
    found = []
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    return found


def wait_exit(process, timeout=PATIENCE):
    wait_until(lambda: not process.running, f"the exit of pid {process.pid}", timeout)
    return process.popen.returncode
