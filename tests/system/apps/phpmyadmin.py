"""phpMyAdmin: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php url.php show_config_errors.php navigation.php version_check.php config.inc.php config.sample.inc.php config.inc.php.bak config/config.inc.php ChangeLog README LICENSE
CONTRIBUTING.md RELEASE-DATE-5.2.1 composer.json composer.lock package.json yarn.lock babel.config.json favicon.ico robots.txt .htaccess .git/config js/dist/a.js js/src/a.js js/messages.php
js/vendor/jquery/a.js js/vendor/codemirror/a.css libraries/config.default.php libraries/classes/Core.php libraries/.htaccess libraries/cache/routes.cache.php templates/home.twig
templates/index.php setup/index.php setup/lib/common.inc.php setup/styles.css setup/frames/a.php sql/create_tables.sql themes/pmahomme/css/theme.css themes/pmahomme/img/logo.png
themes/pmahomme/img/a.svg themes/dot.gif themes/pmahomme/theme.json themes/pmahomme/screen.png themes/a.php vendor/autoload.php vendor/composer/installed.json vendor/x/a.js
examples/signon.php examples/openid.php po/de.po locale/de/LC_MESSAGES/phpmyadmin.mo doc/html/index.html doc/html/setup.html doc/html/_static/a.css tmp/a.txt tmp/twig/x.php test/a.php
upload/dump.sql save/dump.sql .well-known/security.txt empty/""".split()

PATHS = ["/", "/index.php?route=/sql", "/index.php/x", "/none.php", "/none.css", "/none", "/url.php?url=x", "/libraries", "/libraries/", "/templates/", "/setup", "/setup/", "/setup/index.php?a=b", "/setup/index.php/x",
         "/vendor/", "/tmp/", "/js/", "/js", "/themes/", "/themes/pmahomme/img/none.png", "/libraries/classes/Core.php/x.css", "/LIBRARIES/x.php", "/.git/HEAD", "/sql/", "/doc/html/", "/phpinfo.php", "/empty",
         "/config/", "/examples/"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ()

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/version_check.php /config.inc.php /config.sample.inc.php", "answer", "run *", "404", "stricter: no entry of phpMyAdmin 5"),
    ("/config/* /vendor/* /examples/* /tmp/* /test/* /po/* /sql/*", "answer", "*", "403", "stricter: folders that no browser needs"),
    ("/config.inc.php.bak /upload/dump.sql /save/dump.sql", "answer", "file *", "404", "stricter: copies and dumps"),
    ("/ChangeLog /README /CONTRIBUTING.md /RELEASE-DATE-5.2.1 /*.json /composer.lock /yarn.lock", "answer", "file *", "404", "stricter: which version it is"),
    ("/.git/config", "answer", "file *", "404", "stricter: names with a dot"),
    ("*.ico *.js *.css *.png *.svg *.gif", "Cache-Control", "-", "max-age=86400", "phpMyAdmin asks for them with its version (?v=)"),
    ("*.ico *.js *.css *.png *.svg *.gif", "Expires", "-", "1440 min on", "the same"),
]
