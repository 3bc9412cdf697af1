"""Started as root: it becomes another user once its listeners are open, for good. What that user may not do: test_missing_rights.py."""

import contextlib
import copy
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from harness.holdfast import BINARY, merge
from harness.http_client import Client
from harness.php_fpm import find_php_fpm, worker_user
from harness.process import Process, alive, children_of, open_files, wait_exit
from harness.root_start import gave_up_root, site_config
from harness.wait import PATIENCE, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or worker_user() != "www-data", reason="takes root, and a www-data")
BIND = 1 << 10  # CAP_NET_BIND_SERVICE


def www_data():
    return pwd.getpwnam("www-data")


def credentials(pid):
    """Of /proc: name -> words."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return {line.split(":")[0]: line.split()[1:] for line in f if ":" in line}


def assert_is(pid, user):
    account = pwd.getpwnam(user)
    seen = credentials(pid)
    assert set(seen["Uid"]) == {str(account.pw_uid)} and set(seen["Gid"]) == {str(account.pw_gid)}, seen
    assert "0" not in seen["Groups"], seen["Groups"]
    return seen


def start_of_death(start_holdfast, config, match):
    proxy = start_holdfast(config, run=False)
    proxy.expect_death = True
    with contextlib.suppress(AssertionError):  # it may have said already where it listens
        proxy.start()
    assert wait_exit(proxy.process) == 71
    assert re.search(match, proxy.log()), proxy.log()
    return proxy


def test_root_becomes_phps_user(stack, transport):
    """Not with a way back; of root's powers only the one to bind low ports is left."""
    proxy, fpm = stack(transport)
    gave_up_root(proxy)
    seen = assert_is(proxy.pid, "www-data")
    for name in ("CapInh", "CapAmb"):
        assert int(seen[name][0], 16) == 0, name
    for name in ("CapPrm", "CapEff"):
        assert int(seen[name][0], 16) | BIND == BIND, name
    assert seen["NoNewPrivs"] == ["1"]
    assert "root no more: user www-data" in proxy.log()
    # Not readable for others of the same user, php's scripts above all.
    assert os.stat(f"/proc/{proxy.pid}/fd").st_uid == 0
    assert proxy.get("/echo.php?t=p").body == b"p\n" and proxy.get("/style.css").status == 200
    assert proxy.get("/echo.php?t=b", method="POST", body=b"x" * 300000).status == 200, "spooled"
    assert not proxy.status()["sockets"].get("error")
    proxy.wait_access(lambda a: "t=p" in a["target"])
    assert proxy.access_path.stat().st_uid == www_data().pw_uid, "to be opened again by that user"


def test_what_root_alone_may_read_is_not_served(stack, base):
    """php's user makes a link, or a file has mode 0000: until now root's eyes read it for everybody."""
    proxy, fpm = stack()
    secret = base / "secret.txt"
    secret.write_text("root's own", encoding="ascii")
    os.chmod(secret, 0o600)
    os.symlink(secret, fpm.www / "link.txt")
    os.symlink("/etc/shadow", fpm.www / "shadow.txt")
    (fpm.www / "closed.txt").write_text("closed", encoding="ascii")
    os.chmod(fpm.www / "closed.txt", 0)
    for name in ("link.txt", "shadow.txt", "closed.txt"):
        response = proxy.get(f"/{name}")
        assert response.status in (403, 404) and b"root" not in response.body and b"closed" not in response.body, name


@pytest.mark.parametrize("more, group", [({"user": "nobody"}, "nogroup"), ({"user": "65534", "group": "www-data"}, "www-data")])
def test_the_user_of_the_configuration(stack, more, group):
    proxy, _ = stack(**more)
    gave_up_root(proxy)
    seen = credentials(proxy.pid)
    assert set(seen["Uid"]) == {"65534"}
    assert set(seen["Gid"]) == {subprocess.run(["getent", "group", group], capture_output=True, text=True,
                                               check=True).stdout.split(":")[2]}
    assert proxy.get("/echo.php?t=u").body == b"u\n"


@pytest.mark.parametrize("more, name", [({"user": "no-such-user"}, "user no-such-user"),
                                        ({"user": "www-data", "group": "no-such-group"}, "group no-such-group")])
def test_a_user_that_is_not_there(start_holdfast, base, more, name):
    start_of_death(start_holdfast, site_config(base, **more), f"there is no {name}")


@pytest.mark.parametrize("more", [{"group": "0"}, {"user": "nobody", "group": "root"}])
def test_roots_group_is_given_up_with_root(start_holdfast, base, more):
    """It would read what root's group may read, and could not be told from one that has a way back."""
    start = start_holdfast(site_config(base, **more), run=False)
    start.expect_death = True
    start.write_config()
    process = Process([BINARY, "run", "-c", start.config_path], base / "refused.log")
    assert process.wait() == 78
    said = process.log()
    assert "is root's" in said and "leave group out for the user's own" in said, said


def test_roots_group_may_stand_where_root_does_not_start_it(start_holdfast, base):
    """As OpenShift does: any user, in group 0."""
    proxy = start_holdfast(site_config(base, user="1001", group="0"), run=False)
    base.chmod(0o755)
    proxy.write_config()
    checked = subprocess.run([BINARY, "check", "-c", proxy.config_path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "warning: group: 0 is root's; started as root it would not serve" in checked.stderr
    argv = ["setpriv", "--reuid", "1001", "--regid", "0", "--clear-groups", shutil.copy(BINARY, base)]  # it may not enter ours
    process = Process([*argv, "run", "-c", proxy.config_path], base / "group0.log")
    try:
        wait_until(lambda: "user: is of no effect" in process.log(), "it to serve")
        assert set(credentials(process.pid)["Uid"]) == {"1001"}
    finally:
        process.terminate()


def test_root_that_is_to_stay_root_is_told(stack):
    proxy, _ = stack(user="root")
    gave_up_root(proxy)
    assert set(credentials(proxy.pid)["Uid"]) == {"0"}
    assert "it serves as ROOT" in proxy.log()


def test_without_the_right_to_change_it_stays_and_warns(stack, start_holdfast):
    """A container without SETUID: by default it serves, restricted root as it is; told to be a user it does not."""
    proxy, _ = stack()
    proxy.stop()
    argv = ["setpriv", "--bounding-set", "-setuid,-setgid", "--inh-caps", "-all", "--ambient-caps", "-all", str(BINARY)]
    process = Process([*argv, "run", "-c", proxy.config_path], proxy.dir / "again.log")
    try:
        wait_until(lambda: "it serves as ROOT" in process.log() and "admin on" in process.log(), "the warning")
        assert "cannot become user www-data" in process.log()
        assert "may not use" not in process.log(), "nobody knows what that user may: it was not to be tried"
    finally:
        process.terminate()
    doctor = [*argv, "doctor", "-c", proxy.config_path, "--user", "www-data", "--offline"]
    said = subprocess.run(doctor, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    assert "may not use" not in said and "user www-data" in said, said
    done = subprocess.run([*argv, "serve", proxy.dir, "--listen", "127.0.0.1:0", "--admin", "off"], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 69 and "cannot become user www-data (root without" in done.stderr, done
    proxy.write_config(merge(proxy.config, {"user": "www-data"}))
    process = Process([*argv, "run", "-c", proxy.config_path], proxy.dir / "again.log")
    assert process.wait() == 71


def test_with_half_of_the_right_it_changes_nothing(stack):
    """Groups may be set and the user may not: the groups are put back."""
    proxy, _ = stack()
    proxy.stop()
    argv = ["setpriv", "--bounding-set", "-setuid", "--inh-caps", "-all", "--ambient-caps", "-all", str(BINARY)]
    process = Process([*argv, "run", "-c", proxy.config_path], proxy.dir / "again.log")
    try:
        wait_until(lambda: "it serves as ROOT" in process.log() and "admin on" in process.log(), "the warning")
        seen = credentials(process.pid)
        assert set(seen["Uid"]) == {"0"} and set(seen["Gid"]) == {"0"}, seen
        assert str(www_data().pw_gid) not in seen["Groups"]
        assert "may not use" not in process.log(), process.log()
    finally:
        process.terminate()


def free_low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port below 1024 is free")


def test_a_reload_opens_a_port_below_1024(stack):
    proxy, _ = stack()
    config = copy.deepcopy(proxy.config)
    config["listen"] = ["127.0.0.1:0", f"127.0.0.1:{free_low_port()}"]
    port = proxy.ports(proxy.reload(config))[0]
    assert port < 1024
    with Client(("127.0.0.1", port), 10) as client:
        assert client.request("GET", "/echo.php?t=low").body == b"low\n"


def test_another_user_takes_a_restart(stack):
    proxy, _ = stack()
    proxy.reload(merge(proxy.config, {"user": "nobody"}))
    wait_until(lambda: "another one takes a restart" in proxy.log(), "the log to say so")
    assert_is(proxy.pid, "www-data")


def test_a_reload_drops_no_site_of_a_folder_that_the_user_may_not_read(stack, base):
    """Root read it at the start: all or nothing."""
    shut = base / "sites"
    shut.mkdir(mode=0o700)
    (base / "www2").mkdir(mode=0o755)
    (base / "www2" / "who.txt").write_text("second", encoding="ascii")
    (shut / "two.yaml").write_text(f'sites: [{{ hosts: [two.example], root: {base}/www2 }}]\n', encoding="ascii")
    proxy, _ = stack(include=f"{shut}/*.yaml")
    gave_up_root(proxy)
    assert proxy.get("/who.txt", host="two.example").body == b"second"
    assert f"include: {shut} cannot be read: Permission denied" in proxy.reload_refused(proxy.config)
    assert proxy.get("/who.txt", host="two.example").body == b"second"


def test_rotation_of_a_log_in_roots_folder(stack, base):
    """Not rotated: reloads go on. Rotated, and not made for that user: refused, with the remedy."""
    folder = base / "log"
    folder.mkdir(mode=0o755)
    access = folder / "access.log"
    proxy, _ = stack(log={"access": str(access)})
    os.chown(access, 0, 0)
    os.chmod(access, 0o644)
    proxy.reload()
    assert proxy.get("/echo.php?t=one").status == 200
    wait_until(lambda: "t=one" in access.read_text(), "the line in the same file")
    access.rename(folder / "access.log.1")
    said = proxy.reload_refused(proxy.config)
    assert "Permission denied" in said and "must be writable for user" in said
    access.touch()
    os.chown(access, www_data().pw_uid, 0)  # create 0640 www-data
    proxy.process.signal(signal.SIGUSR1)
    wait_until(lambda: "opened again" in proxy.log(), "the new file")
    assert proxy.get("/echo.php?t=two").status == 200
    wait_until(lambda: "t=two" in access.read_text(), "the line in the new file")


@pytest.mark.parametrize("where", ["last", "folder"])
def test_root_opens_no_log_through_a_link(start_holdfast, base, where):
    """php's user may own the folder of the logs, and would choose what root appends to."""
    target = base / "target"
    target.mkdir()
    folder = base / "log"
    if where == "last":
        folder.mkdir()
        os.symlink(target / "access.log", folder / "access.log")
    else:
        os.symlink(target, folder)
        os.lchown(folder, www_data().pw_uid, www_data().pw_gid)
    start_of_death(start_holdfast, site_config(base, log={"access": str(folder / "access.log")}), "is a link")
    assert not list(target.iterdir())


@pytest.mark.parametrize("mask", ["0077", "0000"])
def test_the_mode_of_a_unix_socket(base, mask):
    """Made with its mode, whatever the umask; and never changed by its name afterwards."""
    config = site_config(base, listen=f"unix:{base}/front.sock", admin={"listen": "off"})
    (base / "c.yaml").write_text(str(config).replace("'", '"').replace("True", "true"), encoding="ascii")
    process = Process(["sh", "-c", f"umask {mask}; exec {BINARY} run -c {base}/c.yaml"], base / "log")
    try:
        wait_until(lambda: "listening on" in process.log(), "it to listen")
        assert stat.S_IMODE((base / "front.sock").stat().st_mode) == 0o666
    finally:
        assert process.terminate() == 0
    assert not (base / "front.sock").exists()


@pytest.mark.skipif(not find_php_fpm(), reason="no php-fpm")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_serve_gives_up_root_too(base, end):
    """Its php-fpm is of the same user, ends with it, and leaves nothing behind."""
    site, temporary = base / "site", base / "tmp"
    site.mkdir()
    temporary.mkdir()
    os.chmod(temporary, 0o1777)
    (site / "index.php").write_text("<?php echo getmypid();\n", encoding="ascii")
    process = Process([BINARY, "serve", site, "--listen", "127.0.0.1:0", "--admin", "off"], base / "log",
                      env={"TMPDIR": str(temporary)})
    try:
        wait_until(lambda: "serving:" in process.log() or not process.running, "it to serve")
        assert_is(process.pid, "www-data")
        masters = children_of(process.pid)
        workers = [pid for master in masters for pid in children_of(master)]
        assert masters and workers
        for pid in masters + workers:
            assert_is(pid, "www-data")
        port = int(re.search(r"listening on 127\.0\.0\.1:(\d+)", process.log())[1])
        with Client(("127.0.0.1", port), 10) as client:
            assert int(client.request("GET", "/").body) in workers
        process.signal(getattr(signal, end))
        code = process.wait()
        wait_until(lambda: not any(alive(pid) for pid in masters + workers), "php-fpm to end")
        if end == "SIGTERM":
            assert code == 0 and not list(temporary.iterdir())
    finally:
        process.kill_group()
    if end == "SIGKILL":  # the next run finds what this one left
        again = Process([BINARY, "serve", site, "--listen", "127.0.0.1:0", "--admin", "off"], base / "log2",
                        env={"TMPDIR": str(temporary)})
        wait_until(lambda: "serving:" in again.log() or not again.running, "it to serve")
        assert again.terminate() == 0 and not list(temporary.iterdir())


@pytest.mark.skipif(not find_php_fpm(), reason="no php-fpm")
def test_serve_becomes_the_owner_of_a_closed_folder(base):
    """A home that is closed to www-data: the run is its owner's."""
    home = base / "home"
    (home / "app").mkdir(parents=True)
    (home / "app" / "index.php").write_text("<?php echo posix_getpwuid(posix_geteuid())['name'];\n", encoding="ascii")
    nobody = pwd.getpwnam("nobody")
    for path in (home, home / "app", home / "app" / "index.php"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    os.chmod(home, 0o700)
    process = Process([BINARY, "serve", home / "app", "--listen", "127.0.0.1:0", "--admin", "off"], base / "log")
    try:
        wait_until(lambda: "serving:" in process.log() or not process.running, "it to serve")
        assert_is(process.pid, "nobody")
        port = int(re.search(r"listening on 127\.0\.0\.1:(\d+)", process.log())[1])
        with Client(("127.0.0.1", port), 10) as client:
            assert client.request("GET", "/").body == b"nobody"
    finally:
        assert process.terminate() == 0


@pytest.mark.skipif(not find_php_fpm(), reason="no php-fpm")
def test_serve_says_that_only_root_may_read_a_folder(base):
    site = base / "site"
    site.mkdir(mode=0o700)
    done = subprocess.run([BINARY, "serve", site, "--listen", "127.0.0.1:0", "--admin", "off"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 69 and f"only root may read {site}" in done.stderr and "--user NAME" in done.stderr, done


def test_no_descriptor_of_root_is_left_open(stack):
    """But those that it serves with."""
    proxy, _ = stack()
    gave_up_root(proxy)
    for target in open_files(proxy.pid):
        assert not target.startswith(("/proc/", "/etc/")), target


def test_a_socket_that_stays_is_taken_over_by_the_next_start(base, start_holdfast):
    """In a folder of root's the user that root became may not remove it."""
    folder = base / "run"
    folder.mkdir(mode=0o755)
    os.chmod(folder, 0o755)
    path = folder / "front.sock"
    for _ in range(2):
        proxy = start_holdfast(site_config(base, listen=["127.0.0.1:0", f"unix:{path}"]))
        gave_up_root(proxy)
        with Client(str(path), PATIENCE) as client:
            assert client.request("GET", "/none").status == 404
        proxy.stop()
        assert path.exists()
