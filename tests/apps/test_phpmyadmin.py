"""phpMyAdmin: login with a form, a query, a large import, what is hidden."""

import json
import re

import pytest
from conftest import give_to_php


@pytest.fixture(scope="module")
def admin(host):
    root = host.root("phpmyadmin")
    vendor = root / "libraries" / "vendor_config.php"
    text = vendor.read_text(encoding="utf-8")
    (host.base / "pma-tmp").mkdir()
    give_to_php(host.base / "pma-tmp")
    vendor.write_text(text.replace("/var/lib/phpmyadmin/tmp/", f"{host.base}/pma-tmp/").replace("/etc/phpmyadmin/config.inc.php", f"{root}/config.inc.php"), encoding="utf-8")
    (root / "config.inc.php").write_text(
        "<?php $cfg['blowfish_secret'] = '0123456789abcdef0123456789abcdef'; $i = 1; $cfg['Servers'][1]['auth_type'] = 'cookie';"
        f"$cfg['Servers'][1]['host'] = 'localhost'; $cfg['Servers'][1]['socket'] = '{host.database.socket}';", encoding="ascii")
    browser = host.browser("phpmyadmin")
    page = browser.get("/")
    page = browser.post("/index.php?route=/", {"pma_username": "other", "pma_password": "secret", "server": "1", "target": "index.php?route=/", "lang": "en",
                                               "token": page.field("token"), "set_session": page.field("set_session")})
    assert page.status == 200 and "logged_in:true" in page.text.replace(" ", "").replace('"', ""), page
    browser.token = re.search(r'token:"([0-9a-f]+)"', page.text)[1]
    return browser


def test_a_query(admin, host):
    got = admin.post("/index.php?route=/import", {"db": "other", "sql_query": "CREATE TABLE t (a INT)", "token": admin.token, "server": "1", "is_js_confirmed": "0",
                                                  "goto": "index.php?route=/database/sql", "ajax_request": "true"})
    assert got.json["success"] is True, got
    assert host.database.run("SHOW TABLES IN other").split() == ["t"]


def test_a_large_import(admin, host):
    insert = b"INSERT INTO big VALUES (1, '" + b"y" * 500_000 + b"');\n"
    sql = b"CREATE TABLE big (a INT, b LONGTEXT);\n" + insert * 41
    assert len(sql) > 20_000_000
    got = admin.upload("/index.php?route=/import", {"db": "other", "import_type": "database", "format": "sql", "token": admin.token, "server": "1", "charset_of_file": "utf-8",
                                                    "noplugin": "x", "skip_queries": "0", "ajax_request": "true"}, "import_file", "dump.sql", sql)
    assert got.status == 200 and json.loads(got.bytes.decode("utf-8-sig"))["success"] is True, re.sub(r"<[^>]*>", "", got.json.get("error", ""))[-500:]
    assert host.database.run("SELECT SUM(a), SUM(LENGTH(b)) FROM other.big").split() == ["41", "20500000"]


def test_assets_and_what_is_hidden(admin):
    for path in ("/js/vendor/sprintf.js", "/js/dist/common.js", "/themes/pmahomme/css/theme.css"):
        got = admin.get(path)
        assert got.status == 200 and got.headers["Cache-Control"] == "max-age=86400", (path, got)
    assert admin.get("/js/messages.php?l=en&v=1").status == 200
    for path in ("/config.inc.php", "/config.sample.inc.php", "/libraries/vendor_config.php", "/templates/base.twig", "/sql/create_tables.sql", "/setup/index.php", "/autoload.php/x"):
        got = admin.get(path)
        assert got.status in (403, 404), (path, got)
