"""DokuWiki: what is in its folder, and how the preset differs from the published configuration of nginx."""

FILES = """doku.php index.php feed.php install.php README COPYING VERSION SECURITY.md .htaccess .htaccess.dist robots.txt data/pages/start.txt data/media/a.png data/.htaccess
data/security.png conf/local.php conf/users.auth.php conf/acl.auth.php conf/dokuwiki.php conf/mime.conf bin/wantedpages.php bin/.htaccess inc/init.php inc/lang/en/lang.php vendor/autoload.php vendor/a.js
lib/exe/fetch.php lib/exe/detail.php lib/exe/ajax.php lib/exe/css.php lib/exe/xmlrpc.php lib/images/a.png lib/images/A.PNG lib/images/a.svg lib/images/a.gif lib/scripts/a.js lib/styles/a.css lib/styles/a.less
lib/tpl/dokuwiki/main.php lib/tpl/dokuwiki/images/a.jpg lib/plugins/acl/conf/default.php lib/plugins/acl/plugin.info.txt lib/plugins/acl/a.woff lib/index.html a.php~ .git/HEAD .well-known/security.txt empty/""".split()

PATHS = ["/", "/start", "/start?do=edit", "/wiki/syntax", "/wiki:syntax?rev=1", "/doku.php", "/doku.php?id=start", "/doku.php/start", "/none.php", "/lib/exe/none.php", "/lib/images/none.png", "/lib/exe/fetch.php?media=a:b.png",
         "/lib/exe/fetch.php/a.png", "/_media/wiki/a.png", "/_media/a.png?w=200", "/_detail/wiki/a.png?id=start", "/_export/xhtml/wiki/syntax", "/_export/pdf/a", "/data", "/data/", "/conf/", "/conf", "/bin/x",
         "/lib", "/lib/", "/lib/plugins/acl/conf/default.php/x.png", "/install.php?l=de", "/installer", "/empty/", "/lib/tpl", "/.env", "/vendor"]

MEANT_TO_BE_SERVED = {"/lib/exe/fetch.php/*": "fetch.php is public there too; with userewrite = 2 the medium is named in PATH_INFO"}
STANDS_IN = ("run /doku.php",)

DIFFERENCES = [  # paths, field, nginx's, ours, why
    ("/README /COPYING /VERSION /SECURITY.md", "answer", "file *", "404", "stricter: which version it is"),
    ("/.htaccess /.htaccess.dist /.git/HEAD", "answer", "file *", "404", "stricter: names with a dot"),
    ("/a.php~", "answer", "file *", "run /doku.php query id=/a.php~", "stricter: a copy of a script is never sent"),
    ("/start* /wiki* /installer /.env", "answer", "run /doku.php query id=*", "run /doku.php query id=/*", "DokuWiki takes the slash off (cleanID); there the query is told twice"),
    ("/none.php /lib/exe/none.php", "answer", "run /doku.php", "run /doku.php query id=/*none.php", "the page of that name, as for any other"),
    ("/doku.php/start", "answer", "run /doku.php query id=doku.php/start&", "run /doku.php info /start", "PATH_INFO of a script that is there, as userewrite = 2 has it"),
    ("/lib/exe/fetch.php/a.png", "answer", "404", "run *", "see MEANT_TO_BE_SERVED"),
    ("/lib/exe/fetch.php/a.png", "Cache-Control", "-", "max-age=31536000", "fetch.php says itself how long; what does not is a picture of lib as any other"),
    ("/lib/exe/fetch.php/a.png", "Expires", "-", "525600 min on", "the same"),
    ("/empty/ /lib/", "answer", "403", "run /doku.php query *", "a folder without an index file is a page of the wiki, which says 404"),
    ("/data /conf /vendor", "answer", "301", "403", "stricter: the folder itself is refused, not led to"),
    ("/data /conf /vendor", "Location", "/*/", "-", "the same"),
]
