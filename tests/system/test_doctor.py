"""`holdfast doctor` against a real php-fpm that each test starts for itself.

Own helpers, so that the file stands alone: a php-fpm in a folder of the test, on a Unix socket or on a free port.
"""

import contextlib
import glob
import json
import os
import shutil
import socket
import subprocess

import pytest
from harness.holdfast import BINARY

PHP_FPM = shutil.which("php-fpm") or next(iter(sorted(glob.glob("/usr/sbin/php-fpm*"), reverse=True)), None)
pytestmark = pytest.mark.skipif(PHP_FPM is None, reason="php-fpm is not installed")

RAN = "ran.txt"  # written by every script of the site: none may run


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "public"
        self.root.mkdir()
        marker = f"<?php file_put_contents('{folder / RAN}', 'x');"
        (self.root / "index.php").write_text(marker)
        (self.root / "style.css").write_text("p { color: red }")
        self.unix = f"{folder}/fpm.sock"
        self.fpm_file = folder / "php-fpm.conf"
        self.pool_file = folder / "pool.d" / "www.conf"

    def write_fpm(self, listen, children=5, global_lines="process_control_timeout = 10s", pool_lines="pm = static"):
        self.pool_file.parent.mkdir(exist_ok=True)
        # Started as root, holdfast becomes www-data: it is to be let in.
        as_root = "user = root\ngroup = root\nlisten.group = www-data\n" if os.geteuid() == 0 else ""
        self.fpm_file.write_text(
            f"[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n{global_lines}\n"
            f"include = {self.pool_file.parent}/*.conf\n"
        )
        self.pool_file.write_text(
            f"[www]\nlisten = {listen}\n{as_root}pm.max_children = {children}\n"
            f"request_terminate_timeout = 60s\n{pool_lines}\n"
        )

    def write_config(self, address, pool_lines="", site_lines=""):
        file = self.folder / "holdfast.yaml"
        file.write_text(
            f"pools:\n  php:\n    address: {address}\n{pool_lines}"
            f"sites:\n  - root: {self.root}\n    pool: php\n{site_lines}"
            "client: { max_connections: 100 }\n"
        )
        return str(file)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@contextlib.contextmanager
def running_fpm(site):
    """php-fpm in the foreground until the block ends; entered when it says that it is ready."""
    arguments = [PHP_FPM, "-n", "-F", "-O", "-y", str(site.fpm_file)] + (["-R"] if os.geteuid() == 0 else [])
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while "ready to handle connections" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def doctor(site, config, *arguments):
    command = [BINARY, "doctor", "-c", config, "--fpm-config", str(site.fpm_file), "--json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode in (0, 1, 2), result.stderr
    report = json.loads(result.stdout)
    assert report["exit_status"] == result.returncode
    assert not (site.folder / RAN).exists(), "a script of the user was run"
    return {each["id"]: each for each in report["findings"]}


def of_pool(findings):
    """Findings worse than info, without those about the machine that runs the test."""
    return {
        name: each["what"]
        for name, each in findings.items()
        if each["severity"] in ("warning", "error") and each["subject"] != "system"
    }


def test_good_set_up_over_a_unix_socket(site):
    site.write_fpm(site.unix, pool_lines="pm = static\npm.status_path = /fpm-status\nlisten.mode = 0660")
    config = site.write_config(f"unix:{site.unix}", "    status_path: /fpm-status\n")
    with running_fpm(site):
        findings = doctor(site, config)
    assert of_pool(findings) == {}
    for name in ("connect", "workers", "get_values", "script", "status_page", "php_root", "socket_permission"):
        assert findings[name]["severity"] == "ok", findings[name]


def test_good_set_up_over_tcp(site):
    port = free_port()
    site.write_fpm(f"127.0.0.1:{port}", pool_lines="pm = static\nlisten.allowed_clients = 127.0.0.1")
    config = site.write_config(f"tcp:127.0.0.1:{port}")
    with running_fpm(site):
        findings = doctor(site, config)
    assert of_pool(findings) == {}
    assert findings["allowed_clients"]["severity"] == "ok"


def test_too_few_workers_names_file_and_line(site):
    site.write_fpm(site.unix, children=3)
    config = site.write_config(f"unix:{site.unix}", "    max_connections: 4\n")
    with running_fpm(site):
        finding = doctor(site, config)["workers"]
    assert finding["severity"] == "error"
    lines = site.pool_file.read_text().splitlines()
    (change,) = [each for each in finding["changes"] if each["file"] == str(site.pool_file)]
    assert lines[change["line"] - 1] == "pm.max_children = 3"
    assert change["text"] == "pm.max_children = 5"


def test_reload_that_kills(site):
    site.write_fpm(site.unix, global_lines="")
    config = site.write_config(f"unix:{site.unix}")
    with running_fpm(site):
        findings = doctor(site, config)
    assert list(of_pool(findings)) == ["control_timeout"]
    assert findings["control_timeout"]["changes"][0]["file"] == str(site.fpm_file)


def test_address_not_allowed(site):
    port = free_port()
    site.write_fpm(f"127.0.0.1:{port}", pool_lines="pm = static\nlisten.allowed_clients = 192.0.2.1")
    config = site.write_config(f"tcp:127.0.0.1:{port}")
    with running_fpm(site):
        findings = doctor(site, config)
    assert findings["allowed_clients"]["severity"] == "error"
    assert findings["get_values"]["severity"] == "error"


def test_all_workers_held(site):
    site.write_fpm(site.unix, children=1)
    config = site.write_config(f"unix:{site.unix}", "    max_connections: 1\n")
    with running_fpm(site):
        with socket.socket(socket.AF_UNIX) as holder:  # a kept connection, proven to have the only worker
            holder.connect(site.unix)
            holder.sendall(b"\x01\x09" + bytes(6))
            assert len(holder.recv(8)) == 8
            findings = doctor(site, config)
    assert findings["get_values"]["severity"] == "error"
    assert "does not answer" in findings["get_values"]["what"]


def test_php_root_that_php_does_not_see(site):
    site.write_fpm(site.unix)
    config = site.write_config(f"unix:{site.unix}", site_lines="    php_root: /nowhere/public\n")
    with running_fpm(site):
        finding = doctor(site, config)["php_root"]
    assert finding["severity"] == "error"
    assert str(site.root / "style.css") in finding["what"]


def test_wrong_status_path(site):
    site.write_fpm(site.unix, pool_lines="pm = static\npm.status_path = /other")
    config = site.write_config(f"unix:{site.unix}", "    status_path: /status\n")
    with running_fpm(site):
        finding = doctor(site, config)["status_page"]
    assert finding["severity"] == "warning"
    assert "pm.status_path = /status" in [each["text"] for each in finding["changes"]]


def test_without_limit_extensions_the_file_is_still_seen_and_nothing_runs(site):
    site.write_fpm(site.unix, pool_lines="pm = static\nsecurity.limit_extensions =")
    config = site.write_config(f"unix:{site.unix}")
    with running_fpm(site):
        assert doctor(site, config)["php_root"]["severity"] == "ok"


def test_without_fix_pathinfo_it_says_that_it_cannot_tell_or_sees(site):
    site.write_fpm(site.unix, pool_lines="pm = static\nphp_admin_value[cgi.fix_pathinfo] = 0")
    config = site.write_config(f"unix:{site.unix}")
    with running_fpm(site):
        assert doctor(site, config)["php_root"]["severity"] in ("ok", "info")


def test_php_fpm_is_down(site):
    site.write_fpm(site.unix)
    config = site.write_config(f"unix:{site.unix}")
    finding = doctor(site, config)["socket_missing"]
    assert finding["severity"] == "error"
    line = 1 + site.pool_file.read_text().splitlines().index(f"listen = {site.unix}")
    assert f"[www] of {site.pool_file}:{line} listens there" in finding["changes"][0]["text"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another account to judge for")
def test_another_user_may_not_connect(site):
    site.write_fpm(site.unix, pool_lines="pm = static\nlisten.mode = 0660\nlisten.group = www-data")
    config = site.write_config(f"unix:{site.unix}")
    with running_fpm(site):
        finding = doctor(site, config, "--user", "nobody")["socket_permission"]
        assert finding["severity"] == "error"
        assert finding["changes"][0]["text"] == "SupplementaryGroups=www-data"
        assert doctor(site, config, "--user", "www-data")["socket_permission"]["severity"] == "ok"


def test_broken_configuration_is_78(site):
    file = site.folder / "holdfast.yaml"
    file.write_text("pools: 1\n")
    result = subprocess.run([BINARY, "doctor", "-c", str(file)], capture_output=True, text=True, timeout=30)
    assert result.returncode == 78
    assert "holdfast.yaml:1:" in result.stderr


def test_text_report_reads_at_80_columns(site):
    site.write_fpm(site.unix, children=3)
    config = site.write_config(f"unix:{site.unix}")
    with running_fpm(site):
        command = [BINARY, "doctor", "-c", config, "--fpm-config", str(site.fpm_file)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert "pm.max_children = 3" in result.stdout
    assert "tcp_tw_recycle was removed in Linux 4.12" in " ".join(result.stdout.split())
    assert "\x1b" not in result.stdout


def test_nginx_in_front_and_past_us(site):
    """Addresses are the same under another name: a link to php-fpm's socket. Includes and upstream blocks are followed."""
    site.write_fpm(site.unix, pool_lines="pm = static\nlisten.mode = 0660")
    config = site.folder / "behind.yaml"
    config.write_text(f"listen: {{ fastcgi: unix:{site.folder}/front.sock, pool: php }}\n"
                      f"pools: {{ php: {{ address: unix:{site.unix} }} }}\n")
    link = site.folder / "linked.sock"
    link.symlink_to(site.unix)
    nginx = site.folder / "nginx.conf"
    nginx.write_text(f"http {{\n include {site.folder}/sites/*;\n"
                     f" upstream old {{\n  server unix:{link};\n  keepalive 16;\n }}\n}}\n")
    (site.folder / "sites").mkdir()
    front = site.folder / "sites" / "app"
    front.write_text("server {\n location /old { fastcgi_pass old; fastcgi_keep_conn on; }\n"
                     f" location / {{ fastcgi_pass unix:{site.folder}/front.sock; fastcgi_read_timeout 9s; }}\n}}\n")
    with running_fpm(site):
        findings = doctor(site, str(config), "--front", str(nginx))
        assert findings["front_past"]["severity"] == "warning" and "up to 16" in findings["front_past"]["why"]
        assert findings["front_past"]["what"].startswith(f"{front}:2 speaks to php-fpm of pool php")
        (change,) = findings["front_past"]["changes"]
        assert (change["file"], change["line"]) == (str(nginx), 3)
        assert (findings["front"]["severity"], findings["front_timeout"]["severity"]) == ("ok", "warning")
        assert f"{front}:3 speaks to unix:{site.folder}/front.sock" == findings["front"]["what"]
        nginx.write_text("http {\n")
        assert doctor(site, str(config), "--front", str(nginx))["front"]["severity"] == "warning"
