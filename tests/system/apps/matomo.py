"""Matomo: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php matomo.php piwik.php matomo.js piwik.js console README.md LEGALNOTICE LICENSE CHANGELOG.md PRIVACY.md composer.json composer.lock package.json robots.txt favicon.ico
.htaccess js/index.php js/tracker.php js/piwik.min.js js/container_x_preview.js js/container_x.js config/config.ini.php config/global.ini.php config/environment/dev.php core/Version.php
core/a.png lang/en.json tmp/logs/matomo.log tmp/assets/a.css misc/user/logo.png misc/user/index.html misc/log-analytics/import_logs.py misc/others/a.html
plugins/A/A.php plugins/A/plugin.json plugins/A/a.css plugins/A/A.CSS plugins/A/images/a.png plugins/A/templates/a.twig plugins/A/lang/en.json plugins/A/a.less
plugins/HeatmapSessionRecording/configs.php libs/a.js libs/a.php libs/README.md vendor/autoload.php vendor/a/b.txt vendor/a/b.js node_modules/j/j.min.js node_modules/j/package.json
tests/a.php tests/a.html X.PHP a.ico a.JPG .git/HEAD .well-known/security.txt empty/""".split()

PATHS = ["/", "/index.php?module=Login", "/matomo.php?idsite=1", "/piwik.php/x", "/index.php/x", "/js/", "/js/index.php?x=1", "/js", "/none.php", "/none.css", "/none", "/plugins/", "/plugins/A/none.css",
         "/configs", "/language/x", "/temp", "/core/Version.php/a.css", "/index.php5", "/empty", "/.env", "/plugins/A/A.php/x.png", "/config/"]

STANDS_IN = ()

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("*", "X-*", "-", "*", "stricter: the site's headers hold for assets too; add_header in a location drops those of the server"),
    ("*", "Referrer-Policy", "-", "origin", "the same"),
    ("*", "Cache-Control", "max-age=3600, public", "max-age=3600", "public says nothing beside max-age (RFC 9111 5.2.2.9)"),
    ("/console /composer.json /composer.lock /package.json", "answer", "file *", "403", "stricter: a tool, and which versions there are"),
    ("/misc/user/index.html /tests/a.html", "answer", "file *", "403", "stricter: what a user keeps there but pictures, and tests"),
    ("/misc/user/index.html /tests/a.html", "Cache-Control", "max-age=3600, public", "-", "they are refused"),
    ("/misc/user/index.html /tests/a.html", "Expires", "60 min on", "-", "they are refused"),
    ("/.git/HEAD", "answer", "file *", "404", "stricter: there only .ht* is hidden"),
]
