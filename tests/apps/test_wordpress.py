"""WordPress below a sub-path: installation, login, permalinks, REST with POST, PUT and DELETE, a large upload, what is hidden."""

import os
import re

import pytest
from conftest import give_to_php

BIG = b"PK\x03\x04" + os.urandom(1 << 20) * 20

CONFIG = """\
<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'wordpress'); define('DB_PASSWORD', 'secret'); define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', ''); $table_prefix = 'wp_';
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $k) define($k, md5($k));
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('FS_METHOD', 'direct'); define('AUTOMATIC_UPDATER_DISABLED', true);
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""


@pytest.fixture(scope="module")
def blog(host):
    root = host.root("wordpress")
    (root / "wp-config.php").write_text(CONFIG.replace("{socket}", host.database.socket), encoding="ascii")
    (root / "wp-content" / "uploads").mkdir(exist_ok=True)
    give_to_php(root / "wp-content")
    browser = host.browser("wordpress")
    page = browser.get("/")
    assert page.url.endswith("/wp-admin/install.php"), page
    page = browser.post("/wp-admin/install.php?step=2", {"weblog_title": "A blog", "user_name": "admin", "admin_password": "long-secret-1", "pw_weak": "1",
                                                         "admin_password2": "long-secret-1", "admin_email": "a@b.example", "blog_public": "0", "language": ""})
    assert page.status == 200 and "wp-login.php" in page.text, page
    browser.get("/wp-login.php")  # sets the test cookie
    page = browser.post("/wp-login.php", {"log": "admin", "pwd": "long-secret-1", "wp-submit": "Log In", "testcookie": "1", "redirect_to": f"{host.url('wordpress')}/wp-admin/"})
    assert page.status == 200 and page.url.endswith("/wp-admin/") and "Dashboard" in page.text, page
    page = browser.get("/wp-admin/options-permalink.php")
    assert "index.php/%year%" not in page.text, "WordPress knows that addresses need no index.php"
    page = browser.post("/wp-admin/options-permalink.php", {"_wpnonce": page.field("_wpnonce"), "selection": "/%postname%/", "permalink_structure": "/%postname%/"})
    assert "Permalink structure updated" in page.text, page
    browser.nonce = {"X-WP-Nonce": browser.get("/wp-admin/admin-ajax.php?action=rest-nonce").text}
    return browser


def test_permalinks_and_rest(blog):
    made = blog.send_json("POST", "/wp-json/wp/v2/posts", {"title": "A first post", "content": "some words", "status": "publish"}, blog.nonce)
    assert made.status == 201, made
    number, link = made.json["id"], made.json["link"]
    assert link.endswith("/blog/a-first-post/")
    page = blog.get("/a-first-post/")
    assert page.status == 200 and "some words" in page.text and page.url == link
    assert blog.get("/a-first-post", follow=False).headers["Location"] == link, "WordPress's own redirect"
    changed = blog.send_json("PUT", f"/wp-json/wp/v2/posts/{number}", {"content": "other words"}, blog.nonce)
    assert changed.status == 200 and "other words" in blog.get("/a-first-post/").text, changed
    gone = blog.ask(f"/wp-json/wp/v2/posts/{number}?force=true", headers=blog.nonce, method="DELETE")
    assert gone.status == 200 and gone.json["deleted"] is True, gone
    assert blog.get("/a-first-post/").status == 404
    assert blog.get("/wp-json/wp/v2/posts?per_page=1").headers["X-WP-Total"]
    assert blog.get("/feed/").headers["Content-Type"].startswith("application/rss+xml")


def test_a_large_upload_comes_back_whole(blog, host):
    made = blog.ask("/wp-json/wp/v2/media", BIG, {**blog.nonce, "Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="big.zip"'}, "POST")
    assert made.status == 201, made
    path = made.json["source_url"].removeprefix(host.url("wordpress"))
    back = blog.get(path)
    assert back.status == 200 and back.bytes == BIG and back.headers["ETag"]
    page = blog.get("/wp-admin/media-new.php")
    nonce = re.search(r'"_wpnonce":"([0-9a-f]+)"', page.text)[1]
    got = blog.upload("/wp-admin/async-upload.php", {"name": "form.zip", "action": "upload-attachment", "_wpnonce": nonce}, "async-upload", "form.zip", BIG)
    assert got.status == 200 and got.json["success"], got


def test_assets_and_what_is_hidden(blog, host):
    css = blog.get("/wp-includes/css/dist/block-library/style.min.css")
    assert css.status == 200 and css.headers["Cache-Control"] == "max-age=315360000"
    assert blog.get("/wp-admin", follow=False).headers["Location"].endswith("/blog/wp-admin/")
    assert blog.get("/wp-admin/load-styles.php?c=0&dir=ltr&load=dashicons").headers["Content-Type"].startswith("text/css")
    assert blog.get("/wp-config.php").bytes == b""
    root = host.root("wordpress")
    (root / "wp-content" / "uploads" / "shell.php").write_text("<?php echo 'ran';", encoding="ascii")
    (root / "wp-content" / "debug.log").write_text("secret", encoding="ascii")
    for path in ("/wp-content/uploads/shell.php", "/wp-content/uploads/shell.php/x", "/wp-content//uploads/shell.php", "/wp-content/debug.log", "/readme.html",
                 "/.htaccess", "/wp-includes/version.php"):
        got = blog.get(path)
        assert got.status in (403, 404) and b"ran" not in got.bytes[:3] and b"secret" not in got.bytes, (path, got)
