"""Web servers as FastCGI clients, each with the configuration that its documentation shows for php-fpm.

`start_front(variant, ...)` of conftest.py owns them; each has a folder of its own, and a port that was free.
"""

import shutil

from .process import Process
from .web_server import start_on_free_port

PATHS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"

NGINX = """\
user www-data;
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  fastcgi_temp_path {dir}/fastcgi;
  proxy_temp_path {dir}/proxy;
  scgi_temp_path {dir}/scgi;
  uwsgi_temp_path {dir}/uwsgi;
  client_max_body_size 0;
  {http}
  server {{
    listen 127.0.0.1:{port};
    root {www};
    location /files/ {{ internal; alias {www}/; }}
    location ~ ^.+\\.php(/|$) {{
      fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
      set $path_info $fastcgi_path_info;
      fastcgi_param PATH_INFO $path_info;
      include /etc/nginx/fastcgi.conf;
      fastcgi_pass {target};
      {more}
    }}
  }}
}}
"""

APACHE = """\
ServerRoot {dir}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {dir}/apache.pid
Mutex file:{dir}
ErrorLog {dir}/error.log
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
DocumentRoot {www}
<Directory {www}>
  Require all granted
</Directory>
<FilesMatch "\\.php$">
  SetHandler "proxy:{target}"
</FilesMatch>
{more}
"""

HAPROXY = """\
global
  maxconn 2000
  nbthread {threads}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  {http}
frontend front
  bind 127.0.0.1:{port}
  default_backend php
backend php
  {backend}
  use-fcgi-app php
  server php {target} proto fcgi
fcgi-app php
  docroot {www}
  path-info ^(/.+\\.php)(/.*)?$
  {more}
"""

CADDY = """\
{{
  admin off
  auto_https off
}}
http://localhost:{port} {{
  bind 127.0.0.1
  root * {www}
  php_fastcgi {target}
}}
"""

LIGHTTPD = """\
server.port = {port}
server.bind = "127.0.0.1"
server.document-root = "{www}"
server.modules = ("mod_fastcgi")
server.errorlog = "{dir}/error.log"
server.upload-dirs = ("{dir}")
server.username = "www-data"
server.groupname = "www-data"
server.max-request-size = 0
fastcgi.server = (".php" => (({target}, "broken-scriptfilename" => "enable")))
{more}
"""


def _host_port(address):
    return address.removeprefix("tcp:")


def _nginx_target(address):
    return _host_port(address)


def _apache_target(address):
    if address.startswith("unix:"):
        return address + "|fcgi://localhost"
    return "fcgi://" + _host_port(address)


def _haproxy_target(address):
    return "unix@" + address[5:] if address.startswith("unix:") else _host_port(address)


def _caddy_target(address):
    return "unix/" + address[5:] if address.startswith("unix:") else _host_port(address)


def _lighttpd_target(address):
    if address.startswith("unix:"):
        return f'"socket" => "{address[5:]}"'
    host, port = _host_port(address).split(":")
    return f'"host" => "{host}", "port" => {port}'


# Binary, configuration, how it names an address, its arguments.
KINDS = {
    "nginx": ("nginx", NGINX, _nginx_target, ["-c", "{conf}", "-e", "stderr"]),
    "apache": ("apache2", APACHE, _apache_target, ["-f", "{conf}", "-DFOREGROUND"]),
    "haproxy": ("haproxy", HAPROXY, _haproxy_target, ["-f", "{conf}", "-db"]),
    "caddy": ("caddy", CADDY, _caddy_target, ["run", "--config", "{conf}", "--adapter", "caddyfile"]),
    "lighttpd": ("lighttpd", LIGHTTPD, _lighttpd_target, ["-D", "-f", "{conf}"]),
}


# HAProxy learns from FCGI_GET_VALUES, and sends many requests at once on a connection. @TARGET@ and @PHP@: what speaks
# FastCGI, and php-fpm itself, as this web server names them.
_UPSTREAM = "upstream php {{ server @TARGET@ max_fails=0; {} }}"
VARIANTS = {kind: (kind, {}) for kind in KINDS}
VARIANTS["nginx-kept"] = ("nginx", {"http": _UPSTREAM.format("keepalive 8;"), "target": "php",
                                    "more": "fastcgi_keep_conn on;"})
VARIANTS["haproxy-mpxs"] = ("haproxy", {"http": "http-reuse always", "more": "option mpxs-conns"})
VARIANTS["haproxy-values"] = ("haproxy", {"http": "http-reuse always", "more": "option get-values",
                                          "threads": "1"})  # it shares no connection between threads
# While Holdfast is away its requests go to php-fpm.
MORE_VARIANTS = {"nginx-backup": ("nginx", {"http": _UPSTREAM.format("server @PHP@ backup;"), "target": "php"}),
                 "nginx-kept-backup": ("nginx", {"http": _UPSTREAM.format("server @PHP@ backup; keepalive 8;"), "target": "php",
                                                 "more": "fastcgi_keep_conn on;"})}


def find_front(kind):
    return shutil.which(KINDS[kind][0], path=PATHS)


class Front:
    def __init__(self, base, kind, address, www, php="", **options):
        """`address`: what speaks FastCGI, `unix:PATH` or `tcp:HOST:PORT`; `options`: text for the configuration."""
        self.dir = base
        self.dir.mkdir()
        self.dir.chmod(0o777)
        self.kind = kind
        self.address = address
        self.www = www
        name = KINDS[kind][2]
        self.options = {"more": "", "http": "", "backend": "", "target": "@TARGET@", "threads": "2", **options}
        for key, text in self.options.items():
            self.options[key] = text.replace("@TARGET@", name(address)).replace("@PHP@", php and name(php))
        self.port = self.process = None

    def start(self):
        self.port, self.process = start_on_free_port(self.kind, self._start)
        return self

    def write_config(self, port):
        conf = self.dir / "front.conf"
        conf.write_text(KINDS[self.kind][1].format(dir=self.dir, port=port, www=self.www, **self.options), encoding="ascii")
        return conf

    def _start(self, port):
        arguments = KINDS[self.kind][3]
        conf = self.write_config(port)
        home = {"HOME": str(self.dir), "XDG_CONFIG_HOME": str(self.dir), "XDG_DATA_HOME": str(self.dir)}
        return Process([find_front(self.kind), *(a.format(conf=conf) for a in arguments)], self.dir / "front.out", env=home)

    def log(self):
        path = self.dir / "error.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return text + self.process.log()

    def cleanup(self):
        if not self.process:
            return
        if self.process.running:
            self.process.signal(15)
            try:
                self.process.wait(10)
            except Exception:
                pass
        self.process.kill_group()
