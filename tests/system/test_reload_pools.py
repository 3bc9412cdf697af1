"""Pools that a reload renames, moves or takes away, and who waits for them."""

import copy
import json

import pytest

from harness.http_client import build_request
from harness.wait import wait_until


def test_a_renamed_pool_keeps_its_connections(stack):
    proxy, _ = stack()
    assert proxy.get("/echo.php?t=a").status == 200
    before = proxy.wait_quiet()
    config = copy.deepcopy(proxy.config)
    config["pools"]["renamed"] = config["pools"].pop("php")
    config["sites"][0]["pool"] = "renamed"
    proxy.reload(config)
    assert proxy.get("/echo.php?t=b").status == 200
    after = proxy.wait_quiet("renamed")
    assert (after["opened"], after["requests"]) == (before["opened"], before["requests"] + 1)
    assert "php" not in proxy.status()["pools"]


@pytest.mark.parametrize("there_before", [False, True])
def test_who_waits_for_a_pool_that_goes_waits_for_the_one_the_site_names_now(stack, start_fpm, there_before):
    """Another name and another php-fpm: nobody is sent to the old one. A new pool is paused as the old one was, one
    that was there before serves."""
    proxy, fpm = stack()
    other = start_fpm("unix").start()
    config = copy.deepcopy(proxy.config)
    config["pools"]["web"] = {**config["pools"]["php"], "address": other.address}
    if there_before:
        proxy.reload(config)
    assert proxy.admin("POST", "/pools/php/pause")[0] == 200
    waiting = [proxy.client() for _ in range(3)]
    for client in waiting:
        client.send(b"GET /echo.php?t=w HTTP/1.1\r\nHost: x\r\n\r\n")
    proxy.wait_pool(lambda p: p["waiting"] == 3, "all to wait")
    fpm.stop()
    config = copy.deepcopy(config)
    del config["pools"]["php"]
    config["sites"][0]["pool"] = "web"
    said = proxy.reload(config)
    assert "pool php has gone: the 3 requests that wait for it go to pool web" in said
    if not there_before:
        assert proxy.pool("web")["waiting"] == 3 and "pool web: paused, as pool php was" in said
        assert proxy.admin("POST", "/pools/web/resume")[0] == 200
    assert [client.read().body for client in waiting] == [b"w\n"] * 3


@pytest.mark.parametrize("first", ["a", "b"])
def test_who_waits_for_pools_that_become_one_stays_in_order(stack, start_fpm, first):
    """The later pool's waiters were put behind, though they had come before, and queue.timeout came late."""
    proxy, fpm = stack(pool={"queue": {"timeout": "20s"}})
    config = copy.deepcopy(proxy.config)
    site, pool = config["sites"][0], config["pools"].pop("php")
    config["pools"] = {"a": pool, "b": pool}
    config["sites"] = [{**site, "pool": name, "hosts": [name]} for name in "ab"]
    proxy.reload(config)
    clients = []
    for name in (first, "ab".replace(first, "")):
        assert proxy.admin("POST", f"/pools/{name}/pause")[0] == 200
        clients.append(proxy.client())
        clients[-1].send(f"GET /count.php?t={name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        proxy.wait_pool(lambda p: p["waiting"] == 1, "it to wait", name=name)
    config = copy.deepcopy(config)
    config["pools"] = {"c": {**pool, "max_connections": 1, "address": start_fpm("unix").start().address}}
    config["sites"] = [{**each, "pool": "c"} for each in config["sites"]]
    proxy.reload(config)
    assert proxy.pool("c")["waiting"] == 2, proxy.log()
    assert proxy.admin("POST", "/pools/c/resume")[0] == 200
    assert [client.read().status for client in clients] == [200, 200]
    assert fpm.runs() == [first, "ab".replace(first, "")]


def test_a_pool_that_goes_while_a_request_comes(stack):
    """Its head came under the old file, its body ends under the new one, where the pool has another name."""
    proxy, _ = stack()
    data = build_request("POST", "/upload.php", body=b"0123456789")
    with proxy.client() as client:
        client.send(data[:-5])
        wait_until(lambda: proxy.status()["clients"]["requests"] == 1, "the head to be read")
        config = copy.deepcopy(proxy.config)
        config["pools"]["renamed"] = config["pools"].pop("php")
        config["sites"][0]["pool"] = "renamed"
        proxy.reload(config)
        client.send(data[-5:])
        response = client.read()
    assert response.status == 200 and json.loads(response.body)["bytes"] == 10, response
    assert proxy.pool("renamed")["requests"] == 1


def test_a_site_that_goes_with_its_pool_while_a_request_comes(stack):
    """Nothing of what the old file made of it is left over."""
    proxy, _ = stack(site={"hosts": ["localhost"]})
    data = build_request("POST", "/upload.php", body=b"0123456789")
    with proxy.client() as client:
        client.send(data[:-5])
        wait_until(lambda: proxy.status()["clients"]["requests"] == 1, "the head to be read")
        config = copy.deepcopy(proxy.config)
        config["pools"]["renamed"] = config["pools"].pop("php")
        config["sites"][0].update(pool="renamed", hosts=["another.example"])
        proxy.reload(config)
        client.send(data[-5:])
        assert client.read().status == 421
    assert proxy.get("/echo.php?t=a", host="another.example").body == b"a\n"
