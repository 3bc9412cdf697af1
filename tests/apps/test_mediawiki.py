"""MediaWiki on SQLite below a sub-path: installation, login and edits by its API, REST with GET and PUT, a large upload, what is hidden."""

import os
import shutil
import subprocess

import pytest
from conftest import give_to_php

BIG = os.urandom(1 << 20) * 20


@pytest.fixture(scope="module")
def wiki(host):
    root = host.root("mediawiki")
    shutil.rmtree(root / "images", ignore_errors=True)
    (root / "images").mkdir()
    (root / "LocalSettings.php").unlink(missing_ok=True)
    data = host.base / "mediawiki-data"
    data.mkdir()
    subprocess.run(["php", str(root / "maintenance" / "install.php"), "--dbtype=sqlite", "--dbname=wiki", f"--dbpath={data}", "--scriptpath=/w", f"--confpath={root}",
                    f"--server={host.url('mediawiki').removesuffix('/w')}", "--pass=a-long-secret-1", "A wiki", "Admin"], check=True, capture_output=True, cwd=root)
    with open(root / "LocalSettings.php", "a", encoding="ascii") as settings:
        settings.write("\n$wgArticlePath = '/w/wiki/$1'; $wgEnableUploads = true; $wgFileExtensions[] = 'bin'; $wgVerifyMimeType = false; $wgStrictFileExtensions = false;\n"
                       "$wgMainCacheType = CACHE_NONE; $wgJobRunRate = 0;\n")
    give_to_php(root / "images", data)
    browser = host.browser("mediawiki")
    token = api(browser, {"action": "query", "meta": "tokens", "type": "login"})["query"]["tokens"]["logintoken"]
    done = api(browser, {"action": "clientlogin", "username": "Admin", "password": "a-long-secret-1", "loginreturnurl": "http://x.example/", "logintoken": token})
    assert done["clientlogin"]["status"] == "PASS", done
    browser.token = api(browser, {"action": "query", "meta": "tokens"})["query"]["tokens"]["csrftoken"]
    return browser


def api(browser, fields):
    got = browser.post("/api.php", {**fields, "format": "json"})
    assert got.status == 200, got
    return got.json


def test_edit_and_permalinks(wiki):
    done = api(wiki, {"action": "edit", "title": "A page/below", "text": "some words", "token": wiki.token})
    assert done["edit"]["result"] == "Success", done
    page = wiki.get("/wiki/A_page/below")
    assert page.status == 200 and "some words" in page.text and 'href="/w/wiki/' in page.text
    assert wiki.get("/wiki/None").status == 404
    assert wiki.get("/").url.endswith("/w/wiki/Main_Page")
    assert "some words" in wiki.get("/index.php?title=A_page/below&action=raw").text
    edit = wiki.get("/index.php?title=A_page&action=edit")
    assert edit.status == 200 and edit.field("wpEditToken")


def test_rest_with_put(wiki):
    made = wiki.send_json("POST", "/rest.php/v1/page", {"title": "By rest", "source": "first", "comment": "", "token": wiki.token})
    assert made.status == 201, made
    got = wiki.get("/rest.php/v1/page/By_rest")
    assert got.status == 200 and got.json["source"] == "first"
    changed = wiki.send_json("PUT", "/rest.php/v1/page/By_rest", {"source": "second", "comment": "", "latest": {"id": got.json["latest"]["id"]}, "token": wiki.token})
    assert changed.status == 200 and "second" in wiki.get("/wiki/By_rest").text, changed


def test_a_large_upload_comes_back_whole(wiki, host):
    got = wiki.upload("/api.php", {"action": "upload", "format": "json", "filename": "Big.bin", "ignorewarnings": "1", "token": wiki.token}, "file", "Big.bin", BIG)
    assert got.json.get("upload", {}).get("result") == "Success", got
    url = got.json["upload"]["imageinfo"]["url"]
    back = wiki.get(url.removeprefix(host.url("mediawiki")))
    assert back.status == 200 and back.bytes == BIG and back.headers["X-Content-Type-Options"] == "nosniff"


def test_assets_and_what_is_hidden(wiki):
    script = wiki.get("/load.php?lang=en&modules=startup&only=scripts&raw=1")
    assert script.status == 200 and "javascript" in script.headers["Content-Type"]
    logo = wiki.get("/resources/assets/poweredby_mediawiki_88x31.png")
    assert logo.status == 200 and logo.headers["Cache-Control"] == "max-age=604800"
    for path in ("/LocalSettings.php", "/mw-config/index.php", "/maintenance/install.php", "/includes/Setup.php", "/vendor/autoload.php", "/composer.json", "/images/",
                 "/images/deleted/x", "/languages/messages/MessagesEn.php", "/extensions/", "/index.php/Main_Page"):
        got = wiki.get(path)
        assert got.status in (403, 404), (path, got)
