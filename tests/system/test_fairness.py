"""A hard ceiling and a fair queue: many clients, four connections, and a worker left for others."""

import pytest

from harness.load import Load, Work
from harness.sockets import connections_to
from harness.wait import pause, scaled, wait_until


@pytest.mark.heavy
def test_hundred_clients_share_four_connections_evenly(stack, transport):
    proxy, fpm = stack(transport, fpm={"max_children": 5}, pool={"max_connections": 4})
    samples = []

    def make(client, number):
        # Long enough that nearly all clients wait in the queue: else it is the load's own order that is seen.
        tag = f"c{client}n{number}"
        return Work(f"/work.php?t={tag}&us=1000", f"{tag}\n".encode())

    with Load(proxy.port, clients=100, requests=scaled(10000, 5000), make=make) as load:
        while load.running:
            samples.append(connections_to(fpm.address))
            pause(0.002)
    result = load.finish()
    assert not result.errors and not result.failures, result
    counts = [result.per_client[i] for i in range(100)]
    mean = sum(counts) / 100
    assert min(counts) >= 0.9 * mean, f"worst {min(counts)}, mean {mean}, best {max(counts)}"
    assert len(samples) >= 10
    assert max(samples) <= 4, f"{max(samples)} connections at php-fpm"
    assert max(samples) == 4, "the load never filled the pool: nothing was tested"
    pool = proxy.wait_quiet()
    assert pool["opened"] - pool["closed"].get("no_worker", 0) == 4, pool
    assert pool["rejected"] == {"queue_full": 0, "queue_timeout": 0}


def test_a_second_user_of_the_pool_still_gets_answers(stack, transport):
    proxy, fpm = stack(transport, fpm={"max_children": 5}, pool={"max_connections": 4})
    with Load(proxy.port, clients=100) as load:
        wait_until(lambda: load.answered > 500, "the load")
        for i in range(20):
            out, _ = fpm.direct("echo.php", f"t=direct{i}", timeout=10)
            assert out.endswith(f"direct{i}\n".encode())
        result = load.stop()
    assert not result.errors and not result.failures, result


def test_the_queue_is_first_in_first_out(stack):
    proxy, fpm = stack(pool={"max_connections": 1})
    holder = proxy.client()
    holder.send(b"GET /hold.php?t=h&r=go HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: fpm.seen("started-h"), "the holder")
    clients = []
    for i in range(10):
        client = proxy.client()
        client.send(f"GET /count.php?t=w{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        proxy.wait_pool(lambda p, n=i + 1: p["waiting"] == n, f"{i + 1} waiters")
        clients.append(client)
    fpm.touch("go")
    for i, client in enumerate(clients):
        assert client.read().body == f"w{i} 0\n".encode()
    assert fpm.runs() == ["h"] + [f"w{i}" for i in range(10)]


def test_idle_connections_are_used_first(stack, transport):
    """One client after another needs one connection, however high the ceiling is."""
    proxy, fpm = stack(transport, pool={"max_connections": 4})
    for i in range(30):
        assert proxy.get(f"/echo.php?t=i{i}").body == f"i{i}\n".encode()
        proxy.wait_quiet()
    pool = proxy.pool()
    assert pool["opened"] == 1, pool
    assert pool["reused"] == 29, pool
    assert pool["requests"] == 30, pool
    assert connections_to(fpm.address) == 1
