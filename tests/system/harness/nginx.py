"""The real nginx before a php-fpm: as shipped, with a connection for each request, or with servers of a test's own."""

import shutil
import socket

from .process import Process
from .sockets import free_port
from .wait import wait_until

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

    def start(self, tries=3):
        while True:
            self.port = free_port()
            servers = self.servers
            for name, value in (("@PORT@", self.port), ("@WWW@", self.fpm.www), ("@PHP@", self.fpm.address.removeprefix("tcp:"))):
                servers = servers.replace(name, str(value))
            (self.dir / "nginx.conf").write_text(CONFIG.format(dir=self.dir, servers=servers), encoding="ascii")
            self.process = Process([NGINX, "-c", self.dir / "nginx.conf", "-e", "stderr"], self.dir / "nginx.out")
            wait_until(lambda: not self.process.running or self._answers(), "nginx to listen")
            if self.process.running:
                return self
            tries -= 1  # somebody took the port between our look and its bind
            assert tries > 0, f"nginx does not start: {self.process.log()[-800:]}"

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def cleanup(self):
        if not self.process:
            return
        if self.process.running:
            self.process.signal(15)
            self.process.wait(10)
        self.process.kill_group()
