"""Joomla: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php configuration.php configuration.php-dist configuration.php~ configuration.php.bak htaccess.txt web.config.txt robots.txt robots.txt.dist README.txt LICENSE.txt joomla.xml .htaccess .git/config
administrator/index.php administrator/logs/error.php administrator/logs/everything.log administrator/manifests/packages/pkg_en-GB.xml administrator/manifests/files/joomla.xml administrator/cache/a.php
administrator/components/com_admin/services/provider.php administrator/components/com_admin/sql/updates/mysql/4.0.0.sql administrator/language/en-GB/joomla.ini administrator/templates/atum/index.php
administrator/templates/atum/a.css administrator/templates/atum/templateDetails.xml api/index.php api/components/a.php api/language/en-GB/joomla.ini cache/a.php cache/page/x-cache-a.php cache/a.html cli/joomla.php
components/com_content/tmpl/a.php components/com_content/src/x.php images/a.jpg images/A.JPG images/shell.php images/SHELL.PHP images/shell.phtml images/x.PL cache/x.cgi images/a.pdf images/headers/a.png includes/app.php includes/defines.php
language/en-GB/joomla.ini language/en-GB/install.xml layouts/a.php libraries/src/Application.php libraries/vendor/autoload.php libraries/vendor/composer/installed.json libraries/import.php logs/error.php
media/system/js/core.js media/system/css/a.css media/templates/site/a.css media/x.php media/vendor/a.js media/system/images/a.svg modules/mod_login/mod_login.php modules/mod_login/mod_login.xml
plugins/system/sef/sef.php plugins/system/sef/sef.xml templates/cassiopeia/index.php templates/cassiopeia/a.css templates/cassiopeia/favicon.ico tmp/x.php tmp/install_1/a.txt installation/index.php
composer.json dump.sql site.jpa .well-known/security.txt empty/""".split()

PATHS = ["/", "/?p=1", "/blog/post-1", "/blog/post-1?x=y", "/blog/", "/index.php/blog/post-1", "/index.php?option=com_content", "/component/users/?view=login", "/administrator", "/administrator/",
         "/administrator/index.php?option=com_login", "/administrator/none", "/api/index.php/v1/content/articles", "/api/v1/content/articles?a=b", "/api/", "/none.php", "/none.css", "/none.jpg", "/images/", "/images",
         "/images/shell.php/a.jpg", "/images/none.php", "/cache/none.sh", "/tmp/", "/logs/", "/cli/", "/media/x.php?a=b", "/configuration.php?a", "/CONFIGURATION.PHP", "/.env", "/empty", "/feed.xml", "/sitemap.txt"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ("run /index.php", "run /administrator/index.php", "run /api/index.php")

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/configuration.php /configuration.php[?]a /cli/* /includes/* /libraries/*.php", "answer", "run *", "404", "stricter: scripts that nobody asks for by themselves"),
    ("/configuration.php-dist /htaccess.txt /web.config.txt /robots.txt.dist /README.txt /LICENSE.txt /joomla.xml", "answer", "file *", "404", "stricter: texts of the distribution, which version it is"),
    ("/administrator/logs/* /administrator/manifests/* /tmp/*", "answer", "file *", "404", "stricter: logs, what is installed, what is being installed"),
    ("*.sql *.ini", "answer", "file *", "404", "stricter: tables, texts of languages"),
    ("*.txt *.xml", "Cache-Control", "max-age=1209600", "-", "it is refused"),
    ("*.txt *.xml", "Expires", "20160 min on", "-", "the same"),
    ("/.htaccess /.git/config", "answer", "file *", "404", "stricter: names with a dot"),
    ("/configuration.php~ /configuration.php.bak /composer.json /images/shell.phtml", "answer", "file *", "run /index.php", "stricter: never sent; a page of Joomla, which says 404"),
    ("*", "X-Content-Type-Options", "-", "nosniff", "stricter: on errors too; there add_header is for success alone"),
    ("/empty/ /images/", "answer", "403", "run /index.php", "a folder without an index file is a page of Joomla, which says 404"),
    ("/none.php", "answer", "404", "run /index.php", "a script that is not there is a page of Joomla, which says 404"),
    ("/index.php/* /api/index.php/*", "answer", "run *", "run * info /*", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
]
