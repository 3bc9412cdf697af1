"""What must hold for a run to pass: claims about Holdfast. What the others do is told in the table and judged nowhere.

Input: the results as trials.run_all() makes them.
"""

from .subjects import POOL, SUBJECTS

PAGE_TIMES_MAX = 10  # a page held up for 40 ms takes some 100 times as long as a small one


def judge(results: dict) -> list:
    """[{text, measured, holds}]"""
    judged = []
    for subject in SUBJECTS:
        if subject.ours:
            of = {trial: figures[subject.id] for trial, figures in results.items()}
            for rule in (starved, opened, pages, posts, prints, leavers, restarts):
                text, measured, holds = rule(of)
                judged.append({"subject": subject.id, "text": f"{subject.title}: {text}", "measured": measured, "holds": holds})
    return judged


def passed(judged: list) -> bool:
    return all(claim["holds"] for claim in judged)


def starved(of: dict) -> tuple:
    loads = [*of["cost"], *of["full"]]
    hungry = max(load["starved"] for load in loads)
    slowest, errors = min(load["slowest"] for load in loads), sum(load["errors"] for load in loads)
    return ("no client starves, be the pool as large as php-fpm or not",
            f"{hungry} of {loads[0]['clients']} clients starved; the slowest had {slowest:.0f} pages/s; {errors} errors",
            hungry == 0 and slowest > 0 and errors == 0)


def opened(of: dict) -> tuple:
    seen = of["opened"][0]
    return ("all requests go over the connections of the pool",
            f"{seen['ok']} of {seen['sent']} requests answered, over {seen['connections']} connections; the pool has {POOL}",
            seen["ok"] == seen["sent"] and 0 < seen["connections"] <= POOL)


def page_times(figures: dict) -> float:
    """The slowest of the large pages, in times of the smallest."""
    smallest, *larger = figures["typical_ms"].values()
    return max(larger) / smallest


def pages(of: dict) -> tuple:
    seen = of["pages"][0]
    times = page_times(seen)
    return ("no page is held up by delayed acknowledgements",
            f"a large page takes {times:.1f} times as long as one of 1 KB; {seen['failed']} pages failed",
            times <= PAGE_TIMES_MAX and seen["failed"] == 0)


def posts(of: dict) -> tuple:
    seen = of["posts"][0]
    return ("no POST is lost or runs twice while workers end",
            f"{seen['sent']} POSTs: {seen['lost']} lost, {seen['ran_twice']} ran twice",
            seen["sent"] > 0 and seen["lost"] == 0 and seen["ran_twice"] == 0 and seen["ran"] == seen["sent"])


def prints(of: dict) -> tuple:
    seen = of["prints"][0]
    return ("what a script prints after fastcgi_finish_request() reaches nobody",
            f"{seen['tries']} prints: {seen['foreign']} in another client's page, {seen['failed']} other failures",
            seen["tries"] > 0 and seen["foreign"] == 0 and seen["failed"] == 0)


def leavers(of: dict) -> tuple:
    seen = of["leavers"][0]
    return ("no script runs for a client that left the queue",
            f"{seen['left']} clients left: {seen['ran']} of their scripts ran; who stayed got {seen['stayer_status']}",
            seen["ran"] == 0 and seen["stayer_status"] == 200)


def restarts(of: dict) -> tuple:
    seen = of["restarts"][0]
    return ("a reload and a restart of php-fpm cost no page",
            f"{seen['ok']} pages; {seen['errors']} errors, {seen['cut']} cut, {seen['no_answer']} never answered, "
            f"{seen['wrong']} spoilt",
            seen["ok"] > 0 and seen["ok"] == seen["sent"])
