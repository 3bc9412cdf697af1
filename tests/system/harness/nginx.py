"""The real nginx before a php-fpm: as shipped, with a connection for each request, or with servers of a test's own."""

import shutil

from .process import Process
from .web_server import start_on_free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

CONFIG = """\
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log error;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  fastcgi_temp_path {dir}/fastcgi;
  proxy_temp_path {dir}/proxy;
  scgi_temp_path {dir}/scgi;
  uwsgi_temp_path {dir}/uwsgi;
  {servers}
}}
"""
AS_SHIPPED = """\
server {
    listen 127.0.0.1:@PORT@;
    location ~ \\.php$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME @WWW@$fastcgi_script_name;
      fastcgi_pass @PHP@;
    }
  }"""


class Nginx:
    def __init__(self, base, fpm, servers=AS_SHIPPED):
        """`servers`: what stands in http; @PORT@, @PHP@ and @WWW@ are filled in."""
        self.dir = base
        self.servers = servers
        self.dir.mkdir(mode=0o755)
        self.fpm = fpm
        self.port = self.process = None

    def start(self):
        self.port, self.process = start_on_free_port("nginx", self._start)
        return self

    def _start(self, port):
        servers = self.servers
        for name, value in (("@PORT@", port), ("@WWW@", self.fpm.www), ("@PHP@", self.fpm.address.removeprefix("tcp:"))):
            servers = servers.replace(name, str(value))
        (self.dir / "nginx.conf").write_text(CONFIG.format(dir=self.dir, servers=servers), encoding="ascii")
        return Process([NGINX, "-c", self.dir / "nginx.conf", "-e", "stderr"], self.dir / "nginx.out")

    def cleanup(self):
        if not self.process:
            return
        if self.process.running:
            self.process.signal(15)
            self.process.wait(10)
        self.process.kill_group()
