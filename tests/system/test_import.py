"""`holdfast import` of a whole nginx.conf with several servers: what it prints passes `check`, does what nginx does with the same requests,
and each line that it could not say is named."""

import re
import shutil

import pytest

from harness.app_tree import plant, seen, status_class
from harness.holdfast import command
from harness.http_client import Client
from harness.nginx import Nginx

# A line that ends in "#!" must be named; no other may be, but for what is not needed here.
SERVERS = """\
include /etc/nginx/mime.types;
  default_type application/octet-stream;
  sendfile on; keepalive_timeout 65;
  limit_req_zone $binary_remote_addr zone=login:1m rate=1r/s; #!
  map $http_x_beta $pool_of { default php; } #!
  upstream php { server @PHP@; }
  gzip on;
  add_header X-From http always;

  server {
    listen 127.0.0.1:@PORT@ default_server;
    server_name blog.example *.blog.example;
    root @ROOT@/blog;
    index index.php index.html;
    client_max_body_size 2m;
    limit_req zone=login burst=1000 nodelay; #!
    location = /favicon.ico { log_not_found off; access_log off; }
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ /\\.(?!well-known) { deny all; }
    location ~* /uploads/.*\\.php$ { deny all; }
    location ~ \\.php$ {
      try_files $uri =404;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass php;
    }
    location ~* \\.(css|js|png)$ { expires 30d; }
    location ^~ /private/ { return 404; }
    location /old/ { return 301 /new/; }
    rewrite ^/tag/(.*)$ /index.php?tag=$1 last;
    rewrite "^/n/([0-9]{4})$" /index.php?n=$1 last; #!
    rewrite ^/moved/(.*)$ /to/$1 permanent;
    location /api/ { proxy_pass http://127.0.0.1:9; } #!
    location ~ ^/(?<lang>de|en)/(?!x) { return 410; } #!
    error_page 404 /404.html;
  }

  server {
    listen 127.0.0.1:@PORT@;
    server_name app.example;
    root @ROOT@/app/public;
    index index.php;
    add_header X-Frame-Options DENY always;
    location / { try_files $uri /index.php$is_args$args; }
    location ~ ^/index\\.php(/|$) {
      fastcgi_split_path_info ^(.+\\.php)(/.*)$;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_pass php;
      fastcgi_read_timeout 120s;
    }
    location ~ \\.php$ { return 404; }
    location /build/ { expires max; try_files $uri =404; }
    location /files/ { alias @ROOT@/files/; autoindex on; }
    location = /up { access_log off; return 204; } #!
    sub_filter a b; #!
    if ($http_user_agent ~* badbot) { return 403; }
  }

  server {
    listen 127.0.0.1:@PORT@;
    server_name www.app.example;
    return 301 http://app.example$request_uri;
  }

  server {
    listen 127.0.0.1:@PORT@;
    server_name static.example app.example; #!
    root @ROOT@/files;
    autoindex on;
    location ~ \\.(bak|sql)$ { deny all; }
  }
"""

FILES = {"blog": "index.php tool.php a.css A.CSS x.png .env 404.html favicon.ico uploads/x.php uploads/X.PHP uploads/a.jpg private/a.txt sub/index.html empty/",
         "app/public": "index.php other.php build/a.js robots.txt", "files": "a.txt sub/b.txt"}

ASKED = {
    "blog.example": ["/", "/?p=1", "/a-page/", "/a-page?x=y", "/tool.php", "/tool.php?a=b", "/none.php", "/a.css", "/A.CSS", "/none.css", "/x.png", "/.env",
                     "/uploads/x.php", "/uploads/X.PHP", "/uploads/a.jpg", "/private/a.txt", "/private/none", "/old/x", "/tag/abc", "/moved/a/b?c=d", "/sub",
                     "/sub/", "/favicon.ico"],
    "x.blog.example": ["/", "/a.css"],
    "other.example": ["/", "/a.css"],
    "app.example": ["/", "/users/1?a=b", "/index.php", "/index.php?x=1", "/other.php", "/build/a.js", "/build/none.js", "/files/a.txt", "/files/none.txt", "/robots.txt"],
    "www.app.example": ["/", "/a/b?c=d"],
    "static.example": ["/a.txt", "/sub/b.txt", "/none", "/sub"],
}

# (host, path): why it is other, and must be.
OTHER = {
    ("blog.example", "/none.css"): "the fallback's page, as of any missing file; there the location has none",
}


@pytest.fixture
def imported(base, start_fpm, start_holdfast):
    """(nginx, holdfast that runs what was printed, what was printed, nginx.conf)"""
    fpm = start_fpm().start()
    for folder, names in FILES.items():
        plant(base / folder, names.split())
    nginx = Nginx(base / "nginx", fpm, SERVERS.replace("@ROOT@", str(base)))
    try:
        nginx.start()
        file = nginx.dir / "nginx.conf"
        status, printed, said = command("import", file)
        assert status == 0, said
        proxy = start_holdfast({}, run=False)
        text, count = re.subn(r"(?m)^listen: .*$", 'listen: "127.0.0.1:0"', printed)
        assert count == 1
        proxy.config_path.write_text(f"{text}admin: 127.0.0.1:0\nlog: {{ access: {proxy.access_path}, format: json }}\n", encoding="utf-8")
        proxy.start(argv=["run", "-c", proxy.config_path], listeners=1)
        yield nginx, proxy, printed, file
    finally:
        nginx.cleanup()
        shutil.rmtree(base / "nginx", ignore_errors=True)


def test_it_does_what_nginx_does(imported):
    nginx, proxy, printed, _ = imported
    assert command("check", "-c", proxy.config_path)[0] == 0
    failures = []
    for host, paths in ASKED.items():
        for path in paths:
            answers = []
            for port in (nginx.port, proxy.port):
                with Client(("127.0.0.1", port), 20) as client:
                    response = client.request("GET", path, host=host)
                    answers.append({k: v for k, v in seen(response).items() if k != "X-Powered-By"})
                    assert response.get("X-From") == "http" or port == nginx.port, "headers of http hold for all: add_header of a server drops them"
            there, here = answers
            there["answer"], here["answer"] = status_class(there["answer"]), status_class(here["answer"])
            if (there == here) == ((host, path) in OTHER):
                failures.append((host, path, there, here))
    assert not failures, "\n".join(map(str, failures)) + "\n" + printed
    with Client(("127.0.0.1", proxy.port), 20) as client:
        assert client.request("GET", "/", [("User-Agent", "a BadBot/1")], host="app.example").status == 403


def test_each_line_that_could_not_be_said_is_named(imported):
    _, _, printed, file = imported
    named = {int(number): text for number, text in re.findall(rf"(?m)^# {re.escape(str(file))}:(\d+): (.*)$", printed)}
    lines = file.read_text(encoding="utf-8").splitlines()
    tagged = {number for number, line in enumerate(lines, 1) if line.endswith("#!")}
    assert len(tagged) == 9
    assert tagged <= set(named), [lines[number - 1] for number in sorted(tagged - set(named))]
    harmless = ("not needed", "is of the whole server of nginx", "has become a site of its own", "says nothing that")
    others = {number: text for number, text in named.items() if number not in tagged and not any(word in text for word in harmless)}
    assert not others, others


# What stands in a server; the files asked for are all there. Nothing that nginx refuses may come.
GUARDED = [
    "location /priv/ { deny all; location ~ \\.txt$ { expires 1d; } }",
    "deny all; location ^~ /priv/ { expires 1d; } location = /a.txt { expires 1d; }",
    "deny all; location /pub/ { allow all; } location ~ \\.css$ { expires 1d; }",
    "deny all; location / { allow all; } location /priv/ { expires 1d; }",
    "return 403; location ^~ /priv/ { expires 1d; }",
    "if ($request_method = GET) { return 403; } location ^~ /priv/ { expires 1d; }",
    "location ^~ /priv/ { if ($request_method = GET) { return 403; } } location /p { return 410; }",
    "location /pub/ { auth_basic off; } location /pub/secret/ { auth_basic R; auth_basic_user_file @ROOT@/users; }",
    "auth_basic R; auth_basic_user_file @ROOT@/users; location /pub/ { auth_basic off; } location ~ \\.css$ { expires 1d; }",
    "auth_basic R; auth_basic_user_file @ROOT@/users; location / { auth_basic off; } location /priv/ { expires 1d; }",
    "auth_basic R; auth_basic_user_file @ROOT@/users; location ~ [0-9]+ { auth_basic off; }",
    "location = /pub/b.css { allow 192.0.2.9; deny all; } location ~ \\.css$ { allow 0.0.0.0/0; }",
    "location /w2 { alias @ROOT@/guarded; location /w2/priv { deny all; } } location ^~ /w2/pub/secret/ { deny all; }",
    "location /w2/ { alias @ROOT@/guarded/; deny all; }",
    "location =/a.txt { deny all; } location ^~/priv/ { deny all; } location ~*\\.css$ { deny all; }",
    "location ~ ^/ { deny all; }",
    "location /pub/ { deny all; allow 127.0.0.1; }",
    "location ~ \\.css$ { deny all; } location /pub/ { allow all; }",
    "location /priv/ { location ~ \\.css$ { deny all; } } location ~ \\.css$ { allow all; }",
    "location /pub/ { location ~ \\.css$ { expires 1d; } } location /pub/secret/ { deny all; }",
    "location /pub/ { location ~ \\.css$ { auth_basic R; auth_basic_user_file @ROOT@/users; } } location ~ \\.css$ { auth_basic off; }",
    "location /pub/ { location ~ \\.css$ { allow 192.0.2.1; deny all; } } location ~ \\.css$ { allow all; }",
    "location / { deny all; location ~ \\.css$ { allow all; } } location /priv/ { deny all; }",
    "location / { location ~ \\.css$ { allow all; } } location /pub/secret/ { deny all; }",
    "auth_basic R; auth_basic_user_file @ROOT@/users; location ^~ /pub/ { auth_basic off; } location /pub/secret/ { expires 1d; }",
    "location ~ ^/priv/ { deny all; location ~ \\.css$ { expires 1d; } }",
    "location ~ ^/priv/ { auth_basic R; auth_basic_user_file @ROOT@/users; location ~ \\.css$ { expires 1d; } }",
    "location /pub/ { rewrite ^ /a.txt last; } location /priv/ { deny all; }",
    "location /pub { allow 127.0.0.1; deny all; } location /pub/secret/ { return 404; } location ^~ /p { allow all; }",
    "deny 127.0.0.1; location ^~ /pub/ { expires 1d; } location = /a.txt { expires 1d; }",
    "location /pub/ { deny 127.0.0.1; } location ^~ /priv/ { deny 127.0.0.0/8; allow all; }",
    "deny 127.0.0.1; allow 127.0.0.0/24; deny all;",
    "allow 127.0.0.2; deny 127.0.0.0/30; location ~ \\.css$ { expires 1d; }",
    "deny 127.0.0.1; location /w2/ { alias @ROOT@/guarded/; } location /w2/pub/ { deny 192.0.2.1; }",
    "location /pub/ { deny 127.0.0.1; location ^~ /pub/secret/ { expires 1d; } } location ~ \\.css$ { expires 1d; }",
    "location ~ \\.css$ { deny 127.0.0.1; } location /pub/ { allow all; }",
]
GUARDED_FILES = "a.txt priv/a.txt priv/b.css pub/a.txt pub/b.css pub/secret/a.txt pub/secret/b.css"


def test_what_nginx_refuses_is_refused(base, start_fpm, start_holdfast):
    fpm = start_fpm().start()
    plant(base / "guarded", GUARDED_FILES.split())
    (base / "users").write_text("", encoding="ascii")
    servers = "".join(f"server {{ listen 127.0.0.1:@PORT@; server_name g{i}.example; root {base}/guarded;\n{inside.replace('@ROOT@', str(base))}\n}}\n"
                      for i, inside in enumerate(GUARDED))
    nginx = Nginx(base / "nginx", fpm, servers)
    try:
        nginx.start()
        status, printed, said = command("import", nginx.dir / "nginx.conf")
        assert status == 0, said
        proxy = start_holdfast({}, run=False)
        text, _ = re.subn(r"(?m)^listen: .*$", 'listen: "127.0.0.1:0"', printed)
        proxy.config_path.write_text(f"{text}admin: 127.0.0.1:0\nlog: {{ access: {proxy.access_path}, format: json }}\n", encoding="utf-8")
        proxy.start(argv=["run", "-c", proxy.config_path], listeners=1)
        opened, refused = [], 0
        for i, inside in enumerate(GUARDED):
            for name in GUARDED_FILES.split():
                path = ("/w2/" if "/w2" in inside else "/") + name
                answers = []
                for port in (nginx.port, proxy.port):
                    with Client(("127.0.0.1", port), 20) as client:
                        answers.append(client.request("GET", path, host=f"g{i}.example").status)
                refused += answers[0] >= 400
                if answers[0] >= 400 and answers[1] < 400:
                    opened.append((inside, path, answers))
        assert not opened, "\n".join(map(str, opened)) + "\n" + printed
        assert refused > len(GUARDED)
    finally:
        nginx.cleanup()
        shutil.rmtree(base / "nginx", ignore_errors=True)
