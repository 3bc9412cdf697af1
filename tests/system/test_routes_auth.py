"""`auth`: passwords, off the loop; nothing is reached around them."""

import base64
import json
import time
import warnings

import pytest

from harness.wait import wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

SECRET = "secret-of-the-site"


def basic(user, password):
    return [("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())]


def hashed(password, method=None, rounds=None):
    return crypt.crypt(password, crypt.mksalt(method or crypt.METHOD_BLOWFISH, rounds=rounds or 16))


@pytest.fixture
def guarded(stack, base):
    users = base / "users"
    users.write_text(f"ann:{hashed('right')}\nbob:{hashed('sha', crypt.METHOD_SHA512, 1000)}\nold:plain\n", encoding="ascii")
    users.chmod(0o644)
    other = base / "others"
    other.write_text(f"bob:{hashed('sha')}\n", encoding="ascii")
    other.chmod(0o644)
    auth = {"realm": "Inner", "users": str(users)}
    proxy, fpm = stack(site={"fallback": "/index.php", "routes": [
        {"path": "/inner/", "auth": auth}, {"path": "/inner/open/", "auth": "off"}, {"path": "/params.php", "auth": auth},
        {"path": "/inner/only-bob/", "auth": {"users": str(other)}}, {"path": "/moved/", "auth": auth, "redirect": "/x"},
        {"path": "/no/", "auth": auth, "deny": 404}, {"path": "/get/**", "to": "/$1"}]})
    for name in ("inner/a.txt", "inner/open/a.txt", "inner/only-bob/a.txt"):
        path = fpm.www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET, encoding="ascii")
    (fpm.www / "inner" / "run.php").write_text(f"<?php echo '{SECRET}';", encoding="ascii")
    return proxy, fpm, users


def test_passwords(guarded):
    proxy, _, _ = guarded
    with proxy.client() as client:
        asked = client.request("GET", "/inner/a.txt")
        assert asked.status == 401 and asked.get("WWW-Authenticate") == 'Basic realm="Inner", charset="UTF-8"'
        for user, password, status in (("ann", "right", 200), ("bob", "sha", 200), ("ann", "Right", 401), ("ann", "", 401), ("bob", "right", 401),
                                       ("eve", "right", 401), ("old", "plain", 401), ("ann", "right ", 401)):
            for _ in range(2):
                got = client.request("GET", "/inner/a.txt", basic(user, password))
                assert got.status == status and (SECRET.encode() in got.body) == (status == 200), (user, password, got)
                assert (got.get("WWW-Authenticate") is not None) == (status == 401)
        for value in ("Basic", "Basic !", "Bearer x", "Basic " + "A" * 4000, "Digest username=ann"):
            assert client.request("GET", "/inner/a.txt", [("Authorization", value)]).status == 401
        assert client.request("GET", "/inner/open/a.txt").status == 200
        assert client.request("GET", "/inner/only-bob/a.txt", basic("ann", "right")).status == 401
        assert client.request("GET", "/inner/only-bob/a.txt", basic("bob", "sha")).status == 200
        assert client.request("GET", "/style.css").status == 200
        assert client.request("GET", "/moved/").status == 301
        assert client.request("GET", "/no/").status == 404
        head = client.request("HEAD", "/inner/a.txt")
        assert head.status == 401 and not head.body


def test_php_and_the_log_know_who_it_is(guarded):
    proxy, _, _ = guarded
    seen = json.loads(proxy.get("/params.php", basic("ann", "right"), method="POST", body=b"x=1").body)["server"]
    assert seen["REMOTE_USER"] == "ann" and seen["AUTH_TYPE"] == "Basic"
    proxy.get("/inner/a.txt", basic("ann", "wrong"))
    lines = proxy.wait_access(lambda entry: entry["target"] == "/inner/a.txt")
    assert lines[0]["status"] == 401 and not lines[0].get("user") and "wrong" in lines[0]["outcome"], lines
    assert proxy.wait_access(lambda entry: entry["target"] == "/params.php")[0]["user"] == "ann"
    assert "REMOTE_USER" not in json.loads(proxy.get("/index.php", basic("ann", "right")).body)


def test_no_way_around(guarded):
    proxy, _, _ = guarded
    for target in ("/inner/a.txt", "//inner/a.txt", "/%69nner/a.txt", "/inner%2fa.txt", "/x/../inner/a.txt", "/inner/open/../a.txt",
                   "/inner/open/%2e%2e/a.txt", "/inner/run.php", "/inner/run.php/open/", "/inner/run.php/x.css", "/get/inner/a.txt",
                   "/get/inner/run.php/x", "/inner/open/..%2fa.txt", "/index.php/../inner/a.txt", "/inner/", "/inner", "/inner/none"):
        for method in ("GET", "POST", "OPTIONS"):
            got = proxy.get(target, method=method, body=b"" if method == "POST" else None)
            assert SECRET.encode() not in got.body, (method, target, got)
    assert SECRET.encode() in proxy.get("/get/inner/run.php/x", basic("ann", "right")).body


def test_who_opens_an_ending_opens_files(stack, base):
    """What answers where there is none is asked by itself: fallback, index, list; whose script names a file, that is for."""
    users = base / "users"
    users.write_text(f"ann:{hashed('right')}\n", encoding="ascii")
    users.chmod(0o644)
    kept = base / "kept"
    kept.mkdir(mode=0o755)
    (kept / "a.css").write_text(SECRET, encoding="ascii")
    proxy, fpm = stack(site={
        "auth": {"users": str(users)}, "errors": {"404": "/e/404.html", "401": "/e/401.html"}, "internal": {"/kept/": str(kept)}, "fallback": "/index.php",
        "routes": [{"path": ["*.css", "/names.css/", "/pub/"], "auth": "off"}, {"path": "/names.css/", "list": True}, {"path": "/spa/", "fallback": "/spa.html"},
                   {"path": "/list/", "fallback": "/names/"}, {"path": "/names/", "list": True}, {"path": "/gone/", "fallback": "404"},
                   {"path": "/hook/", "auth": "off", "fallback": "/hook.php"}, {"path": "/get/**", "to": "/send.php?f=$1"}]})
    for name, text in (("index.php", f"<?php echo '{SECRET}';"), ("hook.php", "<?php echo 'hook';"), ("send.php", "<?php header('X-Accel-Redirect: /kept/' . $_GET['f']);"),
                       ("spa.html", SECRET), ("e/404.html", "own page"), ("e/401.html", "who are you"), ("names/a.txt", SECRET), ("dir.css/index.php", f"<?php echo '{SECRET}';"),
                       ("pub/a.txt", "public"), ("names.css/a.txt", "public"), ("a.css", "public")):
        (fpm.www / name).parent.mkdir(exist_ok=True)
        (fpm.www / name).write_text(text, encoding="ascii")
    for target in ("/admin/x.css", "/x.css?page=admin", "/none.css/", "/dir.css/", "/index.php/x.css", "/index.php", "/spa/x.css", "/list/x.css", "/pub/none", "/pub/",
                   "/get/a.css", "/kept/a.css", "/send.php?f=a.css", "/admin%2fx.css", "//x.css", "/gone/../x.css"):
        got = proxy.get(target)
        assert got.status in (401, 404) and SECRET.encode() not in got.body, (target, got)
        assert got.body in (b"who are you", b"own page"), (target, got)
        assert target == "/kept/a.css" or got.status == 401, (target, got)
    for target, body in (("/a.css", b"public"), ("/pub/a.txt", b"public"), ("/hook/x", b"hook"), ("/hook/x.css", b"hook"), ("/gone/x.css", b"own page")):
        assert proxy.get(target).body == body, target
    assert b"a.txt" in proxy.get("/names.css/").body
    for target in ("/admin/x.css", "/spa/x.css", "/dir.css/", "/get/a.css", "/index.php/x.css"):
        assert proxy.get(target, basic("ann", "right")).body == SECRET.encode(), target
    assert b"a.txt" in proxy.get("/list/x.css", basic("ann", "right")).body


def test_a_changed_file_counts_at_once(guarded):
    proxy, _, users = guarded
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 200
    users.write_text(f"ann:{hashed('another')}\n", encoding="ascii")
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 401
    assert proxy.get("/inner/a.txt", basic("ann", "another")).status == 200
    users.unlink()
    broken = proxy.get("/inner/a.txt", basic("ann", "another"))
    assert broken.status == 500 and SECRET.encode() not in broken.body
    wait_until(lambda: "a file of users cannot be read" in proxy.log(), "a line that says so")


def test_a_body_is_not_taken_without_a_name(guarded):
    proxy, _, _ = guarded
    with proxy.client() as client:
        client.send(b"POST /params.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n")
        assert client.read("POST").status == 401


def test_hashes_do_not_hold_up_the_loop(guarded):
    """Many wrong passwords at a costly hash: others are served meanwhile, and who comes too much is refused."""
    proxy, _, users = guarded
    users.write_text(f"ann:{hashed('right', rounds=2 ** 10)}\n", encoding="ascii")
    clients = [proxy.client() for _ in range(100)]
    try:
        for number, client in enumerate(clients):
            name, value = basic("ann", f"wrong{number}")[0]
            client.send(f"GET /inner/a.txt HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\n\r\n".encode())
        gone = clients.pop()
        gone.close()
        began = time.monotonic()
        assert proxy.get("/style.css").status == 200
        quick = time.monotonic() - began
        statuses = [client.read("GET").status for client in clients]
        whole = time.monotonic() - began
    finally:
        for client in clients:
            client.close()
    assert set(statuses) <= {401, 503} and statuses.count(401) >= 60, statuses
    assert 503 in statuses
    assert quick < whole / 3, (quick, whole)
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 200


def guess(proxy, source, password, user="ann", method="GET", more=b""):
    """A connection from another address of this machine, with a request that has been sent."""
    client = proxy.client(source=source)
    name, value = basic(user, password)[0]
    client.send(f"{method} /inner/a.txt HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\n".encode() + more + b"\r\n")
    return client


def answered(proxy, count):
    """The access lines of as many requests for the guarded file."""
    return wait_until(lambda: len(lines := [entry for entry in proxy.access() if entry["target"] == "/inner/a.txt"]) >= count and lines,
                      f"{count} lines in the access log")


def test_one_address_does_not_lock_others_out(guarded):
    """A flood of wrong passwords from one address: the first good login from another is one check away."""
    proxy, _, users = guarded
    users.write_text(f"ann:{hashed('right', rounds=2 ** 10)}\n", encoding="ascii")
    flood = [guess(proxy, "127.0.0.2", f"wrong{number}") for number in range(100)]
    try:
        refused = flood[-1].read("GET")
        assert refused.status == 503 and refused.get("Retry-After") == "1"
        with guess(proxy, "127.0.0.3", "right") as good:
            assert good.read("GET").status == 200
        statuses = [client.read("GET").status for client in flood[:-1]]
    finally:
        for client in flood:
            client.close()
    # Those that it went before, and those that had no place.
    assert set(statuses) == {401, 503}
    order = [entry for entry in answered(proxy, 101) if entry["status"] != 503]
    assert [entry["status"] for entry in order[:30]].count(200) == 1, [entry["status"] for entry in order]


def test_who_has_left_has_no_place(guarded):
    proxy, _, users = guarded
    users.write_text(f"ann:{hashed('right', rounds=2 ** 12)}\n", encoding="ascii")
    for number in range(150):
        guess(proxy, "127.0.0.1", f"wrong{number}").close()
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 200
    lines = answered(proxy, 151)
    assert sum(entry["status"] == 401 for entry in lines) < 30, lines


def test_no_body_before_the_password(guarded):
    proxy, _, _ = guarded
    for more in (b"Content-Length: 200000\r\n", b"Content-Length: 50000000\r\n", b"Content-Length: 5\r\nExpect: 100-continue\r\n",
                 b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"):
        for target in (b"/inner/run.php", b"/params.php"):
            for credentials in (b"", b"Authorization: Basic YW5uOndyb25n\r\n"):
                with proxy.client() as client:
                    client.send(b"POST " + target + b" HTTP/1.1\r\nHost: localhost\r\n" + credentials + more + b"\r\n")
                    answer = client.read("POST")
                    assert answer.status == 401 and answer.closes and not answer.interim, (more, credentials, answer)
    assert not proxy.spool_files()


def test_bodies_behind_a_password(guarded):
    """Right: asked for, and whole, however it comes. Wrong, and all of it there: the connection goes on."""
    proxy, _, users = guarded
    head = b"POST /params.php HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + base64.b64encode(b"ann:right") + b"\r\n"
    wrong = head.replace(base64.b64encode(b"ann:right"), base64.b64encode(b"ann:wrong"))

    def forget():  # what was right: the next is checked again
        users.write_text(users.read_text(encoding="ascii") + "\n", encoding="ascii")

    def length(answer):
        assert answer.status == 200, answer
        return int(json.loads(answer.body)["server"]["CONTENT_LENGTH"])

    with proxy.client() as client:
        client.send(head + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.receive().startswith(b"HTTP/1.1 100 ")
        client.send(b"abc")
        assert length(client.read("POST")) == 3
        for size in (3, 40_000, 300_000):
            forget()
            client.send(head + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
            assert length(client.read("POST")) == size
        forget()
        client.send(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + wrong + b"Content-Length: 3\r\n\r\nabc"
                    + head + b"Content-Length: 4\r\n\r\nabcdGET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert length(client.read("POST")) == 3
        assert client.read("POST").status == 401
        assert length(client.read("POST")) == 4
        assert client.read("GET").status == 200
    forget()
    with proxy.client() as client:  # half-closed behind its body
        client.send(head + b"Content-Length: 3\r\n\r\nabc")
        client.half_close()
        assert length(client.read("POST")) == 3


def test_two_authorizations(guarded):
    proxy, _, _ = guarded
    for pair in (("right", "wrong"), ("wrong", "right"), ("right", "right")):
        for target in ("/inner/a.txt", "/style.css"):
            assert proxy.get(target, [basic("ann", password)[0] for password in pair]).status == 400


def test_hashes_that_do_not_count_are_told(guarded):
    proxy, _, users = guarded
    good = hashed("right")
    users.write_text(f"\ufeffann:{good} \r\nold:$apr1$salt$0123456789012345678901\n", encoding="utf-8")
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 200
    assert proxy.get("/inner/a.txt", basic("old", "right")).status == 401
    wait_until(lambda: f"{users}: the hash of old is MD5 of Apache" in proxy.log(), "a line that says so")
    proxy.reload()
    wait_until(lambda: f"{users}:2: the hash of 'old' is MD5 of Apache" in proxy.log() and "htpasswd -B" in proxy.log(), "the warning of a reload")


def test_a_file_of_users_that_is_too_large(guarded):
    proxy, _, users = guarded
    users.write_text(f"ann:{hashed('right')}\n" + "#" * (1 << 20), encoding="ascii")
    assert proxy.get("/inner/a.txt", basic("ann", "right")).status == 500
    wait_until(lambda: f"{users}: larger than 1 MiB" in proxy.log(), "the reason")
