"""The live page in a real browser: its numbers are those of /status, it lives on events, and it says when it is alone.

The pictures of the page go to HOLDFAST_TEST_PICTURES, where that names a directory: to be looked at.
"""

import http.client
import json
import os
import re
from pathlib import Path

import pytest

from harness import browser as chromium
from harness.fastcgi_client import FastcgiClient
from harness.load import Load
from harness.wait import PATIENCE, wait_until

WITHOUT = chromium.missing()
in_browser = pytest.mark.skipif(WITHOUT is not None, reason=str(WITHOUT))


@pytest.fixture
def browser(base):
    made = chromium.Browser(base / "browser")
    yield made
    made.close()


def keep_picture(browser, name):
    if os.environ.get("HOLDFAST_TEST_PICTURES"):
        browser.picture(Path(os.environ["HOLDFAST_TEST_PICTURES"]) / f"{name}.png")


# All numbers that the page shows, by their path in /status: [value, text]. Those of a pool are below "pools/NAME/".
NUMBERS = """
const out = {};
for (const e of document.querySelectorAll('[data-path]')) {
  if (e.dataset.value === undefined) continue;
  const pool = e.closest('.pool');
  out[(pool ? 'pools/' + pool.dataset.pool + '/' : '') + e.dataset.path] = [e.dataset.value, e.textContent];
}
return out;
"""
# What goes on by itself between two looks.
RESTLESS = re.compile(r"uptime_seconds|oldest_wait_seconds|php_fpm/|/barriers$")


def at(status, path):
    for key in path.split("/"):
        status = status[key]
    return status


def differences(shown, status):
    """Numbers of the page that are not those of the status."""
    out = {}
    for path, (value, text) in shown.items():
        real = at(status, path)
        if RESTLESS.search(path):
            continue
        if str(real) != value or (isinstance(real, int) and "bytes" not in path and re.sub(r"\D", "", text) != str(real)):
            out[path] = (value, text, real)
    return out


def wait_equal(browser, proxy):
    """The page and /status agree, when nothing moves. Returns what is shown."""
    seen = {}

    def equal():
        shown, status = browser.run(NUMBERS), proxy.status()
        seen.update(shown=shown, differences=differences(shown, status))
        return shown and not seen["differences"]

    try:
        wait_until(equal, "the page to show the numbers of /status", interval=0.1)
    except AssertionError as e:
        raise AssertionError(f"{e}; {seen}") from None
    return {path: value for path, (value, _) in seen["shown"].items()}


@in_browser
def test_page_shows_the_numbers_of_status(stack, browser, transport):
    """Under load, then with two requests held and three waiting: slots, queue and counters are those of /status."""
    proxy, fpm = stack(transport, pool={"max_connections": 2, "status_path": "/fpm-status"})
    browser.open(f"http://{proxy.admin_address}/")
    with Load(proxy.port, clients=12) as load:
        browser.wait("return document.querySelector('#rate').textContent.match(/^[1-9]/) !== null", "a rate on the page")
        browser.wait("return document.querySelector('.pool .p50').textContent.match(/s$/) !== null", "a latency on the page")
        browser.wait("return document.querySelectorAll('.slots .leased, .slots .settling').length > 0", "a busy slot")
        keep_picture(browser, f"live-load-{transport}")
        result = load.stop()
    assert not result.errors and not result.failures, result
    clients = []
    for i in range(5):
        client = proxy.client()
        client.send(f"GET /hold.php?t=h{i}&r=go HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        clients.append(client)
    proxy.wait_pool(lambda p: p["leased"] == 2 and p["waiting"] == 3, "two held, three waiting")
    shown = wait_equal(browser, proxy)
    assert shown["pools/php/waiting"] == "3" and int(shown["pools/php/requests"]) > 12
    assert {"clients/requests", "clients/responses/5xx", "pools/php/reused", "pools/php/opened"} <= set(shown)
    slots = browser.run("return [...document.querySelectorAll('.slots li')].map(e => e.className.split(' ')[0])")
    assert slots == ["leased", "leased"]
    states = "return Object.fromEntries([...document.querySelectorAll('[data-state]')].map(e => [e.dataset.state, +e.textContent]))"
    assert browser.run(states) == {"leased": 2, "idle": 0, "settling": 0, "draining": 0, "connecting": 0, "closing": 0, "free": 0}
    keep_picture(browser, f"live-queue-{transport}")
    fpm.touch("go")
    for client in clients:
        assert client.read().status == 200
    proxy.wait_quiet()
    wait_equal(browser, proxy)
    assert browser.run("return document.querySelector('#fronts-card').hidden") is True, "no listener for FastCGI, no table"
    wait_until(lambda: browser.run(states)["idle"] == proxy.pool()["idle"] > 0, "the slots to be idle")
    assert not browser.messages(), "the page has thrown, or asked for what is not allowed"


@in_browser
def test_page_shows_web_servers(start_listening, browser):
    """Requests by FastCGI: counted with the others, by listener, with the script; where nobody listens for it no table."""
    proxy, php, address = start_listening()
    browser.open(f"http://{proxy.admin_address}/")
    rows = "return [...document.querySelectorAll('#fronts tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    wait_until(lambda: browser.run(rows) == [[address, "0", "0", "–"]], "an empty row for the listener", interval=0.1)
    with FastcgiClient(address) as web:
        for _ in range(3):
            assert web.ask(php.www / "params.php").body
        evil = php.www / "<b>\\xff.php"
        assert b"404" in web.ask(evil).out
    wait_until(lambda: browser.run(rows)[0][1] == "4", "the row to count four requests", interval=0.1)
    assert browser.run(rows)[0][3].startswith(f"{php.www}/<b>")
    keep_picture(browser, "live-web-servers")
    assert wait_equal(browser, proxy)["clients/requests"] == "4"
    assert browser.run("return document.querySelector('#fronts-card').hidden") is False
    assert not browser.messages(), "the page has thrown, or asked for what is not allowed"


@in_browser
def test_page_shows_sockets(stack, browser):
    """TIME_WAIT and ESTABLISHED by port, in the table and in the charts."""
    proxy, fpm = stack("tcp", pool={"keep_alive": False})
    browser.open(f"http://{proxy.admin_address}/")
    for i in range(20):
        assert proxy.get(f"/echo.php?t=s{i}").status == 200
    shown = f"return Number(document.querySelector('[data-socket=\"{fpm.port}/server/time_wait\"]').textContent)"
    # php closes first, so TIME_WAIT is on its side.
    browser.wait(f"{shown.replace('return', 'return 20 <=')}", "20 sockets in TIME_WAIT on php-fpm's port")

    def agree():
        ports = {p["port"]: p for p in proxy.status()["sockets"]["ports"]}
        return browser.run(shown) == ports[fpm.port]["server"]["time_wait"] >= 20

    wait_until(agree, "the table to show what /status says", interval=0.1)
    browser.wait("return document.querySelectorAll('#tw-chart path').length === 3 && "
                 "document.querySelector('#tw-chart path[data-port=\"%d\"]').getAttribute('d').includes('L')" % fpm.port,
                 "a line for each port")
    label = browser.run("return document.querySelector('#tw-chart').getAttribute('aria-label')")
    assert re.search(rf"TIME_WAIT.*port {fpm.port} [2-9]\d", label), label


@in_browser
def test_page_says_when_it_is_alone_and_comes_back(stack, browser):
    proxy, _ = stack(pool={"max_connections": 2})
    browser.open(f"http://{proxy.admin_address}/")
    live = "return document.querySelector('#link').className === 'live'"
    browser.wait(live, "the first event")
    proxy.stop()
    browser.wait("return document.querySelector('#link').textContent.includes('no connection')", "the page to say so")
    keep_picture(browser, "live-lost")
    # Again at the same place, with a new history of its own.
    proxy.config["admin"]["listen"] = proxy.admin_address
    proxy.start()
    browser.wait(live, "the page to come back by itself")
    assert proxy.get("/echo.php?t=a").status == 200
    proxy.wait_quiet()
    assert wait_equal(browser, proxy)["pid"] == str(proxy.pid)


@in_browser
@pytest.mark.parametrize("width, scheme", [(1200, "light"), (1200, "dark"), (660, "light"), (390, "light"), (320, "dark")])
def test_page_fits(stack, browser, width, scheme):
    """No sideways scrolling at any width, in no part, and text that differs from its ground in both schemes."""
    proxy, _ = stack("tcp", pool={"max_connections": 4, "status_path": "/fpm-status"})
    browser.width(width, mobile=width < 500)
    browser.dark(scheme == "dark")
    browser.open(f"http://{proxy.admin_address}/")
    browser.wait("return document.querySelectorAll('.slots li').length === 4", "the slots")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("const s = document.querySelector('.scroll'); return s.scrollWidth - s.clientWidth") <= 0
    colors = browser.run("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    text, ground = (sum(int(n) for n in re.findall(r"\d+", color)[:3]) for color in colors)
    assert (text > ground) == (scheme == "dark") and abs(text - ground) > 400, colors
    keep_picture(browser, f"live-{width}-{scheme}")


def test_page_is_self_contained(stack):
    """One text: nothing is fetched from anywhere but the events."""
    proxy, _ = stack()
    code, body = proxy.admin("GET", "/")
    page = body.decode()
    assert code == 200 and "<html" in page and "EventSource(\"events\")" in page and "</html>" in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["'](?!status|metrics|data:)""", page)
    assert not re.search(r"@import|url\(|import\(|fetch\(|XMLHttpRequest", page)
    assert set(re.findall(r"https?://[^'\" ]+", page)) <= {"http://www.w3.org/2000/svg"}, "names of XML, no addresses"


def read_events(proxy, count):
    """The first `count` events as (status, seconds since the one before)."""
    host, port = proxy.admin_address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    try:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        out = []
        while len(out) < count:
            line = answer.fp.readline() if not answer.chunked else answer.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                out.append(json.loads(line[6:]))
        return out
    finally:
        connection.close()


def test_events(stack):
    """The first at once, then one a second; a stream that is left leaves nothing behind."""
    proxy, _ = stack()
    events = read_events(proxy, 3)
    ups = [e["uptime_seconds"] for e in events]
    assert ups[0] < ups[1] < ups[2] and ups[2] - ups[1] > 0.5
    assert set(events[0]) == set(proxy.status())
    assert proxy.status()["clients"]["left"] == 0, "a page that is closed is no client that left"
    code, body = proxy.admin("HEAD", "/events")
    assert code == 200 and body == b""
    assert proxy.admin("POST", "/events")[0] == 405


def test_looking_changes_no_counter(stack):
    proxy, _ = stack()
    before = proxy.status()["clients"]
    for path in ("/", "/status", "/metrics", "/none"):
        proxy.admin("GET", path)
    read_events(proxy, 1)
    assert proxy.status()["clients"] == before


def test_stop_ends_event_streams(stack):
    """An open page does not hold up the end of the program."""
    proxy, _ = stack()
    host, port = proxy.admin_address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.readline().startswith(b"retry:")
    assert proxy.stop(timeout=10) == 0
    connection.close()
