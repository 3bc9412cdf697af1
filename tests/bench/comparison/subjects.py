"""Who is compared: each server with its configuration, and a php-fpm of its own behind it.

A Stage is one subject, running: it starts both afresh on ports of its own in a folder of its own, and ends them by their
pids. The configurations are the best that the servers' documentation tells of for kept FastCGI connections.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import PROJECT
from harness.holdfast import BINARY
from harness.php_fpm import PhpFpm
from harness.process import Process, children_of
from harness.sockets import free_port

CHILDREN = 16
POOL = 15  # one worker is left for others: an idle kept connection is an occupied worker
OWN_WWW = Path(__file__).resolve().parent / "www"
PATIENCE = 15.0

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/body;
  fastcgi_temp_path {folder}/fastcgi;
  proxy_temp_path {folder}/proxy;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  upstream php {{
    server {php};{cache}
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ \\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {www}$fastcgi_script_name;
      fastcgi_param RECORD_DIR {record};
      fastcgi_pass php;{keep}
    }}
  }}
}}
"""
NGINX_CACHE = "\n    keepalive {pool};\n    keepalive_requests 100000000;"
NGINX_KEEP = "\n      fastcgi_keep_conn on;"

HAPROXY = """\
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 30s
  timeout http-keep-alive 60s
  retries 3
  option abortonclose
fcgi-app php
  docroot {www}
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
  set-param RECORD_DIR {record}
listen web
  bind 127.0.0.1:{port}
  use-fcgi-app php
  http-reuse always
  retry-on conn-failure empty-response
  http-request disable-l7-retry if METH_POST
  server php {php} proto fcgi maxconn {pool} pool-max-conn {pool}
"""

HOLDFAST = """\
listen: 127.0.0.1:{port}
admin: {{ listen: "off" }}
pools:
  php:
    address: "{php}"
    max_connections: {pool}
sites:
  - root: "{www}"
    pool: php
    params: {{ RECORD_DIR: "{record}" }}
buffers: {{ spool_dir: "{folder}" }}
log: {{ access: "off", level: warn }}
"""


@dataclass(frozen=True)
class Subject:
    id: str
    title: str        # of a column
    server: str       # nginx | haproxy | holdfast
    transport: str    # tcp | unix
    note: str
    kept: bool = True

    def config(self, **places) -> str:
        if self.server == "nginx":
            cache, keep = (NGINX_CACHE.format(**places), NGINX_KEEP) if self.kept else ("", "")
            return NGINX.format(cache=cache, keep=keep, **places)
        return {"haproxy": HAPROXY, "holdfast": HOLDFAST}[self.server].format(**places)

    def php_address(self, address: str) -> str:
        """`tcp:HOST:PORT` or `unix:PATH`, as this server writes it."""
        if self.server == "haproxy":
            return address.removeprefix("tcp:").replace("unix:", "unix@")
        return address.removeprefix("tcp:") if self.server == "nginx" else address

    @property
    def ours(self) -> bool:
        return self.server == "holdfast"


SUBJECTS = [
    Subject("nginx", "nginx", "nginx", "tcp", "as shipped: a TCP connection to php-fpm for each request", kept=False),
    Subject("nginx-unix", "nginx Unix", "nginx", "unix", "a connection for each request, over a Unix socket", kept=False),
    Subject("nginx-kept", "nginx kept", "nginx", "tcp", f"`keepalive {POOL}` and `fastcgi_keep_conn on`, TCP"),
    Subject("haproxy", "HAProxy", "haproxy", "tcp",
            f"`http-reuse always`, `maxconn {POOL}`, `pool-max-conn {POOL}`, `option abortonclose`, `retry-on "
            "conn-failure empty-response` (not for POST), TCP"),
    Subject("holdfast-tcp", "Holdfast", "holdfast", "tcp", f"`max_connections: {POOL}`, all else as by default, TCP"),
    Subject("holdfast-unix", "Holdfast Unix", "holdfast", "unix", f"`max_connections: {POOL}`, all else as by default, "
            "Unix socket"),
]


class SetupError(RuntimeError):
    """A program is missing or did not start; the message says which."""


def find(name: str):
    """nginx and haproxy lie in sbin, which not everybody's PATH has."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Fpm(PhpFpm):
    """With the pages of the comparison beside those of the system tests."""

    def __init__(self, base: Path, transport: str, **settings):
        super().__init__(base, transport, **settings)
        for page in (PROJECT / "docker/site/hello.php", *OWN_WWW.iterdir()):
            shutil.copyfile(page, self.www / page.name)
            os.chmod(self.www / page.name, 0o644)

    def write_config(self):
        super().write_config()
        with open(self.dir / "fpm.conf", "a", encoding="ascii") as file:
            file.write("process.dumpable = yes ; so that via.php may see its own sockets\n")


class Stage:
    """One subject, running. A context manager."""

    def __init__(self, subject: Subject, parent: Path, pool: int = POOL, children: int = CHILDREN, **fpm):
        self.subject, self.pool = subject, pool
        self.folder = Path(parent) / subject.id  # one at a time; short, for it is part of a socket's path
        self.folder.mkdir(mode=0o755)
        self.fpm = Fpm(self.folder / "fpm", subject.transport, max_children=children, **fpm)
        self.process = self.port = None

    def __enter__(self):
        try:
            self.fpm.start()
            tries = 3  # somebody may take the port between our look and its bind
            while not self.start_server():
                tries -= 1
                if not tries:
                    raise SetupError(f"{self.subject.server} does not start: {self.process.log()[-800:]}")
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.process and self.process.running:
            self.process.signal(15)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                pass  # the kill below does not ask
        if self.process:
            self.process.kill_group()
        self.fpm.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_server(self) -> bool:
        self.port = free_port()
        self.config_path.write_text(self.subject.config(
            folder=self.folder, port=self.port, php=self.subject.php_address(self.fpm.address), pool=self.pool,
            www=self.fpm.www, record=self.fpm.record), encoding="ascii")
        path = str(self.config_path)
        command = {"nginx": [find("nginx"), "-c", path, "-p", str(self.folder)],
                   "haproxy": [find("haproxy"), "-db", "-f", path],
                   "holdfast": [str(BINARY), "run", "-c", path]}[self.subject.server]
        self.process = Process(command, self.folder / "server.log")
        deadline = time.monotonic() + PATIENCE
        while self.process.running and time.monotonic() < deadline:
            if self.listens():
                return True
            time.sleep(0.01)
        self.process.kill_group()
        return False

    def listens(self) -> bool:
        """Whether it is this program that listens; the kernel is asked, for a look by connecting would count."""
        listing = subprocess.run(["ss", "-ltnpH", f"src 127.0.0.1:{self.port}"], capture_output=True, text=True, check=True)
        ready = self.subject.server != "nginx" or children_of(self.process.pid)
        return bool(ready) and f"pid={self.process.pid}," in listing.stdout

    @property
    def config_path(self) -> Path:
        names = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "holdfast": "holdfast.yaml"}
        return self.folder / names[self.subject.server]

    @property
    def worker_pid(self) -> int:
        """nginx: the worker does the work, the master waits."""
        return children_of(self.process.pid)[0] if self.subject.server == "nginx" else self.process.pid

    def files(self) -> dict:
        """Names and texts of both configurations, to be kept; RUN stands for the folder of the run."""
        found = {f"{self.subject.id}.{self.config_path.name}": self.config_path,
                 f"{self.subject.id}.php-fpm.conf": self.fpm.dir / "fpm.conf"}
        return {name: path.read_text(encoding="utf-8").replace(str(self.folder), "RUN") for name, path in found.items()}
