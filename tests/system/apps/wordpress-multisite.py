"""WordPress with sites in sub-folders: what is in its folder, and how the preset differs from the published configuration of nginx."""

from . import wordpress

STANDS_IN = wordpress.STANDS_IN
FILES = [*wordpress.FILES, *"""wp-content/uploads/sites/2/a.jpg wp-content/uploads/sites/2/shell.php wp-content/blogs.dir/2/files/a.jpg wp-content/blogs.dir/2/files/x.php wp-admin/network/index.php
shop/index.php shop/admin.php shop/a.css tools/report.php""".split()]

PATHS = ["/", "/?p=1", "/a-page/", "/blog", "/blog/", "/blog/a-page/?x=y", "/blog/2024/11/a-page/", "/wp-admin", "/wp-admin/", "/wp-admin/network/", "/blog/wp-admin", "/blog/wp-admin/", "/blog/wp-admin/?a=b",
         "/blog/wp-admin/admin-ajax.php?action=a", "/blog/wp-admin/css/a.css", "/blog/wp-login.php", "/blog/wp-login.php?a=b", "/blog/xmlrpc.php", "/blog/wp-cron.php", "/blog/wp-json/wp/v2/posts?a=b", "/blog/wp-includes/js/a.js",
         "/blog/wp-includes/version.php", "/blog/wp-content/themes/t/style.css", "/blog/wp-content/uploads/2024/a.jpg", "/blog/wp-content/uploads/shell.php", "/blog/wp-content/debug.log", "/blog/wp-config.php", "/blog/.git/config",
         "/blog/wp-content/plugins/p/README.md", "/blog/none.php", "/blog/none.css", "/blog/wp-content/none.css", "/blog/wp-content/none.php", "/none.php", "/none.css", "/files/2012/a.jpg", "/blog/files/2012/a.jpg", "/blog/files/2012/x.php",
         "/blog/files/.htaccess", "/blogs.dir/2/files/a.jpg", "/wp-content/uploads/", "/wp-content/uploads/shell.php/a.jpg", "/blog/robots.txt", "/index.php/a-page/", "/blog/index.php", "/blog/a/wp-login.php", "/.env", "/empty",
         "/blog/readme.html", "/blog/dump.sql", "/shop", "/shop/none.php", "/wp-none", "/blog/wp-none"]

MEANT_TO_BE_SERVED = {**wordpress.MEANT_TO_BE_SERVED, "/files/2012/a.jpg": "an upload of the main site; there the expression misses the slash in front, and the one for sub-domains has it"}

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/wp-config.php.bak /wp-config.php~ /dump.sql /DUMP.SQL /debug.log /wp-content/debug.log", "answer", "file *", "404", "stricter: copies, dumps, logs"),
    ("/readme.html /composer.json /wp-content/plugins/p/readme.txt /wp-content/plugins/p/README.md", "answer", "file *", "404", "stricter: which version it is"),
    ("/wp-content/uploads/wc-logs/fatal.log", "answer", "file *", "403", "stricter: logs of the shop"),
    ("/wp-content/uploads/shell.phtml", "answer", "file *", "run /index.php", "stricter: source of a script is never sent"),
    ("/empty/ /wp-content/uploads/", "answer", "403", "run /index.php", "a folder without an index file is a page of WordPress, which says 404"),
    ("/none.php", "answer", "404", "run /index.php", "a script that is not there is a page of WordPress, which says 404"),
    ("/index.php/*", "answer", "run *", "run * info /*", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
    ("/.well-known/*", "answer", "403", "file *", "see MEANT_TO_BE_SERVED"),
    ("/wp-includes/version.php /blog/wp-includes/version.php", "answer", "run *", "404", "stricter: no script of wp-includes is asked for by itself"),
    ("/blog/wp-content/debug.log /blog/wp-content/plugins/p/README.md", "answer", "file *", "404", "stricter: as without the site in front"),
    ("/blog/readme.html /blog/dump.sql", "answer", "run /index.php", "404", "the same; there it is a page of WordPress, which says 404"),
    ("/files/2012/a.jpg", "answer", "404", "run /wp-includes/ms-files.php query file=2012/a.jpg", "see MEANT_TO_BE_SERVED"),
]
