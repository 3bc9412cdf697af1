"""Web servers in front that speak FastCGI to Holdfast as they would to php-fpm: nginx, Apache, HAProxy, Caddy,
lighttpd, each with its stock configuration and the address changed, on Unix sockets and TCP.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.fronts import KINDS, VARIANTS
from harness.http_client import Client, Md5Sink, chunk
from harness.wait import PATIENCE, wait_until

UPLOAD_MB = 8  # 300: test_fastcgi_large.py


def ask(front, target, method="GET", headers=(), body=None, sink=None):
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        return client.request(method, target, headers, body, sink=sink)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_pages(front_stack, variant, transport):
    front, holdfast, php = front_stack(variant, transport)
    answer = ask(front, "/echo.php?t=one")
    assert (answer.status, answer.body, answer.get("X-Tag")) == (200, b"one\n", "one")

    answer = ask(front, "/echo.php?t=one", "HEAD")
    assert (answer.status, answer.body, answer.get("X-Tag")) == (200, b"", "one")

    form = ask(front, "/params.php/a/b?x=%41&y=2", "POST", [
        ("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", "a=1"), ("X-Twice", "1")], b"k=v&k2=v2")
    seen = json.loads(form.body)
    assert seen["post"] == {"k": "v", "k2": "v2"} and seen["get"] == {"x": "A", "y": "2"}
    assert seen["cookie"] == {"a": "1"} and seen["server"]["PATH_INFO"] == "/a/b"
    assert seen["server"]["CONTENT_LENGTH"] == "9"

    body = bytes(range(256)) * 16 * 1024 * (UPLOAD_MB // 4)
    upload = json.loads(ask(front, "/upload.php", "POST", [("Content-Type", "application/octet-stream")], body).body)
    assert (upload["bytes"], upload["md5"]) == (len(body), hashlib.md5(body).hexdigest())

    sink = Md5Sink()
    big = ask(front, f"/big.php?mb={UPLOAD_MB}&t=x", sink=sink)
    assert big.status == 200 and sink.count == UPLOAD_MB << 20

    status = ask(front, "/respond.php?status=404&t=x").status
    assert status == 404
    metrics = holdfast.admin("GET", "/metrics")[1].decode()
    assert f'holdfast_fastcgi_requests_total{{listener="{holdfast.config["listen"][0]["fastcgi"]}"}} 6' in metrics
    wait_until(lambda: len(holdfast.access()) >= 6, "six lines in the access log")
    lines = holdfast.access()
    assert {line["method"] for line in lines} == {"GET", "HEAD", "POST"}
    assert all(line["outcome"] == "ok" for line in lines), lines


def server_of(front, target, **more):
    answer = ask(front, target, **more)
    assert answer.status == 200, answer
    return json.loads(answer.body)["server"]


@pytest.mark.parametrize("variant", list(KINDS))
def test_php_sees_what_it_sees_directly(front_stack, start_front, variant, transport):
    """$_SERVER key by key: through Holdfast, and the same web server straight before php-fpm."""
    front, _, php = front_stack(variant, transport)
    straight = start_front(variant, php.address, php.www)
    headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "a=1"), ("Cookie", "b=2"), ("X-Empty", ""),
               ("Authorization", "Basic dTpw"), ("Referer", "http://r.example/"), ("Accept-Language", "de")]
    for target, more in [("/params.php?x=%41&y=%2f", {}), ("/params.php/a/b?z", {}),
                         ("/params.php", {"method": "POST", "body": b"a=1"})]:
        through = server_of(front, target, headers=headers, **more)
        direct = server_of(straight, target, headers=headers, **more)
        for name in ("REQUEST_TIME", "REQUEST_TIME_FLOAT", "REMOTE_PORT"):
            through.pop(name, None), direct.pop(name, None)
        text = json.dumps(through).replace(str(front.port), str(straight.port))
        # Apache names the socket that it speaks to.
        assert json.loads(text.replace(front.address, straight.address)) == direct


@pytest.mark.parametrize("variant", list(KINDS))
def test_chunked_uploads_arrive_whole(front_stack, variant, transport):
    """Apache sends no CONTENT_LENGTH for them, Caddy -1: directly at php-fpm those bodies are lost."""
    front, _, php = front_stack(variant, transport)
    body = bytes(range(256)) * 40  # within HAProxy's buffer of 16 KB: above it answers 400 by itself
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        client.send(b"POST /upload.php HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                    b"Content-Type: application/octet-stream\r\n\r\n")
        for at in range(0, len(body), 3000):
            client.send(chunk(body[at:at + 3000]))
        client.send(b"0\r\n\r\n")
        seen = json.loads(client.read("POST").body)
    assert (seen["bytes"], seen["md5"]) == (len(body), hashlib.md5(body).hexdigest())
    assert seen["length"] == str(len(body))


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_answers_of_all_kinds(front_stack, start_front, variant):
    """Statuses, redirects, repeated fields, no content: as the web server makes them of php-fpm's own answer."""
    front, _, php = front_stack(variant)
    straight = start_front(variant, php.address, php.www)
    for query in ["status=404&body=gone", "status=302&h[]=Location:%20/there", "h[]=Location:%20http://o.example/",
                  "h[]=Set-Cookie:%20a%3D1&h[]=Set-Cookie:%20b%3D2&body=x", "status=204", "status=503&body=later",
                  "h[]=Content-Length:%205&body=12345", "h[]=X-Long:%20" + "v" * 2000 + "&body=y"]:
        ours, theirs = ask(front, "/respond.php?" + query), ask(straight, "/respond.php?" + query)

        def seen(answer):
            fields = [f for f in answer.fields if f[0].lower() not in ("date", "keep-alive")]
            return answer.status, sorted((n.lower(), v.replace(str(front.port), str(straight.port))) for n, v in fields), answer.body

        assert seen(ours) == seen(theirs), query


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_stderr_reaches_the_web_servers_log(front_stack, variant):
    """Debian's HAProxy crashes on STDERR alone; here it never comes alone."""
    front, _, php = front_stack(variant)
    answer = ask(front, "/stderr.php?t=a&n=2")
    assert (answer.status, answer.body) == (200, b"a\n")
    if variant.startswith(("nginx", "apache", "lighttpd")):
        wait_until(lambda: "noise-0" in front.log(), f"stderr in the log of {variant}")
    assert ask(front, "/echo.php?t=b").body == b"b\n"


def test_nginx_serves_the_file_of_x_accel_redirect(front_stack, transport):
    front, _, php = front_stack("nginx", transport)
    (php.www / "secret.txt").write_text("the file", encoding="ascii")
    answer = ask(front, "/respond.php?h[]=X-Accel-Redirect:%20/files/secret.txt")
    assert (answer.status, answer.body) == (200, b"the file")


@pytest.mark.parametrize("variant", ["nginx", "haproxy", "caddy"])
def test_streams_arrive_as_they_are_flushed(front_stack, variant):
    """Each event is sent only when the client has the last one. (Apache and lighttpd gather them, as shipped.)"""
    front, _, php = front_stack(variant)
    with Client(("127.0.0.1", front.port), PATIENCE) as client:
        how = "&sse=1" if variant == "caddy" else ""  # else X-Accel-Buffering, which nginx asks for
        client.send(f"GET /stream.php?t=s&events=3{how} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        client.read_head()
        for i in range(3):
            client.read_body_until(f"data: s {i}\n\n".encode())
            php.touch(f"ack-s-{i}")
        client.read_body_until(b"data: end\n\n")


@pytest.mark.parametrize("variant", ["nginx-kept", "apache", "haproxy-mpxs", "caddy", "lighttpd"])
def test_posts_run_once(front_stack, variant):
    """Workers come and go (pm.max_requests), and web servers send a POST again whose connection ends without a byte."""
    front, holdfast, php = front_stack(variant, fpm={"max_requests": 20})
    tags = [f"p{i}" for i in range(200)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda tag: ask(front, f"/count.php?t={tag}", "POST", body=b"x").body, tags))
    assert answers == [f"{tag} 1\n".encode() for tag in tags]
    assert sorted(php.runs()) == sorted(tags)


def test_clients_that_left_at_nginx_never_run(front_stack, transport):
    front, holdfast, php = front_stack("nginx", transport, pool={"max_connections": 1})
    held = Client(("127.0.0.1", front.port), PATIENCE)
    held.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: php.seen("started-h"), "the first script to run")
    leaving = [Client(("127.0.0.1", front.port), PATIENCE) for _ in range(10)]
    for i, client in enumerate(leaving):
        client.send(f"GET /count.php?t=left{i} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    holdfast.wait_pool(lambda p: p["waiting"] == 10, "ten in the queue")
    for client in leaving:
        client.close()
    holdfast.wait_pool(lambda p: p["waiting"] == 0, "an empty queue")
    php.touch("go")
    assert held.read().body == b"h\n"
    held.close()
    assert ask(front, "/count.php?t=last").status == 200
    assert php.runs() == ["h", "last"]
