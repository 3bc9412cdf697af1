"""Magento: what is in its pub folder, and how the preset differs from nginx.conf.sample."""

FILES = """index.php get.php static.php health_check.php cron.php robots.txt favicon.ico .htaccess .user.ini errors/404.php errors/503.php errors/report.php
errors/local.xml errors/LOCAL.XML errors/processor.php errors/default/css/a.css setup/index.php setup/pub/a.css setup/src/a.php update/index.php a.phtml
a.html media/catalog/a.jpg media/catalog/A.JPG media/catalog/a.webp media/a.zip media/a.csv media/a.xml media/a.pdf media/.htaccess media/customer/a.jpg
media/downloadable/a.zip media/import/a.csv media/custom_options/q/a.png media/theme_customization/a/b.xml media/x.php media/x.phtml static/.htaccess
static/frontend/a.css static/frontend/A.CSS static/frontend/a.js static/frontend/a.json static/frontend/a.html static/frontend/a.zip static/frontend/a.txt static/frontend/x.php static/deployed_version.txt
pub.html .git/config .gitignore .well-known/security.txt empty/""".split()

PATHS = ["/", "/women.html", "/women.html?p=2", "/index.php", "/index.php/admin/", "/admin", "/rest/V1/products?x=y", "/checkout/cart/", "/none.php", "/media/catalog/none.jpg",
         "/media/catalog/none.jpg?w=1", "/media/none.zip", "/media/none", "/media/", "/static/version1700000000/frontend/a.css", "/static/version1700000000/frontend/none.css",
         "/static/frontend/none.js", "/static/frontend/none.zip", "/static/none", "/get.php?resource=a", "/get.php/x", "/setup", "/setup/", "/update/",
         "/pub/media/import/a.csv", "/pub/media/theme_customization/a.xml", "/errors/", "/empty", "/media/x.php/a.jpg", "/static/version1/x.php", "/.env"]

STANDS_IN = ("run /index.php", "run /get.php", "run /static.php")

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/setup* /update*", "answer", "*", "403", "stricter: the tools lie outside of pub since 2.4, and are for the command line"),
    ("/setup*", "X-Frame-Options", "SAMEORIGIN", "-", "it is refused"),
    ("/setup", "Location", "/setup/", "-", "it is refused"),
    ("/media/* /static/*", "Cache-Control", "max-age=31536000, public", "max-age=31536000", "public says nothing beside max-age (RFC 9111 5.2.2.9)"),
    ("/media/* /static/*", "X-Frame-Options", "-", "SAMEORIGIN", "stricter: of errors and of scripts in place of files too"),
    ("/media/*", "Cache-Control", "-", "no-store", "stricter: of errors and of scripts in place of files too"),
    ("/static/*.zip", "Cache-Control", "-", "no-store", "the same"),
    ("/media/catalog/none.jpg* /static/*/none.*s", "Cache-Control", "-", "max-age=31536000", "the script sends the file that it makes at this address"),
    ("/media/catalog/none.jpg* /static/*/none.*s", "Expires", "-", "525600 min on", "the same"),
    ("/static/none", "Cache-Control", "-", "max-age=315360000", "the same"),
    ("/static/none", "Expires", "-", "years on", "the same"),
    ("/empty/ /errors/", "answer", "404", "run /index.php", "a folder without an index file is a page of Magento, which says 404"),
    ("/media/", "answer", "404", "run /get.php", "a folder without an index file is for get.php, which says 404"),
    ("/media/x.php/a.jpg", "answer", "run /get.php", "403", "stricter: behind what is refused all is"),
    ("/get.php/x", "answer", "run /index.php", "run /get.php info /x", "a script that is there runs, with PATH_INFO"),
    ("/index.php/admin/", "answer", "run /index.php", "run /index.php info /admin/", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
]
