"""`holdfast doctor --front`: what it says of the web servers' configurations that the other tests start, and of what the packages put into /etc.

Nothing is started: doctor reads files.
"""

import json
import os
import subprocess

import pytest
from harness.fronts import KINDS, MORE_VARIANTS, VARIANTS, Front
from harness.holdfast import BINARY

PHP = {"unix": "unix:/run/php/php8.2-fpm.sock", "tcp": "tcp:127.0.0.1:9000"}
LISTENER = {"unix": "unix:/run/holdfast/php.sock", "tcp": "127.0.0.1:9001"}

# Their own time limit is 60 s; our queue's and the first byte's are 70 s together.
SHORT = {"front_timeout": "info"}
EXPECTED = {
    "nginx": SHORT, "nginx-kept": SHORT, "nginx-backup": SHORT, "nginx-kept-backup": SHORT, "apache": SHORT, "haproxy": SHORT, "caddy": {}, "lighttpd": {},
    "haproxy-mpxs": {**SHORT, "front_mpxs": "warning"}, "haproxy-values": SHORT,
}


def doctor(folder, *arguments, listener=None, php=None, more=""):
    config = folder / "holdfast.yaml"
    config.write_text(f"listen: {{ fastcgi: \"{listener or LISTENER['unix']}\", pool: php{more} }}\n"
                      f"pools: {{ php: {{ address: \"{php or PHP['unix']}\" }} }}\n", encoding="ascii")
    result = subprocess.run([BINARY, "doctor", "-c", config, "--offline", "--json", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert result.returncode in (0, 1, 2), result.stderr
    return [each for each in json.loads(result.stdout)["findings"] if each["id"].startswith("front")]


def worse_than_ok(findings):
    return {each["id"]: each["severity"] for each in findings if each["severity"] != "ok"}


def written(folder, variant, address, php):
    kind, options = {**VARIANTS, **MORE_VARIANTS}[variant]
    return Front(folder / "front", kind, address, folder, php=php, **options).write_config(8080)


@pytest.mark.parametrize("over", ["unix", "tcp"])
@pytest.mark.parametrize("variant", EXPECTED)
def test_each_web_server_that_speaks_to_us(tmp_path, variant, over):
    listener = LISTENER[over]
    conf = written(tmp_path, variant, listener if over == "unix" else "tcp:" + listener, PHP[over])
    findings = doctor(tmp_path, "--front", conf, listener=listener, php=PHP[over])
    assert worse_than_ok(findings) == EXPECTED[variant], findings
    (front,) = [each for each in findings if each["id"] == "front"]
    assert front["what"].endswith(f" speaks to {listener}"), front
    assert front["subject"].lower() == variant.split("-")[0]


def test_the_table_covers_all_variants():
    assert set(EXPECTED) == set(VARIANTS) | set(MORE_VARIANTS)


@pytest.mark.parametrize("over", ["unix", "tcp"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_web_server_that_goes_past_us_and_the_line_that_cures_it(tmp_path, kind, over):
    conf = written(tmp_path, kind, PHP[over], "")
    findings = doctor(tmp_path, "--front", conf, listener=LISTENER[over], php=PHP[over])
    assert worse_than_ok(findings) == {"front_past": "warning"}, findings
    (change,) = findings[0]["changes"]
    lines = conf.read_text(encoding="ascii").splitlines()
    # The change in place of that line, or of the part of it that names the address, leads to us.
    old = lines[change["line"] - 1]
    new = change["text"]
    if kind == "lighttpd":
        new = old.replace(KINDS[kind][2](PHP[over]), change["text"])
    lines[change["line"] - 1] = new
    conf.write_text("\n".join(lines) + "\n", encoding="ascii")
    after = doctor(tmp_path, "--front", conf, listener=LISTENER[over], php=PHP[over])
    assert "front_past" not in worse_than_ok(after) and any(each["what"].endswith(f"speaks to {LISTENER[over]}") for each in after), (new, after)


@pytest.mark.skipif(not os.path.exists("/etc/haproxy/haproxy.cfg"), reason="needs HAProxy's package")
def test_haproxy_of_the_package_is_shut_in(tmp_path):
    """It looks for sockets in /var/lib/haproxy. Two files are one configuration."""
    more = tmp_path / "php.cfg"
    more.write_text("backend php\n use-fcgi-app php\n server php unix@/run/holdfast/php.sock proto fcgi\nfcgi-app php\n docroot /srv\n", encoding="ascii")
    findings = worse_than_ok(doctor(tmp_path, "--front", "/etc/haproxy/haproxy.cfg", "--front", more))
    assert findings == {"front_chroot": "error"}
    inside = "unix:/var/lib/haproxy/run/holdfast/php.sock"
    findings = worse_than_ok(doctor(tmp_path, "--front", "/etc/haproxy/haproxy.cfg", "--front", more, listener=inside))
    assert findings == {"front_timeout": "info"}  # the package's is 50 s


@pytest.mark.skipif(not os.path.exists("/etc/apache2/conf-available/php8.2-fpm.conf"), reason="needs Apache's and php-fpm's package")
def test_apache_of_the_package(tmp_path):
    main = "/etc/apache2/apache2.conf"
    assert worse_than_ok(doctor(tmp_path, "--front", main)) in ({"front": "info"}, {"front_past": "warning"})
    site = tmp_path / "apache.conf"
    site.write_text(f"ServerRoot /etc/apache2\nInclude {main}\nLoadModule proxy_fcgi_module x.so\nInclude /etc/apache2/conf-available/php8.2-fpm.conf\n", encoding="ascii")
    findings = doctor(tmp_path, "--front", site)
    assert worse_than_ok(findings) == {"front_past": "warning"}, findings
    assert findings[0]["what"].startswith("/etc/apache2/conf-available/php8.2-fpm.conf:")


@pytest.mark.skipif(not os.path.exists("/etc/lighttpd/conf-available/15-fastcgi-php.conf"), reason="needs lighttpd's package")
def test_lighttpd_of_the_package(tmp_path):
    conf = tmp_path / "lighttpd.conf"
    conf.write_text('include "/etc/lighttpd/lighttpd.conf"\nserver.modules += ( "mod_fastcgi" )\n'
                    'include "/etc/lighttpd/conf-available/15-fastcgi-php.conf"\n', encoding="ascii")
    findings = doctor(tmp_path, "--front", conf, listener="unix:/run/lighttpd/php.socket")
    assert "front_spawns" in worse_than_ok(findings), findings


def test_what_cannot_be_read_is_said(tmp_path):
    conf = tmp_path / "x.conf"
    for text, said in (("hello\n", "is none of"), ("http {\n", "x.conf:2"), ("<Directory />\n", "has no end"), (":80 {\n php_fastcgi x:1 {\n", "has no end"),
                       ("server.modules = (\n", "expected before")):
        conf.write_text(text, encoding="ascii")
        (finding,) = doctor(tmp_path, "--front", conf)
        assert finding["severity"] == "warning" and said in finding["what"], (text, finding)
    conf.write_text("server { location / { fastcgi_pass $there; } }\n", encoding="ascii")
    assert worse_than_ok(doctor(tmp_path, "--front", conf)) == {"front_unclear": "info", "front": "info"}


def test_several_web_servers_and_what_they_include(tmp_path):
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "nginx.conf").write_text("http { include sites/*; }\n", encoding="ascii")
    (tmp_path / "nginx" / "sites").mkdir()
    (tmp_path / "nginx" / "sites" / "a").write_text("server { fastcgi_pass unix:/run/holdfast/php.sock; }\n", encoding="ascii")
    caddy = tmp_path / "Caddyfile"
    caddy.write_text(":80 {\n\tphp_fastcgi unix//run/holdfast/php.sock\n}\n", encoding="ascii")
    findings = doctor(tmp_path, "--front", tmp_path / "nginx" / "nginx.conf", "--front", caddy)
    assert {each["subject"] for each in findings if each["id"] == "front"} == {"nginx", "Caddy"}
