"""Moodle: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php config.php config-dist.php config.php.bak version.php file.php pluginfile.php draftfile.php help.php install.php brokenfile.php composer.json composer.lock package.json npm-shrinkwrap.json
Gruntfile.js phpunit.xml phpunit.xml.dist behat.yml.dist README.md README.txt readme.txt UPGRADING.md UPGRADING-CURRENT.md TRADEMARK.txt COPYING.txt INSTALL_README.txt CONTRIBUTING.md SECURITY.md .htaccess .git/config
.eslintrc .stylelintrc .github/a.yml admin/index.php admin/cli/install.php admin/environment.xml admin/tool/behat/index.php admin/tool/behat/tests/behat/a.feature admin/tool/phpunit/index.php admin/cron.php
vendor/autoload.php vendor/bin/phpunit vendor/a.js node_modules/x/a.js lib/upgrade.txt lib/db/install.xml lib/db/upgrade.php lib/db/access.php lib/javascript.php lib/requirejs.php lib/ajax/service.php
lib/tests/fixtures/a.php lib/tests/fixtures/a.png lib/tests/behat/a.feature lib/yuilib/a.js lib/scssphp/readme_moodle.txt lib/classes/a.php lib/setup.php lib/behat/lib.php theme/styles.php theme/image.php
theme/javascript.php theme/boost/scss/a.scss theme/boost/pix/favicon.ico theme/boost/pix/screenshot.jpg pix/a.svg pix/A.SVG mod/quiz/view.php mod/quiz/db/install.xml mod/README.txt mod/book/README.md
mod/assign/upgrade.txt course/view.php user/pix.php webservice/rest/server.php login/index.php local/x/shell.php robots.txt favicon.ico dump.sql error.log r.php .well-known/security.txt empty/""".split()

PATHS = ["/", "/?redirect=0", "/course/view.php?id=2", "/pluginfile.php/12/mod_resource/content/1/a.pdf", "/pluginfile.php/12/user/icon/f1?rev=3", "/theme/styles.php/boost/16/all", "/theme/image.php/boost/core/16/i/x",
         "/lib/javascript.php/16/lib/requirejs.js", "/draftfile.php/5/user/draft/1/readme.txt", "/pluginfile.php/1/a/.htaccess", "/pluginfile.php/1/fixtures/a.png", "/none.php", "/none", "/none.css", "/course", "/course/", "/login/", "/admin", "/admin/",
         "/lib/", "/lib/classes/", "/vendor/", "/vendor", "/node_modules", "/dataroot/a", "/dataroot/", "/lib/setup.php/x.css", "/.git/HEAD", "/admin/cli/install.php?a", "/mod/", "/README", "/empty", "/none.php/x"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ()

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/config.php /admin/cli/*", "answer", "run *", "404", "stricter: the configuration, the command line"),
    ("/config.php.bak /dump.sql /error.log", "answer", "file *", "404", "stricter: copies, dumps, logs"),
    ("/package.json /Gruntfile.js /behat.yml.dist", "answer", "file *", "404", "stricter: of the development"),
    ("/vendor/autoload.php /lib/tests/fixtures/a.php /lib/behat/lib.php", "answer", "run *", "404", "stricter: there the rule is for files, and scripts of these folders run"),
    ("/vendor /node_modules", "answer", "301", "404", "stricter: the folder itself is refused, not led to"),
    ("/vendor /node_modules", "Location", "/*/", "-", "the same"),
]
