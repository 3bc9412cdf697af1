"""What must hold for a run to pass, and what is only told.

Claims about Holdfast, and about short connections as such, are judged: PASS or FAIL. What nginx with `keepalive` does is
measured and told without a verdict. Input: the lanes' results as lanes.run() makes them.
"""

THOUSANDS = 1000


def claim(text: str, measured: str, holds) -> dict:
    """`holds`: True, False, or None for what is told without a verdict."""
    return {"text": text, "measured": measured, "verdict": {True: "PASS", False: "FAIL", None: "seen"}[holds]}


def phase(lane: dict, name: str) -> dict:
    return next(p for p in lane["phases"] if p["id"] == name)


def highest(lane: dict, *columns) -> int:
    return max((p[column] for p in lane["phases"] for column in columns), default=0)


def total(lane: dict, column: str) -> int:
    return sum(p[column] for p in lane["phases"])


def spoken(number) -> str:
    return f"{number:,}"


def judge(lanes: list) -> list:
    by_id = {lane["id"]: lane for lane in lanes}
    short = [by_id[i] for i in ("nginx-short", "holdfast-short")]
    kept = [by_id[i] for i in ("nginx-holdfast", "holdfast-tcp", "holdfast-unix")]
    holdfast = [lane for lane in lanes if lane["server"] == "holdfast" and lane["act"] == 1]
    return [
        *map(short_connections, short),
        *map(kept_time_wait, kept),
        *map(kept_opened, kept),
        ceiling(holdfast),
        counts_agree([lane for lane in holdfast if not lane["unix"]]),
        *map(all_answered, holdfast),
        cured(by_id["nginx-holdfast"]),
        *second_act(by_id),
        *map(told, (by_id["nginx-short"], by_id["nginx-kept"])),
        price(by_id["nginx-short"], by_id["nginx-holdfast"]),
    ]


def short_connections(lane: dict) -> dict:
    peak = highest(lane, "time_wait_php")
    return claim(f"{lane['title']}: a connection per request leaves thousands in TIME_WAIT on php-fpm's port",
                 f"{spoken(peak)} at the peak on php-fpm's side", peak >= THOUSANDS)


def kept_time_wait(lane: dict) -> dict:
    seen = phase(lane, "kept")
    both = seen["time_wait_php"] + seen["time_wait_proxy"]
    return claim(f"{lane['title']}: under keep-alive clients never more in TIME_WAIT than the pool has connections",
                 f"{spoken(both)} at the peak, both sides; the pool has {lane['pool']}", both <= lane["pool"])


def cured(lane: dict) -> dict:
    """One line changed in nginx, which still keeps nothing, and clients that keep nothing."""
    seen = phase(lane, "short")
    both = seen["time_wait_php"] + seen["time_wait_proxy"]
    return claim(f"{lane['title']}: under short clients, too, never more in TIME_WAIT than the pool has connections",
                 f"{spoken(both)} at the peak, both sides; the pool has {lane['pool']}", both <= lane["pool"])


def price(before: dict, after: dict) -> dict:
    """Another program on the way costs its share of the processors; what it saves shows where sockets or php are short."""
    def figures(lane):
        seen = phase(lane, "short")
        return f"{spoken(round(seen['rate']))} requests/s, p99 {seen['p99_ms']:.0f} ms"
    return claim(f"{after['title']}: {phase(after, 'short')['clients']} short clients, as seen",
                 f"{figures(after)}; nginx by itself {figures(before)}", None)


def kept_opened(lane: dict) -> dict:
    answers = total(lane, "answers")
    return claim(f"{lane['title']}: the whole load goes over the pool's connections",
                 f"{spoken(answers)} answers, {spoken(lane['connections'])} connections opened",
                 answers > 0 and lane["connections"] <= lane["pool"])


def ceiling(lanes: list) -> dict:
    """Sampled for TCP; a closing connection is not an open one. Connections that last a millisecond are not judged by samples:
    the kernel tells its sockets one after the other, and one that has closed and one that took its place may both be told."""
    lanes = [lane for lane in lanes if lane["connections"] <= lane["answers"] / 2]
    peaks = [highest(lane, "open_to_php") for lane in lanes if not lane["unix"]]
    return claim("Holdfast: never more open connections to php-fpm than max_connections",
                 f"{max(peaks)} at the peak; max_connections is {lanes[0]['pool']}", max(peaks) <= lanes[0]["pool"])


def counts_agree(lanes: list) -> dict:
    """Both counts begin after the first page and end when the load is over."""
    return claim("Holdfast counts opened connections as the kernel of php-fpm's host does",
                 "; ".join(f"{spoken(lane['opened_by_proxy'])} and {spoken(lane['accepted_by_php'])}" for lane in lanes),
                 all(lane["opened_by_proxy"] == lane["accepted_by_php"] for lane in lanes))


def all_answered(lane: dict) -> dict:
    errors, never = total(lane, "errors"), total(lane, "never_answered")
    return claim(f"{lane['title']}: no errors, and no client that is never answered",
                 f"{spoken(total(lane, 'answers'))} answers, {errors} errors, {never} never answered",
                 errors == 0 and never == 0 and total(lane, "good") > 0)


def second_act(by_id: dict):
    short, kept = by_id["ports-nginx-short"], by_id["ports-holdfast-tcp"]
    ports = short["ports"][1] - short["ports"][0] + 1
    peak = highest(short, "time_wait_proxy")
    failed = sum(p["error_kinds"].get("status", 0) for p in short["phases"])
    yield claim(f"Second act, {spoken(ports)} ports: when the proxy closes first, short connections use them up",
                f"{spoken(peak)} in TIME_WAIT on the proxy's side, {spoken(short['kernel_errors'])} times "
                f"\"Cannot assign requested address\", {spoken(failed)} requests answered with an error",
                short["kernel_errors"] > 0 and peak >= 0.9 * ports)
    errors, never = total(kept, "errors"), total(kept, "never_answered")
    yield claim("Second act: Holdfast's kept connections do not notice",
                f"{spoken(total(kept, 'answers'))} answers, {errors} errors, {never} never answered, "
                f"{kept['connections']} connections opened",
                errors == 0 and never == 0 and total(kept, "good") > 0 and kept["connections"] <= kept["pool"])
    other = by_id.get("ports-nginx-kept")
    if other:
        yield told(other)


def told(lane: dict) -> dict:
    seen = phase(lane, "kept")
    act = "Second act, " if lane["act"] == 2 else ""
    return claim(f"{act}{lane['title']}: {spoken(seen['clients'])} keep-alive clients, as seen",
                 f"{spoken(round(seen['rate']))} requests/s, {spoken(total(lane, 'errors'))} errors, "
                 f"{seen['never_answered']} clients never answered; {spoken(lane['connections'])} connections for "
                 f"{spoken(lane['answers'])} answers", None)


def passed(judged: list) -> bool:
    return all(c["verdict"] != "FAIL" for c in judged)
