"""A browser as far as forms need one: cookies, redirects, hidden fields, uploads."""

import html
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Page:
    def __init__(self, answer, body):
        self.status, self.url, self.headers, self.bytes = answer.status, answer.url, answer.headers, body

    @property
    def text(self):
        return self.bytes.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.bytes)

    def field(self, name):
        """The value of a hidden field."""
        found = re.search(rf'<input[^>]*name="{re.escape(name)}"[^>]*>', self.text)
        assert found, f"no field {name} in {self.url}: {self.text[:500]}"
        return html.unescape(re.search(r'value="([^"]*)"', found[0])[1])

    def __repr__(self):
        return f"<{self.status} {self.url} {self.text[:600]!r}>"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, base):
        self.base = base
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        direct = urllib.request.ProxyHandler({})
        self.following = urllib.request.build_opener(direct, cookies)
        self.staying = urllib.request.build_opener(direct, cookies, _NoRedirect)

    def ask(self, path, data=None, headers=None, method=None, follow=True, base=None):
        request = urllib.request.Request((base or self.base) + path, data, headers or {}, method=method)
        try:
            with (self.following if follow else self.staying).open(request, timeout=120) as answer:
                return Page(answer, answer.read())
        except urllib.error.HTTPError as e:
            with e:
                return Page(e, e.read())

    def get(self, path, **more):
        return self.ask(path, **more)

    def post(self, path, fields, **more):
        return self.ask(path, urllib.parse.urlencode(fields).encode(), **more)

    def send_json(self, method, path, value, headers=None):
        return self.ask(path, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})}, method)

    def upload(self, path, fields, name, file_name, content, headers=None):
        """multipart/form-data (RFC 7578)."""
        mark = uuid.uuid4().hex
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode() + content + f"\r\n--{mark}--\r\n".encode())
        return self.ask(path, b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={mark}", **(headers or {})})
