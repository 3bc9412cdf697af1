"""What the user that root becomes may not do is said, once each: at the start, and by doctor."""

import json
import os
import re

import pytest

from harness.holdfast import BINARY, command
from harness.php_fpm import worker_user
from harness.process import Process
from harness.root_start import gave_up_root, site_config
from harness.wait import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or worker_user() != "www-data", reason="takes root, and a www-data")


def test_what_the_user_may_not_do_is_said_at_the_start(stack, base):
    """With the remedy; nothing of it keeps it from serving."""
    shut = base / "shut"
    shut.mkdir(mode=0o700)
    proxy, _ = stack(buffers={"spool_dir": str(shut)}, log={"access": str(shut / "access.log")})
    gave_up_root(proxy)
    for path, remedy in ((shut, f"chown www-data {shut}"), (shut, "create 0640 www-data")):
        assert any(str(path) in line and remedy in line for line in proxy.log().splitlines()), proxy.log()


def test_what_the_user_may_not_read_is_said_at_the_start_and_by_doctor(stack, base):
    """Each would show only later: at a reload, at the first password, at the first file."""
    shut = base / "shut"
    shut.mkdir(mode=0o700)
    for number in range(3):
        (shut / f"{number}.yaml").write_text("sites: []\n", encoding="ascii")
    users = base / "users"
    users.write_text("x:*\n", encoding="ascii")
    users.chmod(0o600)
    inner = base / "inner"
    inner.mkdir(mode=0o700)
    proxy, _ = stack(site={"internal": {"/i/": str(inner)}, "routes": [{"path": "/p/*", "auth": {"users": str(users)}}]},
                     include=f"{shut}/*.yaml")
    proxy.stop()
    proxy.config_path.chmod(0o600)
    before = len(proxy.log())
    proxy.start()
    wait_until(lambda: "root no more" in proxy.log()[before:], "it to become that user")
    _, out, _ = command("doctor", "-c", proxy.config_path, "--user", "www-data", "--offline")
    for path, comes in ((proxy.config_path, "every reload would be refused"), (shut, "every reload would be refused"),
                        (users, "would get 500"), (inner, "would not be sent")):
        said = re.escape(f"user www-data may not use {path} (Permission denied), ") + r"[a-z ]+: [^:]*" + comes
        for text in (proxy.log()[before:], " ".join(out.split())):
            assert len(re.findall(said, text)) == 1, (path, text)
            assert f"{shut}/" not in text, "the folder is told, and stands for its files"


def test_what_is_no_right_or_told_already_is_not_said(start_holdfast, base):
    """A root of several sites is told once, a device is not rotated, and a root that is a file is 404, not 403."""
    shut, plain = base / "shut", base / "plain"
    shut.mkdir(mode=0o700)
    plain.touch(mode=0o644)
    sites = [{"hosts": [f"{name}.example"], "root": str(root), "pool": "php"}
             for name, root in (("a", shut), ("b", shut), ("c", shut), ("d", plain), ("e", plain / "below"))]
    proxy = gave_up_root(start_holdfast(site_config(base, sites=sites, log={"access": "/dev/null"})))
    told = [line for line in proxy.log().splitlines() if "may not use" in line]
    assert len(told) == 1 and f"may not use {shut} " in told[0], told
    assert proxy.get("/x.txt", host="d.example").status == 404


def rights_told(*argv):
    """By doctor: (the user it judged for, severity of each right that is missed)."""
    _, out, err = command("doctor", *argv, "--json")
    assert out, err
    report = json.loads(out)
    return report["user"], [each["severity"] for each in report["findings"] if each["id"] == "rights"]


def test_doctor_judges_for_whom_the_running_server_is(base):
    """A supervisor chose the account (User= of systemd), and its group: root's guess would be another one."""
    folder = base / "etc"
    folder.mkdir(mode=0o750)
    (base / "spool").mkdir()
    os.chown(base / "spool", 65534, 33333)
    path = folder / "h.yaml"
    config = site_config(base, listen=f"unix:{base}/spool/front.sock", admin=f"unix:{base}/spool/admin.sock",
                         buffers={"spool_dir": f"{base}/spool"})
    path.write_text(json.dumps(config), encoding="ascii")
    for each, mode in ((folder, 0o750), (path, 0o640)):
        os.chown(each, 0, 33333)
        os.chmod(each, mode)
    assert rights_told("-c", path) == ("www-data", ["warning"] * 3), "nobody answers: a guess"
    argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", "33333", BINARY, "run", "-c", path]
    process = Process(argv, base / "log")
    try:
        wait_until(lambda: "admin on" in process.log() or not process.running, "it to listen")
        assert rights_told("-c", path) == ("nobody", []), process.log()
        assert rights_told("-c", path, "--user", "www-data")[1].count("error") == 1
        assert rights_told("-c", path, "--offline")[1] == ["warning"] * 3
        os.chmod(path, 0o600)
        assert rights_told("-c", path) == ("nobody", ["error"])
    finally:
        assert process.terminate() == 0
    path.write_text(json.dumps({**config, "user": "www-data"}), encoding="ascii")
    assert rights_told("-c", path)[1].count("error") == 1


def test_a_closed_root_is_403_as_the_warning_says(stack, base):
    root = base / "root"
    root.mkdir(mode=0o700)
    (root / "a.txt").write_text("a", encoding="ascii")
    proxy, _ = stack(site={"root": str(root)})
    gave_up_root(proxy)
    assert any(f"may not use {root} " in line and "its files would be 403" in line for line in proxy.log().splitlines())
    assert proxy.get("/a.txt").status == 403
