"""Roundcube: a mail of a maildir is read, one is written with an attachment and sent, settings are kept, what is hidden.

Dovecot and a server that takes mail are started for it, both on ports that were free.
"""

import email
import email.policy
import os
import pwd
import re
import shutil
import socketserver
import threading
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml
from conftest import copy_of, give_to_php
from harness.process import Process
from harness.web_server import start_on_free_port

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "samples" / "roundcube.yaml"
BIG = os.urandom(1 << 20) * 20

DOVECOT = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{dir}/mail/%u
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u
}}
"""

ROUNDCUBE = """\
<?php
$config['db_dsnw'] = 'sqlite:///{root}/temp/roundcube.db?mode=0640';
$config['imap_host'] = '127.0.0.1:{imap}';
$config['smtp_host'] = '127.0.0.1:{smtp}';
$config['smtp_user'] = $config['smtp_pass'] = '';
$config['des_key'] = '0123456789abcdef01234567';
$config['max_message_size'] = '40M';
$config['enable_spellcheck'] = false;
$config['sent_mbox'] = 'Sent';
$config['drafts_mbox'] = '';
$config['mail_domain'] = 'b.example';
$config['language'] = 'en_US';
$config['plugins'] = [];
"""


class _Smtp(socketserver.StreamRequestHandler):
    """Takes every mail (RFC 5321)."""

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self):
        self.say("220 sink")
        recipients = []
        for line in self.rfile:
            verb = line.split(b":")[0].strip().upper()
            if verb.startswith(b"RCPT"):
                recipients.append(re.search(rb"<(.*)>", line)[1].decode())
            if verb == b"DATA":
                self.say("354 go on")
                self.server.mails.append((recipients, self.data()))
                recipients = []
            if verb == b"QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return email.message_from_bytes(b"".join(lines), policy=email.policy.default)


@pytest.fixture(scope="module")
def smtp():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp)
    server.daemon_threads = True
    server.mails = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def a_mail():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@b.example>", "me@b.example", "A first mail"
    mail["Date"], mail["Message-ID"] = "Fri, 02 Jan 2026 10:00:00 +0000", "<one@b.example>"
    mail.set_content("some words of Ann\n")
    mail.add_attachment(BIG[:3_000_000], maintype="application", subtype="octet-stream", filename="data.bin")
    return mail


@pytest.fixture(scope="module")
def imap(base):
    folder = base / "dovecot"
    new = folder / "mail" / "me" / "new"
    for path in (new, new.parent / "cur", new.parent / "tmp", folder / "run"):
        path.mkdir(parents=True)
    (new / f"{int(time.time())}.1.host").write_bytes(a_mail().as_bytes(policy=email.policy.SMTP))
    user = pwd.getpwnam("mail")
    shutil.chown(folder / "mail", "mail")
    for path in (folder / "mail").rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid)
    config = folder / "dovecot.conf"

    def start(port):
        config.write_text(DOVECOT.format(dir=folder, port=port, uid=user.pw_uid, gid=user.pw_gid), encoding="ascii")
        return Process(["/usr/sbin/dovecot", "-F", "-c", config], folder / "dovecot.out")

    port, process = start_on_free_port("dovecot", start)
    yield port
    if process.running:
        process.signal(15)
        process.wait(20)
    process.kill_group()


@pytest.fixture(scope="module")
def mail(host, imap, smtp):
    root = host.base / "roundcube"
    copy_of("roundcube", root)
    for folder in ("config", "logs", "temp"):
        (root / folder).mkdir(exist_ok=True)
    for name in ("defaults.inc.php", "mimetypes.php"):
        shutil.copy(Path("/etc/roundcube") / name, root / "config" / name)
    # Debian's leads to /var/lib/roundcube.
    setup = root / "program" / "include" / "iniset.php"
    setup.write_text(setup.read_text(encoding="utf-8").replace("/var/lib/roundcube/", f"{root}/"), encoding="utf-8")
    (root / "config" / "config.inc.php").write_text(
        ROUNDCUBE.replace("{root}", str(root)).replace("{imap}", str(imap)).replace("{smtp}", str(smtp.server_address[1])), encoding="ascii")
    give_to_php(root / "logs", root / "temp")
    (site,) = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["sites"]
    host.add_site({**site, "path": "/mail", "root": str(root)}, [])
    browser = host.browser("dokuwiki")
    browser.base = f"http://127.0.0.1:{host.proxy.port}/mail"
    page = browser.get("/")
    assert page.status == 200 and 'name="_pass"' in page.text, page
    page = browser.post("/?_task=login", {"_token": page.field("_token"), "_task": "login", "_action": "login", "_timezone": "UTC", "_url": "", "_user": "me",
                                          "_pass": "secret"})
    assert page.status == 200 and "_task=mail" in page.url, (page, [f.read_text() for f in (root / "logs").iterdir()])
    browser.token = re.search(r'"request_token":"(\w+)"', page.text)[1]
    browser.root = root
    return browser


def remote(mail, address):
    """What the page's own script asks for."""
    got = mail.get(f"/?{address}&_remote=1", headers={"X-Roundcube-Request": mail.token, "X-Requested-With": "XMLHttpRequest"})
    assert got.status == 200, got
    return got.json


def compose(mail):
    page = mail.get("/?_task=mail&_action=compose")
    assert page.status == 200 and "_id=" in page.url, page
    fields = {name: page.field(name) for name in ("_token", "_id")}
    sender = re.search(r'<select[^>]*name="_from".*?<option value="(\d+)"', page.text, re.S) or re.search(r'name="_from"[^>]*value="(\d+)"', page.text)
    return {**fields, "_task": "mail", "_action": "send", "_from": sender[1], "_is_html": "0", "_framed": "1"}


def test_a_mail_is_listed_and_read(mail):
    listed = remote(mail, "_task=mail&_action=list&_mbox=INBOX")
    assert "A first mail" in listed["exec"], listed
    page = mail.get("/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
    assert page.status == 200 and "some words of Ann" in page.text and "data.bin" in page.text, page
    part = "/?_task=mail&_mbox=INBOX&_uid=1&_part=2&_action=get&_download=1"
    refused = mail.get(part)
    assert BIG[:100] not in refused.bytes, "only with the token of the page"
    got = mail.get(f"{part}&_token={mail.token}")
    assert got.status == 200 and got.bytes == BIG[:3_000_000], got
    assert "data.bin" in got.headers["Content-Disposition"]


def test_a_mail_is_sent(mail, smtp):
    sent = mail.post("/?_task=mail&_lang=en", {**compose(mail), "_to": "bob@b.example", "_subject": "An answer", "_message": "words for Bob"})
    assert sent.status == 200 and "sent_successfully" in sent.text, sent
    ((recipients, message),) = smtp.mails
    smtp.mails.clear()
    assert recipients == ["bob@b.example"] and message["Subject"] == "An answer"
    assert message.get_content().strip() == "words for Bob"
    assert "An answer" in remote(mail, "_task=mail&_action=list&_mbox=Sent")["exec"]


def test_a_large_upload_is_sent_whole(mail, smtp):
    fields = compose(mail)
    got = mail.upload(f"/?_task=mail&_action=upload&_id={fields['_id']}&_uploadid=upload1&_remote=1", {"_token": mail.token}, "_attachments[]", "big.bin", BIG,
                      {"X-Roundcube-Request": mail.token, "X-Requested-With": "XMLHttpRequest"})
    assert got.status == 200 and "add2attachment_list" in got.json["exec"], got
    sent = mail.post("/?_task=mail&_lang=en", {**fields, "_to": "bob@b.example", "_subject": "Large", "_message": "see there"})
    assert sent.status == 200 and "sent_successfully" in sent.text, sent
    ((_, message),) = smtp.mails
    smtp.mails.clear()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "big.bin" and attachment.get_content() == BIG


def test_settings_are_kept(mail):
    assert 'value="America/Lima" selected' not in mail.get("/?_task=settings&_action=edit-prefs&_section=general&_framed=1").text
    saved = mail.post("/?_task=settings", {"_token": mail.token, "_task": "settings", "_action": "save-prefs", "_section": "general", "_framed": "1",
                                           "_language": "en_US", "_timezone": "America/Lima", "_time_format": "H:i", "_date_format": "Y-m-d", "_skin": "elastic"})
    assert saved.status == 200, saved
    page = mail.get("/?_task=settings&_action=edit-prefs&_section=general&_framed=1")
    assert re.search(r'<option value="America/Lima" selected', page.text), page


def test_assets_and_what_is_hidden(mail):
    for path in ("/skins/elastic/images/favicon.ico", "/program/js/app.min.js?s=1", "/skins/elastic/styles/styles.min.css", "/program/js/jquery.min.js"):
        got = mail.get(path)
        assert got.status == 200 and got.headers["Cache-Control"] == "max-age=2592000", (path, got)
    assert mail.get("/favicon.ico").bytes == mail.get("/skins/elastic/images/favicon.ico").bytes
    assert mail.get("", follow=False).status == 301
    (mail.root / "logs" / "errors.log").write_text("secret", encoding="ascii")
    (mail.root / "vendor").mkdir(exist_ok=True)
    (mail.root / "vendor" / "autoload.php").write_text("<?php echo 'ran';", encoding="ascii")
    hidden = ["/config/config.inc.php", "/config/defaults.inc.php", "/logs/errors.log", "/temp/roundcube.db", "/bin/update.sh", "/bin/gc.sh", "/SQL/sqlite.initial.sql",
              "/vendor/autoload.php", "/installer/index.php", "/installer/client.js", "/program/include/iniset.php", "/program/localization/en_US/labels.inc",
              "/program/lib/Roundcube/bootstrap.php", "/composer.json", "/plugins/jqueryui/jqueryui.php", "/plugins/jqueryui/composer.json",
              "/config.inc.php.sample", "/.htaccess"]
    shown = [path for path in hidden if (mail.root / path[1:]).exists()]
    assert len(shown) > 14, shown
    for path in hidden:
        for spelled in (path, "/" + path, path.replace("i", "%69"), path + "/x", "/x/.." + path, path + "?s=1"):
            got = mail.get(spelled, follow=False)
            assert got.status in (403, 404) and b"secret" not in got.bytes and b"ran" not in got.bytes[:3], (spelled, got)

