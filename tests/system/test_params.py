"""What PHP sees: the CGI parameters, and what of the client's request never becomes one."""

import json
import os

import pytest

from harness.http_client import Client
from harness.wait import PATIENCE, wait_until


def seen(proxy, target="/params.php", headers=(), **more):
    response = proxy.get(target, headers, **more)
    assert response.status == 200, response
    return json.loads(response.body)


def server(proxy, *args, **more):
    return seen(proxy, *args, **more)["server"]


def test_the_usual_parameters(stack, transport):
    proxy, fpm = stack(transport, site={"params": {"APP_ENV": "testing"}})
    with proxy.client() as client:
        port = client.local_port
        response = client.request("GET", "/sub/../params.php?a=1&b=%20x", host=f"localhost:{proxy.port}")
        got = json.loads(response.body)["server"]
    assert got["REQUEST_METHOD"] == "GET"
    assert got["SCRIPT_FILENAME"] == str(fpm.www / "params.php")
    assert got["SCRIPT_NAME"] == "/params.php"
    assert got["DOCUMENT_ROOT"] == str(fpm.www)
    assert got["REQUEST_URI"] == "/sub/../params.php?a=1&b=%20x", "as sent"
    assert got["QUERY_STRING"] == "a=1&b=%20x"
    assert got["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert got["GATEWAY_INTERFACE"] == "CGI/1.1"
    assert got["REMOTE_ADDR"] == "127.0.0.1"
    assert got["REMOTE_PORT"] == str(port)
    assert got["SERVER_PORT"] == str(proxy.port)
    assert got["SERVER_NAME"] == "localhost"
    assert got["HTTP_HOST"] == f"localhost:{proxy.port}"
    assert got["REQUEST_SCHEME"] == "http" and got.get("HTTPS", "") in ("", "off")
    assert "holdfast" in got["SERVER_SOFTWARE"].lower()
    assert got["REDIRECT_STATUS"] == "200"
    assert got["APP_ENV"] == "testing"


def test_http_host_is_the_authority(stack):
    """Of an absolute-form target, whatever the Host field says."""
    proxy, _ = stack()
    got = server(proxy, "http://shop.example:8080/params.php?x=1", host="other")
    assert got["HTTP_HOST"] == "shop.example:8080" and got["SERVER_NAME"] == "shop.example"
    assert server(proxy, host="[::1]:81")["HTTP_HOST"] == "[::1]:81"


def test_repeated_fields_are_joined(stack):
    proxy, _ = stack()
    got = seen(proxy, headers=[("Cookie", "a=1"), ("X-Many", "one"), ("Cookie", "b=2"), ("x-many", "two"),
                               ("Accept", "a/b"), ("Accept", "c/d")])
    assert got["server"]["HTTP_COOKIE"] == "a=1; b=2"
    assert got["cookie"] == {"a": "1", "b": "2"}
    assert got["server"]["HTTP_X_MANY"] == "one, two"
    assert got["server"]["HTTP_ACCEPT"] == "a/b, c/d"


def test_fields_that_never_reach_php(stack):
    """Proxy (httpoxy), names with underscores (they would pass for another field), hop-by-hop fields."""
    proxy, _ = stack()
    got = seen(proxy, headers=[("Proxy", "http://evil"), ("X_Forwarded_For", "6.6.6.6"), ("X.Dotted", "evil"),
                               ("Connection", "X-Hop"), ("X-Hop", "1"), ("TE", "trailers"), ("X-Fine", "fine")])
    text = json.dumps(got["server"])
    assert "evil" not in text and "6.6.6.6" not in text, text
    assert got["proxy"] is False and "HTTP_PROXY" not in got["server"]
    assert "HTTP_X_HOP" not in got["server"]
    assert got["server"]["HTTP_X_FINE"] == "fine"


def test_fields_cannot_become_parameters(stack):
    """Only HTTP_ names come from the client; PHP_VALUE and its kind would change php's settings for good."""
    proxy, fpm = stack()
    got = server(proxy, headers=[("PHP-VALUE", "memory_limit=1"), ("Script-Filename", "/etc/passwd"),
                                 ("Content-Length", "0"), ("Remote-Addr", "6.6.6.6"), ("Https", "on")])
    assert "PHP_VALUE" not in got and got["HTTP_PHP_VALUE"] == "memory_limit=1"
    assert got["SCRIPT_FILENAME"] == str(fpm.www / "params.php")
    assert got["REMOTE_ADDR"] == "127.0.0.1"
    assert got.get("HTTPS", "") in ("", "off")


def test_configured_parameters_win(stack):
    proxy, _ = stack(site={"params": {"HTTP_X_MODE": "configured", "SERVER_NAME": "fixed", "HTTPS": "on"}})
    got = server(proxy, headers=[("X-Mode", "client")])
    assert (got["HTTP_X_MODE"], got["SERVER_NAME"], got["HTTPS"]) == ("configured", "fixed", "on")


def test_body_parameters(stack):
    proxy, _ = stack()
    got = seen(proxy, headers=[("Content-Type", "application/x-www-form-urlencoded")], method="POST", body=b"a=1&b=c+d")
    assert got["server"]["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert got["server"]["CONTENT_LENGTH"] == "9"
    assert got["post"] == {"a": "1", "b": "c d"}
    assert server(proxy).get("CONTENT_LENGTH", "") in ("", "0")


def test_path_info(stack):
    """Split at `.php` followed by a slash; the script must be a file."""
    proxy, fpm = stack()
    got = server(proxy, "/params.php/a/b%20c/d.php?q=1")
    assert got["SCRIPT_NAME"] == "/params.php" and got["PATH_INFO"] == "/a/b c/d.php"
    assert got["SCRIPT_FILENAME"] == str(fpm.www / "params.php")
    assert got["PHP_SELF"] == "/params.php/a/b c/d.php"
    assert "PATH_INFO" not in server(proxy) or server(proxy)["PATH_INFO"] == ""
    assert proxy.get("/style.css/x.php").status == 404, "never another file's content as PHP"
    assert proxy.get("/none.php/params.php").status == 404


def test_a_path_behind_a_script_is_never_run(stack, transport):
    """With cgi.fix_pathinfo=0 php-fpm runs PATH_TRANSLATED in place of SCRIPT_FILENAME where it is sent."""
    proxy, fpm = stack(transport, fpm={"lines": "php_admin_value[cgi.fix_pathinfo] = 0\nsecurity.limit_extensions ="})
    (fpm.www / "up").mkdir()
    (fpm.www / "up" / "evil.jpg").write_text("<?php echo 'the picture ran';", encoding="ascii")
    response = proxy.get("/params.php/up/evil.jpg")
    assert response.status == 200 and b"the picture ran" not in response.body, response
    got = json.loads(response.body)["server"]
    assert got["PATH_INFO"] == "/up/evil.jpg" and got["SCRIPT_FILENAME"] == str(fpm.www / "params.php")
    assert "PATH_TRANSLATED" not in got


def test_front_controller(stack):
    proxy, fpm = stack(site={"front_controller": "/index.php"})
    got = json.loads(proxy.get("/blog/2024/post?x=1").body)
    assert got["uri"] == "/blog/2024/post?x=1" and got["script"] == "/index.php" and got["query"] == "x=1"
    assert json.loads(proxy.get("/none.php").body)["script"] == "/index.php"
    assert proxy.get("/style.css").get("Content-Type", "").startswith("text/css"), "files come first"
    assert proxy.get("/params.php").status == 200
    assert b"secret" not in proxy.get("/.env").body
    assert json.loads(proxy.get("/api/x", method="DELETE").body)["script"] == "/index.php"


def test_status_path_is_not_reachable_from_outside(stack):
    """php-fpm serves pm.status_path by SCRIPT_NAME: a client's URL must not choose it."""
    proxy, _ = stack()
    for target in ("/fpm-status", "/fpm-status?full", "/params.php/../fpm-status", "/x/..//fpm-status"):
        response = proxy.get(target)
        assert response.status == 404 and b"accepted conn" not in response.body, response


def test_php_root(start_fpm, start_holdfast, base):
    """The proxy sees the files in one place and php-fpm in another: as with two containers."""
    fpm = start_fpm().start()
    ours = base / "ours"
    ours.symlink_to(fpm.www)
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}},
                            "sites": [{"root": str(ours), "php_root": str(fpm.www), "pool": "php"}]})
    got = server(proxy, "/params.php/info")
    assert got["SCRIPT_FILENAME"] == str(fpm.www / "params.php")
    assert got["DOCUMENT_ROOT"] == str(fpm.www)
    assert proxy.get("/style.css").status == 200


def test_primary_script_unknown_names_the_remedy(start_fpm, start_holdfast):
    """php-fpm does not find the script that we see: the log says what to set."""
    fpm = start_fpm().start()
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}},
                            "sites": [{"root": str(fpm.www), "php_root": "/nowhere", "pool": "php"}]})
    assert proxy.get("/params.php").status == 404
    wait_until(lambda: "Primary script unknown" in proxy.log(), "php's own words")
    wait_until(lambda: "php_root" in proxy.log(), "the remedy")


@pytest.mark.parametrize("count", [1, 60])
def test_large_parameters(stack, transport, count):
    """Many and long fields: several PARAMS records, no pair in two of them."""
    proxy, _ = stack(transport, client={"max_header": "128k"})
    headers = [(f"X-Long-{i}", str(i) * (60000 // count // len(str(i)))) for i in range(count)]
    got = server(proxy, "/params.php?" + "q" * 7000, headers)
    for i in range(count):
        assert got[f"HTTP_X_LONG_{i}"] == headers[i][1]
    assert got["QUERY_STRING"] == "q" * 7000


def test_forwarded_fields_of_a_trusted_proxy(stack):
    """trusted_proxies: the client's address and scheme come from the fields; else they are only fields."""
    fields = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")]
    trusting, _ = stack(trusted_proxies=["127.0.0.0/8"])
    got = server(trusting, headers=fields)
    assert got["REMOTE_ADDR"] == "203.0.113.7" and got["HTTPS"] == "on", got
    plain, _ = stack()
    got = server(plain, headers=fields)
    assert got["REMOTE_ADDR"] == "127.0.0.1" and got.get("HTTPS", "") in ("", "off")


TRUST = {"trusted_proxies": ["127.0.0.0/8"]}


def test_a_proxy_that_sets_only_forwarded(stack):
    """The client's own X-Forwarded-For must not become REMOTE_ADDR, nor its X-Forwarded-Proto HTTPS."""
    lie = [("Forwarded", "for=203.0.113.7;proto=http"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"),
           ("X-Real-IP", "6.6.6.6"), ("X-Forwarded-Host", "evil.example")]
    told, _ = stack(forwarded_headers="forwarded", **TRUST)
    got = server(told, headers=lie)
    assert got["REMOTE_ADDR"] == "203.0.113.7" and got.get("HTTPS", "") in ("", "off")
    assert got["HTTP_FORWARDED"] == "for=203.0.113.7;proto=http"
    assert not [name for name in got if name.startswith("HTTP_X_")], got
    asked = told.get("/params.php", lie[:1])
    assert asked.status == 200


def test_no_open_quote_in_forwarded_hides_the_client(stack):
    """A client's quote would swallow the element that the proxy appends, and the client come in as the proxy."""
    allow = {"routes": [{"path": "/params.php", "allow": "private"}]}
    told, _ = stack(forwarded_headers="forwarded", site=allow, **TRUST)
    untold, _ = stack(site=allow, **TRUST)
    for proxy in (told, untold):
        for lie in ('for="', 'for="x\\"', 'for=127.0.0.1;x="', 'x="\\\\\\"', 'for="";for="'):
            assert proxy.get("/params.php", [("Forwarded", lie + ", for=9.9.9.9")]).status == 400, lie
            assert proxy.get("/params.php", [("Forwarded", lie), ("Forwarded", "for=9.9.9.9")]).status == 403, lie
        for hidden in ("unknown", "_hidden"):
            assert proxy.get("/params.php", [("Forwarded", f"for={hidden}")]).status == 403, hidden
        assert proxy.get("/params.php", [("Forwarded", "for=127.0.0.2")]).status == 200
    assert untold.get("/params.php", [("X-Forwarded-For", '127.0.0.1", "')]).status == 403
    assert "malformed" in told.wait_access(lambda entry: entry["status"] == 400)[0]["outcome"]


def test_without_forwarded_headers_a_contradiction_is_refused(stack):
    """Either could be the client's lie: nobody is believed, and no client can look like the proxy by it."""
    proxy, _ = stack(**TRUST)
    for fields in ([("Forwarded", "for=203.0.113.7"), ("X-Forwarded-For", "6.6.6.6")],
                   [("Forwarded", "for=203.0.113.7"), ("X-Forwarded-Proto", "https")],
                   [("Forwarded", "proto=https"), ("X-Forwarded-For", "203.0.113.7")]):
        assert proxy.get("/params.php", fields).status == 400, fields
        assert proxy.get("/style.css", fields).status == 400, fields
    line = proxy.wait_access(lambda entry: entry["status"] == 400)[0]
    assert "forwarded_headers" in line["outcome"], line
    got = server(proxy, headers=[("Forwarded", "for=203.0.113.7;proto=https"), ("X-Forwarded-For", "203.0.113.7"),
                                 ("X-Forwarded-Proto", "https")])
    assert got["REMOTE_ADDR"] == "203.0.113.7" and got["HTTPS"] == "on"
    assert server(proxy, headers=[("Forwarded", "for=203.0.113.7;proto=https")])["HTTPS"] == "on"


def test_php_sees_forwarding_fields_of_trusted_proxies_only(stack):
    """Applications believe them: WordPress makes HTTPS of X-Forwarded-Proto, others an address of X-Real-IP."""
    fields = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=6.6.6.6"),
              ("X-Real-IP", "6.6.6.6"), ("X-Forwarded-Ssl", "on"), ("X-Fine", "1")]
    for config in ({}, {"trusted_proxies": ["192.0.2.0/24"]}):
        proxy, _ = stack(**config)
        got = server(proxy, headers=fields)
        assert "6.6.6.6" not in json.dumps(got) and not [n for n in got if "FORWARDED" in n], got
        assert got["HTTP_X_FINE"] == "1" and got["REMOTE_ADDR"] == "127.0.0.1"


def test_the_port_and_host_that_the_client_asked_for(stack, base):
    """phpMyAdmin and others build links from SERVER_PORT: behind TLS it is not the port of our listener."""
    proxy, _ = stack(**TRUST, listen=["127.0.0.1:0", f"unix:{base}/http.sock"])
    https = ("X-Forwarded-Proto", "https")
    for fields, host, port in (([https], "shop.example", "443"), ([https, ("X-Forwarded-Port", "8443")], "shop.example", "8443"),
                               ([https], "shop.example:444", "444"), ([("X-Forwarded-For", "6.6.6.6")], "shop.example", "80"),
                               ([], "shop.example", str(proxy.port))):
        got = server(proxy, headers=fields, host=host)
        assert got["SERVER_PORT"] == port and got.get("HTTPS", "") == ("on" if https in fields else ""), (fields, host, got)
    for host, port in (("shop.example", "80"), ("shop.example:81", "81"), ("[::1]", "80")):
        with Client(f"{base}/http.sock", PATIENCE) as client:
            got = json.loads(client.request("GET", "/params.php", host=host).body)["server"]
        assert got["SERVER_PORT"] == port, (host, got)
    told = ("X-Forwarded-Host", "shop.example:8443")
    assert server(proxy, headers=[https, told], host="inner")["HTTP_HOST"] == "inner", "nobody says that the proxy sets it"
    named, _ = stack(**TRUST, forwarded_headers=["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"])
    got = server(named, headers=[https, told], host="inner")
    assert (got["HTTP_HOST"], got["SERVER_NAME"], got["SERVER_PORT"]) == ("shop.example:8443", "shop.example", "8443"), got


def test_raw_bytes_in_a_target(stack):
    """They find their file, and reach php as they were sent, as with nginx."""
    proxy, fpm = stack(site={"front_controller": "/params.php"})
    for name in (b"caf\xc3\xa9.txt", b"latin\xe9.txt"):
        with open(os.path.join(os.fsencode(fpm.www), name), "wb") as file:
            file.write(b"found")
        assert proxy.get("/" + name.decode("latin-1")).body == b"found", name
    with proxy.client() as client:
        client.send(b"GET /params.php/caf\xc3\xa9?q=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n")
        got = json.loads(client.read().body)["server"]
    assert got["REQUEST_URI"].startswith("/params.php/caf\u00e9?q="), got["REQUEST_URI"]
    assert got["PATH_INFO"] == "/caf\u00e9"


OPCACHE = "php_admin_flag[opcache.enable] = on\nphp_admin_value[opcache.revalidate_freq] = 3600\n" \
    "php_admin_value[realpath_cache_ttl] = 3600\nphp_admin_value[opcache.validate_timestamps] = 0"


def test_a_deployment_by_symbolic_link_is_seen_at_once(start_fpm, start_holdfast, base):
    """resolve_root: whatever OPcache and php's realpath cache hold, the next request runs the new release."""
    fpm = start_fpm(lines=OPCACHE, max_children=1).start()
    root = base / "app"
    for release in ("1", "2"):
        (root / "releases" / release).mkdir(parents=True)
        (root / "releases" / release / "page.php").write_text(
            f"<?php echo '{release} ', $_SERVER['DOCUMENT_ROOT'], ' ', $_SERVER['SCRIPT_FILENAME'];", encoding="ascii")
        (root / "releases" / release / "file.txt").write_text(release, encoding="ascii")
    (root / "current").symlink_to("releases/1")
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address, "max_connections": 1}}, "sites": [
        {"hosts": ["real"], "root": str(root / "current"), "pool": "php", "resolve_root": True},
        {"hosts": ["link"], "root": str(root / "current"), "pool": "php"}]})

    def page(release):
        folder = root / "releases" / release
        return f"{release} {folder} {folder}/page.php".encode()

    assert proxy.get("/page.php", host="real").body == page("1")
    assert proxy.get("/page.php", host="link").body.startswith(b"1 ")
    for release in ("2", "1", "2"):
        (root / "next").symlink_to(f"releases/{release}")
        os.replace(root / "next", root / "current")
        assert proxy.get("/page.php", host="real").body == page(release)
        for host in ("real", "link", "link"):
            assert proxy.get("/file.txt", host=host).body == release.encode()
    os.unlink(root / "current")
    assert proxy.get("/page.php", host="real").status == 404
    (root / "current").symlink_to("releases/1")
    assert proxy.get("/page.php", host="real").body == page("1")


def test_a_root_made_after_the_start(start_fpm, start_holdfast, base):
    fpm = start_fpm().start()
    proxy = start_holdfast({"pools": {"php": {"address": fpm.address}}, "sites": [{"root": str(base / "late"), "pool": "php"}]})
    assert proxy.get("/style.css").status == 404
    (base / "late").symlink_to(fpm.www)
    assert proxy.get("/style.css").status == 200
    assert proxy.get("/params.php").status == 200
