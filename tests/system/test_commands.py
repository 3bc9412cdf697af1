"""The commands beside `run`: check, config, serve, sockets, --version, --help."""

import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from harness.holdfast import BINARY, command
from harness.process import alive, descendants_of, wait_exit
from harness.wait import wait_until

GOOD = """\
listen: 127.0.0.1:0
pools:
  php:
    address: unix:/run/php/php-fpm.sock
sites:
  - root: /tmp
    pool: php
"""


def write(base, text):
    path = base / "holdfast.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_version_and_help():
    status, out, _ = command("--version")
    assert status == 0 and re.search(r"\d+\.\d+\.\d+", out), out
    status, out, _ = command("--help")
    assert status == 0
    for word in ("run", "check", "serve", "config", "sockets", "status", "doctor", "explain", "import"):
        assert word in out, word
    assert command("no-such-command")[0] == 64


@pytest.mark.parametrize("line, words", [
    ("runn", ["there is no command 'runn'", "did you mean holdfast run?"]),
    ("Check", ["did you mean holdfast check?"]),
    ("start", ["did you mean holdfast run"]),
    ("reload", ["kill -HUP"]),
    ("zzz", ["there is no command 'zzz'; there is run, check,"]),
    ("/etc", ["did you mean holdfast serve /etc?"]),
    ("/etc/passwd", ["did you mean holdfast run -c /etc/passwd?"]),
    ("-c x.yaml run", ["did you mean holdfast run -c"]),
    ("--confg x.yaml", ["there is no option '--confg'"]),
    ("-t", ["did you mean holdfast check"]),
    ("-v", ["did you mean holdfast --version?"]),
    ("explain", ["URL is required"]),
    ("import", ["FILE is required"]),
    ("import /etc/passwd /etc/group", ["what is '/etc/group' for"]),
    ("check --confg x.yaml", ["holdfast check: there is no option '--confg'; did you mean --config?"]),
    ("check --confg=x.yaml", ["did you mean --config=x.yaml?"]),
    ("check -C x.yaml", ["did you mean -c?"]),
    ("check -config x.yaml", ["did you mean --config?"]),
    ("check x.yaml", ["did you mean holdfast check -c x.yaml?"]),
    ("check -c", ["holdfast check: ", "--config"]),
    ("check check", ["holdfast check: what is 'check' for; did you mean holdfast check?"]),
    ("run run", ["did you mean holdfast run?"]),
    ("sockets --watch 0", ["what is '0' for\n"]),
    ("run -x", ["there is no option '-x'"]),
    ("serve --connections 0", ["--connections"]),
    ("serve --connections many", ["--connections"]),
    ("serve --listen nowhere", ["--listen nowhere"]),
    ("serve a b", ["holdfast serve: "]),
    ("sockets --csv --json", ["--csv excludes --json"]),
    ("sockets --top 0", ["--top"]),
    ("status -c a --admin b", ["excludes"]),
    ("status --admin nowhere", ["--admin nowhere"]),
    ("doctor --fpm-config /no/such", ["/no/such"]),
    ("doctor --offlin", ["did you mean --offline?"]),
    ("help nothing", ["there is no command 'nothing'"]),
])
def test_a_wrong_command_line_is_64(line, words):
    """Else systemd tries a typo again for ever (RestartPreventExitStatus=64 78)."""
    status, out, err = command(*line.split())
    assert status == 64 and not out, (status, out, err)
    for word in words:
        assert word in err, (word, err)
    assert "--help tells what there is" in err or "--listen" in line or "--admin nowhere" in line, err


def test_usage_errors_hold_no_bytes_from_outside():
    status, _, err = command("ru\x1b[31mn")
    assert status == 64 and "\x1b" not in err, err


def test_bare_name_and_help():
    status, out, err = command()
    assert status == 64 and "Subcommands:" in out and not err, (status, out, err)
    for line in ([], ["--help"], ["-h"], ["help"]):
        assert command(*line)[1] == out
    for name in ("run", "check", "config", "serve", "status", "sockets", "doctor"):
        status, text, _ = command(name, "--help")
        assert status == 0 and f"Usage: holdfast {name}" in text, text
        assert command("help", name)[:2] == (0, text)
        # Each tells what its exit status means, where that is more than success.
        assert "Exit status" in text or name in ("config", "serve", "sockets"), text
        assert all(len(row) <= 120 for row in text.splitlines()), text


def test_check_of_a_good_file(base):
    status, _, err = command("check", "-c", write(base, GOOD))
    assert status == 0, err


def test_check_warns_and_fails_only_when_asked(base):
    path = write(base, GOOD.replace("/tmp", "/etc").replace("listen: 127.0.0.1:0", "admin: off"))
    status, out, err = command("check", "-c", path)
    assert status == 0 and "ok, 1 site, 1 pool, 1 warning" in out, (status, out, err)
    assert f"{path}:6:11: warning: sites[0].root: /etc is a folder of the system" in err, err
    status, out, err = command("check", "--strict", "-c", path)
    assert status == 78 and "not ok" in out, (status, out, err)
    status, out, _ = command("config", "-c", path)
    assert status == 0 and "listen: off" in out, out


def test_check_answers_words_of_other_servers(base):
    path = write(base, GOOD + """\
    server_name: example.com
    try_files: $uri /index.php
    fastcgi_pass: unix:/run/php/php-fpm.sock
    location: {}
    client_max_body_size: 8m
""")
    status, _, err = command("check", "-c", path)
    assert status == 78, err
    for word in ("sites[].hosts", "sites[].fallback", "sites[].pool", "sites[].max_body"):
        assert word in err, (word, err)
    status, _, err = command("check", "-c", write(base, "server {\n  listen 80;\n}\n"))
    assert status == 78 and "looks like a configuration of nginx" in err, err


def test_run_logs_the_warnings_of_check(start_holdfast):
    proxy = start_holdfast({"sites": [{"root": "/etc", "pool": "php"}], "pools": {"php": {"address": "unix:/none"}}}, run=False)
    proxy.start()
    assert "warning: sites[0].root: /etc is a folder of the system" in proxy.log()


def test_check_reports_everything_with_its_place(base):
    """All mistakes at once, each with file:line:column, the line, and a hint; status 78 (EX_CONFIG)."""
    path = write(base, """\
listen: 127.0.0.1:99999
pools:
  php:
    address: unix:/run/php/php-fpm.sock
    max_conections: 4
    queue: { size: many, timeout: 10 }
    queue: { size: 3 }
sites:
  - root: /tmp
    pool: phq
""")
    status, _, err = command("check", "-c", path)
    assert status == 78, err
    for line, words in ((1, "99999"), (5, "max_conections"), (6, "many"), (7, "queue"), (10, "phq")):
        found = [text for text in err.splitlines() if f"{path}:{line}:" in text]
        assert found, f"nothing about line {line} in:\n{err}"
        assert any(words in text for text in err.splitlines()), words
    assert "max_connections" in err and "did you mean" in err, err
    assert "    max_conections: 4" in err, "the line itself is shown"


@pytest.mark.parametrize("text", ["", "[]", "pools: {}", "a: b: c", "\t- x", "listen: [", "\0", "pools: {php: {}}"])
def test_check_of_what_is_no_config(base, text):
    status, _, err = command("check", "-c", write(base, text))
    assert status == 78 and err.strip(), (status, err)


def test_run_refuses_a_broken_file(base):
    status, _, err = command("run", "-c", write(base, GOOD + "unknown_key: 1\n"))
    assert status == 78 and "unknown_key" in err, (status, err)


def test_missing_file(base):
    status, _, err = command("check", "-c", base / "none.yaml")
    assert status == 78 and "none.yaml" in err, (status, err)


def test_config_prints_what_can_be_read_back(base):
    path = write(base, GOOD)
    status, out, err = command("config", "-c", path)
    assert status == 0, err
    for key in ("max_connections: 4", "keep_alive: true", "settle: auto", "fallback", "spool_max"):
        assert key in out, f"{key} in\n{out}"
    again = base / "again.yaml"
    again.write_text(out, encoding="utf-8")
    status, second, err = command("config", "-c", again)
    assert status == 0, err
    assert second == out


def test_environment_in_the_file(base):
    path = write(base, GOOD.replace("/tmp", "${SITE_ROOT}").replace("127.0.0.1:0", "${LISTEN:-127.0.0.1:7777}"))
    status, out, err = command("config", "-c", path, env={"SITE_ROOT": "/var/tmp"})
    assert status == 0 and "/var/tmp" in out and "127.0.0.1:7777" in out, (out, err)
    status, _, err = command("check", "-c", path)
    assert status == 78 and "SITE_ROOT" in err, err


def test_serve_with_a_private_php_fpm(start_fpm, start_holdfast):
    """One word serves a directory: its own php-fpm is started on a Unix socket, and is gone afterwards."""
    www = start_fpm().www  # only the directory; that php-fpm is not started
    proxy = start_holdfast({}, run=False)
    proxy.start(argv=["serve", www, "--listen", "127.0.0.1:0", "--admin", "off"], listeners=1)
    wait_until(lambda: proxy.get("/echo.php?t=s").status == 200, "php")
    for i in range(10):
        assert proxy.get(f"/echo.php?t=s{i}").body == f"s{i}\n".encode()
    assert proxy.get("/style.css").status == 200
    assert b"<?php" not in proxy.get("/echo.php").body
    family = descendants_of(proxy.pid)
    assert family, "no php-fpm below it"
    proxy.process.signal(signal.SIGTERM)
    assert wait_exit(proxy.process) == 0
    wait_until(lambda: not any(alive(pid) for pid in family), "its php-fpm to be gone")


def test_serve_dies_with_its_php_fpm_even_when_killed(start_fpm, start_holdfast):
    """SIGKILL leaves no time to clean up: the private php-fpm must notice by itself."""
    www = start_fpm().www
    proxy = start_holdfast({}, run=False)
    proxy.start(argv=["serve", www, "--listen", "127.0.0.1:0", "--admin", "off"], listeners=1)
    wait_until(lambda: proxy.get("/echo.php?t=s").status == 200, "php")
    family = descendants_of(proxy.pid)
    proxy.expect_death = True
    proxy.process.signal(signal.SIGKILL)
    try:
        wait_until(lambda: not any(alive(pid) for pid in family), "its php-fpm to be gone", timeout=10)
    finally:
        for pid in family:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def test_serve_removes_what_a_killed_one_left(start_fpm, start_holdfast, base):
    """Its folder in TMPDIR: gone after an ordinary end, and after SIGKILL at the next start. One that is in use stays."""
    www = start_fpm().www
    temporary = base / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)

    def folders():
        return {path.name for path in temporary.iterdir() if path.name.startswith("holdfast-php-")}

    def serve():
        known = folders()
        proxy = start_holdfast({}, run=False)
        proxy.start(argv=["serve", www, "--listen", "127.0.0.1:0", "--admin", "off"], listeners=1,
                    env={"TMPDIR": str(temporary)})
        return proxy, folders() - known

    killed, left = serve()
    living, used = serve()
    assert len(left) == len(used) == 1 and folders() == left | used
    killed.expect_death = True
    killed.process.signal(signal.SIGKILL)
    wait_exit(killed.process)
    assert left <= folders()
    third, own = serve()
    assert folders() == used | own
    for proxy in (living, third):
        assert proxy.get("/echo.php?t=s").body == b"s\n"
        assert proxy.stop() == 0
    assert not folders()


def test_serve_with_a_given_php(start_fpm, start_holdfast, transport):
    fpm = start_fpm(transport).start()
    proxy = start_holdfast({}, run=False)
    proxy.start(argv=["serve", fpm.www, "--listen", "127.0.0.1:0", "--admin", "off", "--php", fpm.address, "--connections", "2"], listeners=1)
    assert proxy.get("/echo.php?t=s").body == b"s\n"
    assert descendants_of(proxy.pid) == []
    assert proxy.stop() == 0


def serve(start_holdfast, fpm, folder, *more):
    proxy = start_holdfast({}, run=False)
    return proxy.start(argv=["serve", folder, "--listen", "127.0.0.1:0", "--admin", "off", "--php", fpm.address, *more],
                       listeners=1)


def test_serve_falls_back_to_index_php_and_says_so(start_fpm, start_holdfast, base):
    """As `php -S` and Caddy do; not where there is none, and not where it is not wanted."""
    fpm = start_fpm().start()
    proxy = serve(start_holdfast, fpm, fpm.www)
    response = proxy.get("/blog/post")
    assert response.status == 200 and b'"script":"\\/index.php"' in response.body, response
    assert "what is not a file goes to /index.php" in proxy.log()
    plain = serve(start_holdfast, fpm, fpm.www, "--front-controller", "none")
    assert plain.get("/blog/post").status == 404 and "goes to" not in plain.log()
    assert "no index" not in plain.log()
    (base / "bare").mkdir(mode=0o755)
    (base / "bare" / "a.txt").write_text("a", encoding="ascii")
    bare = serve(start_holdfast, fpm, base / "bare")
    assert bare.get("/").status == 404 and bare.get("/a.txt").status == 200
    assert "no index.php and no index.html" in bare.log() and "goes to" not in bare.log()
    status, _, err = command("serve", fpm.www, "--front-controller", "/none.php")
    assert status == 64 and "none.php" in err, (status, err)


def test_serve_looks_at_its_folder_as_check_does(start_fpm, start_holdfast, base):
    """A warning is told, a root that check refuses is refused."""
    fpm = start_fpm().start()
    site = base / "project"
    (site / "vendor" / "acme").mkdir(parents=True)
    (site / "vendor" / "acme" / "x.php").write_text("<?php", encoding="ascii")
    proxy = serve(start_holdfast, fpm, site)
    assert f"holdfast serve: warning: {site} holds vendor/: not for visitors; move it out" in proxy.log()
    assert "sites[0]" not in proxy.log()
    (base / "clean").mkdir()
    assert "warning" not in serve(start_holdfast, fpm, base / "clean").log()
    status, _, err = command("serve", "/", "--php", fpm.address)
    assert status == 64 and "'/' would serve every file of this machine; name the public folder" in err


def test_serve_speaks_of_its_options(start_fpm, start_holdfast, base):
    fpm = start_fpm().start()
    taken = start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [{"root": str(base), "pool": "php"}]})
    for option, address in (("--admin", taken.admin_address), ("--listen", taken.addresses[0])):
        argv = {"--listen": "127.0.0.1:0", "--admin": "127.0.0.1:0", option: address}
        status, _, err = command("serve", base, "--php", fpm.address, *[word for pair in argv.items() for word in pair])
        assert status == 71 and f"{option}: " in err and address in err, err
    status, _, err = command("serve", f"{base}/a\nb")
    assert status == 64 and "a\\nb is not a folder" in err
    if os.geteuid() == 0:
        status, _, err = command("serve", base, "--user", "root")
        assert status == 64 and "--user root: php-fpm runs no scripts as root" in err


def test_a_log_that_is_a_pipe_without_a_reader(start_fpm, base):
    os.mkfifo(base / "log")
    path = write(base, json.dumps({"pools": {"php": {"address": "unix:/nowhere"}}, "listen": "127.0.0.1:0",
                                   "sites": [{"root": str(base), "pool": "php"}], "log": {"access": str(base / "log")}}))
    status, _, err = command("run", "-c", path)
    assert status == 71 and "it is a pipe that nobody reads, or a socket: start its reader first" in err


def test_serve_refuses_a_missing_directory(base):
    status, _, err = command("serve", base / "none", "--listen", "127.0.0.1:0")
    assert status != 0 and "none" in err, (status, err)


def test_sockets(stack):
    """The socket states, counted as the kernel has them."""
    proxy, _ = stack("tcp", pool={"keep_alive": False})
    for i in range(20):
        assert proxy.get(f"/echo.php?t=k{i}").status == 200
    status, out, err = command("sockets")
    assert status == 0, err
    assert re.search(r"time.wait", out, re.IGNORECASE) and re.search(r"\b\d{2,}\b", out), out
    status, out, err = command("sockets", "--csv")
    assert status == 0 and "," in out.splitlines()[0], (out, err)


def test_status_and_doctor(stack):
    """Both answer for a running proxy; the wording is theirs."""
    proxy, _ = stack()
    assert proxy.get("/echo.php?t=a").status == 200
    status, out, err = command("status", "--admin", proxy.admin_address)
    assert status == 0 and "php" in out, (status, out, err)
    status, out, err = command("status", "--admin", proxy.admin_address, "--json")
    assert status == 0 and json.loads(out)["pools"]["php"]["requests"] == 1, (status, out, err)
    status, out, err = command("doctor", "-c", proxy.config_path)
    assert out.strip(), (status, out, err)
    assert proxy.stop() == 0
    status, out, err = command("status", "--admin", proxy.admin_address)
    assert status != 0 and proxy.admin_address in err, (status, out, err)


def test_status_by_configuration_and_watched(stack, base):
    """A listener that the file names in full, so that the file is enough to find it."""
    admin = base / "admin.sock"
    proxy, _ = stack(admin={"listen": f"unix:{admin}"})
    wait_until(lambda: command("status", "-c", proxy.config_path)[0] == 0, "a worker that has answered")
    status, out, err = command("status", "-c", proxy.config_path)
    assert status == 0 and out.splitlines()[-1].split()[-1] == "ok", (status, out, err)
    watch = subprocess.Popen([BINARY, "status", "-c", proxy.config_path, "--watch"], stdout=subprocess.PIPE, text=True)
    try:
        rates = []
        while len(rates) < 3:
            assert proxy.get("/echo.php?t=a").status == 200
            line = watch.stdout.readline()
            assert line, rates
            if line.startswith("php "):
                rates.append(line.split()[10])
        assert rates[0] == "-" and any(float(rate) >= 1 for rate in rates[1:]), rates
        watch.send_signal(signal.SIGINT)
        assert watch.wait(timeout=20) == 0
    finally:
        watch.kill()
        watch.wait()


def test_status_without_an_endpoint(base):
    path = write(base, GOOD + "admin: { listen: off }\n")
    status, out, err = command("status", "-c", path)
    assert status == 69 and not out and "admin.listen is off" in err, (status, out, err)
    path = write(base, GOOD + "admn: { listen: off }\n")
    status, out, err = command("status", "-c", path)
    assert status == 78 and not out and "did you mean 'admin'" in err, (status, out, err)
    status, out, err = command("status", "--watch", "--admin", f"unix:{base}/none.sock")
    assert status == 69 and not out and "is Holdfast running" in err, (status, out, err)


def test_status_of_something_else(stack, base):
    """The port for clients, a server that says nothing, a file that is no socket: each is told apart."""
    proxy, _ = stack()
    status, out, err = command("status", "--admin", f"127.0.0.1:{proxy.port}")
    assert status == 69 and not out and "answers HTTP/1.1 4" in err and "not the admin endpoint" in err, err
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        closer = threading.Thread(target=lambda: mute.accept()[0].close())
        closer.start()
        status, out, err = command("status", "--admin", f"127.0.0.1:{mute.getsockname()[1]}")
        closer.join()
    assert status == 69 and not out and ("without an answer" in err or "reset" in err), err
