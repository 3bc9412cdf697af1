"""fastcgi_finish_request(): scripts that answer, work on, and print into the kept connection afterwards."""

import pytest

from harness.load import Load, Work, echo
from harness.wait import scaled, wait_until


@pytest.mark.parametrize("settle", ["auto", "always"])
def test_stray_output_reaches_nobody(stack, transport, settle):
    """Each page is compared whole with what its own script printed."""
    proxy, fpm = stack(transport, pool={"settle": settle})

    def make(client, number):
        tag = f"c{client}n{number}"
        if (client + number) % 4 == 0:
            return Work(f"/finish.php?t={tag}", f"{tag}\n".encode())
        if number % 2:
            return Work(f"/count.php?t={tag}", f"{tag} 3\n".encode(), "POST", b"abc")
        return echo(client, number)

    requests = scaled(1500, 300)
    result = Load(proxy.port, clients=10, requests=requests, make=make).run()
    assert not result.errors and not result.failures, result
    assert result.statuses == {200: requests}
    runs = fpm.runs()
    assert len(runs) == len(set(runs)), "a POST ran twice"
    proxy.wait_quiet()
    assert len(fpm.read("strays").split()) > requests // 5, "no script printed after its end: nothing was tested"


def test_nobody_waits_for_a_script_that_works_on(stack, transport):
    """While another connection is free (or may be opened), it is used."""
    proxy, fpm = stack(transport, pool={"max_connections": 2})
    assert proxy.get("/finish.php?t=f&r=go").body == b"f\n"
    wait_until(lambda: fpm.seen("finished-f"), "the answer's end")
    with proxy.client() as client:
        for i in range(25):
            assert client.request("GET", f"/echo.php?t=g{i}").body == f"g{i}\n".encode()
            assert client.request("POST", f"/count.php?t=p{i}", body=b"b").body == f"p{i} 1\n".encode()
    # The other connection's own last barrier may be on its way for a moment.
    pool = proxy.wait_pool(lambda p: p["settling"] == 1, "one connection to settle, the other to be free")
    assert pool["opened"] == 2, pool
    assert not fpm.read("strays")
    fpm.touch("go")
    wait_until(lambda: fpm.read("strays"), "the stray output")
    proxy.wait_quiet()
    assert proxy.get("/echo.php?t=after").body == b"after\n"


def test_a_post_waits_for_the_barrier_when_nothing_else_is_free(stack, transport):
    """One connection, its script still at work: the POST is held back and then runs once, unspoilt."""
    proxy, fpm = stack(transport, pool={"max_connections": 1})
    assert proxy.get("/finish.php?t=f&r=go").body == b"f\n"
    with proxy.client() as client:
        client.send(b"POST /count.php?t=p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        proxy.wait_pool(lambda p: p["waiting"] == 1 and p["settling"] == 1, "the POST in the queue")
        assert fpm.runs() == []
        fpm.touch("go")
        assert client.read().body == b"p 2\n"
    assert fpm.runs() == ["p"]
