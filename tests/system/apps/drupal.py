"""Drupal: what is in its web folder, and how the preset differs from the published recipe for nginx."""

FILES = """index.php update.php autoload.php robots.txt favicon.ico .htaccess .ht.router.php web.config composer.json composer.lock README.txt
README.md INSTALL.TXT core/install.php core/rebuild.php core/authorize.php core/lib/Drupal.php core/core.services.yml core/CHANGELOG.txt
core/misc/drupal.js core/misc/A.JS core/misc/a.svg core/modules/statistics/statistics.php core/modules/a/a.module core/modules/a/a.inc core/modules/a/A.INC
core/modules/a/a.html.twig core/modules/a/a.info.yml core/scripts/a.sh core/profiles/p/p.profile core/themes/t/t.theme core/package.json
core/tests/bootstrap.php modules/contrib/m/m.php modules/contrib/m/m.install modules/contrib/m/a.po sites/default/settings.php sites/default/settings.local.php
sites/default/services.yml sites/default/files/a.txt sites/default/files/a.pdf sites/default/files/x.php sites/default/files/sub/x.php sites/default/files/a.jpg
sites/default/files/A.JPG sites/default/files/styles/large/a.png sites/default/files/css/a.css sites/default/private/a.pdf
sites/default/files/private/a.pdf sites/default/files/.htaccess vendor/autoload.php vendor/a/b.php vendor/a/b.css a.php~ a.php.bak
a.sql A.SQL backup.mysql a.module.orig Entries Repository blog.example/x.php .git/HEAD .well-known/security.txt empty/""".split()

PATHS = ["/", "/node/1", "/node/1?x=y", "/admin/config", "/index.php", "/index.php/node/1", "/index.php?q=1", "/update.php/selection", "/core/install.php?rewrite=ok",
         "/none.php", "/none.css", "/none.txt", "/sites/default/files/styles/large/none.png", "/sites/default/files/none.pdf", "/system/files/a.pdf",
         "/en/system/files/x", "/core/misc", "/core/misc/", "/empty", "/core/lib/Drupal.php/a.css", "/robots.txt/x", "/a.sql.gz", "/.env", "/user/login/"]

SCRIPTS_SAY = ["Cache-Control: no-store"]  # or the like, with each page it makes
STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("*", "X-Content-Type-Options", "-", "nosniff", "stricter: as Drupal's own .htaccess says"),
    ("/autoload.php /core/*.php /modules/*.php", "answer", "run *", "run /index.php", "stricter: only the scripts that .htaccess names run"),
    ("/sites/default/settings*.php", "answer", "run *", "403", "stricter: configuration"),
    ("/sites/default/settings*.php", "Cache-Control", "no-store", "-", "it is no page"),
    ("/core/package.json", "answer", "file *", "404", "stricter: which version it is"),
    ("/none.php", "answer", "404", "run /index.php", "a script that is not there is a page of Drupal, which says 404"),
    ("/none.php", "Cache-Control", "-", "no-store", "of that page"),
    ("/a.sql.gz", "answer", "run /index.php", "404", "stricter: named as a dump"),
    ("/a.sql.gz", "Cache-Control", "no-store", "-", "it is no page"),
    ("/core/misc /empty", "answer", "run /index.php", "301", "the name of a folder leads to the name with a slash, as Apache does with .htaccess; there Drupal answers"),
    ("/core/misc /empty", "Location", "-", "/*/", "the same"),
    ("/core/misc /empty", "Cache-Control", "no-store", "-", "the same"),
    ("/update.php/selection", "answer", "run *", "run * info /selection", "try_files makes nginx forget PATH_INFO, which the recipe means to tell"),
]
