"""php-fpm reloaded, restarted, its workers killed: held in the queue, not answered with 502."""

import signal

import pytest

from harness.load import Load, Work
from harness.wait import pause, scaled, wait_until


def answered_more(load, count):
    target = load.answered + count
    wait_until(lambda: load.answered >= target, f"{count} more answers")


@pytest.mark.parametrize("grace", ["5s", "0"])
def test_reload_under_load(stack, transport, grace):
    """USR2, graceful and not: with `0` php-fpm kills what runs, and repeatable requests are tried again."""
    proxy, fpm = stack(transport, fpm={"process_control_timeout": grace})
    with Load(proxy.port, clients=12) as load:
        answered_more(load, 300)
        for _ in range(3):
            reloaded = fpm.reload()
            wait_until(reloaded, "php-fpm to come back")
            answered_more(load, 300)
        result = load.stop()
    assert not result.errors and not result.failures, result


def test_idle_connections_do_not_hold_up_a_reload(stack, transport):
    """A worker that waits for a kept connection's next request ends only when it hears something: our ping."""
    proxy, fpm = stack(transport, fpm={"process_control_timeout": "60s"}, pool={"ping": "200ms"})
    assert not Load(proxy.port, clients=4, requests=100).run().failures
    wait_until(fpm.reload(), "the reload", timeout=20)
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_stop_for_three_seconds_under_load(stack, transport):
    proxy, fpm = stack(transport)
    with Load(proxy.port, clients=12) as load:
        answered_more(load, 300)
        fpm.stop(signal.SIGTERM)
        proxy.wait_pool(lambda p: p["waiting"] == 12 and p["idle"] == 0, "all clients in the queue")
        pause(3)
        assert not proxy.pool()["reachable"]
        fpm.start()
        answered_more(load, 300)
        result = load.stop()
    assert not result.errors and not result.failures, result
    assert proxy.pool()["reachable"]


def test_posts_across_reloads_never_run_twice(stack):
    """A forced kill may cost a POST its answer, but what is answered ran once, and nothing ran twice."""
    proxy, fpm = stack("unix", fpm={"process_control_timeout": "0"})

    def make(client, number):
        tag = f"c{client}n{number}"
        return Work(f"/count.php?t={tag}", f"{tag} 3\n".encode(), "POST", b"abc")

    with Load(proxy.port, clients=12, make=make) as load:
        for _ in range(3):
            answered_more(load, 200)
            wait_until(fpm.reload(), "php-fpm to come back")
        answered_more(load, 200)
        result = load.stop()
    assert not result.errors, result
    assert set(result.statuses) <= {200, 502}, result
    assert result.statuses[502] <= 3 * 4, result
    runs = fpm.runs()
    assert len(runs) == len(set(runs)), "a POST ran twice"
    assert result.statuses[200] <= len(runs) <= result.statuses[200] + result.statuses[502]


def test_worker_killed_in_mid_script(stack, transport):
    """That POST gets 502 at once and is not tried again; all other requests feel nothing."""
    proxy, fpm = stack(transport)
    with Load(proxy.port, clients=6) as load:
        answered_more(load, 50)
        response = proxy.get("/kill.php?t=k", method="POST", body=b"x")
        assert response.status == 502, response
        answered_more(load, 50)
        result = load.stop()
    assert not result.errors and not result.failures, result
    assert fpm.runs() == ["k"]
    lines = proxy.wait_access(lambda a: a["target"].startswith("/kill.php"))
    assert lines[0]["status"] == 502 and lines[0]["outcome"] == "upstream_reset", lines


def test_repeatable_methods_get_one_second_try(stack, transport):
    proxy, fpm = stack(transport)
    assert proxy.get("/kill.php?t=once&once=mark").body == b"once\n"
    assert fpm.runs() == ["once", "once"]
    assert proxy.get("/kill.php?t=ever").status == 502
    assert fpm.runs()[2:] == ["ever", "ever"], "a second try, and not a third"
    assert sum(proxy.pool()["retried"].values()) == 2
    assert proxy.wait_access(lambda a: "once" in a["target"])[0]["retried"] == 1


def test_a_page_that_kills_its_worker_runs_three_times_at_most(stack, transport):
    """Whoever asked for it beside others was taken for the victim of a restart each time: six runs of each, the double load
    thrice."""
    proxy, fpm = stack(transport, pool={"max_connections": 4})
    for tag in range(4):  # a connection each, so that they go out together
        assert proxy.get(f"/echo.php?t=warm{tag}").status == 200
    tags = [f"c{n}" for n in range(4)]
    clients = [proxy.client() for _ in tags]
    for client, tag in zip(clients, tags):
        client.send(f"GET /kill.php?t={tag} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    for client in clients:
        assert client.read().status == 502
        client.close()
    runs = fpm.runs()
    assert all(2 <= runs.count(tag) <= 3 for tag in tags), runs


def test_worker_killed_after_the_first_bytes(stack, transport):
    """The head is out: the client must see that the page is cut, and nothing is tried again."""
    proxy, fpm = stack(transport)
    with proxy.client() as client:
        try:
            response = client.request("GET", "/kill.php?t=b&body=1")
            assert response.status == 502, response  # nothing was sent before php died
        except Exception as e:
            assert "EOF inside the body (chunked)" in str(e), e
    assert fpm.runs() == ["b"]
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_killed_idle_workers_cost_nothing(stack, transport):
    """Connections that died while idle are not taken for a dead php-fpm; a POST is safe on a new one."""
    proxy, fpm = stack(transport)
    for i in range(scaled(10, 3)):
        assert proxy.get(f"/echo.php?t=i{i}").status == 200
        fpm.kill_workers(signal.SIGKILL)
        tag = f"p{i}"
        assert proxy.get(f"/count.php?t={tag}", method="POST", body=b"b").body == f"{tag} 1\n".encode()
    assert fpm.runs() == [f"p{i}" for i in range(scaled(10, 3))]


def test_php_is_not_there_at_start(start_fpm, start_holdfast):
    """It starts all the same, says so on /readyz, and serves once php-fpm comes."""
    fpm = start_fpm("unix")
    proxy = start_holdfast({
        "pools": {"php": {"address": fpm.address, "queue": {"timeout": "300ms"}}},
        "sites": [{"root": str(fpm.www), "pool": "php"}],
    })
    assert proxy.admin("GET", "/healthz")[0] == 200
    assert proxy.admin("GET", "/readyz")[0] == 503
    response = proxy.get("/echo.php?t=early")
    assert response.status == 503 and response.get("Retry-After"), response
    assert proxy.get("/style.css").status == 200, "static files need no php"
    fpm.start()
    wait_until(lambda: proxy.admin("GET", "/readyz")[0] == 200, "readiness")
    assert proxy.get("/echo.php?t=late").body == b"late\n"


def test_request_terminate_timeout_does_not_kill_idle_connections(stack):
    """php-fpm counts the time between requests as the request's; the ping keeps setting its clock back."""
    proxy, fpm = stack("unix", fpm={"request_terminate_timeout": "2s"}, pool={"ping": "300ms"})
    assert proxy.get("/echo.php?t=a").status == 200
    before = fpm.exits()
    pause(3.5)
    assert proxy.get("/count.php?t=b", method="POST", body=b"x").status == 200
    assert fpm.exits() == before, "php-fpm killed an idle worker"
    assert proxy.pool()["opened"] == 1
