"""A headless Chromium, driven by chromedriver over plain HTTP (W3C WebDriver): open a page, ask it, take its picture.

Owns both processes and the browser's profile. Speaks to loopback only.
"""

import base64
import http.client
import json
import re
import shutil

from .process import Process
from .wait import PATIENCE, wait_until

# To start on a busy machine, with nothing of it in the page cache, it takes its time.
BROWSER_PATIENCE = 4 * PATIENCE

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--disable-default-apps", "--disable-domain-reliability", "--no-pings", "--disable-breakpad", "--no-proxy-server"]


def find_chromium():
    return next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


def missing():
    """What is not here, in plain words; None: all is."""
    if not find_chromium():
        return "no Chromium on this machine (Debian package chromium)"
    if not shutil.which("chromedriver"):
        return "no chromedriver on this machine (Debian package chromium-driver)"
    return None


class Browser:
    def __init__(self, directory, width=1200, height=1400):
        self.dir = directory
        self.dir.mkdir(exist_ok=True)
        # Chromium keeps state in HOME too: all of it goes with the directory.
        self.process = Process(["chromedriver", "--port=0"], self.dir / "chromedriver.log", env={"HOME": str(self.dir)})
        self.session = None
        try:
            self._start(width, height)
        except BaseException:
            self.process.kill_group()
            raise

    def _start(self, width, height):
        wait_until(lambda: self._port() or not self.process.running, "chromedriver's port", BROWSER_PATIENCE)
        assert self.process.running, self.process.log()
        options = {"binary": find_chromium(),
                   "args": [*FLAGS, f"--user-data-dir={self.dir / 'profile'}", f"--window-size={width},{height}"]}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = answer["sessionId"]

    def _port(self):
        found = re.search(r"started successfully on port (\d+)", self.process.log())
        return int(found.group(1)) if found else None

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=BROWSER_PATIENCE)
        try:
            prefix = f"/session/{self.session}" if self.session else ""
            connection.request(method, prefix + path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        assert not (isinstance(answer, dict) and "error" in answer), f"{path}: {answer}"
        return answer

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def run(self, script, *args):
        """The value that the body of a JavaScript function returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def wait(self, script, what):
        return wait_until(lambda: self.run(script), what, BROWSER_PATIENCE, interval=0.05)

    def devtools(self, command, **params):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def dark(self, on=True):
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"}])

    def width(self, pixels, height=900, mobile=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=pixels, height=height, deviceScaleFactor=1, mobile=mobile)

    def picture(self, path):
        """The whole page, also what lies below the window."""
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def messages(self):
        """What the page has logged, errors among it; each once."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def close(self):
        try:
            if self.session and self.process.running:
                self._call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.kill_group()
