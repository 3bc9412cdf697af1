"""Files that a script has sent: X-Accel-Redirect and X-Sendfile under `internal`, and nobody else gets them."""

import pytest

from harness.wait import wait_until

SCRIPT = """<?php
foreach ($_GET['h'] ?? [] as $line) { header($line); }
header($_GET['name'] . ': ' . $_GET['value']);
echo str_repeat('body of the script', (int) ($_GET['n'] ?? 1));
"""


@pytest.fixture
def sender(stack, base):
    """A proxy and the folder outside of the root that scripts may send from."""
    folder = base / "storage"
    (folder / "sub").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "a b.pdf").write_bytes(b"0123456789")
    (folder / "sub" / "x.txt").write_bytes(b"x" * 300000)
    proxy, fpm = stack(site={"internal": {"/protected/": str(folder)}, "fallback": "/index.php", "headers": {"X-Own": "yes"},
                             "routes": [{"path": "/get/**", "to": "/$1"}]})
    (fpm.www / "send.php").write_text(SCRIPT, encoding="ascii")
    (fpm.www / "protected").mkdir()
    (fpm.www / "protected" / "root.txt").write_text("secret", encoding="ascii")
    return proxy, folder, fpm


def accel(value, *lines, more=""):
    return "/send.php?name=X-Accel-Redirect&value=" + value.replace("%", "%25").replace(" ", "%20") + "".join(f"&h[]={line}" for line in lines) + more


def test_a_file_in_place_of_the_answer(sender):
    proxy, folder, _ = sender
    with proxy.client() as client:
        for n in (0, 1, 100000):
            got = client.request("GET", accel("/protected/a%20b.pdf", "Content-Type:application/pdf", "Content-Disposition:attachment",
                                              "Cache-Control:private", "Set-Cookie:a=b", more=f"&n={n}"))
            assert (got.status, got.body) == (200, b"0123456789"), got
            assert got.all("Content-Type") == ["application/pdf"] and got.get("Content-Disposition") == "attachment"
            assert got.get("Set-Cookie") == "a=b" and got.get("Cache-Control") == "private" and got.get("X-Own") == "yes"
            assert got.get("X-Accel-Redirect") is None and got.get("ETag") and got.get("Content-Length") == "10"
        target = accel("/protected/a%20b.pdf")
        part = client.request("GET", target, [("Range", "bytes=2-4")])
        assert (part.status, part.body, part.get("Content-Range")) == (206, b"234", "bytes 2-4/10")
        assert client.request("GET", target, [("If-None-Match", got.get("ETag"))]).status == 304
        head = client.request("HEAD", target)
        assert head.status == 200 and head.get("Content-Length") == "10"
        assert client.request("POST", target, body=b"x").body == b"0123456789"
        big = client.request("GET", accel("/protected/sub/x.txt"))
        assert big.body == b"x" * 300000
        sent = client.request("GET", f"/send.php?name=X-Sendfile&value={folder}/sub/x.txt")
        assert sent.status == 200 and len(sent.body) == 300000


def test_it_leads_nowhere_else(sender):
    proxy, folder, fpm = sender
    (folder / "link").symlink_to("/etc/shadow")
    for value, status in (("/protected/none", 404), ("/protected/", 502), ("/protected/../a", 502), ("/style.css", 502), ("/etc/passwd", 502),
                          ("/protected/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 502), ("/protected/sub", 404), (f"{fpm.www}/index.php", 502), ("/protected/link", 403)):
        got = proxy.get(accel(value))
        assert got.status == status and b"script" not in got.body and b"root:" not in got.body, (value, got)
    assert proxy.get("/send.php?name=X-Sendfile&value=/etc/passwd").status == 502
    assert proxy.get(f"/send.php?name=X-Sendfile&value={folder}/../storage/sub/x.txt").status == 502
    assert proxy.get("/send.php?name=X-LiteSpeed-Location&value=/protected/a%2520b.pdf").status == 502
    wait_until(lambda: "no prefix of internal leads there" in proxy.log(), "a line that says why")
    assert proxy.get("/index.php").status == 200


def test_a_client_cannot_ask_for_it(sender):
    proxy, _, _ = sender
    for target in ("/protected/a%20b.pdf", "/protected/root.txt", "//protected/root.txt", "/%70rotected/root.txt", "/x/../protected/root.txt",
                   "/protected", "/protected/", "/protected/none", "/protected/%2e/root.txt", "/protected%2froot.txt", "/get/protected/root.txt"):
        got = proxy.get(target)
        assert got.status == 404 and b"secret" not in got.body and b"0123" not in got.body, (target, got)


def test_without_internal_nothing_is_sent(stack):
    proxy, fpm = stack()
    (fpm.www / "send.php").write_text(SCRIPT, encoding="ascii")
    assert proxy.get(accel("/style.css")).status == 502
