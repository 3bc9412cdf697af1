"""A small stand-in for an application: the files that its web server decides about, and what an answer made of them.

Scripts tell which of them ran and with what; any other file tells its own name.
"""

import json
import os
from email.utils import parsedate_to_datetime

SCRIPT = """\
<?php
header('Content-Type: application/json');
{says}if (basename(__FILE__) === '404.php') http_response_code(404);
echo json_encode(['ran' => substr(__FILE__, strlen('{root}')), 'info' => $_SERVER['PATH_INFO'] ?? '',
                  'query' => $_SERVER['QUERY_STRING'] ?? '', 'sum' => 'sum-of-' . (6 * 7)]);
"""
RAN = b"sum-of-42"  # is in no file: only a script that runs says it


def plant(root, files, says=()):
    """Makes `files` below `root`, readable by everybody; a name that ends in '/' is an empty folder. `says`: header lines of scripts."""
    script = SCRIPT.replace("{root}", str(root)).replace("{says}", "".join(f"header('{line}');\n" for line in says))
    for name in files:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            text = script if path.suffix.lower() == ".php" else f"content of /{name}\n"
            path.write_text(text, encoding="utf-8")
    for folder, _, names in os.walk(root):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)


SECURITY = ("X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "Referrer-Policy", "X-Robots-Tag",
            "X-Permitted-Cross-Domain-Policies", "Strict-Transport-Security", "Content-Security-Policy", "X-Powered-By")


def served(response):
    """`run /a.php`, `file /a.txt`, `source of ...`, or the status."""
    if response.status >= 300:
        return str(response.status)
    if RAN in response.body:
        got = json.loads(response.body)
        return f"run {got['ran']}" + (f" info {got['info']}" if got["info"] else "") + (f" query {got['query']}" if got["query"] else "")
    if response.body.startswith(b"<?php"):
        return "source of a script"
    return "file " + response.body.decode().strip().removeprefix("content of ")


def seen(response):
    """What of an answer is compared: field -> text, absent ones left out."""
    out = {"answer": served(response)}
    location = response.get("Location")
    if location:
        host = location.split("//", 1)
        out["Location"] = "/" + host[1].partition("/")[2] if location.startswith("http") else location
    kept = ", ".join(response.all("Cache-Control"))
    if kept:
        out["Cache-Control"] = ", ".join(sorted(part.strip() for part in kept.split(",")))
    if response.get("Expires"):
        lasts = parsedate_to_datetime(response.get("Expires")) - parsedate_to_datetime(response.get("Date"))
        seconds = lasts.total_seconds()
        out["Expires"] = "years on" if seconds > 9 * 365 * 86400 else f"{round(seconds / 60)} min on"
    for name in SECURITY:
        values = response.all(name)
        if values:
            out[name] = ", ".join(values)
    return out


def status_class(text):
    """Of what served() told: 4xx are alike."""
    return "refused" if text[:1] == "4" else text
