"""WordPress: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php wp-login.php wp-cron.php xmlrpc.php wp-config.php wp-config.php.bak wp-config.php~ readme.html license.txt .htaccess
.git/config .user.ini robots.txt favicon.ico dump.sql DUMP.SQL debug.log composer.json wp-admin/index.php wp-admin/admin-ajax.php
wp-admin/css/a.css wp-content/index.php wp-content/debug.log wp-content/themes/t/style.css wp-content/themes/t/STYLE.CSS
wp-content/themes/t/functions.php wp-content/plugins/p/p.php wp-content/plugins/p/readme.txt wp-content/plugins/p/README.md
wp-content/plugins/p/a.svg wp-content/uploads/2024/a.jpg wp-content/uploads/2024/B.JPG wp-content/uploads/2024/a.pdf
wp-content/uploads/shell.php wp-content/uploads/SHELL.PHP wp-content/uploads/shell.phtml wp-content/uploads/wc-logs/fatal.log
wp-content/files/x.php wp-content/uploads/.htaccess wp-includes/version.php wp-includes/ms-files.php wp-includes/js/a.js
wp-includes/js/tinymce/wp-tinymce.php wp-includes/fonts/a.woff wp-includes/images/a.gif .well-known/security.txt empty/""".split()

PATHS = ["/", "/?p=1", "/a-page/", "/a-page", "/2024/11/a-page/?x=y", "/wp-admin", "/wp-admin/", "/wp-json/wp/v2/posts?a=b", "/index.php/a-page/",
         "/none.php", "/none.jpg", "/none.JPG", "/none.css", "/wp-content/uploads/", "/wp-content/uploads/shell.php/a.jpg", "/wp-login.php/x",
         "/wp-content/plugins", "/empty", "/feed/", "/.env", "/a/.git/HEAD", "/wp-content/uploads/2024/none.php", "/wp-includes/version.php/a"]

MEANT_TO_BE_SERVED = {"/.well-known/*": "RFC 8615: whoever puts a file there means it (ACME, security.txt); the recipe refuses all names with a dot"}
STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/wp-config.php.bak /wp-config.php~ /dump.sql /DUMP.SQL /debug.log /wp-content/debug.log", "answer", "file *", "404", "stricter: copies, dumps, logs"),
    ("/readme.html /composer.json /wp-content/plugins/p/readme.txt /wp-content/plugins/p/README.md", "answer", "file *", "404", "stricter: which version it is"),
    ("/wp-content/uploads/wc-logs/fatal.log", "answer", "file *", "403", "stricter: logs of the shop"),
    ("/wp-content/uploads/shell.phtml", "answer", "file *", "run /index.php", "stricter: source of a script is never sent"),
    ("/wp-includes/version.php /wp-includes/version.php/a", "answer", "run *", "404", "stricter: no script of wp-includes is asked for by itself"),
    ("/empty/ /wp-content/uploads/", "answer", "403", "run /index.php", "a folder without an index file is a page of WordPress, which says 404"),
    ("/none.php", "answer", "404", "run /index.php", "a script that is not there is a page of WordPress, which says 404"),
    ("/index.php/* /wp-login.php/*", "answer", "run *", "run * info /*", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
    ("/.well-known/*", "answer", "403", "file *", "see MEANT_TO_BE_SERVED"),
]
