"""The lanes: the same page and the same php-fpm settings behind six ways to reach php-fpm, and the second act, where
the proxy may use a few ports only.

Each lane has namespaces of its own:  clients --10.77.1.0/30-- proxy --10.77.2.0/30-- php
Over a Unix socket proxy and php share a host, so php-fpm runs in the proxy's namespace there.
"""

import json
import os
import re
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sampling
from load import Load, fetch, wait_for_page
from namespaces import Namespaces, SetupError, check_alive, inside

PROJECT = Path(__file__).resolve().parents[2]
SAMPLER = PROJECT / "docker/report/sampling.py"
PAGE = "/hello.php"
PROXY_PORT, PHP_PORT = 80, 9000
PROXY_HOST, PHP_HOST = "10.77.1.2", "10.77.2.2"
CHILDREN = 16
POOL = 15  # connections a lane may keep: one less, so that one child of php-fpm always stays free
SAMPLE_SECONDS = 0.25
NARROW_PORTS = (32768, 34767)

FPM = """\
[global]
daemonize = no
error_log = {folder}/php-fpm.log
[www]
user = nobody
group = nogroup
listen = {listen}
listen.mode = 0666
pm = static
pm.max_children = {children}
"""

NGINX = """\
user nobody nogroup;
worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  upstream php {{
    server {upstream};{cache}
  }}
  server {{
    listen 80 backlog=4096;
    location ~ \\.php$ {{
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {www}$fastcgi_script_name;
      fastcgi_pass php;{keep}
    }}
  }}
}}
"""
CACHE = f"\n    keepalive {POOL};"
KEEP = "\n      fastcgi_keep_conn on;"

HOLDFAST = """\
listen: "10.77.1.2:80"
admin: {{ listen: "127.0.0.1:9180" }}
pools:
  php:
    address: "{address}"
    keep_alive: {keep_alive}
    max_connections: {pool}
sites:
  - root: "{www}"
    pool: php
log: {{ access: "off", level: warn }}
"""


# Of nginx in front, as shipped: the address in its upstream block is all that has changed. nginx works as nobody:nogroup.
BEHIND = """\
listen: {{ fastcgi: "unix:{folder}/holdfast.sock", pool: php, group: nogroup }}
admin: {{ listen: "127.0.0.1:9180" }}
pools:
  php:
    address: "{address}"
    max_connections: {pool}
log: {{ access: "off", level: warn }}
"""


@dataclass(frozen=True)
class Lane:
    id: str
    title: str
    server: str              # nginx | holdfast
    unix: bool = False
    keep_alive: bool = True  # holdfast
    cache: bool = False      # nginx: `keepalive` in the upstream
    keep: bool = False       # nginx: fastcgi_keep_conn on
    front: bool = False      # holdfast: nginx as shipped speaks FastCGI to it
    narrow: bool = False     # second act: few ports for the proxy
    judged: bool = True      # a claim depends on it; else a quick run leaves it out

    def config(self, folder, www) -> str:
        if self.server == "nginx":
            return self.nginx_config(folder, www, f"{PHP_HOST}:{PHP_PORT}")
        address = f"unix:{folder}/php-fpm.sock" if self.unix else f"tcp:{PHP_HOST}:{PHP_PORT}"
        if self.front:
            return BEHIND.format(folder=folder, address=address, pool=POOL)
        return HOLDFAST.format(address=address, www=www, pool=POOL, keep_alive=str(self.keep_alive).lower())

    def nginx_config(self, folder, www, upstream) -> str:
        return NGINX.format(folder=folder, www=www, upstream=upstream, cache=CACHE if self.cache else "",
                            keep=KEEP if self.keep else "")

    def front_config(self, folder, www) -> str:
        """Of nginx in front of Holdfast."""
        return self.nginx_config(folder, www, f"unix:{folder}/holdfast.sock")

    def shown_config(self) -> str:
        front = self.front_config("RUN", "RUN/www") + "\n# ---- Holdfast\n" if self.front else ""
        return front + self.config("RUN", "RUN/www")

    def fpm_config(self, folder) -> str:
        listen = f"{folder}/php-fpm.sock" if self.unix else f"{PHP_HOST}:{PHP_PORT}"
        return FPM.format(folder=folder, listen=listen, children=CHILDREN)


FIRST_ACT = [
    Lane("nginx-short", "nginx as shipped", "nginx"),
    Lane("nginx-kept", "nginx, keepalive", "nginx", cache=True, keep=True),
    Lane("nginx-holdfast", "nginx as shipped, Holdfast behind", "holdfast", front=True),
    Lane("holdfast-short", "Holdfast, keep_alive: false", "holdfast", keep_alive=False),
    Lane("holdfast-tcp", "Holdfast, kept TCP", "holdfast"),
    Lane("holdfast-unix", "Holdfast, kept Unix socket", "holdfast", unix=True),
]
# With FCGI_KEEP_CONN php-fpm leaves the closing to nginx, which without a `keepalive` cache closes after each response:
# the proxy closes first, and TIME_WAIT holds its ephemeral ports.
SECOND_ACT = [
    Lane("ports-nginx-short", "nginx, short, closing first", "nginx", keep=True, narrow=True),
    Lane("ports-nginx-kept", "nginx, keepalive", "nginx", cache=True, keep=True, narrow=True, judged=False),
    Lane("ports-holdfast-tcp", "Holdfast, kept TCP", "holdfast", narrow=True),
]


@dataclass(frozen=True)
class Plan:
    """How long, how many."""
    binary: Path
    warm_up: int
    phase: int
    narrow_phase: int
    short_clients: int = 1000
    kept_clients: int = 200


@dataclass
class Stage:
    """A lane at work: its namespaces, programs and logs."""
    lane: Lane
    namespaces: Namespaces
    folder: Path
    clients: str
    proxy: str
    php: str
    programs: list = field(default_factory=list)  # (process, its log)

    def places(self) -> dict:
        places = {"clients": self.clients, "proxy": self.proxy, "php": self.php}
        return {place: name for place, name in places.items() if place != "php" or name != self.proxy}

    def samples(self) -> list:
        rows = []
        for place in self.places():
            path = self.folder / f"samples-{place}.csv"
            rows += sampling.load(path) if path.exists() else []
        return sorted(rows, key=lambda row: row["time"])

    def status(self):
        """Holdfast's own figures of its pool, None for nginx."""
        if self.lane.server != "holdfast":
            return None
        return json.loads(fetch(self.proxy, "127.0.0.1", 9180, "/status")[1])["pools"]["php"]

    def php_connections(self):
        """TCP connections that php-fpm's host has accepted since its start: the kernel's own count. None for a Unix socket."""
        if self.lane.unix:
            return None
        return inside(self.php, lambda: counter("Tcp", "PassiveOpens"))


def counter(group: str, name: str) -> int:
    # thread-self: /proc/self is the namespace of the main thread.
    lines = Path("/proc/thread-self/net/snmp").read_text(encoding="ascii").splitlines()
    names, values = (line.split() for line in lines if line.startswith(group + ":"))
    return int(values[names.index(name)])


def set_stage(lane: Lane, plan: Plan, namespaces: Namespaces) -> Stage:
    """Namespaces, php-fpm, the proxy and the samplers; returns when the page comes."""
    folder = namespaces.folder / lane.id
    www = namespaces.folder / "www"
    folder.mkdir()
    # php-fpm's workers may not be allowed to read where the project lies.
    shutil.copytree(PROJECT / "docker/site", www, dirs_exist_ok=True)
    clients, proxy = namespaces.create(f"{lane.id}-clients"), namespaces.create(f"{lane.id}-proxy")
    namespaces.join(clients, "10.77.1.1/30", proxy, f"{PROXY_HOST}/30")
    # One address stands for a thousand machines here: its ports must not be what runs out.
    namespaces.set(clients, ip_local_port_range="1024 65535", tcp_tw_reuse=1)
    php = proxy
    if not lane.unix:
        php = namespaces.create(f"{lane.id}-php")
        namespaces.join(proxy, "10.77.2.1/30", php, f"{PHP_HOST}/30")
    if lane.narrow:
        namespaces.set(proxy, ip_local_port_range=f"{NARROW_PORTS[0]} {NARROW_PORTS[1]}", tcp_tw_reuse=0)
    stage = Stage(lane, namespaces, folder, clients, proxy, php)

    fpm_config, config = folder / "php-fpm.conf", folder / f"{lane.server}.conf"
    fpm_config.write_text(lane.fpm_config(folder), encoding="utf-8")
    config.write_text(lane.config(folder, www), encoding="utf-8")
    fpm_log, proxy_log = folder / "php-fpm.out", folder / f"{lane.server}.out"
    fpm = namespaces.start(php, [fpm_binary(), "-F", "-y", str(fpm_config)], fpm_log)
    command = ["nginx", "-c", str(config)] if lane.server == "nginx" else [str(plan.binary), "run", "-c", str(config)]
    server = namespaces.start(proxy, command, proxy_log)
    stage.programs = [(fpm, fpm_log), (server, proxy_log)]
    if lane.front:
        front_config, front_log = folder / "nginx.conf", folder / "nginx.out"
        front_config.write_text(lane.front_config(folder, www), encoding="utf-8")
        stage.programs.append((namespaces.start(proxy, ["nginx", "-c", str(front_config)], front_log), front_log))
    wait_for_page(clients, PROXY_HOST, PROXY_PORT, PAGE, lambda: check_alive(stage.programs))
    for place, name in stage.places().items():
        namespaces.start(name, [sys.executable, str(SAMPLER), "--place", place, "--ports", f"{PROXY_PORT},{PHP_PORT}",
                                "--interval", str(SAMPLE_SECONDS), "--out", str(folder / f"samples-{place}.csv"),
                                "--parent", str(os.getpid())],
                         folder / "sampler.log")
    return stage


def fpm_binary() -> str:
    found = shutil.which("php-fpm") or next((str(p) for p in sorted(Path("/usr/sbin").glob("php-fpm*"))), None)
    if not found:
        raise SetupError("no php-fpm: apt-get install php-fpm")
    return found


def phases(lane: Lane, plan: Plan):
    """(id, clients, keep-alive, seconds) in order."""
    if plan.warm_up and not lane.narrow:  # there the first request counts already
        yield "warm-up", 32, True, plan.warm_up
    if not lane.narrow:
        yield "short", plan.short_clients, False, plan.phase
    yield "kept", plan.kept_clients, True, plan.narrow_phase if lane.narrow else plan.phase


def run(lane: Lane, plan: Plan, namespaces: Namespaces, progress) -> tuple:
    """Plays one lane. Returns its result, as the report takes it, and its samples; times count from its first load."""
    stage = set_stage(lane, plan, namespaces)
    url = f"http://{PROXY_HOST}:{PROXY_PORT}{PAGE}"
    accepted_before, pool_before, began = stage.php_connections(), stage.status(), time.monotonic()
    played = []
    for phase, clients, keep_alive, seconds in phases(lane, plan):
        load = Load(namespaces, stage.clients, url, clients, seconds, keep_alive)
        while load.running():
            check_alive(stage.programs)
            progress(lane, phase, clients, load.start + seconds - time.monotonic(), stage.samples())
            time.sleep(0.2)
        played.append((phase, clients, load.start, load.end(), load.result()))
    time.sleep(2 * SAMPLE_SECONDS)  # what the last connections leave behind belongs to the picture
    rows, pool = stage.samples(), stage.status()
    accepted = None if lane.unix else stage.php_connections() - accepted_before
    opened = pool["opened"] - pool_before["opened"] if pool else None
    result = outcome(lane, played, rows, began, accepted=accepted, opened=opened, status=pool,
                     config=lane.shown_config(), fpm_config=lane.fpm_config("RUN"))
    result["kernel_error"], result["kernel_errors"] = kernel_error(stage.folder / "nginx-error.log")
    if lane.narrow:
        result["ports"] = list(NARROW_PORTS)
    namespaces.clear()
    for row in rows:
        row["time"] = round(row["time"] - began, 3)
    return result, rows


def outcome(lane: Lane, played: list, rows: list, began: float, *, accepted, opened, status, config, fpm_config) -> dict:
    """A lane's result, as claims, table and report take it. `accepted` (the kernel of php-fpm's host counts; None for a
    Unix socket) and `opened` (Holdfast counts) are from the first load on."""
    result = {"id": lane.id, "title": lane.title, "server": lane.server, "act": 2 if lane.narrow else 1,
              "unix": lane.unix, "pool": POOL,
              "phases": [describe(lane, phase, clients, start, end, seen, rows, began)
                         for phase, clients, start, end, seen in played],
              "accepted_by_php": accepted, "opened_by_proxy": opened, "connections": opened if lane.unix else accepted,
              "status": status, "config": config, "fpm_config": fpm_config, "kernel_error": None, "kernel_errors": 0}
    result["answers"] = sum(phase["good"] for phase in result["phases"])
    result["reuse"] = max(0.0, 1 - result["connections"] / max(1, result["answers"]))
    return result


def describe(lane, phase, clients, start, end, seen, rows, began) -> dict:
    """One phase: what clients saw and the peaks of sockets on both ways."""
    def side(place, port, side_name):
        return sampling.series(rows, place, port, side_name)

    def highest(place, port, side_name, what="time_wait"):
        return sampling.peak(side(place, port, side_name), what, start, end + 2 * SAMPLE_SECONDS)

    php = "proxy" if lane.unix else "php"
    return {"id": phase, "clients": clients, "start": round(start - began, 3), "end": round(end - began, 3), **asdict(seen),
            "never_answered": sampling.never_answered(side("clients", PROXY_PORT, "client"), start, end),
            "time_wait_php": highest(php, PHP_PORT, "server"),
            "time_wait_proxy": highest("proxy", PHP_PORT, "client"),
            "time_wait_listen": highest("proxy", PROXY_PORT, "server"),
            "time_wait_clients": highest("clients", PROXY_PORT, "client"),
            "open_to_php": highest("proxy", PHP_PORT, "client", ("established", "opening"))}


def kernel_error(log: Path) -> tuple:
    """The first line that tells of EADDRNOTAVAIL (99), and how many there are."""
    first, number = None, 0
    if log.exists():
        with open(log, encoding="utf-8", errors="replace") as file:
            for line in file:
                if re.search(r"\(99: ", line):
                    first = first or line.strip()
                    number += 1
    return first, number
