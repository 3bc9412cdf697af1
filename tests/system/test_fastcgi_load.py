"""Many clients at nginx in front: served evenly, each POST runs once, and nothing is lost while things are exchanged."""

import copy

import pytest

from harness.load import Load, Work
from harness.wait import scaled, wait_until


def answered_more(load, count):
    target = load.answered + count
    wait_until(lambda: load.answered >= target, f"{count} more answers")


def post(client, number):
    tag = f"c{client}n{number}"
    return Work(f"/count.php?t={tag}", f"{tag} 3\n".encode(), "POST", b"abc")


@pytest.mark.heavy
@pytest.mark.parametrize("variant", ["nginx", "nginx-kept"])
def test_posts_of_a_hundred_clients(front_stack, variant):
    """Directly, kept connections starve 84 of 100 clients, and 53 to 72 of 6000 POSTs are lost where workers end."""
    front, holdfast, php = front_stack(variant, fpm={"max_requests": 20, "max_children": 5}, pool={"max_connections": 4})
    requests = scaled(6000, 3000)
    result = Load(front.port, clients=100, requests=requests, make=post).run()
    assert not result.errors and not result.failures, result
    runs = php.runs()
    assert len(runs) == requests and len(set(runs)) == requests
    counts = [result.per_client[i] for i in range(100)]
    assert min(counts) >= 0.9 * requests / 100, f"worst {min(counts)}, best {max(counts)} of {requests}"


@pytest.mark.parametrize("variant", ["nginx", "nginx-kept"])
def test_reloads_and_a_restart_of_php_fpm(front_stack, variant, transport):
    front, holdfast, php = front_stack(variant, transport)
    with Load(front.port, clients=12) as load:
        answered_more(load, 200)
        for size in (3, 2):
            config = copy.deepcopy(holdfast.config)
            config["pools"]["php"]["max_connections"] = size
            holdfast.reload(config)
            answered_more(load, 100)
        wait_until(php.reload(), "php-fpm to come back")
        answered_more(load, 100)
        php.stop()
        php.start()
        answered_more(load, 100)
        result = load.stop()
    assert not result.errors and not result.failures, result


@pytest.mark.parametrize("variant", ["nginx-backup", "nginx-kept-backup"])
def test_a_restart_of_holdfast(front_stack, variant):
    """nginx with php-fpm as its backup: what Holdfast has is answered, the rest goes there until it is back."""
    front, holdfast, php = front_stack(variant, fpm={"max_children": 20})
    with Load(front.port, clients=12) as load:
        answered_more(load, 200)
        for _ in range(2):
            holdfast.stop()
            answered_more(load, 50)
            holdfast.start()
            wait_until(lambda: holdfast.admin("GET", "/readyz")[0] == 200, "Holdfast to be ready")
            wait_until(lambda: holdfast.pool()["requests"] > 20, "requests at Holdfast again")
        result = load.stop()
    assert not result.errors and not result.failures, result
