"""report.html: one page that needs nothing from outside, in light and dark.

    report.py DIR      writes DIR/report.html anew from DIR/results.json and DIR/samples.csv

Input: results.json is {"meta": {...}, "lanes": [...], "claims": [...]}, samples.csv the samples of all lanes with a column
`lane` in front. Whoever plays lanes, in namespaces or in containers, writes these two and calls write().
"""

import csv
import html
import json
import sys
from pathlib import Path

import plots

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6570; --paper: #ffffff; --card: #f4f6f8; --rule: #d9dee3;
  --pass: #1d7a46; --fail: #b3261e; --seen: #5b6570; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b0; --paper: #14181c; --card: #1d2329;
  --rule: #323a42; --pass: #63c78d; --fail: #ff8a80; --seen: #9aa5b0; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1180px; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; text-wrap: balance }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem }
p { max-width: 75ch; margin: .5rem 0 } .soft { color: var(--soft) } .meta { max-width: none }
figure { margin: 1rem 0; overflow-x: auto } figure svg { display: block; width: 100%; min-width: 820px; height: auto }
figcaption { color: var(--soft); font-size: .9rem; max-width: 90ch }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .82rem; width: 100% }
th, td { padding: .32rem .5rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap;
  font-variant-numeric: tabular-nums } th { font-weight: 600; vertical-align: bottom }
th[scope=colgroup] { text-align: center } td.name, th.name { text-align: left } tr.first td { border-top: 1px solid var(--soft) }
td.bad { color: var(--fail); font-weight: 600 }
.claims td { text-align: left; white-space: normal; vertical-align: top } .claims b { font-size: .8rem }
.PASS { color: var(--pass) } .FAIL { color: var(--fail) } .seen { color: var(--seen) }
pre { background: var(--card); white-space: pre-wrap; overflow-wrap: anywhere; padding: .8rem 1rem; font-size: .8rem; line-height: 1.4; border-radius: 6px }
details { border-bottom: 1px solid var(--rule); padding: .35rem 0 } summary { cursor: pointer }
code { font-size: .9em }
"""


def esc(text) -> str:
    return html.escape(str(text))


def spoken(number) -> str:
    return f"{number:,.0f}"


def phase(lane: dict, name: str) -> dict:
    return next(p for p in lane["phases"] if p["id"] == name)


def peak(lane: dict, *columns) -> int:
    return max(sum(p[c] for c in columns) for p in lane["phases"])


def load(folder: Path):
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    samples = {lane["id"]: [] for lane in document["lanes"]}
    for row in csv.DictReader((folder / "samples.csv").read_text(encoding="utf-8").splitlines()):
        for name in ("port", "established", "opening", "closing", "time_wait"):
            row[name] = int(row[name])
        row["time"] = float(row["time"])
        samples[row.pop("lane")].append(row)
    return document, samples


def headline(lanes: list) -> str:
    """The first lane against the last: both as measured, whatever comes out."""
    before, after = lanes[0], lanes[-1]
    ratio = phase(after, "kept")["rate"] / max(1, phase(before, "kept")["rate"])
    times = f"at {ratio:.1f} times the pages a second" if ratio > 1 else f"at {ratio:.2f} of the pages a second"
    both = ("time_wait_php", "time_wait_proxy")
    return (f"{before['title']} left {spoken(peak(before, *both))} sockets in TIME_WAIT to php-fpm; "
            f"{after['title']} left {spoken(peak(after, *both))}, {times}.")


HEADS = ("Pages/s", "p50<br>ms", "p99<br>ms", "Errors", "Never<br>answered")
WAITS = (("time_wait_php", "php-fpm"), ("time_wait_proxy", "proxy"), ("time_wait_listen", "proxy"),
         ("time_wait_clients", "clients"))


def lane_rows(lane: dict) -> str:
    phases = [p for p in lane["phases"] if p["id"] != "warm-up"]
    rows = []
    for index, p in enumerate(phases):
        cells = [f"{spoken(p['clients'])} {'keep-alive' if p['id'] == 'kept' else 'short'}", spoken(p["rate"]),
                 f"{p['p50_ms']:,.1f}", f"{p['p99_ms']:,.1f}"]
        row = "".join(f"<td>{esc(c)}</td>" for c in cells)
        for column in ("errors", "never_answered"):
            row += f"<td{' class=bad' if p[column] else ''}>{spoken(p[column])}</td>"
        row += "".join(f"<td>{spoken(p[column])}</td>" for column, _ in WAITS)
        if index == 0:
            span = f' rowspan="{len(phases)}"'
            row = (f"<td class=name{span}>{esc(lane['title'])}</td>" + row +
                   f"<td{span}>{spoken(lane['connections'])}</td><td{span}>{lane['reuse']:.2%}</td>")
        rows.append(f"<tr{' class=first' if index == 0 else ''}>{row}</tr>")
    return "\n".join(rows)


def table(lanes: list) -> str:
    heads = "".join(f"<th rowspan=2>{h}</th>" for h in HEADS)
    return f"""<div class=wide><table>
<thead><tr><th class=name rowspan=2>Lane</th><th rowspan=2>Clients</th>{heads}
<th colspan=2 scope=colgroup>TIME_WAIT, port 9000</th><th colspan=2 scope=colgroup>TIME_WAIT, port 80</th>
<th rowspan=2>Opened to<br>php-fpm</th><th rowspan=2>Reuse</th></tr>
<tr>{"".join(f"<th>{side}</th>" for _, side in WAITS)}</tr></thead>
<tbody>{"".join(map(lane_rows, lanes))}</tbody></table></div>"""


NOTE = """<p class=soft>TIME_WAIT: the peak during this load, by the side that holds it; sockets live 60 s in it, so what earlier load
left is included. Percentiles are of answered requests; never answered: clients that had no byte during four fifths of the
load's time. Opened: connections that php-fpm's host accepted during the whole lane (over a Unix socket: those Holdfast opened).
A page is an answer with status 200; anything else is an error.</p>"""


NEEDS = """It needs root for network namespaces, installs what is missing, changes nothing of the machine's own network, and
removes what it made."""


def claims(judged: list) -> str:
    rows = "".join(f"<tr><td><b class={c['verdict']}>{c['verdict']}</b></td><td>{esc(c['text'])}</td>"
                   f"<td>{esc(c['measured'])}</td></tr>" for c in judged)
    return f"<div class=wide><table class=claims>{rows}</table></div>"


def second_act(lanes: list, samples: dict, ports: dict) -> str:
    if not lanes:
        return ""
    number = lanes[0]["ports"][1] - lanes[0]["ports"][0] + 1
    error = next((lane for lane in lanes if lane["kernel_error"]), None)
    shown = f"<p>The kernel's answer, {spoken(error['kernel_errors'])} times in {esc(error['title'])}:</p>" \
            f"<pre>{esc(error['kernel_error'])}</pre>" if error else ""
    return f"""<h2>Second act: out of ports</h2>
<p>The proxy's namespace gets {spoken(number)} ports (<code>ip_local_port_range</code>, <code>tcp_tw_reuse=0</code>) in place of
28,232, so that seconds suffice. With <code>fastcgi_keep_conn on</code> and no <code>keepalive</code> cache nginx closes first: each
request holds one of the proxy's own ports for 60 s.</p>
<figure>{plots.ports_run_out(lanes, samples, ports)}</figure>{shown}{table(lanes)}"""


def configurations(lanes: list) -> str:
    parts = []
    for lane in lanes:
        act = "Second act: " if lane["act"] == 2 else ""
        parts.append(f"<details><summary>{esc(act + lane['title'])}</summary><pre>{esc(lane['config'])}</pre>"
                     f"<pre>{esc(lane['fpm_config'])}</pre></details>")
    return "".join(parts)


def write(folder: Path) -> None:
    document, samples = load(folder)
    meta, lanes = document["meta"], document["lanes"]
    first = [lane for lane in lanes if lane["act"] == 1]
    second = [lane for lane in lanes if lane["act"] == 2]
    quick = "<p><b>A quick run: seconds a lane. Good for a look, too short for figures.</b></p>" if meta["quick"] else ""
    page = f"""<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width, initial-scale=1">
<title>Holdfast: before and after</title><style>{STYLE}</style>
<h1>{esc(headline(first))}</h1>
<p class="soft meta">{esc(meta['when'])} · {esc(meta['holdfast'])} · {esc(meta['nginx'])} · {esc(meta['php'])} · Linux
{esc(meta['kernel'])}, {meta['processors']} processors · load by {esc(meta['load'])}</p>{quick}
<p>The same page and the same php-fpm ({meta['children']} children, static) behind {len(first)} ways to reach it, one after
another, each with hosts of its own for clients, proxy and php-fpm. First 1,000 clients that make a connection for each
request, as <code>webbench -c 1000</code> does; then 200 that keep theirs; {meta['phase_seconds']} s each.</p>
<figure>{plots.summary(first)}</figure>
<h2>Sockets over time</h2>
<p>TIME_WAIT has two origins. The clients' own connections (port 80) leave theirs whatever the proxy does: they end with the
request because the clients ask for it, and on a listening port they cost memory only. Those between proxy and
php-fpm (port 9000) are the proxy's doing. Whichever side closes first holds them.</p>
<figure>{plots.over_time(first, samples, meta['ports'])}<figcaption>Shaded: the two loads. Four samples a second in each host; a
row has one scale.</figcaption></figure>
<h2>Figures</h2>{table(first)}{NOTE}
<h2>Claims</h2>{claims(document['claims'])}
{second_act(second, samples, meta['ports'])}
<h2>Configuration of each lane</h2><p class=soft>RUN is the run's own folder.</p>{configurations(lanes)}
<h2>Once more</h2><pre>{esc(meta['command'])}</pre>
<p>{meta.get('needs', NEEDS)} Beside this page: <code>results.csv</code>, <code>results.json</code> and <code>samples.csv</code>.</p>
</html>
"""
    (folder / "report.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
