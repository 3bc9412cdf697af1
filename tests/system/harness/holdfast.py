"""The proxy under test: config from a dict, ports from its own log lines, its admin endpoint, its logs.

Owns the process and its files. `check_log()` is called at every teardown.
"""

import copy
import http.client
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from .http_client import Client
from .process import Process, memory_kib, open_files
from .wait import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("HOLDFAST_BIN", ROOT / "build" / "release" / "holdfast"))

# Our own mistakes, as they show in a log; never text that a test makes on purpose.
BAD_LOG = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:|"
                     r"Assertion .* failed|assertion failed|terminate called|pure virtual|\bBUG\b")


def sanitized():
    try:
        return b"__asan_init" in BINARY.read_bytes() or b"__tsan_init" in BINARY.read_bytes()
    except OSError:
        return False


def merge(base, more):
    """`more` over `base`: mappings are joined, all else replaced; None removes a key."""
    out = copy.deepcopy(base)
    for key, value in more.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = copy.deepcopy(value)
    return out


class Holdfast:
    def __init__(self, base, config):
        self.dir = Path(base)
        self.dir.mkdir(exist_ok=True)
        (self.dir / "spool").mkdir(exist_ok=True)
        for folder in (self.dir, self.dir / "spool"):
            os.chmod(folder, 0o777)  # root becomes another user, who keeps its logs and spool files there
        self.access_path = self.dir / "access.log"
        self.log_path = self.dir / "error.log"
        self.config_path = self.dir / "holdfast.yaml"
        self.config = merge({
            "listen": "127.0.0.1:0",
            "admin": {"listen": "127.0.0.1:0"},
            "buffers": {"spool_dir": str(self.dir / "spool")},
            "log": {"access": str(self.access_path), "format": "json"},
        }, config)
        self.process = None
        self.addresses = []
        self.admin_address = None
        self.expect_death = False

    def write_config(self, config=None):
        """JSON is YAML, and json.dumps quotes what needs quotes."""
        if config is not None:
            self.config = config
        self.config_path.write_text(json.dumps(self.config, indent=2) + "\n", encoding="ascii")

    def start(self, nofile=None, argv=None, listeners=None, env=None):
        if argv is None:
            self.write_config()
            argv = ["run", "-c", self.config_path]
            wanted = self.config["listen"]
            listeners = len(wanted) if isinstance(wanted, list) else 1
        seen = len(self.log())
        self.process = Process([BINARY, *argv], self.log_path, nofile=nofile, env=env)

        def ready():
            text = self.log()[seen:]
            self.addresses = re.findall(r"listening on (\S+)", text)
            admin = re.search(r"admin on (\S+)", text)
            self.admin_address = admin.group(1) if admin else None
            up = len(self.addresses) >= (listeners or 1)
            return not self.process.running or (up and (self.admin_address or argv[0] != "run"))

        wait_until(ready, "the listening lines in the log")
        assert self.process.running, f"holdfast ended at start ({self.process.wait()}): {self.log()[seen:]}"
        return self

    def hang_up(self, config=None):
        """SIGHUP, with another file or the same: the log's lines from then on, once it tells how that went."""
        self.write_config(config)
        seen = len(self.log())
        self.process.signal(signal.SIGHUP)
        return wait_until(lambda: re.search(r"(?s).* (reloaded: |reload refused, )[^\n]*\n", self.log()[seen:]),
                          "the log to speak of the reload")[0]

    def reload(self, config=None):
        """The lines of a reload that must succeed; new addresses are in them (see `ports`)."""
        said = self.hang_up(config)
        assert " reloaded: " in said, said
        return said

    def reload_refused(self, config):
        """Why the file was refused. The old one stays what `config` says."""
        good = self.config
        said = self.hang_up(config)
        self.config = good
        assert " reloaded: " not in said and "the old configuration stays in force: " in said, said
        return said.partition("stays in force: ")[2]

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return int(self.addresses[0].rsplit(":", 1)[1])

    @staticmethod
    def ports(said, what="listening on"):
        """The ports of log lines such as `listening on 127.0.0.1:8080`."""
        return [int(port) for port in re.findall(rf" {what} \S+:(\d+)\n", said)]

    def client(self, timeout=PATIENCE, **more):
        """A raw HTTP connection to the first listener."""
        return Client(("127.0.0.1", self.port), timeout, **more)

    def get(self, target, headers=(), method="GET", body=None, host="localhost"):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.request(method, target, headers, body, host=host)

    # Admin endpoint
    def admin(self, method, path, headers=None):
        host, port = self.admin_address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self):
        code, body = self.admin("GET", "/status")
        assert code == 200, (code, body)
        return json.loads(body)

    def pool(self, name="php"):
        return self.status()["pools"][name]

    def wait_pool(self, condition, what, name="php", timeout=PATIENCE):
        """Waits until `condition(pool)` holds; the failure shows the pool."""
        last = {}

        def holds():
            last.clear()
            last.update(self.pool(name))
            return condition(last)

        try:
            wait_until(holds, what, timeout, 0.02)
        except AssertionError as e:
            raise AssertionError(f"{e}; pool {name}: {last}") from None
        return last

    def wait_quiet(self, name="php", timeout=PATIENCE):
        """No request is carried, waits or runs on: the pool is at rest."""
        return self.wait_pool(lambda p: not (p["leased"] or p["waiting"] or p["settling"] or p["draining"]
                                             or p["connecting"]), "the pool to be at rest", name, timeout)

    def spool_files(self):
        return [f for f in open_files(self.pid) if f.startswith(str(self.dir / "spool"))]

    def rss_kib(self, field="VmRSS"):
        return memory_kib(self.pid, field)

    # Logs
    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def access(self):
        """Whole lines of the JSON access log."""
        if not self.access_path.exists():
            return []
        text = self.access_path.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def wait_access(self, condition, what="a line in the access log"):
        return wait_until(lambda: [line for line in self.access() if condition(line)], what)

    def stop(self, timeout=PATIENCE):
        return self.process.terminate(timeout)

    def check_log(self):
        bad = [line for line in self.log().splitlines() if BAD_LOG.search(line)]
        assert not bad, "the log speaks of a mistake of ours:\n" + "\n".join(bad[:20])

    def cleanup(self):
        """Ends it, then looks at what it left in its log."""
        if not self.process:
            return
        try:
            died = not self.process.running and not self.expect_death
            if self.process.running:
                self.process.signal(15)
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    pass
        finally:
            self.process.kill_group()
        self.check_log()
        code = self.process.popen.returncode
        if died:
            assert code == 0, f"holdfast ended by itself with {code}: {self.log()[-2000:]}"


def command(*argv, env=None, timeout=PATIENCE):
    """Runs a command of the binary to its end: (status, stdout, stderr)."""
    done = subprocess.run([str(BINARY), *[str(a) for a in argv]], capture_output=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
