"""What lies below a root and is never sent: copies of source, dumps, dot files, what links of another owner lead to."""

import os
import pwd

import pytest

from harness.http_client import build_request
from harness.php_fpm import worker_user

SECRET = "<?php // secret\n"
COPIES = ["a.php~", "a.php.bak", "a.php.old", "a.php.orig", "a.php.save", "a.php.swp", "a.php.txt", "a.php.", "a.php ", "A.PHP",
          "a.Php.Bak", "a.php.jpg", "a.phtml", "a.phar", "a.phps", "a.pht", "a.php5", "a.php,v", "a.php.gz", "a.inc", "a.inc~",
          "dump.sql", "dump.sql.gz", "DUMP.SQL", "style.css~", ".style.css.swp", "composer.json", "Composer.lock", "auth.json",
          "error_log", "a.bak", "web.config", "dump.sql.br", "a.phpold", "a.php1bak", "a.bak1", "a.swx"]


def quoted(name, every=False):
    return "".join(f"%{byte:02x}" if every or not chr(byte).isalnum() else chr(byte) for byte in name.encode())


@pytest.fixture
def sites(start_fpm, start_holdfast):
    """One php-fpm, and a proxy before it with a site by host: plain, fc (a front controller), files (no php)."""
    fpm = start_fpm().start()
    for name in COPIES:
        (fpm.www / name).write_text(SECRET, encoding="ascii")
    site = {"root": str(fpm.www), "pool": "php"}
    return start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [
        {**site, "hosts": ["plain"]}, {**site, "hosts": ["fc"], "front_controller": "/index.php"},
        {"root": str(fpm.www), "hosts": ["files"]}]}), fpm.www


def test_copies_of_source_are_never_sent(sites):
    """404, or the front controller's page; by any spelling, method and range."""
    proxy, _ = sites
    with proxy.client() as client:
        for name in COPIES:
            for target in ("/" + quoted(name), "/" + quoted(name, every=True), "//x/../" + quoted(name)):
                for method, headers in (("GET", []), ("GET", [("Range", "bytes=0-9")]), ("HEAD", []), ("OPTIONS", []),
                                        ("GET", [("Accept-Encoding", "gzip")]), ("GET", [("If-None-Match", '"x"')])):
                    for host in ("plain", "files"):
                        response = client.request(method, target, headers, host=host)
                        assert response.status == 404 and b"secret" not in response.body, (host, method, target, response)
                        assert not response.get("ETag"), response
            response = client.request("GET", "/" + quoted(name), host="fc")
            if not name.startswith("."):
                assert response.status == 200 and b'"script":"\\/index.php"' in response.body, (name, response)
            assert b"secret" not in response.body
            assert client.request("POST", "/" + quoted(name), body=b"x", host="plain").status == 404
        for name in ("style.css",):
            assert client.request("GET", "/" + name, host="plain").status == 200


def test_published_names_are_sent(sites):
    proxy, _ = sites
    proxy.config["sites"][0]["publish"] = "*.sql"
    proxy.reload(proxy.config)
    for name, status in (("dump.sql", 200), ("DUMP.SQL", 200), ("dump.sql.gz", 404), ("a.inc", 404)):
        assert proxy.get("/" + name, host="plain").status == status, name
    proxy.config["sites"][0]["publish"] = ["*.sql", "*"]
    proxy.reload(proxy.config)
    with proxy.client() as client:
        for name in COPIES:
            response = client.request("GET", "/" + quoted(name), host="plain")
            assert response.status == 200 and response.body == SECRET.encode(), (name, response)


def test_the_access_log_says_why(sites):
    proxy, _ = sites
    proxy.get("/dump.sql", host="plain")
    line = proxy.wait_access(lambda entry: entry["target"] == "/dump.sql")[0]
    assert "publish" in line["outcome"], line


def test_dot_names_are_refused_only_where_they_are(sites):
    """/wiki/.NET_Framework is a page of the application, /.git is not."""
    proxy, www = sites
    (www / ".git").mkdir()
    (www / ".git" / "config").write_text("secret", encoding="ascii")
    for target in ("/wiki/.NET_Framework", "/.nothing", "/dav/.DS_Store", "/.well-known/.x", "/.nothing/.git/config"):
        response = proxy.get(target, host="fc")
        assert response.status == 200 and b'"script":"\\/index.php"' in response.body, (target, response)
        assert proxy.get(target, host="plain").status == 404
    for target in ("/.git/config", "/.git", "/.git/", "/.git/nothing", "/.env", "/%2egit/config", "/.GIT/../.git/config"):
        for host in ("fc", "plain", "files"):
            response = proxy.get(target, host=host)
            assert response.status == 404 and b"secret" not in response.body, (host, target, response)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


def owner(path, name):
    user = pwd.getpwnam(name)
    os.lchown(path, user.pw_uid, user.pw_gid)


@as_root
def test_links_of_another_owner_are_not_followed(sites):
    """php's user makes links; what root alone may read does not come out by them."""
    proxy, www = sites
    user = worker_user()
    private = www.parent / "private"
    private.write_text("secret", encoding="ascii")
    os.chmod(private, 0o644)
    for name, target in (("shadow.txt", "/etc/shadow"), ("passwd.txt", "/etc/passwd"), ("x.txt", "../private"),
                         ("up", "/"), ("proc.txt", "/proc/self/environ")):
        (www / name).symlink_to(target)
        owner(www / name, user)
    (www / "hop.txt").symlink_to("x.txt")
    owner(www / "hop.txt", user)
    for target in ("/shadow.txt", "/passwd.txt", "/x.txt", "/hop.txt", "/up/etc/passwd"):
        for method in ("GET", "HEAD"):
            response = proxy.get(target, method=method, host="plain")
            assert response.status in (403, 404), (target, response)
            assert b"root:" not in response.body and b"secret" not in response.body
    assert proxy.get("/proc.txt", host="plain").body == b"" or proxy.get("/proc.txt", host="plain").status in (403, 404)
    line = proxy.wait_access(lambda entry: entry["target"] == "/x.txt")[0]
    assert "follow_links" in line["outcome"], line
    # Its own files are another matter, and root may link as it likes.
    storage = www.parent / "storage"
    storage.mkdir()
    (storage / "photo.txt").write_text("photo", encoding="ascii")
    owner(storage, user)
    (www / "storage").symlink_to("../storage")
    owner(www / "storage", user)
    (www / "given.txt").symlink_to("../private")
    assert proxy.get("/storage/photo.txt", host="plain").body == b"photo"
    assert proxy.get("/given.txt", host="plain").body == b"secret"
    proxy.config["sites"][0]["follow_links"] = "all"
    proxy.reload(proxy.config)
    assert proxy.get("/x.txt", host="plain").body == b"secret"


def test_a_link_is_no_other_name_for_source(sites):
    proxy, www = sites
    (www / "readme.txt").symlink_to("echo.php")
    (www / "env.txt").symlink_to(".env")
    (www / "data").symlink_to(".hidden")
    assert (www / ".hidden" / "file.txt").exists()
    (www / "deep.txt").symlink_to("data/file.txt")
    (www / "dump.txt").symlink_to("../outer.sql")
    (www.parent / "outer.sql").write_text("secret", encoding="ascii")
    (www / "..2024_11_27").mkdir()
    (www / "..2024_11_27" / "volume.txt").write_text("volume", encoding="ascii")
    (www / "..data").symlink_to("..2024_11_27")
    (www / "volume.txt").symlink_to("..data/volume.txt")  # as Kubernetes mounts volumes
    hidden = ("/readme.txt", "/env.txt", "/data/file.txt", "/deep.txt", "/dump.txt")
    for rule in ("owner", "all"):
        proxy.config["sites"][0]["follow_links"] = rule
        proxy.reload(proxy.config)
        for target in hidden:
            assert proxy.get(target, host="plain").status == 404, (rule, target)
        assert proxy.get("/volume.txt", host="plain").body == b"volume", rule
        assert proxy.get("/..data/volume.txt", host="plain").status == 404, rule
    proxy.config["sites"][0]["publish"] = ["*.php", ".hidden", "*.sql"]
    proxy.reload(proxy.config)
    assert b"<?php" in proxy.get("/readme.txt", host="plain").body
    for target in ("/data/file.txt", "/deep.txt", "/dump.txt"):
        assert proxy.get(target, host="plain").status == 200, target


@as_root
def test_a_list_shows_no_more_than_files_would(sites):
    """By links of php's user, in the listed folder and on the way to it."""
    proxy, www = sites
    user = worker_user()
    (www / "dl").mkdir()
    (www / "dl" / "file.txt").write_text("x", encoding="ascii")
    for name, target in (("up", "../.."), ("etc", "/etc"), ("proc", "/proc/self/root"), ("shadow", "/etc/shadow")):
        (www / "dl" / name).symlink_to(target)
        owner(www / "dl" / name, user)
    (www / ".git").mkdir()
    (www / ".git" / "config").write_text("secret", encoding="ascii")
    (www / "dl" / "git").symlink_to("../.git")
    (www / "dl" / "given").symlink_to(www.parent)
    (www / "dl" / "closed").mkdir(mode=0o700)
    (www / "lib.old").mkdir()
    (www / "lib.old" / "inside.txt").write_text("x", encoding="ascii")
    (www / "dl" / "library").symlink_to("../lib.old")  # no file: what is never sent is said of files
    proxy.config["sites"][0]["list"] = True
    proxy.reload(proxy.config)
    page = proxy.get("/dl/", host="plain")
    assert page.status == 200 and b"file.txt" in page.body and b"given" in page.body and b'"./library/"' in page.body, page
    assert b'"./inside.txt"' in proxy.get("/dl/library/", host="plain").body
    assert proxy.get("/dl/library", host="plain").get("Location") == "/dl/library/"
    assert proxy.get("/dl/library/inside.txt", host="plain").status == 200
    for name in (b"up", b"etc", b"proc", b"shadow", b"git"):
        assert b'href="./' + name not in page.body, (name, page.body)
    for target, status in (("/dl/up/", 403), ("/dl/etc/", 403), ("/dl/etc/ssl/", 403), ("/dl/proc/", 403), ("/dl/git/", 404),
                           ("/dl/closed/", 403), ("/dl/given/", 200)):
        response = proxy.get(target, host="plain")
        assert response.status == status, (target, response)
    assert "follow_links" in proxy.wait_access(lambda entry: entry["target"] == "/dl/etc/")[0]["outcome"]
    assert "publish" in proxy.wait_access(lambda entry: entry["target"] == "/dl/git/")[0]["outcome"]
    proxy.config["sites"][0]["follow_links"] = "all"
    proxy.reload(proxy.config)
    assert b"passwd" in proxy.get("/dl/etc/", host="plain").body
    assert proxy.get("/dl/git/", host="plain").status == 404


@as_root
def test_files_that_may_not_be_read(sites):
    """Root could: it does not."""
    proxy, www = sites
    for mode in (0o000, 0o600):
        path = www / "closed.txt"
        path.write_text("secret", encoding="ascii")
        os.chmod(path, mode)
        response = proxy.get("/closed.txt", host="plain")
        assert response.status in (403, 404) and b"secret" not in response.body, (oct(mode), response)


def test_encoded_nul_and_slashes(sites):
    proxy, _ = sites
    for target in ("/a.php~%00.css", "/a.php.bak%00", "/a.php.bak/", "/a.php.bak/x.css", "/style.css/../a.php.bak", "/a.php.bak%2f"):
        with proxy.client() as client:
            client.send(build_request("GET", target, host="plain"))
            response = client.read()
            assert response.status in (400, 404) and b"secret" not in response.body, (target, response)
