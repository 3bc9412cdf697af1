"""Laravel: what is in its public folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php robots.txt favicon.ico .htaccess .env .env.backup web.config mix-manifest.json phpinfo.php adminer.php css/app.css js/app.js js/APP.JS
build/manifest.json build/assets/app-1a2b3c.js build/assets/app-1a2b3c.css images/logo.png images/LOGO.PNG storage/avatar.jpg storage/doc.pdf storage/shell.php
storage/shell.phtml storage/SHELL.PHP storage/.gitignore vendor/horizon/app.js tool/index.php dump.sql .git/config .well-known/security.txt hot
a.txt a.php.bak empty/""".split()

PATHS = ["/", "/?page=2", "/users/1", "/users/1/edit?a=b", "/login", "/index.php", "/index.php/users", "/index.php?x=y", "/none.php", "/none.php/x", "/none.css", "/build/assets/none.js",
         "/storage", "/storage/", "/storage/none.jpg", "/storage/shell.php/a.jpg", "/tool/", "/tool", "/phpinfo.php/x", "/.git", "/a/.env", "/empty", "/api/v1/items"]

STANDS_IN = ("run /index.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/.* /storage/.gitignore /a/.env /empty/ /storage/", "X-*", "-", "*", "stricter: headers of errors too, which add_header without always leaves out"),
    ("/phpinfo.php /adminer.php /storage/SHELL.PHP /tool/ /tool/index.php", "answer", "source of a script", "run /index.php", "stricter: source is never sent"),
    ("/storage/shell.php /storage/shell.phtml", "answer", "*", "403", "stricter: source is never sent"),
    ("/storage/shell.php/a.jpg", "answer", "run /index.php", "403", "stricter: behind what is refused all is"),
    ("/web.config /dump.sql /a.php.bak", "answer", "file *", "run /index.php", "stricter: names that are never sent"),
    ("/build/assets/app-*", "Cache-Control", "-", "max-age=315360000", "names of assets hold a hash of their content"),
    ("/build/assets/app-*", "Expires", "-", "years on", "the same"),
    ("/build/assets/none.js", "answer", "run /index.php", "404", "stricter: Laravel makes none of them"),
    ("/empty/ /storage/", "answer", "403", "run /index.php", "a folder without an index file is a page of Laravel, which says 404"),
    ("/index.php/users", "answer", "run /index.php", "run /index.php info /users", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
]
