"""DokuWiki with nice addresses: log in, edit, upload, permalinks, what is hidden."""

import os
import subprocess

import pytest
from conftest import give_to_php

BIG = os.urandom(1 << 20) * 20


@pytest.fixture(scope="module")
def wiki(host):
    root = host.root("dokuwiki")
    subprocess.run(["cp", "-rL", "/etc/dokuwiki", str(root / "conf")], check=True)
    subprocess.run(["cp", "-rL", "/var/lib/dokuwiki/data", str(root / "data")], check=True)
    (root / "inc" / "preload.php").write_text(
        f"<?php define('DOKU_CONF', '{root}/conf/'); define('DOKU_MAIN_CONF', '{root}/conf/'); define('DOKU_FARM', false);", encoding="ascii")
    (root / "conf" / "local.php").write_text(
        f"<?php $conf['title'] = 'A wiki'; $conf['useacl'] = 1; $conf['superuser'] = '@admin'; $conf['userewrite'] = 1; $conf['savedir'] = '{root}/data';"
        "$conf['license'] = ''; $conf['send404'] = 1;", encoding="ascii")
    hashed = subprocess.run(["php", "-r", "echo password_hash('secret', PASSWORD_BCRYPT);"], check=True, capture_output=True, text=True).stdout
    (root / "conf" / "users.auth.php").write_text(f"admin:{hashed}:Admin:a@b.example:admin,user\n", encoding="ascii")
    (root / "conf" / "acl.auth.php").write_text("*\t@ALL\t1\n*\t@user\t8\n", encoding="ascii")
    with open(root / "conf" / "mime.conf", "a", encoding="ascii") as mime:
        mime.write("\nbin !application/octet-stream\n")
    give_to_php(root / "data", root / "conf")
    browser = host.browser("dokuwiki")
    page = browser.get("/start?do=login")
    assert page.status == 200 and "Login" in page.text, page
    page = browser.post("/start?do=login", {"sectok": page.field("sectok"), "id": "start", "do": "login", "u": "admin", "p": "secret"})
    assert "Logged in as" in page.text or "do=logout" in page.text, page
    return browser


def test_edit_and_permalinks(wiki):
    page = wiki.get("/playground:first_page?do=edit")
    fields = {name: page.field(name) for name in ("sectok", "id", "rev", "date", "prefix", "suffix", "changecheck", "target")}
    assert fields["id"] == "playground:first_page"
    page = wiki.post("/playground:first_page", {**fields, "wikitext": "====== A title ======\nsome words", "summary": "", "do[save]": "1"})
    assert page.status == 200 and "some words" in page.text and page.url.endswith("/wiki/playground:first_page"), page
    assert "some words" in wiki.get("/playground:first_page").text
    assert 'href="/wiki/' in page.text, "links begin with the sub-path"
    assert wiki.get("/playground:none").status == 404
    assert "some words" in wiki.get("/_export/raw/playground:first_page").text


def test_a_large_upload_comes_back_whole(wiki):
    page = wiki.get("/start?do=media")
    got = wiki.upload("/lib/exe/ajax.php?call=mediaupload", {"sectok": page.field("sectok"), "ns": "", "mediaid": "big.bin", "ow": "true"}, "qqfile", "big.bin", BIG)
    assert got.status == 200 and got.json.get("success"), got
    back = wiki.get("/_media/big.bin")
    assert back.status == 200 and back.bytes == BIG
    part = wiki.get("/_media/big.bin", headers={"Range": "bytes=10-19"})
    assert part.status == 206 and part.bytes == BIG[10:20]


def test_assets_and_what_is_hidden(wiki, host):
    css = wiki.get("/lib/exe/css.php?t=dokuwiki")
    assert css.status == 200 and css.headers["Content-Type"].startswith("text/css")
    assert wiki.get("/lib/images/blank.gif").headers["Cache-Control"] == "max-age=31536000"
    hidden = ["/data/pages/playground/first_page.txt", "/data/media/big.bin", "/conf/users.auth.php", "/conf/local.php", "/inc/init.php", "/bin/gittool.php",
              "/vendor/autoload.php", "/install.php", "/.htaccess", "/VERSION"]
    for path in hidden:
        for spelled in (path, "/" + path, path.replace("a", "%61"), path + "/x", "/x/.." + path):
            got = wiki.get(spelled)
            assert got.status in (403, 404), (spelled, got)
    assert wiki.get("", follow=False).status == 301
    assert "A wiki" in host.browser("dokuwiki").get("/").text
