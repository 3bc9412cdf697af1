"""WordPress with sites in sub-domains: what is in its folder, and how the preset differs from the published configuration of nginx."""

from . import wordpress

APP = "wordpress-multisite"
MEANT_TO_BE_SERVED, STANDS_IN = wordpress.MEANT_TO_BE_SERVED, wordpress.STANDS_IN

FILES = [*wordpress.FILES, *"wp-content/uploads/sites/2/a.jpg wp-content/uploads/sites/2/shell.php wp-content/blogs.dir/2/files/a.jpg wp-admin/network/index.php shop/admin.php".split()]

PATHS = ["/", "/?p=1", "/a-page/", "/2024/11/a-page/?x=y", "/wp-admin", "/wp-admin/", "/wp-admin/network/", "/wp-json/wp/v2/posts?a=b", "/index.php/a-page/", "/none.php", "/none.css", "/none.jpg", "/files/2012/a.jpg", "/files/2012/x.php",
         "/files/.htaccess", "/files/", "/blogs.dir/2/files/a.jpg", "/wp-content/uploads/", "/wp-content/uploads/shell.php/a.jpg", "/wp-content/plugins", "/empty", "/feed/", "/.env", "/a/.git/HEAD", "/wp-includes/version.php/a", "/shop/none.php"]

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/wp-config.php.bak /wp-config.php~ /dump.sql /DUMP.SQL /debug.log /wp-content/debug.log", "answer", "file *", "404", "stricter: copies, dumps, logs"),
    ("/readme.html /composer.json /wp-content/plugins/p/readme.txt /wp-content/plugins/p/README.md", "answer", "file *", "404", "stricter: which version it is"),
    ("/wp-content/uploads/wc-logs/fatal.log", "answer", "file *", "403", "stricter: logs of the shop"),
    ("/wp-content/uploads/shell.phtml", "answer", "file *", "run /index.php", "stricter: source of a script is never sent"),
    ("/empty/ /wp-content/uploads/", "answer", "403", "run /index.php", "a folder without an index file is a page of WordPress, which says 404"),
    ("/none.php", "answer", "404", "run /index.php", "a script that is not there is a page of WordPress, which says 404"),
    ("/index.php/*", "answer", "run *", "run * info /*", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
    ("/.well-known/*", "answer", "403", "file *", "see MEANT_TO_BE_SERVED"),
    ("/wp-includes/version.php*", "answer", "run *", "404", "stricter: no script of wp-includes is asked for by itself"),
    ("/files/", "answer", "run /wp-includes/ms-files.php query file=", "run /index.php", "the name of a file is missing: a page may be called files, too"),
]
