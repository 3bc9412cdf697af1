"""MediaWiki: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """index.php api.php load.php rest.php thumb.php thumb_handler.php img_auth.php opensearch_desc.php LocalSettings.php autoload.php composer.json INSTALL
COPYING CREDITS README.md RELEASE-NOTES-1.39 favicon.ico robots.txt .htaccess cache/l10n.php cache/a.cdb docs/a.txt extensions/E/extension.json extensions/E/E.php
extensions/E/r/a.js extensions/E/r/a.css extensions/E/r/A.CSS extensions/E/i18n/en.json images/a/ab/X.png images/a/ab/X.PNG images/README images/x.php
images/x.phtml images/x.html images/.htaccess images/deleted/a.png images/temp/a.png images/thumb/a/ab/X.png/120px-X.png images/archive/a.png
includes/Setup.php includes/a.css languages/messages/MessagesEn.php maintenance/run.php maintenance/tables.sql mw-config/index.php mw-config/config.css
resources/assets/wiki.png resources/src/a.css resources/lib/a.js resources/lib/a.json resources/Resources.php resources/src/x.php skins/Vector/a.css skins/Vector/a.svg skins/Vector/skin.json
skins/Vector/x.php tests/a.php vendor/autoload.php vendor/a.js .git/HEAD .well-known/security.txt""".split()

PATHS = ["/", "/index.php?title=Main_Page", "/index.php?title=A&action=edit", "/wiki/Main_Page", "/wiki/A/B?x=y", "/wiki/Foo.php", "/wiki/.NET_Framework", "/wiki/", "/wiki",
         "/rest.php/v1/page/A", "/rest.php/", "/api.php?action=query", "/load.php?modules=a", "/index.php/Main_Page", "/api.php/x", "/none.php", "/none", "/images/none.png",
         "/images/thumb/a/ab/X.png/99px-X.png", "/images/", "/images", "/resources/assets/none.png", "/skins/Vector/none.css", "/skins/", "/mw-config/", "/images/x.php/y.png",
         "/wiki/images/deleted/a.png"]

MEANT_TO_BE_SERVED = {"/.well-known/*": "RFC 8615: whoever puts a file there means it (ACME, security.txt)"}
STANDS_IN = ("run /index.php", "run /thumb_handler.php")

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("*", "Cache-Control", "max-age=604800, public", "max-age=604800", "public says nothing beside max-age (RFC 9111 5.2.2.9)"),
    ("/images*", "X-Content-Type-Options", "-", "nosniff", "stricter: an upload is what its name says"),
    ("/images/x.php /resources/src/x.php", "answer", "source of a script", "40?", "stricter: source is never sent"),
    ("/images/x.phtml /images/x.html", "answer", "file *", "403", "stricter: uploads that a browser would run"),
    ("/images/temp/a.png /images/.htaccess", "answer", "file *", "40?", "stricter"),
    ("/resources/src/x.php", "Cache-Control", "*", "-", "it is refused"),
    ("/resources/src/x.php", "Expires", "*", "-", "it is refused"),
    ("/", "answer", "301", "run /index.php", "MediaWiki leads to its main page itself, whatever that is called"),
    ("/", "Location", "/wiki/Main_Page", "-", "the same"),
    ("/wiki", "answer", "404", "run /index.php", "the main page, as /wiki/ is"),
    ("/rest.php/*", "answer", "run /rest.php", "run /rest.php info *", "PATH_INFO is told too: what stands behind a script, which nginx's fastcgi_params leave out"),
    ("/images/thumb/*", "answer", "404", "run /thumb_handler.php", "a thumbnail that is not there is made: Manual:Thumb handler"),
    ("/.well-known/*", "answer", "404", "file *", "see MEANT_TO_BE_SERVED"),
]
