"""DAViCal: a calendar is discovered by /.well-known/caldav, made, written, read, searched and emptied with the methods of WebDAV."""

import base64
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import copy_of
from harness.process import Process
from harness.wait import wait_until

EVENT = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:one@b.example\r\nDTSTAMP:20260101T000000Z\r\n"
         "DTSTART:20260102T100000Z\r\nDTEND:20260102T110000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
QUERY = ('<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/><c:calendar-data/></d:prop>'
         '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter></c:calendar-query>')
WHO = '<d:propfind xmlns:d="DAV:"><d:prop><d:current-user-principal/></d:prop></d:propfind>'


def as_postgres(*argv, **more):
    return subprocess.run(["runuser", "-u", "postgres", "--", *map(str, argv)], check=True, capture_output=True, text=True, cwd="/", **more)


@pytest.fixture(scope="module")
def database(base):
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    folder = base / "postgres"
    folder.mkdir()
    shutil.chown(folder, "postgres")
    as_postgres(programs / "initdb", "-A", "trust", "-D", folder / "data", "--no-sync")
    process = Process(["runuser", "-u", "postgres", "--", programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=",
                       "-c", "fsync=off"], base / "postgres.log")
    wait_until(lambda: (folder / ".s.PGSQL.5432").exists() or not process.running, "PostgreSQL to listen")
    folder.chmod(0o755)
    as_postgres("/usr/share/davical/dba/create-database.sh", "davical", "secret",
                env={**os.environ, "PGHOST": str(folder), "PGUSER": "postgres", "DBAOPTS": f"--dbhost={folder}", "TMPDIR": "/tmp"})
    yield folder
    as_postgres(programs / "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate")
    process.kill_group()


@pytest.fixture(scope="module")
def ask(host, database):
    root = host.base / "davical"
    copy_of("davical", root)
    (root / "etc").mkdir()
    (root / "etc" / "config.php").write_text(
        f"<?php $c->domain_name = 'localhost'; $c->admin_email = 'a@b.example'; $c->pg_connect[] = 'dbname=davical host={database} user=davical_app';",
        encoding="ascii")
    always = root / "htdocs" / "always.php"
    always.write_text(always.read_text(encoding="utf-8").replace("/etc/davical/", f"{root}/etc/"), encoding="utf-8")
    host.add_site({"path": "/dav", "root": str(root / "htdocs"), "index": ["index.php"], "pool": "php", "routes": [{"path": "/always.php", "deny": 404}]},
                  [{"path": ["/.well-known/caldav", "/.well-known/carddav"], "redirect": "/dav/caldav.php/"}])
    browser = host.browser("dokuwiki")
    browser.base = f"http://127.0.0.1:{host.proxy.port}"
    password = {"Authorization": "Basic " + base64.b64encode(b"admin:secret").decode()}

    def run(method, path, body=None, **headers):
        return browser.ask(path, body.encode() if body else None, {**password, **{name.replace("_", "-"): value for name, value in headers.items()}}, method,
                           follow=False)

    return run


def test_a_calendar_is_discovered(ask):
    for method in ("GET", "PROPFIND"):
        moved = ask(method, "/.well-known/caldav")
        assert (moved.status, moved.headers["Location"]) == (301, "/dav/caldav.php/"), moved
    found = ask("PROPFIND", "/dav/caldav.php/", WHO, Depth="0", Content_Type="text/xml")
    assert found.status == 207 and "/dav/caldav.php/admin/" in found.text, found
    options = ask("OPTIONS", "/dav/caldav.php/admin/")
    assert "calendar-access" in options.headers["DAV"] and "REPORT" in options.headers["Allow"], options.headers


def test_a_password_is_asked_for(ask):
    refused = ask("PROPFIND", "/dav/caldav.php/admin/", WHO, Authorization="Basic " + base64.b64encode(b"admin:wrong").decode())
    assert refused.status == 401 and refused.headers["WWW-Authenticate"].startswith("Basic "), refused


def test_events_are_written_searched_and_deleted(ask):
    made = ask("MKCALENDAR", "/dav/caldav.php/admin/more/")
    assert made.status == 201, made
    event = "/dav/caldav.php/admin/more/one.ics"
    put = ask("PUT", event, EVENT.format(summary="first"), Content_Type="text/calendar", If_None_Match="*")
    assert put.status == 201, put
    got = ask("GET", event)
    assert got.status == 200 and "SUMMARY:first" in got.text and got.headers["ETag"]
    assert ask("PUT", event, EVENT.format(summary="lost"), Content_Type="text/calendar", If_None_Match="*").status == 412
    changed = ask("PUT", event, EVENT.format(summary="second"), Content_Type="text/calendar", If_Match=got.headers["ETag"])
    assert changed.status in (200, 201, 204), changed
    report = ask("REPORT", "/dav/caldav.php/admin/more/", QUERY, Depth="1", Content_Type="text/xml")
    assert report.status == 207 and "SUMMARY:second" in report.text and len(re.findall("calendar-data>BEGIN", report.text)) == 1, report
    assert ask("DELETE", event).status == 204
    assert ask("GET", event).status == 404
    assert ask("DELETE", "/dav/caldav.php/admin/more/").status == 204
    assert ask("GET", "/dav/always.php").status == 404
