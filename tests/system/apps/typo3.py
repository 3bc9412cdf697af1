"""TYPO3: what is in its public folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php robots.txt favicon.ico .htaccess .git/config .env composer.json composer.lock COMPOSER.JSON README.md LICENSE.txt INSTALL.md ChangeLog typo3/index.php typo3/install.php
typo3/sysext/core/composer.json typo3/sysext/core/Resources/Public/a.js typo3/sysext/core/Resources/Public/a.css typo3/sysext/core/Resources/Private/a.html typo3/sysext/core/Resources/Private/Language/locallang.xlf
typo3/sysext/core/Configuration/a.php typo3/sysext/core/Configuration/a.xml typo3/sysext/core/Documentation/a.txt typo3/sysext/core/Tests/a.php typo3/sysext/core/ext_emconf.php typo3/sysext/core/ext_localconf.php
typo3conf/LocalConfiguration.php typo3conf/system/settings.php typo3conf/ext/news/ext_conf_template.txt typo3conf/ext/news/ext_tables.sql typo3conf/ext/news/ext_typoscript_setup.txt typo3conf/ext/news/doc/manual.txt
typo3conf/ext/news/docs/a.txt typo3conf/ext/news/Test/a.txt typo3conf/ext/news/flexform_ds.xml typo3conf/ext/news/locallang_db.xml typo3conf/ext/news/Resources/Public/a.png typo3conf/ext/news/Classes/A.php
typo3conf/l10n/de.locallang.xlf fileadmin/a.jpg fileadmin/A.JPG fileadmin/a.pdf fileadmin/shell.php fileadmin/SHELL.PHP fileadmin/shell.phtml fileadmin/templates/a.txt fileadmin/templates/a.html fileadmin/templates/setup.ts
fileadmin/_temp_/a.txt fileadmin/_recycler_/a.jpg fileadmin/user_upload/_temp_/importexport/a.xml fileadmin/form.yaml fileadmin/a.t3d fileadmin/photo.2024.jpg uploads/x.php typo3temp/assets/a.css typo3temp/assets/a.1712345678.js
typo3temp/assets/css/b.css typo3temp/var/cache/a.txt typo3temp/var/log/typo3_1.log typo3temp/x.php typo3temp/logs/a.txt vendor/autoload.php vendor/a.js typo3_src/index.php typo3_src/a.txt _assets/abc/a.js _assets/abc/a.css
dump.sql DUMP.SQL dump.sql.gz a.bak a.log a.sh a.ini a.conf a.yml config/system/settings.php var/log/a.txt a.css.gzip a.js.gzip .well-known/security.txt empty/""".split()

PATHS = ["/", "/?id=1", "/page", "/page/", "/page/sub?x=y", "/index.php?id=2", "/index.php/page", "/typo3", "/typo3/", "/typo3/module/web/layout?id=1", "/typo3/login", "/typo3/index.php?route=/login", "/typo3/none.css",
         "/typo3/install.php?a=b", "/none.php", "/none.php/x", "/none.css", "/none.jpg", "/fileadmin", "/fileadmin/", "/fileadmin/shell.php/a.jpg", "/fileadmin/none.php", "/typo3temp/assets/css/b.1712345678.css", "/_assets/abc/a.1712345678.js",
         "/typo3temp/assets/none.1712345678.css", "/fileadmin/a.1712345678.jpg", "/a.1712345678.sql", "/page.1712345678.php", "/typo3conf/", "/typo3conf/ext/news/Resources/Private/", "/empty", "/sitemap.xml", "/typo3/sysext/core/Configuration/a.php/x"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ("run /index.php", "run /typo3/index.php")

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/.htaccess /.git/config /.env", "answer", "file *", "404", "stricter: names with a dot"),
    ("/README.md /LICENSE.txt /INSTALL.md /ChangeLog", "answer", "file *", "403", "stricter: which version it is"),
    ("/fileadmin/* /uploads/* /typo3temp/*", "answer", "run *", "403", "stricter: scripts among uploads and temporary data"),
    ("/fileadmin/SHELL.PHP /fileadmin/shell.phtml", "answer", "*", "403", "stricter: source of a script is never sent"),
    ("/typo3temp/var/* /typo3temp/logs/* /vendor/* /typo3_src/*", "answer", "*", "403", "stricter: there the expression is meant to refuse them, and misses the slash in front"),
    ("/dump.sql.gz", "answer", "file *", "run /index.php", "stricter: dumps; a page of TYPO3, which says 404"),
    ("/empty/ /fileadmin/ /typo3conf/", "answer", "403", "run /index.php", "a folder without an index file is a page of TYPO3, which says 404"),
    ("/none.php /none.php/x /page.1712345678.php", "answer", "404", "run /index.php", "a script that is not there is a page of TYPO3, which says 404"),
    ("/typo3temp/assets/none.1712345678.css", "answer", "run /index.php", "404", "an asset that is missing without its version, too, is no page"),
    ("/index.php/page", "answer", "run /index.php", "run /index.php info /page", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi.conf leaves out"),
]
