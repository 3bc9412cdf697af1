"""`holdfast explain`: the answer to every "why is this 404", in agreement with what the server does."""

import json
import os
import re

import pytest

from harness.holdfast import command

TARGETS = ["/", "/style.css", "/index.php/x", "/none", "/none.php", "/conf/x.txt", "/conf", "/old/a", "/page/7", "/.env", "/sub", "/list/",
           "//conf/x.txt", "/%63onf/x.txt", "/hidden.php/a.css", "/bad%zz", "/up/evil.php"]


def explain(proxy, url, *more):
    status, out, err = command("explain", url, "-c", str(proxy.config_path), *more)
    assert status == 0, err
    return out


def test_it_says_what_the_server_does(stack):
    proxy, fpm = stack(site={"fallback": "/index.php", "routes": [
        {"path": "/conf/", "deny": 403}, {"path": "/old/**", "redirect": "/new/$1"}, {"path": "/page/*", "to": "/index.php?p=$1"},
        {"path": "/list/", "list": True}, {"path": "/hidden.php", "deny": 404}, {"path": "/up/", "php": False},
        {"path": "*.css", "expires": "30d", "headers": {"X-A": "b"}}]})
    for name in ("list", "up"):
        (fpm.www / name).mkdir()
    for name in ("up/evil.php", "hidden.php", ".env"):
        (fpm.www / name).write_text("<?php echo 'ran';", encoding="ascii")
    for target in TARGETS:
        told = explain(proxy, f"http://localhost{target}")
        answer = re.search(r"(?m)^answer +(.*)$", told).group(1)
        got = proxy.get(target)
        if got.status == 200 and (got.get("Content-Type") or "").startswith("application/json"):
            assert answer == f"script {fpm.www}{json.loads(got.body)['script']}", (target, told)
        elif got.status == 200:
            assert answer.startswith(("file ", "the names in ")), (target, told)
        else:
            assert answer.startswith(f"{got.status}"), (target, told, got)
            assert not got.get("Location") or got.get("Location") in answer, told


def test_it_names_the_site_the_routes_and_the_settings(stack):
    proxy, fpm = stack(site={"hosts": ["a.example"], "https": "required", "headers": {"X-Powered-By": ""}, "routes": [
        {"path": "/conf/", "allow": ["10.0.0.0/8"]}, {"path": "*.css", "expires": "30d", "headers": {"X-A": "b"}, "log": False},
        {"path": "/style.css", "when": {"user_agent": "Bot*", "method": "POST"}, "deny": 410}]})
    plain = explain(proxy, "http://a.example/style.css")
    assert "308 to https://a.example/style.css" in plain
    told = explain(proxy, "https://a.example/style.css")
    for words in ("sites[0], a.example", f"root {fpm.www}", "[1] *.css", "answer    file", "expires   30d", "headers   X-Powered-By is removed",
                  "X-A: b", "log       false"):
        assert words in told or words.replace("30d", "720h") in told, (words, told)
    assert "[2]" not in told
    bot = explain(proxy, "https://a.example/style.css", "--method", "POST", "--header", "User-Agent: Bot/1")
    assert "[2] /style.css (when): deny 410  <- decides" in bot and "answer    410: a route denies it" in bot, bot
    assert "403: the client's address is not in allow" in explain(proxy, "https://a.example/conf/x")
    assert "answer    404" in explain(proxy, "https://a.example/conf/x", "--from", "10.1.2.3")
    assert "none has host b.example" in explain(proxy, "http://b.example/")
    assert "308 to https://a.example/x" in explain(proxy, "/x"), "a path alone is asked of the first site"


def test_it_tells_of_ready_made_files_own_pages_and_https(stack, base):
    users = base / "users"
    users.write_text("ann:$2y$04$" + "x" * 53 + "\n", encoding="ascii")
    site = {"hosts": ["a.example"], "precompressed": True, "https": "required", "errors": {"404": "/e.html", "401": "/e.html", "5xx": "/none.html", "403": "/none.html"},
            "fallback": "404", "routes": [{"path": "/in/", "auth": {"users": str(users)}}, {"path": "/no/", "deny": 403},
                                          {"path": "/own/", "headers": {"Strict-Transport-Security": "max-age=60"}}]}
    proxy, fpm = stack(site=site, trusted_proxies=["127.0.0.0/8"], forwarded_headers=["x-forwarded-proto"])
    for name in ("e.html", "app.css", "app.css.gz", "app.css.br", "bad.css", "bad.css.gz"):
        (fpm.www / name).write_text(name, encoding="ascii")
    (fpm.www / "bad.css.gz").unlink()
    (fpm.www / "bad.css.gz").symlink_to("/etc/shadow")

    def told(path, *headers):
        """What it tells, and the server's answer to the same."""
        more = [word for name, value in headers for word in ("--header", f"{name}: {value}")]
        return (explain(proxy, f"https://a.example{path}", *more),
                proxy.get(path, [*headers, ("X-Forwarded-Proto", "https")], host="a.example"))

    for path, accepts, name, coding in (("/app.css", "gzip", "app.css.gz", "gzip"), ("/app.css", "gzip, br", "app.css.br", "br"), ("/app.css", "identity", "app.css", None),
                                        ("/bad.css", "gzip", "bad.css", None)):
        text, got = told(path, ("Accept-Encoding", accepts))
        assert got.get("Content-Encoding") == coding and (coding or got.body == name.encode())
        assert f"answer    file {fpm.www}/{name}\n" in text, text
        assert (f"coding    {coding}, ready-made in place of {path}" if coding else "coding    none") in text, text
    for path, status, page in (("/none", 404, f"page      {fpm.www}/e.html"), ("/in/x", 401, f"page      {fpm.www}/e.html"), ("/no/", 403, "page      Holdfast's own")):
        text, got = told(path)
        assert got.status == status and str(status) in text and page in text, (text, got)
        assert (got.body == b"e.html") == (status != 403)
    text, got = told("/index.php")
    assert "errors    401 /e.html, 403 /none.html, 404 /e.html, 5xx /none.html; not of php's own answers" in text, text
    assert f"https     required: Strict-Transport-Security: {got.get('Strict-Transport-Security')}\n" in text
    text, got = told("/own/")
    assert got.get("Strict-Transport-Security") == "max-age=60" and "https     required; headers has the last word" in text
    plain = explain(proxy, "http://a.example/app.css")
    assert "answer    308 to https://a.example/app.css" in plain and "https     required: a request by http is sent there" in plain


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_it_opens_files_as_the_server_does(stack):
    """Links of another owner, links to names that are never sent, files that not everybody may read."""
    proxy, fpm = stack()
    (fpm.www / "own.txt").write_text("x", encoding="ascii")
    (fpm.www / "private.txt").write_text("x", encoding="ascii")
    (fpm.www / "private.txt").chmod(0o600)
    for name, target in (("own-link.txt", "own.txt"), ("their-link.txt", "own.txt"), ("name-link.txt", "index.php")):
        (fpm.www / name).symlink_to(target)
    os.chown(fpm.www / "their-link.txt", 33, 33, follow_symlinks=False)
    expected = {"/own-link.txt": "file ", "/their-link.txt": "403: a link of another owner", "/name-link.txt": "404: a link leads to a name",
                "/private.txt": "403"}
    for target, words in expected.items():
        answer = re.search(r"(?m)^answer +(.*)$", explain(proxy, f"http://localhost{target}")).group(1)
        assert answer.startswith(words), (target, answer)
        assert proxy.get(target).status == (200 if words == "file " else int(words[:3])), target
    proxy.reload({**proxy.config, "sites": [{**proxy.config["sites"][0], "follow_links": "all"}]})
    assert "answer    file " in explain(proxy, "http://localhost/their-link.txt") and proxy.get("/their-link.txt").status == 200


@pytest.mark.parametrize("url, more", [("http://localhost/", ["--from", "x"]), ("", ["-c", "/none.yaml"])])
def test_usage(url, more):
    status, _, err = command("explain", url or "/", *more)
    assert status in (64, 78) and err


def test_applications_without_their_rules_are_noticed(base):
    root = base / "site"
    (root / "wp-includes").mkdir(parents=True)
    for name in ("wp-includes/version.php", "wp-login.php", "index.php"):
        (root / name).write_text("<?php", encoding="ascii")
    site = {"root": str(root), "pool": "php"}
    config = {"pools": {"php": {"address": "unix:/run/php.sock"}}, "sites": [site]}

    def check():
        (base / "a.yaml").write_text(json.dumps(config), encoding="ascii")
        return command("check", "-c", str(base / "a.yaml"))[2]

    said = check()
    assert "holds wordpress, and no rule hides what it hides" in said and "add app: wordpress" in said, said
    for rules in ({"app": "wordpress"}, {"routes": [{"path": "/x", "deny": 404}]}):
        config["sites"] = [{**site, **rules}]
        assert "holds wordpress" not in check()
