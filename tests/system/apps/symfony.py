"""Symfony: what is in its public folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php index_dev.php app.php config.php info.php admin/index.php robots.txt favicon.ico .htaccess .env .env.local .user.ini .git/config composer.json composer.lock
symfony.lock phpunit.xml.dist Dockerfile dump.sql index.php~ index.php.bak build/app.123abc.js build/app.js build/manifest.json build/entrypoints.json build/app.123abc.css build/x.php
assets/app-9f8e7d6c.js assets/styles/app-1a2b3c.css assets/app.js assets/.git/HEAD bundles/admin/a.css bundles/admin/a.js bundles/admin/x.php bundles/admin/index.html uploads/shell.php
uploads/SHELL.PHP uploads/shell.phtml uploads/a.jpg uploads/a.pdf uploads/page.html var/cache/a.txt var/log/prod.log images/a.svg fonts/a.woff2 .well-known/security.txt
sitemap.xml empty/""".split()

PATHS = ["/", "/?p=1", "/blog", "/blog/", "/blog/post-1?x=y", "/en/blog/posts/.rss", "/api/v1/users/4.json?a[]=b", "/login", "/index.php/", "/index.php/blog", "/index.php/blog?x=y", "/index.php?a=b", "/none.php",
         "/none.php/x", "/blog/none.php", "/none.css", "/none.jpg", "/bundles/admin/none.css", "/bundles/", "/build/none.123.js", "/assets/none-1a.js", "/uploads/", "/uploads", "/uploads/shell.php/a.jpg",
         "/_profiler", "/_wdt/1", "/app.php/x", "/info.php?a", "/.env/x", "/vendor/autoload.php", "/var/cache", "/empty", "/INDEX.PHP"]

MEANT_TO_BE_SERVED = {}
STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/.htaccess /.env /.env.local /.user.ini /.git/config /assets/.git/HEAD /.env/x", "answer", "*", "404", "stricter: names with a dot"),
    ("/composer.json /composer.lock /symfony.lock /dump.sql", "answer", "file *", "run /index.php", "stricter: never sent; a page of the application, which says 404"),
    ("/index.php~ /index.php.bak /uploads/SHELL.PHP /uploads/shell.phtml", "answer", "*", "run /index.php", "stricter: source of a script is never sent"),
    ("/uploads/shell.php/a.jpg /app.php/x", "answer", "run /index.php", "404", "stricter: nothing behind a script that must not run"),
    ("/build/*.123*.* /assets/*-*.*", "Cache-Control", "-", "max-age=315360000", "names of Encore and AssetMapper change with their content; what the application says itself stands"),
    ("/build/*.123*.* /assets/*-*.*", "Expires", "-", "years on", "the same"),
]
