"""The trials: what kept FastCGI connections cost when they are kept naively.

Each is a function of a plan, a subject and a folder; it starts what it needs afresh, so that nobody's connections occupy
another's workers, is bounded in time and count, and returns figures. The last function runs them all.
"""

import signal
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from harness.process import cpu_seconds
from harness.wait import wait_stable, wait_until

from .clients import ANSWER_SECONDS, Client, Crowd, hammer, unread
from .subjects import CHILDREN, POOL, SUBJECTS, Stage

KEEP_ALIVE_CLIENTS = 100
PAGES_KB = (1, 12, 20, 64)  # php-fpm writes a page over 8 KB in more than one piece
LEAVERS = 20
MAX_REQUESTS = 20


@dataclass(frozen=True)
class Plan:
    rounds: int
    load_seconds: int
    counted: int        # requests whose connections are counted
    page_repeats: int
    posts: int
    prints: int
    reload_answers: int  # pages between what happens to php-fpm
    stopped_seconds: float


# Under four minutes on two cores.
FULL = Plan(rounds=3, load_seconds=4, counted=1500, page_repeats=30, posts=6000, prints=20, reload_answers=500,
            stopped_seconds=2.0)
# Under a minute.
QUICK = Plan(rounds=1, load_seconds=1, counted=300, page_repeats=10, posts=600, prints=6, reload_answers=100,
             stopped_seconds=0.5)


def tagged(page: str, tag: str, answer: str) -> tuple:
    return f"/{page}?t={tag}", answer.encode()


def echo(number: int) -> tuple:
    return tagged("echo.php", f"e{number}", f"e{number}\n")


def cost(plan: Plan, subject, folder: Path, pool: int = POOL) -> dict:
    """100 keep-alive clients and a small page: what a request costs, and who gets how much."""
    with Stage(subject, folder, pool=pool) as stage:
        with Crowd(stage.port, POOL, echo, requests=300) as warm_up:
            warm_up.join()
        before = cpu_seconds(stage.worker_pid)
        seen = hammer(stage.port, "/hello.php", KEEP_ALIVE_CLIENTS, plan.load_seconds)
        used = cpu_seconds(stage.worker_pid) - before
    return seen | {"cpu_us": used / max(1, seen["answers"]) * 1e6}


def full(plan: Plan, subject, folder: Path) -> dict:
    """The same with a pool as large as php-fpm: no worker is left for a connection that is one too many."""
    return cost(plan, subject, folder, pool=CHILDREN)


def opened(plan: Plan, subject, folder: Path) -> dict:
    """As many clients as the pool has connections: over how many connections their requests came to php."""
    with Stage(subject, folder) as stage:
        with Crowd(stage.port, POOL, lambda _: ("/via.php", b"noted\n"), requests=plan.counted) as crowd:
            tally = crowd.join()
        lines = stage.fpm.read("sockets").splitlines()
    connections = len({word for line in lines for word in line.split()}) - 1  # one is php-fpm's listening socket
    return tally.counts() | {"scripts": len(lines), "connections": connections}


def pages(plan: Plan, subject, folder: Path) -> dict:
    """One client, pages of several sizes in turn: the mean time of each size."""
    took = {kb: [] for kb in PAGES_KB}
    failed = 0
    with Stage(subject, folder) as stage, Client(stage.port) as client:
        for number in range(plan.page_repeats + 1):
            for kb, times in took.items():
                began = time.perf_counter()
                status, body = client.ask(f"/echo.php?t=p&n={kb * 1024}")
                times.append((time.perf_counter() - began) * 1e3)
                failed += status != 200 or len(body) != kb * 1024
                if number == 0:
                    times.clear()  # connections are opened and scripts compiled
    return {"mean_ms": {str(kb): statistics.fmean(times) for kb, times in took.items()},
            "typical_ms": {str(kb): typical(times) for kb, times in took.items()}, "failed": failed}


def typical(times: list) -> float:
    """The mean without the slowest fifth: the machine's own pauses do not decide."""
    return statistics.fmean(sorted(times)[:max(1, len(times) * 4 // 5)])


def posts(plan: Plan, subject, folder: Path) -> dict:
    """php-fpm renews each worker after 20 requests: which POSTs get lost on the way, which run twice."""
    def make(number):
        return tagged("count.php", f"p{number}", f"p{number} 3\n")

    with Stage(subject, folder, max_requests=MAX_REQUESTS) as stage:
        with Crowd(stage.port, 12, make, requests=plan.posts, method="POST", body=b"abc") as crowd:
            counts = crowd.join().counts()
        runs = stage.fpm.runs()
    return counts | {"lost": counts["sent"] - counts["ok"], "ran": len(runs), "ran_twice": len(runs) - len(set(runs))}


def prints(plan: Plan, subject, folder: Path) -> dict:
    """A script prints after fastcgi_finish_request(), while the next client's request is under way."""
    foreign = failed = 0
    with Stage(subject, folder) as stage:
        for number in range(plan.prints):
            head = "&head=1" if number % 2 else ""
            with Client(stage.port) as first, Client(stage.port) as following:
                first.ask(f"/print_after.php?t=f{number}{head}")
                target, page = tagged("echo.php", f"next{number}", f"next{number}\n")
                status, body = following.ask(target)
            foreign += b"report of" in body
            failed += status != 200 or (body != page and b"report of" not in body)
            wait_until(lambda n=number: f"f{n}\n" in stage.fpm.read("printed"), "the script's print")
    return {"tries": plan.prints, "foreign": foreign, "failed": failed}


def leavers(plan: Plan, subject, folder: Path) -> dict:
    """Slow scripts occupy the one connection of a pool and both workers of php-fpm; 20 clients ask, and leave."""
    with Stage(subject, folder, pool=1, children=2) as stage:
        holders = [Asker(stage.port, f"/hold.php?t=h{i}&r=go") for i in range(2)]
        wait_until(lambda: any(stage.fpm.seen(f"started-h{i}") for i in range(2)), "a slow script")
        asked = [Asker(stage.port, f"/count.php?t=gone{i}") for i in range(LEAVERS)]
        give_time(lambda: unread(stage.port, "established") == [0] * (LEAVERS + 2))  # all requests are read
        for client in asked:
            client.close()
        give_time(lambda: not unread(stage.port, "close-wait"))  # that they have left is seen, where it is looked for
        stage.fpm.touch("go")
        wait_until(lambda: all(stage.fpm.seen(f"started-h{i}") for i in range(2)), "both slow scripts")
        with Client(stage.port) as stayer:
            status, _ = stayer.ask("/count.php?t=stays")
        runs = wait_stable(lambda: len(stage.fpm.runs()), "the number of scripts that ran", still=5)
        gone = sum(run.startswith("gone") for run in stage.fpm.runs())
        for holder in holders:
            holder.close()
    return {"left": LEAVERS, "ran": gone, "stayer_status": status, "scripts": runs}


def restarts(plan: Plan, subject, folder: Path) -> dict:
    """php-fpm is reloaded and then stopped for a while, under 20 clients that GET."""
    with Stage(subject, folder, process_control_timeout="0") as stage:
        with Crowd(stage.port, 20, echo, seconds=ANSWER_SECONDS + 10) as crowd:
            answered_more(crowd, plan.reload_answers)
            reloaded = stage.fpm.reload()
            wait_until(reloaded, "php-fpm's reload")
            answered_more(crowd, plan.reload_answers)
            stage.fpm.stop(signal.SIGTERM)
            time.sleep(plan.stopped_seconds)
            stage.fpm.start()
            answered_more(crowd, plan.reload_answers)
            return crowd.stop().counts()


def answered_more(crowd: Crowd, count: int) -> None:
    """Waits for so many more pages; no longer than it is worth, for a subject may have stopped answering."""
    target = crowd.answered() + count
    give_time(lambda: crowd.answered() >= target, ANSWER_SECONDS)


def give_time(condition, seconds: float = 3.0) -> None:
    """Until the condition holds. A subject for which it never does goes on all the same."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


class Asker:
    """Sends one request and waits for nothing."""

    def __init__(self, port: int, target: str):
        self.client = Client(port)
        self.client.open()
        self.client.connection.request("GET", target)

    def close(self):
        self.client.close()


@dataclass(frozen=True)
class Trial:
    id: str
    title: str
    run: object
    in_rounds: bool = False  # a matter of speed: repeated, the median counts


TRIALS = [
    Trial("cost", "cost and fairness, 100 keep-alive clients", cost, in_rounds=True),
    Trial("full", "the same, a pool as large as php-fpm", full),
    Trial("opened", "connections opened to php-fpm", opened),
    Trial("pages", "pages of 1 to 64 KB", pages),
    Trial("posts", f"POSTs while workers end after {MAX_REQUESTS} requests", posts),
    Trial("prints", "output after fastcgi_finish_request()", prints),
    Trial("leavers", "clients that leave the queue", leavers),
    Trial("restarts", "php-fpm reloaded, then stopped", restarts),
]


def run_all(plan: Plan, folder: Path, progress) -> dict:
    """{trial: {subject: [figures of each round]}}. `progress(trial, round, rounds, subject, figures)` after each."""
    results = {}
    for trial in TRIALS:
        rounds = plan.rounds if trial.in_rounds else 1
        figures = results[trial.id] = {subject.id: [] for subject in SUBJECTS}
        for number in range(1, rounds + 1):
            for subject in SUBJECTS:  # in turn: what disturbs the machine disturbs all
                figures[subject.id].append(trial.run(plan, subject, folder))
                progress(trial, number, rounds, subject, figures[subject.id][-1])
    return results
