"""The results as a table for the terminal and for compare.md: a column a subject, a row a figure."""

import statistics

from . import claims
from .subjects import CHILDREN, POOL, SUBJECTS
from .trials import LEAVERS, MAX_REQUESTS, PAGES_KB

RATIO_TO = SUBJECTS[0].id  # nginx as shipped


def median(results: dict, trial: str, subject: str, figure: str) -> float:
    return statistics.median(each[figure] for each in results[trial][subject])


def ratio(results: dict, subject: str, figure: str) -> str:
    """To the subject RATIO_TO of the same round: what disturbs a round disturbs both."""
    pairs = zip(results["cost"][subject], results["cost"][RATIO_TO])
    return f"{statistics.median(mine[figure] / max(1e-9, other[figure]) for mine, other in pairs):.2f}"


def of(results: dict, trial: str, subject: str, *figures: str) -> str:
    """Counts of a trial that is played once, added up."""
    return f"{sum(results[trial][subject][0][figure] for figure in figures):,}"


def most(results: dict, trial: str, subject: str, figure: str) -> str:
    return f"{max(each[figure] for each in results[trial][subject]):,}"


def spread(results: dict, subject: str) -> str:
    return f"{median(results, 'cost', subject, 'slowest'):.0f} - {median(results, 'cost', subject, 'fastest'):.0f}"


def page_ms(results: dict, subject: str, kb: int) -> str:
    ms = results["pages"][subject][0]["mean_ms"][str(kb)]
    return f"{ms:.1f}" if ms < 10 else f"{ms:.0f}"


def page_times(results: dict, subject: str) -> str:
    return f"{claims.page_times(results['pages'][subject][0]):.1f}"


def rows(r: dict) -> list:
    """[(what, value of a subject)]. Sums of what was tried are the same for all, but where clients go on for a time."""
    first = {trial: figures[RATIO_TO][0] for trial, figures in r.items()}
    clients = first["cost"]["clients"]
    return [
        (f"requests/s, {clients} clients, nginx = 1", lambda s: ratio(r, s, "rate")),
        ("proxy's CPU a request, nginx = 1", lambda s: ratio(r, s, "cpu_us")),
        ("proxy's CPU a request, us", lambda s: f"{median(r, 'cost', s, 'cpu_us'):.0f}"),
        ("requests/s of one client, slowest - fastest", lambda s: spread(r, s)),
        (f"clients starved of {clients}, pool {POOL} of {CHILDREN} workers", lambda s: most(r, "cost", s, "starved")),
        (f"clients starved of {clients}, pool {CHILDREN} of {CHILDREN} workers", lambda s: most(r, "full", s, "starved")),
        (f"connections opened for {first['opened']['sent']:,} requests", lambda s: of(r, "opened", s, "connections")),
        *((f"page of {kb} KB, mean ms", lambda s, kb=kb: page_ms(r, s, kb)) for kb in PAGES_KB),
        ("slowest of them / 1 KB, slowest fifth left out", lambda s: page_times(r, s)),
        (f"POSTs lost of {first['posts']['sent']:,}, workers end after {MAX_REQUESTS}",
         lambda s: of(r, "posts", s, "lost")),
        ("POSTs that ran twice", lambda s: of(r, "posts", s, "ran_twice")),
        (f"another user's output as page, of {first['prints']['tries']} prints", lambda s: of(r, "prints", s, "foreign")),
        ("page lost by such a print", lambda s: of(r, "prints", s, "failed")),
        (f"scripts run for {LEAVERS} clients that left", lambda s: of(r, "leavers", s, "ran")),
        ("php-fpm reloaded, stopped: answers 5xx", lambda s: of(r, "restarts", s, "errors")),
        ("php-fpm reloaded, stopped: cut, spoilt, none", lambda s: of(r, "restarts", s, "cut", "wrong", "no_answer")),
    ]


def cells(results: dict) -> list:
    """Lines of cells, the first being the heads."""
    return [["", *(subject.title for subject in SUBJECTS)],
            *([what, *(value(subject.id) for subject in SUBJECTS)] for what, value in rows(results))]


def terminal(results: dict) -> str:
    lines = cells(results)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(line[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:]))
                     for line in lines)


def verdict(claim: dict) -> str:
    return "PASS" if claim["holds"] else "FAIL"


def markdown(results: dict, judged: list, meta: dict) -> str:
    heads, *lines = cells(results)
    out = ["# Holdfast beside the others", "",
           f"{meta['when']}, {meta['cores']} cores, Linux {meta['kernel']}; "
           + ", ".join(meta["versions"].values()) + f". `{meta['command']}`: {meta['rounds']} rounds of speed, medians; "
           "counts are of one play.", "",
           "Absolute times are this machine's: quote ratios. A client that got an error waits 20 ms before it asks again: that "
           "bounds the number of answers 5xx while php-fpm is away.", "",
           "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads),
           *("| " + " | ".join(line) + " |" for line in lines), "",
           "## Claims about Holdfast", "", "| | claim | measured |", "|---|---|---|",
           *(f"| {verdict(claim)} | {claim['text']} | {claim['measured']} |" for claim in judged), "",
           "## How each was configured", "",
           f"Each has a php-fpm of its own, `pm = static`, {CHILDREN} workers, one more than the {POOL} connections that are "
           f"kept (the trial of a pool of {CHILDREN} apart; clients that leave: 1 connection, 2 workers; reload: "
           "`process_control_timeout = 0`, as shipped). One worker process or thread a server. The files are in `configs/`.",
           "",
           *(f"- **{subject.title}**: {subject.note}" for subject in SUBJECTS), ""]
    return "\n".join(out)
