"""The plots of the report, each as SVG text to stand inside a page: transparent, its text in the page's colour and font.

Input: the lanes' results and samples as demo.py writes them (results.json, samples.csv). No namespaces, no sockets.
"""

import io
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

import sampling  # noqa: E402

# Medium tones, which hold on white and on black, and for the colour-blind.
PHP, PROXY, CLIENTS, BAD, SHADE = "#3f8fd2", "#e08a1e", "#9a6fc4", "#d1495b", "#888888"
# Becomes the page's own text colour.
INK = "#123456"
STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "holdfast", "font.size": 9, "axes.titlesize": 10, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.7, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none", "legend.frameon": False, "lines.linewidth": 1.6, "axes.titlelocation": "left",
}
LOADS = {"warm-up": "warm-up", "short": "a connection\nper request", "kept": "keep-alive"}


def thousands(value, _position=None) -> str:
    return f"{value:,.0f}"


def as_svg(figure, name: str, title: str) -> str:
    """Ids get the plot's name in front, because several plots share the page."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    text = text[text.index("<svg"):].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{name}-", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'font: ([^;"]*?)(\d+(?:\.\d+)?px)[^;"]*', r"font: \1\2 system-ui, sans-serif", text)
    # The width is the page's to choose.
    text = re.sub(r'<svg ([^>]*?)height="[^"]*"([^>]*?)width="[^"]*"', r"<svg \1\2", text, count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def line(axes, rows, columns, colour: str, label: str) -> None:
    values = [sum(r[c] for c in columns) for r in rows]
    axes.plot([r["time"] for r in rows], values, color=colour, label=label)


def shade_phases(axes, lane: dict, named: bool) -> None:
    for index, phase in enumerate(p for p in lane["phases"] if p["id"] != "warm-up"):
        axes.axvspan(phase["start"], phase["end"], color=SHADE, alpha=0.16 if index == 0 else 0.07, linewidth=0)
        if named:
            axes.text((phase["start"] + phase["end"]) / 2, 0.97, f"{phase['clients']:,} clients\n{LOADS[phase['id']]}",
                      ha="center", va="top", fontsize=7.5, transform=axes.get_xaxis_transform(), linespacing=1.1)


ROWS = [  # title, what is drawn: (place, port role, side, columns, colour, label)
    ("TIME_WAIT between proxy and php-fpm (port 9000)", (
        ("php", "php", "server", ("time_wait",), PHP, "php-fpm's side"),
        ("proxy", "php", "client", ("time_wait",), PROXY, "proxy's side"))),
    ("TIME_WAIT between clients and proxy (port 80)", (
        ("proxy", "proxy", "server", ("time_wait",), PROXY, "proxy's side"),
        ("clients", "proxy", "client", ("time_wait",), CLIENTS, "clients' side"))),
    ("Open connections from the proxy to php-fpm", (
        ("proxy", "php", "client", ("established", "opening"), PROXY, "proxy's side"),)),
]


def over_time(lanes: list, samples: dict, ports: dict) -> str:
    """Small multiples: a column a lane, a row a kind of count; a row has one scale."""
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(len(ROWS), len(lanes), figsize=(12.4, 7.6), sharex="col", sharey="row", squeeze=False,
                                    layout="constrained")
        for i, (title, parts) in enumerate(ROWS):
            tops = [draw_cell(grid[i][j], lane, parts, samples[lane["id"]], ports, i == 0)
                    for j, lane in enumerate(lanes)]
            grid[i][0].set_ylim(0, max(1, *tops) * (1.45 if i == 0 else 1.12))
            grid[i][0].set_title(title, fontweight="bold", pad=22 if i == 0 else 8)
            if len(parts) > 1:
                # Kept TCP has the emptiest cells.
                grid[i][len(lanes) - 2].legend(loc="center right", fontsize=8, handlelength=1.2)
        for j, lane in enumerate(lanes):
            grid[-1][j].set_xlabel("seconds")
            grid[0][j].annotate(lane["title"], (0, 1), xytext=(0, 6), xycoords="axes fraction",
                                textcoords="offset points", fontsize=9.5, color=INK)
        return as_svg(figure, "overtime", "Sockets over time in each lane")


def draw_cell(axes, lane: dict, parts, rows: list, ports: dict, named: bool) -> int:
    """One lane's lines of one kind; returns their highest value."""
    shade_phases(axes, lane, named)
    axes.yaxis.set_major_formatter(FuncFormatter(thousands))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if lane["unix"] and parts[0][1] == "php":
        axes.text(0.5, 0.45, "a Unix socket:\nno TCP here", ha="center", va="center", transform=axes.transAxes,
                  fontsize=8.5)
        return 0
    tops = []
    for place, role, side, columns, colour, label in parts:
        own = sampling.series(rows, place, ports[role], side)
        line(axes, own, columns, colour, label)
        tops.append(sampling.peak(own, columns))
    if not named:
        axes.text(0.98, 0.97, f"peak {max(tops):,}", ha="right", va="top", transform=axes.transAxes, fontsize=8)
    return max(tops)


def bars(axes, names, groups, label_of) -> None:
    """Horizontal bars; groups: (label, colour, values)."""
    height = 0.8 / len(groups)
    top = max((v for _, _, values in groups for v in values), default=0) or 1
    for k, (label, colour, values) in enumerate(groups):
        at = [i + (k - (len(groups) - 1) / 2) * height for i in range(len(names))]
        axes.barh(at, values, height * 0.9, color=colour, label=label)
        for y, value in zip(at, values):
            axes.text(value + top * 0.012, y, label_of(value), va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, top * 1.17)
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    axes.xaxis.set_major_locator(MaxNLocator(5))


def phase_values(lanes, phase: str, column: str) -> list:
    return [next(p[column] for p in lane["phases"] if p["id"] == phase) for lane in lanes]


def summary(lanes: list) -> str:
    """Peaks of TIME_WAIT, requests a second, p99: the table as a picture."""
    names = [lane["title"] for lane in lanes]
    short, kept = (f"{phase_values(lanes, phase, 'clients')[0]:,} clients, {text}"
                   for phase, text in (("short", "a connection per request"), ("kept", "keep-alive")))
    with plt.rc_context(STYLE):
        figure, (waits, rates, late) = plt.subplots(1, 3, figsize=(12.4, 3.3), sharey=True, layout="constrained")
        peaks = [[max(p[c] for p in lane["phases"]) for lane in lanes] for c in ("time_wait_php", "time_wait_proxy")]
        bars(waits, names, [("php-fpm's side", PHP, peaks[0]), ("proxy's side", PROXY, peaks[1])], thousands)
        waits.set_title("TIME_WAIT to php-fpm, peak")
        bars(rates, names, [(short, "#7fb7e6", phase_values(lanes, "short", "rate")),
                            (kept, "#2f6fae", phase_values(lanes, "kept", "rate"))], thousands)
        rates.set_title("Pages a second")
        bars(late, names, [(short, "#7fb7e6", phase_values(lanes, "short", "p99_ms")),
                           (kept, "#2f6fae", phase_values(lanes, "kept", "p99_ms"))], lambda v: f"{v:,.0f}")
        late.set_title("99th percentile of the answered, ms")
        for axes in (waits, rates):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=8, ncols=1)
        late.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=8, ncols=1)
        return as_svg(figure, "summary", "Peaks, rates and latencies of each lane")


def ports_run_out(lanes: list, samples: dict, ports: dict) -> str:
    """Second act: the proxy's side of port 9000 over time, and what became of the requests."""
    number = lanes[0]["ports"][1] - lanes[0]["ports"][0] + 1
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(1, len(lanes) + 1, figsize=(12.4, 3.1), layout="constrained",
                                    width_ratios=[1] * len(lanes) + [1.35])
        for axes, lane in zip(grid, lanes):
            shade_phases(axes, lane, named=False)
            rows = sampling.series(samples[lane["id"]], "proxy", ports["php"], "client")
            line(axes, rows, ("time_wait",), PROXY, "TIME_WAIT, proxy's side")
            line(axes, rows, ("established", "opening"), PHP, "open")
            axes.axhline(number, color=BAD, linewidth=1, linestyle=(0, (4, 3)))
            axes.set_ylim(0, number * 1.2)
            axes.set_title(lane["title"], fontsize=9.5)
            axes.set_xlabel("seconds")
            axes.yaxis.set_major_formatter(FuncFormatter(thousands))
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        grid[0].text(0.98, number * 1.03, f"all {number:,} ports", color=BAD, ha="right", fontsize=8,
                     transform=grid[0].get_yaxis_transform())
        grid[0].legend(loc="center right", fontsize=8, handlelength=1.2)
        outcome = grid[-1]
        good = [sum(p["good"] for p in lane["phases"]) for lane in lanes]
        failed = [sum(p["errors"] for p in lane["phases"]) for lane in lanes]
        bars(outcome, [lane["title"].replace(", ", ",\n", 1) for lane in lanes],
             [("pages", PHP, good), ("errors", BAD, failed)], thousands)
        outcome.set_title("What became of the requests", fontsize=9.5)
        outcome.legend(loc="upper center", bbox_to_anchor=(0.4, -0.13), fontsize=8, ncols=2)
        return as_svg(figure, "ports", "Second act: the proxy's ports run out, and what became of the requests")
