"""Nextcloud: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php remote.php public.php cron.php status.php version.php console.php occ index.html robots.txt .htaccess .user.ini COPYING AUTHORS
db_structure.xml autotest.sh indie.json issue_template.md ocs/v1.php ocs/v2.php ocs/providers.php ocs-provider/index.php updater/index.php
updater/updater.phar core/ajax/update.php core/js/main.js core/js/a.mjs core/css/server.css core/CSS.CSS core/img/logo.svg core/img/a.PNG
core/fonts/a.woff2 core/fonts/a.otf core/doc/index.html apps/files/appinfo/info.xml apps/files/ajax/x.php apps/files/js/f.js.map
apps/richdocumentscode/proxy.php apps/richdocumentscode_arm64/proxy.php config/config.php config/CAN_INSTALL lib/base.php lib/public/a.css
data/.ocdata data/admin/files/a.jpg data/nextcloud.log 3rdparty/autoload.php 3rdparty/a.js templates/t.php build/b.js tests/t.php resources/a.css
themes/t/core/img/a.gif .well-known/acme-challenge/token empty/""".split()

PATHS = ["/", ("/", (("User-Agent", "DavClnt"),)), "/index.php/apps/files/?dir=/", "/apps/files/", "/apps/files", "/s/abc123", "/login", "/none.php",
         "/remote.php/dav/files/admin/a.php", "/remote.php/webdav/.hidden", "/remote.php/dav/files/a/config/x", "/public.php/webdav/",
         "/status.php?x=y", "/.well-known/caldav", "/.well-known/carddav", "/.well-known/webfinger?resource=a", "/.well-known",
         "/.well-known/acme-challenge/none", "/.well-known/pki-validation/none", "/remote/dav?x=y", "/remote", "/config", "/data/", "/lib",
         "/core/js/main.js?v=1", "/core/js/main.js?v=", "/core/js/none.js", "/core/fonts/none.woff2", "/core/img/", "/empty", "/empty/",
         "/ocs/v2.php/cloud/capabilities?format=json", "/ocs/v3.php", "/updater/", "/apps/files/ajax/x.php/y", "/.git/config", "/occ.x",
         "/core/ajax/update.php/x", "/database", "/builder/x", "/apps/none/proxy.php"]

SCRIPTS_SAY = ["Cache-Control: no-store"]  # or the like, with each page it makes
STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/updater/updater.phar", "answer", "file *", "run /index.php info *", "stricter: source of a script is never sent"),
    ("/updater/updater.phar", "Cache-Control", "-", "no-store", "of the page in its place"),
    ("*.js *.mjs *.css *.svg *.gif *.map *v=", "Cache-Control", "max-age=15778463, public", "max-age=15778463", "public says nothing beside max-age (RFC 9111 5.2.2.9)"),
    ("*.js *.mjs *.css *.svg *.gif *.map *v=", "Expires", "-", "262974 min on", "the same time once more, as expires writes both"),
    ("*v=1", "Cache-Control", "immutable, max-age=15778463, public", "max-age=315360000", "the address changes with the content: for ever, in the usual words"),
    ("*v=1", "Expires", "-", "years on", "as the line before"),
]
