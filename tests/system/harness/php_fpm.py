"""A php-fpm of its own for each test: started in the foreground, on a Unix socket or a free TCP port.

Owns the master process and its files. Serves copies of tests/system/www, so that the pool's user can read them
wherever the checkout lies.
"""

import glob
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

from . import fastcgi
from .process import Process, alive, children_of
from .sockets import free_port
from .wait import wait_until

WWW = Path(__file__).resolve().parent.parent / "www"


def find_php_fpm():
    """The newest php-fpm of this machine; HOLDFAST_PHP_FPM overrides."""
    if os.environ.get("HOLDFAST_PHP_FPM"):
        return os.environ["HOLDFAST_PHP_FPM"]
    found = [p for d in ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin")
             for p in glob.glob(d + "/php-fpm*") if re.fullmatch(r"php-fpm(\d+(\.\d+)?)?", os.path.basename(p))]
    found.sort(key=lambda p: [int(n) for n in re.findall(r"\d+", os.path.basename(p))])
    return found[-1] if found else None


def worker_user():
    """The user php runs as: not root, when the tests run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("www-data", "nobody"):
        try:
            pwd.getpwnam(name)
            return name
        except KeyError:
            continue
    return None


CONFIG = """\
[global]
error_log = {dir}/fpm.log
log_level = notice
daemonize = no
process_control_timeout = {process_control_timeout}
[www]
{user}
listen = {listen}
listen.mode = 0666
listen.backlog = 511
pm = {pm}
pm.max_children = {max_children}
pm.max_requests = {max_requests}
pm.status_path = /fpm-status
request_terminate_timeout = {request_terminate_timeout}
clear_env = yes
php_admin_value[output_buffering] = 0
php_admin_value[memory_limit] = 256M
php_admin_value[post_max_size] = 0
php_admin_value[upload_max_filesize] = 1024M
php_admin_value[max_execution_time] = 300
php_admin_value[upload_tmp_dir] = {dir}/record
php_admin_flag[zlib.output_compression] = off
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
php_admin_value[error_log] =
{lines}
"""


class PhpFpm:
    def __init__(self, base, transport="unix", max_children=5, max_requests=0, request_terminate_timeout="0",
                 process_control_timeout="5s", pm="static", lines="", **more):
        """`lines`: for the pool, as they are; `more`: further pm settings, such as start_servers=2."""
        self.dir = Path(base)
        self.dir.mkdir(mode=0o755, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self.transport = transport
        self.www = self.dir / "www"  # document root
        self.record = self.dir / "record"  # where the scripts note what they did (RECORD_DIR)
        shutil.copytree(WWW, self.www)
        self.record.mkdir()
        os.chmod(self.record, 0o777)
        for path in [self.www, *self.www.rglob("*")]:
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        self.settings = {"max_children": max_children, "max_requests": max_requests,
                         "request_terminate_timeout": request_terminate_timeout,
                         "process_control_timeout": process_control_timeout, "lines": lines,
                         "pm": "\n".join([pm, *(f"pm.{key} = {value}" for key, value in more.items())])}
        self.process = None
        self.choose_address()

    def choose_address(self):
        if self.transport == "unix":
            self.address = f"unix:{self.dir}/fpm.sock"
            self.port = None
        else:
            self.port = free_port()
            self.address = f"tcp:127.0.0.1:{self.port}"

    def write_config(self):
        user = worker_user()
        listen = self.address[5:] if self.transport == "unix" else self.address[4:]
        (self.dir / "fpm.conf").write_text(CONFIG.format(
            dir=self.dir, listen=listen,
            user=f"user = {user}\nlisten.owner = {user}" if user else "", **self.settings), encoding="ascii")

    def start(self, tries=3):
        binary = find_php_fpm()
        assert binary, "no php-fpm found; set HOLDFAST_PHP_FPM"
        while True:
            self.write_config()
            ready = self.ready_count()
            self.process = Process([binary, "-F", "-y", self.dir / "fpm.conf"], self.dir / "fpm.out")
            wait_until(lambda: self.ready_count() > ready or not self.process.running, "php-fpm to be ready")
            if self.process.running:
                return self
            tries -= 1  # somebody took the port between our look and its bind
            assert tries > 0 and self.transport == "tcp", f"php-fpm does not start: {self.log()}"
            self.choose_address()

    def log(self):
        path = self.dir / "fpm.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def ready_count(self):
        return self.log().count("ready to handle connections")

    def exits(self):
        """Workers that have ended so far, by whatever cause."""
        return len(re.findall(r"child \d+ exited", self.log()))

    def workers(self):
        return children_of(self.process.pid)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.running:
            self.process.signal(how)
            self.process.wait(10)

    def reload(self):
        ready = self.ready_count()
        self.process.signal(signal.SIGUSR2)
        return lambda: self.ready_count() > ready

    def kill_workers(self, number=signal.SIGKILL):
        for pid in self.workers():
            with contextlib.suppress(ProcessLookupError):  # a worker may end by itself meanwhile
                os.kill(pid, number)
            wait_until(lambda p=pid: not alive(p), "the worker's death")

    def cleanup(self):
        if self.process:
            workers = self.workers()
            try:
                self.stop()  # the master ends and reaps its workers; what does not obey is killed below
            except subprocess.TimeoutExpired:
                pass
            self.process.kill_group()
            for pid in workers:  # ours by parent; the group kill has normally taken them
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def direct(self, script, query="", **more):
        """A request past the proxy, as a second user of this pool makes it."""
        return fastcgi.request(self.address, str(self.www / script), query,
                               extra={"RECORD_DIR": str(self.record)}, **more)

    # What the scripts recorded, and files that they wait for.
    def runs(self):
        path = self.record / "runs"
        return path.read_text(encoding="ascii").split() if path.exists() else []

    def seen(self, name):
        return (self.record / name).exists()

    def touch(self, name):
        (self.record / name).touch()

    def read(self, name):
        path = self.record / name
        return path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
