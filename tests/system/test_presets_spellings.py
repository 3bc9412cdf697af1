"""What each preset hides, asked of the running server in at least thirty spellings: no file comes, no hidden script runs."""

import shutil
import tempfile
from pathlib import Path

import pytest

from harness.app_tree import plant, served
from harness.holdfast import Holdfast
from harness.http_client import Client
from harness.php_fpm import PhpFpm
from harness.spellings import spellings

# Of each: what is public | what is hidden.
HIDDEN = {
    "wordpress": "index.php wp-content/uploads/a.jpg | wp-content/uploads/shell.php wp-content/debug.log dump.sql .git/config wp-config.php.bak wp-includes/version.php",
    "wordpress-multisite": "index.php wp-content/a.css | wp-content/uploads/sites/2/x.php wp-content/uploads/wc-logs/a.log .env wp-includes/version.php",
    "nextcloud": "index.php core/a.css | config/config.php data/admin/files/a.txt data/nextcloud.log occ lib/base.php 3rdparty/autoload.php .htaccess",
    "drupal": "index.php core/a.css | sites/default/settings.php sites/default/files/x.php sites/default/private/a.pdf core/lib/Drupal.php core/a.yml vendor/autoload.php",
    "laravel": "index.php robots.txt | storage/shell.php storage/shell.phtml .env phpinfo.php dump.sql",
    "symfony": "index.php robots.txt | app_dev.php .env bundles/a/b.php dump.sql",
    "mediawiki": "index.php images/a.png | LocalSettings.php images/deleted/a.png images/x.php maintenance/run.php includes/Setup.php mw-config/index.php cache/a.cdb",
    "dokuwiki": "doku.php lib/a.png | data/pages/start.txt data/media/a.png conf/users.auth.php bin/x.php inc/init.php install.php vendor/a.js",
    "matomo": "index.php matomo.js | config/config.ini.php core/Version.php console tmp/logs/a.log lang/en.json vendor/autoload.php plugins/A/plugin.json",
    "magento": "index.php media/a.jpg | media/customer/a.jpg media/import/a.csv media/downloadable/a.zip errors/local.xml cron.php a.phtml setup/index.php media/x.php",
    "phpmyadmin": "index.php themes/a.css | config.inc.php libraries/a.php setup/index.php templates/a.twig sql/create.sql other.php",
    "joomla": "index.php media/a.css | configuration.php images/x.php administrator/logs/everything.php tmp/x.txt htaccess.txt cli/joomla.php",
    "moodle": "index.php pix/a.png | config.php vendor/autoload.php admin/cli/cron.php lib/upgrade.txt composer.json lib/db/install.xml",
    "shaarli": "index.php tpl/a.css | data/config.json.php data/datastore.php tmp/a.png vendor/autoload.php",
    "typo3": "index.php fileadmin/a.png | fileadmin/x.php typo3temp/var/log/a.log vendor/a.txt composer.json typo3conf/ext/a/Configuration/a.txt README.md",
}


def parts(app):
    public, hidden = HIDDEN[app].split("|")
    return public.split(), hidden.split()


@pytest.fixture(scope="module")
def server():
    base = Path(tempfile.mkdtemp(prefix="holdfast-"))
    base.chmod(0o777)
    fpm = PhpFpm(base / "fpm").start()
    sites = []
    for app in HIDDEN:
        public, hidden = parts(app)
        plant(base / app, public + hidden)
        sites.append({"hosts": [f"{app}.example"], "app": app, "root": str(base / app), "pool": "php"})
    sites.append({"hosts": ["plain.example"], "root": str(base / "nextcloud"), "pool": "php"})
    proxy = Holdfast(base / "holdfast", {"pools": {"php": {"address": fpm.address}}, "sites": sites})
    try:
        yield proxy.start()
    finally:
        proxy.cleanup()
        fpm.cleanup()
        shutil.rmtree(base, ignore_errors=True)


def is_given(answer, name):
    """True where the file or the script `name` itself was served."""
    what = answer.split(" info")[0].split(" query")[0]
    return what in (f"file /{name}", f"run /{name}", "source of a script")


def test_without_a_preset_the_spellings_do_reach(server):
    """Else the next test would prove nothing."""
    for name in ("data/admin/files/a.txt", "lib/base.php"):
        reached = []
        for target in spellings(f"/{name}"):
            with server.client() as client:
                if is_given(served(client.request("GET", target, host="plain.example")), name):
                    reached.append(target)
        assert len(reached) >= 20, (name, reached)


@pytest.mark.parametrize("app", HIDDEN)
def test_no_spelling_reaches_what_a_preset_hides(server, app):
    public, hidden = parts(app)
    client = Client(("127.0.0.1", server.port), 20)
    try:
        for name in public:
            served_as = served(client.request("GET", f"/{name}", host=f"{app}.example"))
            assert served_as.startswith((f"file /{name}", "run /")) or app == "symfony", f"the rules hide more than they mean: {name} {served_as}"
        for name in hidden:
            tried = spellings(f"/{name}")
            assert len(tried) >= 30
            for number, target in enumerate(tried):
                for method in ("GET", "POST") if number < 3 else ("GET",):
                    response = client.request(method, target, body=b"" if method == "POST" else None, host=f"{app}.example")
                    assert not is_given(served(response), name), (method, target, response)
                    if response.closes:
                        client.close()
                        client = Client(("127.0.0.1", server.port), 20)
    finally:
        client.close()
