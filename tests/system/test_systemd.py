"""Under systemd: the unit file that users copy, and the word that the service is ready."""

import re
import shutil
import socket
import subprocess

import pytest

from harness.holdfast import BINARY, ROOT

UNIT = ROOT / "config" / "samples" / "holdfast.service"
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze on this machine")
def test_the_unit_file_is_in_order(base):
    """systemd's own judgement: no unknown key, no value it does not understand; programs exist."""
    unit = base / "holdfast.service"
    unit.write_text(UNIT.read_text(encoding="ascii").replace("/usr/local/bin/holdfast", str(BINARY)), encoding="ascii")
    done = subprocess.run([ANALYZE, "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    about_it = [line for line in done.stderr.splitlines() if "holdfast" in line]
    assert not about_it and done.returncode == 0, done.stderr


def test_the_unit_file_does_what_it_says():
    """What an operator counts on: notify, check before HUP, time for the grace, the right to bind port 80."""
    lines = [line for line in UNIT.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    values = [tuple(line.split("=", 1)) for line in lines if "=" in line]
    reload = [value for key, value in values if key == "ExecReload"]
    assert [re.search(r"check|-HUP", command)[0] for command in reload] == ["check", "-HUP"]
    one = dict(values)
    assert one["Type"] == "notify" and one["DynamicUser"] == "yes"
    assert one["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    grace = re.search(r"shutdown: \{ grace: (\d+)s", (ROOT / "config" / "holdfast.yaml").read_text(encoding="utf-8"))[1]
    assert int(one["TimeoutStopSec"]) > int(grace)
    clients = re.search(r"max_connections: (\d{5,})", (ROOT / "config" / "holdfast.yaml").read_text(encoding="utf-8"))[1]
    assert int(one["LimitNOFILE"]) > int(clients)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_ready_is_told_when_it_listens(start_holdfast, base, kind):
    name = str(base / "notify.sock") if kind == "path" else f"@{base}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(30)
        manager.bind(name if kind == "path" else "\0" + name[1:])
        proxy = start_holdfast({"pools": {"php": {"address": "unix:/x"}}, "sites": [{"root": "/tmp", "pool": "php"}]},
                               run=False)
        proxy.start(env={"NOTIFY_SOCKET": name})
        assert manager.recv(4096) == b"READY=1"
    proxy.client().close()
    assert proxy.stop() == 0


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "/" + "x" * 200])
def test_nobody_to_tell(start_holdfast, name):
    proxy = start_holdfast({"pools": {"php": {"address": "unix:/x"}}, "sites": [{"root": "/tmp", "pool": "php"}]}, run=False)
    proxy.start(env={"NOTIFY_SOCKET": name})
    assert proxy.admin("GET", "/healthz")[0] == 200
    assert proxy.stop() == 0
