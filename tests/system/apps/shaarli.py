"""Shaarli: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php init.php shaarli_version.php COPYING README.md CHANGELOG.md AUTHORS composer.json composer.lock package.json yarn.lock Dockerfile docker-compose.yml Makefile .htaccess .git/config .editorconfig
robots.txt application/Utils.php application/.htaccess application/front/controller/a.php cache/a.php cache/.htaccess data/config.json.php data/datastore.php data/log.txt data/.htaccess data/updates.txt data/a.png
data/ipbans.php doc/html/index.html doc/html/css/a.css doc/html/Installation/index.html doc/html/x.php doc/html/guide.html doc/md/index.md images/favicon.ico images/a.png images/A.PNG images/sad_star.png
inc/a.php inc/languages/de/LC_MESSAGES/shaarli.po pagecache/a.cache pagecache/a.png plugins/qrcode/qrcode.php plugins/qrcode/qrcode.css plugins/qrcode/qrcode.meta plugins/qrcode/qr-1.1.3.js
plugins/default_colors/a.html tests/a.php tmp/a.rtpl.php tmp/x.js tpl/default/page.header.html tpl/default/css/shaarli.min.css tpl/default/js/shaarli.min.js tpl/default/fonts/a.woff2 tpl/default/img/a.svg
vendor/autoload.php vendor/composer/installed.json vendor/x/a.js shaarli/a.txt plugins/index.php .well-known/security.txt""".split()

PATHS = ["/", "/?searchterm=a", "/login", "/shaare/abcdef", "/admin/shaare?post=http://a/", "/daily", "/feed/atom?nb=5", "/feed/rss", "/tags/cloud", "/picture-wall", "/api/v1/info", "/api/v1/links?limit=2", "/index.php",
         "/index.php?do=login", "/index.php/login", "/favicon.ico", "/none.php", "/none.css", "/none.png", "/none", "/data/", "/data", "/tmp/", "/doc/html/", "/doc/html/none", "/doc/html/guide", "/doc/html/Installation", "/tpl/", "/tpl",
         "/init.php/x.css", "/open-shaarli", "/.git/HEAD", "/plugins/"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/data* /tmp/* /vendor/*.json", "answer", "run /index.php", "403", "stricter: refused before the application is asked"),
    ("/data/a.png /tmp/x.js", "answer", "file *", "403", "stricter: whatever is there, also what looks like an asset"),
    ("/data/a.png /tmp/x.js", "Cache-Control", "*", "-", "it is refused"),
    ("/data/a.png /tmp/x.js", "Expires", "years on", "-", "the same"),
    ("/doc/html/x.php", "answer", "source of a script", "404", "stricter: source is never sent"),
    ("/plugins/index.php", "answer", "run /plugins/index.php", "run /index.php", "stricter: no other script runs, whatever its name"),
    ("*", "Cache-Control", "max-age=315360000, must-revalidate, proxy-revalidate, public", "max-age=315360000", "what a cache does with it after ten years is left to it"),
    ("/robots.txt /.well-known/*", "answer", "run /index.php", "file *", "its documentation has one put there; RFC 8615"),
]
