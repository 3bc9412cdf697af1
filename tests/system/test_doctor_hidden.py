"""`holdfast doctor` asks the running server for what must not be readable, and says what it got."""

import json

import pytest

from harness.app_tree import plant
from harness.holdfast import command

FILES = "index.php remote.php occ core/a.css data/admin/files/a.txt data/nextcloud.log config/config.php lib/base.php .env dump.sql".split()


@pytest.fixture
def cloud(stack, base):
    """A Nextcloud, as far as doctor looks: `cloud(rules)` starts the proxy before it, on a port that the file names."""

    def start(rules):
        root = base / "cloud"
        plant(root, FILES)
        proxy, _ = stack(site={"root": str(root), **rules})
        proxy.write_config({**proxy.config, "listen": f"127.0.0.1:{proxy.port}"})
        return proxy

    return start


def doctor(proxy, *more):
    status, out, err = command("doctor", "-c", proxy.config_path, "--json", *more)
    report = json.loads(out)
    assert status == report["exit_status"], err
    return {each["id"]: each for each in report["findings"]}, status


def test_what_is_readable_is_an_error_with_its_cure(cloud):
    proxy = cloud({})
    found, status = doctor(proxy)
    assert status == 2 and found["readable"]["severity"] == "error"
    assert "was answered with the file (20" in found["readable"]["what"], found["readable"]
    assert "/data/" in json.dumps(found["readable"]) or "/occ" in found["readable"]["what"]
    assert "sites[0].app: nextcloud" in [change["text"] for change in found["readable"]["changes"]]
    assert "/lib/base.php" in found["hidden_scripts"]["what"] or "/config/config.php" in found["hidden_scripts"]["what"]
    assert "/.env" in found["hidden"]["what"], "our own rules hold all the same"
    asked = proxy.wait_access(lambda line: line["target"] == "/occ")
    assert asked and not [line for line in proxy.access() if ".php" in line["target"]], "no script is asked for"


def test_what_the_preset_hides_is_refused(cloud):
    proxy = cloud({"app": "nextcloud"})
    found, _ = doctor(proxy)
    assert "readable" not in found and "hidden_scripts" not in found
    assert found["hidden"]["severity"] == "ok" and f"refused by 127.0.0.1:{proxy.port}" in found["hidden"]["what"], found["hidden"]
    asked = {line["target"] for line in proxy.wait_access(lambda line: line["target"] == "/occ") and proxy.access()}
    assert {"/occ", "/.env", "/config/config.php", "/lib/base.php"} <= asked, "what the rules refuse is asked for, scripts too"


def test_a_server_that_runs_with_another_configuration(cloud):
    proxy = cloud({})
    with_rules = json.loads(proxy.config_path.read_text(encoding="ascii"))
    with_rules["sites"][0]["app"] = "nextcloud"
    proxy.config_path.write_text(json.dumps(with_rules), encoding="ascii")
    found, status = doctor(proxy)
    assert status == 2 and "The configuration refuses it" in found["readable"]["why"]
    assert found["readable"]["changes"][0]["text"] == "systemctl reload holdfast"


def test_no_server_answers(cloud):
    proxy = cloud({})
    proxy.stop()
    for more, why in (((), "Connection refused"), (("--offline",), "--offline")):
        found, status = doctor(proxy, *more)
        assert status == 2 and "by the configuration these are sent: " in found["readable"]["what"]
        assert why.lower() in found["hidden"]["what"].lower() and found["hidden"]["severity"] == "info"


def test_help():
    assert "must not be readable" in command("doctor", "--help")[1]
