"""What the routes of a site make of requests: actions, settings, sub-paths, and that no other spelling leads around them."""

import json

import pytest

from harness.holdfast import merge
from harness.spellings import spellings

SECRET = "secret-of-the-site"
CLIENT = "198.51.100.7"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def site(stack):
    """`site(site={}, **config)`: a proxy before php-fpm, asked by a trusted proxy; returns it and the root."""

    def start(rules=None, **config):
        proxy, fpm = stack(site=rules or {}, **merge({"trusted_proxies": "127.0.0.1"}, config))
        return proxy, fpm.www

    return start


def script_of(response):
    assert response.status == 200, response
    got = json.loads(response.body)
    return got["script"], got["path_info"], got["query"]


def test_actions(site):
    proxy, www = site({"fallback": "/index.php$path", "routes": [
        {"path": "/private/", "deny": 403}, {"path": "/gone", "deny": 410}, {"path": "/old/**", "redirect": "/new/$1"},
        {"path": "/away", "redirect": "https://other.example$uri?", "status": 302},
        {"path": "/page/*", "to": "/index.php?page=$1"}, {"path": "/assets/", "fallback": 404}]})
    write(www / "private" / "a.txt", SECRET)
    with proxy.client() as client:
        assert client.request("GET", "/private/a.txt").status == 403
        assert client.request("GET", "/gone").status == 410
        assert client.request("POST", "/gone", body=b"x").status == 410
        moved = client.request("GET", "/old/a%20b/c?q=1")
        assert (moved.status, moved.get("Location")) == (301, "/new/a%20b/c?q=1")
        away = client.request("GET", "/away?q=1")
        assert (away.status, away.get("Location")) == (302, "https://other.example/away")
        assert script_of(client.request("GET", "/page/7?x=%20")) == ("/index.php", None, "page=7&x=%20")
        assert script_of(client.request("GET", "/any/thing?x=%20")) == ("/index.php", "/any/thing", "x=%20")
        assert client.request("GET", "/assets/none.css").status == 404
        assert client.request("GET", "/style.css").status == 200


def test_a_redirect_never_leaves_the_host(site):
    proxy, _ = site({"routes": [{"path": "/r/**", "redirect": "/$1"}, {"path": "/s/**", "redirect": "$path"},
                                {"path": "/t/**", "redirect": "/x/$1"}]})
    with proxy.client() as client:
        for target in ("/r//evil.example", "/r/%2fevil.example", "/r/%2f%2fevil.example", "/r/%5cevil.example", "/r/\\evil.example",
                       "/r/%09/evil.example", "/r/%0d%0aX:y", "/t/..%2f..%2f%2fevil"):
            response = client.request("GET", target)
            where = response.get("Location", "/")
            assert where.startswith("/") and not where.startswith(("//", "/\\")) and "\\" not in where, (target, response)
            assert response.get("X") is None


def test_only_named_scripts_run(site):
    proxy, www = site({"run": ["/index.php"], "fallback": "/index.php", "routes": [{"path": "/up/", "php": False}]})
    write(www / "up" / "evil.php", "<?php echo 'ran'; // " + SECRET)
    write(www / "tool.php", "<?php echo 'ran'; // " + SECRET)
    write(www / "sub2" / "index.php", "<?php echo 'ran'; // " + SECRET)
    with proxy.client() as client:
        for target in ("/tool.php", "/tool.php/x", "/tool%2ephp", "/sub2/", "/sub2/index.php", "//tool.php", "/x/../tool.php"):
            assert script_of(client.request("GET", target))[0] == "/index.php", target
        for target in ("/up/evil.php", "/up/evil.php/x.png", "/up/evil.php/", "/UP/../up/evil.php", "/up//evil.php", "/up/%65vil.php"):
            response = client.request("GET", target)
            assert response.status == 404 and b"ran" not in response.body and SECRET.encode() not in response.body, (target, response)


def test_without_a_rule_the_spellings_do_reach(site):
    """Else the next test would prove nothing."""
    proxy, www = site({"routes": [{"path": "/get/**", "to": "/$1"}]})
    write(www / "hidden" / "data.txt", SECRET)
    reached = [target for target in spellings("/hidden/data.txt") + ["/get/hidden/data.txt"] if SECRET.encode() in proxy.get(target).body]
    assert len(reached) >= 20 and "/get/hidden/data.txt" in reached, reached


@pytest.mark.parametrize("rule", [{"deny": 404}, {"allow": ["10.0.0.0/8"]}, {"redirect": "/elsewhere"}, {"php": False}])
def test_nothing_is_reached_by_another_spelling(site, rule):
    proxy, www = site({"fallback": "/index.php$path", "routes": [{"path": "/hidden/", **rule}, {"path": "/get/**", "to": "/$1"}]})
    write(www / "hidden" / "run.php", f"<?php echo '{SECRET}';")
    names = ["run.php"]
    if "php" not in rule:
        write(www / "hidden" / "data.txt", SECRET)
        write(www / "hidden" / "index.php", f"<?php echo '{SECRET}';")
        names += ["data.txt", ""]
    for name in names:
        tried = spellings(f"/hidden/{name}")
        assert len(tried) >= 30
        if "redirect" not in rule:  # of the path asked for alone
            tried += ["/get/hidden/" + name, "/get/./hidden/" + name, "/get/%68idden//" + name]
        with proxy.client() as client:
            for target in tried:
                for method in ("GET", "HEAD", "POST"):
                    response = client.request(method, target, [("X-Forwarded-For", CLIENT)], body=b"" if method == "POST" else None)
                    assert SECRET.encode() not in response.body, (method, target, response)
                    if response.closes:
                        client.close()
                        client = proxy.client()
        # The rule holds the path, not the site.
        assert proxy.get("/style.css").status == 200


def test_a_suffix_is_hidden_behind_path_info(site):
    proxy, www = site({"routes": [{"path": ["/conf/**.php", "*.inc.php"], "deny": 404}]})
    write(www / "conf" / "x.php", f"<?php echo '{SECRET}';")
    write(www / "db.inc.php", f"<?php echo '{SECRET}';")
    for target in ("/conf/x.php", "/conf/x.php/a", "/conf/x.php/a.css", "/conf/x.php/.php", "/db.inc.php", "/db.inc.php/", "/db.inc.php/x.css"):
        response = proxy.get(target)
        assert response.status == 404 and SECRET.encode() not in response.body, target


def test_allow_is_about_the_client_that_trusted_proxies_name(site):
    proxy, www = site({"allow": ["10.0.0.0/8", "192.0.2.1"], "routes": [{"path": "/open/", "allow": "all"}]})
    write(www / "open" / "a.txt", "open")
    for address, status in (("10.1.2.3", 200), ("192.0.2.1", 200), ("192.0.2.2", 403), ("10.1.2.3, 192.0.2.2", 403), ("::ffff:10.0.0.1", 200)):
        assert proxy.get("/style.css", [("X-Forwarded-For", address)]).status == status, address
    assert proxy.get("/style.css").status == 403, "127.0.0.1 itself"
    assert proxy.get("/open/a.txt", [("X-Forwarded-For", "192.0.2.2")]).status == 200
    proxy.config.pop("trusted_proxies")
    proxy.reload(proxy.config)
    assert proxy.get("/style.css", [("X-Forwarded-For", "10.1.2.3")]).status == 403, "whoever says so himself"


def test_headers_of_all_answers(site):
    proxy, www = site({
        "headers": {"X-Frame-Options": "DENY", "X-Powered-By": "", "x-own": "site"}, "fallback": "/index.php",
        "routes": [{"path": "*.css", "headers": {"X-Own": "route"}, "expires": "30d"}, {"path": "/no", "deny": 404, "headers": {"X-Own": ""}},
                   {"path": "/moved", "redirect": "/x", "expires": "1h"}, {"path": "/respond.php", "expires": "max"}]})
    write(www / "folder" / "a.txt", "a")
    with proxy.client() as client:
        php = client.request("GET", "/respond.php?h[]=X-Own:php&h[]=X-Own:again&h[]=X-Php:1&body=x")
        assert php.all("X-Own") == ["site"] and php.get("X-Php") == "1" and php.get("X-Powered-By") is None
        assert php.get("Cache-Control") == "max-age=315360000" and php.get("Expires")
        kept = client.request("GET", "/respond.php?h[]=Cache-Control:private&body=x")
        assert kept.all("Cache-Control") == ["private"] and kept.get("Expires") is None, "php knows what is private"
        assert client.request("GET", "/respond.php?status=404&body=x").get("Cache-Control") is None
        css = client.request("GET", "/style.css")
        assert css.all("X-Own") == ["route"] and css.get("Cache-Control") == "max-age=2592000"
        same = client.request("GET", "/style.css", [("If-None-Match", css.get("ETag"))])
        assert same.status == 304 and same.get("X-Own") == "route" and same.get("Cache-Control") == "max-age=2592000"
        part = client.request("GET", "/style.css", [("Range", "bytes=0-1")])
        assert part.status == 206 and part.get("X-Own") == "route"
        no = client.request("GET", "/no")
        assert no.status == 404 and no.get("X-Own") is None and no.get("Cache-Control") is None
        moved = client.request("GET", "/moved")
        assert moved.get("Cache-Control") == "max-age=3600"
        for answer in (php, css, same, part, no, moved, client.request("GET", "/folder"), client.request("OPTIONS", "/style.css"),
                       client.request("POST", "/style.css", body=b"x"), client.request("GET", "/wiki")):
            assert answer.all("X-Frame-Options") == ["DENY"], answer


def test_types_charset_log_and_limits_of_a_route(site):
    proxy, www = site({"charset": "iso-8859-1", "types": {"foo": "text/x-foo", "css": "text/css; charset=utf-16"}, "fallback": "/index.php",
                       "routes": [{"path": "/dl/", "type": "application/octet-stream"}, {"path": "/quiet/", "log": False},
                                  {"path": "/big.php", "max_body": "10"}, {"path": "/index.php/small", "max_body": 4}]})
    for name in ("a.html", "a.foo", "a.FOO", "a.png", "dl/a.html", "quiet/a.txt"):
        write(www / name, "x")
    with proxy.client() as client:
        for target, wanted in (("/a.html", "text/html; charset=iso-8859-1"), ("/a.foo", "text/x-foo; charset=iso-8859-1"),
                               ("/a.FOO", "text/x-foo; charset=iso-8859-1"), ("/a.png", "image/png"), ("/style.css", "text/css; charset=utf-16"),
                               ("/dl/a.html", "application/octet-stream")):
            assert client.request("GET", target).get("Content-Type") == wanted, target
        assert client.request("GET", "/quiet/a.txt").status == 200
        assert client.request("POST", "/index.php/small", body=b"1234").status == 200
    assert proxy.get("/index.php/small", method="POST", body=b"12345").status == 413
    proxy.get("/a.png?last")
    proxy.wait_access(lambda entry: entry["target"] == "/a.png?last")
    assert not [line for line in proxy.access() if line["target"].startswith("/quiet")]


def test_https_required(site):
    proxy, _ = site({"hosts": ["a.example"], "https": "required"})
    asked = proxy.get("/style.css?q=1", host="a.example:8080")
    assert (asked.status, asked.get("Location")) == (308, "https://a.example/style.css?q=1")
    assert asked.get("Strict-Transport-Security") is None, "only what came by https may say so (RFC 6797 7.2)"
    for target in ("/style.css", "/index.php", "/none"):
        secure = proxy.get(target, [("X-Forwarded-Proto", "https")], host="a.example")
        assert secure.status in (200, 404) and secure.get("Strict-Transport-Security") == "max-age=31536000", secure


def test_a_whole_host_is_redirected(start_fpm, start_holdfast):
    fpm = start_fpm().start()
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [
        {"hosts": ["www.a.example"], "redirect": "https://a.example$uri"}, {"hosts": ["a.example"], "root": str(fpm.www), "pool": "php"}]})
    moved = proxy.get("/x%20y?q=1", host="www.a.example")
    assert (moved.status, moved.get("Location")) == (301, "https://a.example/x%20y?q=1")
    assert proxy.get("/style.css", host="a.example").status == 200


def test_applications_below_paths_of_one_host(start_fpm, start_holdfast, tmp_path):
    """By the longest path; SCRIPT_NAME keeps it, files and patterns are relative to it; each has its pool."""
    first, second = start_fpm().start(), start_fpm().start()
    pools = {"one": {"address": first.address}, "two": {"address": second.address}}
    proxy = start_holdfast({"pools": pools, "sites": [
        {"root": str(first.www), "pool": "one", "routes": [{"path": "/pool2.php", "pool": "two"}]},
        {"path": "/wiki", "root": str(second.www), "pool": "two", "fallback": "/index.php$path", "routes": [{"path": "/conf/", "deny": 403}]},
        {"path": "/wiki/deep", "root": str(first.www), "pool": "one"}]})
    write(second.www / "conf" / "a.txt", SECRET)
    write(first.www / "pool2.php", "<?php echo 'x';")
    with proxy.client() as client:
        assert script_of(client.request("GET", "/wiki/Main/Page?a=b")) == ("/wiki/index.php", "/Main/Page", "a=b")
        got = json.loads(client.request("GET", "/wiki/params.php/p").body)["server"]
        assert got["SCRIPT_NAME"] == "/wiki/params.php" and got["PATH_INFO"] == "/p" and got["DOCUMENT_URI"] == "/wiki/params.php/p"
        assert got["SCRIPT_FILENAME"] == str(second.www / "params.php") and got["DOCUMENT_ROOT"] == str(second.www)
        assert client.request("GET", "/wiki/style.css").status == 200
        bare = client.request("GET", "/wiki?a=b")
        assert (bare.status, bare.get("Location")) == (301, "/wiki/?a=b")
        assert client.request("GET", "/wiki/conf/a.txt").status == 403
        assert client.request("GET", "/wiki/deep/none").status == 404
        assert script_of(client.request("GET", "/wiki/deeper"))[1] == "/deeper"
        assert script_of(client.request("GET", "/index.php"))[0] == "/index.php"
        assert client.request("GET", "/wikileaks").status == 404
        client.request("GET", "/pool2.php")
    assert proxy.wait_access(lambda entry: entry["target"] == "/pool2.php")[0]["pool"] == "two"


def test_timeouts_of_a_route(site):
    proxy, _ = site({"routes": [{"path": "/sleep.php", "timeouts": {"first_byte": "100ms"}}]})
    assert proxy.get("/sleep.php?ms=3000&t=x").status == 504
    assert proxy.get("/index.php").status == 200
