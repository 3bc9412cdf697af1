"""Real applications of Debian's packages behind Holdfast, all under one host with sub-paths: `./dev apps`. Slow, not part of the suite.

Each lies in a copy below a folder of the tests, so that neither /etc nor /var/lib is touched; MariaDB and php-fpm are started for them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from browser import Browser  # noqa: E402
from harness.holdfast import Holdfast  # noqa: E402
from harness.php_fpm import PhpFpm, worker_user  # noqa: E402
from harness.process import Process  # noqa: E402
from harness.wait import wait_until  # noqa: E402

SITES = {"dokuwiki": "/wiki", "wordpress": "/blog", "mediawiki": "/w", "phpmyadmin": "/phpmyadmin"}


def copy_of(package, to):
    """Links to what other packages bring are followed; those that lead nowhere are left out."""
    subprocess.run(["cp", "-rL", f"/usr/share/{package}", str(to)], check=False, stderr=subprocess.DEVNULL)


def give_to_php(*paths):
    user = worker_user()
    for path in paths:
        subprocess.run(["chown", "-R", f"{user}:{user}", str(path)], check=True)


class MariaDb:
    def __init__(self, base):
        self.dir, self.socket = base / "mysql", str(base / "mysql.sock")
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.dir}", "--auth-root-authentication-method=normal", "--user=mysql",
                        "--skip-test-db"], check=True, capture_output=True)
        self.process = Process(["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.dir}", f"--socket={self.socket}", "--skip-networking",
                                "--user=mysql", f"--pid-file={self.dir}/pid"], base / "mysql.log")
        wait_until(lambda: os.path.exists(self.socket) or not self.process.running, "MariaDB to listen")
        for name in ("wordpress", "other"):
            self.run(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO '{name}'@'localhost' IDENTIFIED BY 'secret';")

    def run(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-N", "-e", sql], check=True,
                              capture_output=True, text=True).stdout

    def close(self):
        if self.process.running:
            self.process.signal(15)
            self.process.wait(30)
        self.process.kill_group()


class Host:
    """Folders of the applications and what serves them."""

    def __init__(self, base):
        self.base = base
        self.database = MariaDb(base)
        self.fpm = PhpFpm(base / "fpm", max_children=8, lines="\n".join(
            [f"php_admin_value[mysqli.default_socket] = {self.database.socket}", f"php_admin_value[pdo_mysql.default_socket] = {self.database.socket}",
             f"php_admin_value[session.save_path] = {base}/sessions"])).start()
        (base / "sessions").mkdir()
        give_to_php(base / "sessions")
        for package in SITES:
            if os.path.isdir(f"/usr/share/{package}"):
                copy_of(package, base / package)
            else:
                (base / package).mkdir()
        sites = [{"path": path, "app": app, "root": str(base / app), "pool": "php"} for app, path in SITES.items()]
        sites.append({"root": str(self.fpm.www), "routes": [{"path": "/", "redirect": "/wiki/"}]})
        self.proxy = Holdfast(base / "holdfast", {"pools": {"php": {"address": self.fpm.address, "max_connections": 6}}, "sites": sites,
                                                  "client": {"timeouts": {"body": "60s"}}}).start()

    def add_site(self, site, routes_of_the_host):
        """Another application, while all the others go on."""
        config = self.proxy.config
        config["sites"][-1]["routes"] += routes_of_the_host
        config["sites"].append(site)
        self.proxy.reload(config)

    def root(self, app):
        return self.base / app

    def url(self, app):
        return f"http://127.0.0.1:{self.proxy.port}{SITES[app]}"

    def browser(self, app):
        return Browser(self.url(app))

    def close(self):
        try:
            self.proxy.cleanup()
        finally:
            self.fpm.cleanup()
            self.database.close()


@pytest.fixture(scope="session")
def base():
    path = Path(tempfile.mkdtemp(prefix="holdfast-apps-"))
    path.chmod(0o777)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=False)


@pytest.fixture(scope="session")
def host(base):
    made = Host(base)
    yield made
    print(made.proxy.log()[-3000:], made.fpm.log()[-2000:])
    made.close()
