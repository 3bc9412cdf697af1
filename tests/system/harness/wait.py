"""Waiting on conditions. The only place of the system tests that sleeps: tests name what they wait for."""

import os
import time

# Sizes of the heavy tests are multiplied by this; 1.0 is what the issues name.
SCALE = float(os.environ.get("HOLDFAST_TEST_SCALE", "1.0"))

# Patience of a condition. Generous: it only decides how long a failing test takes.
PATIENCE = float(os.environ.get("HOLDFAST_TEST_PATIENCE", "30"))


def scaled(number, least=1):
    return max(least, int(number * SCALE))


def wait_until(condition, what="a condition", timeout=PATIENCE, interval=0.01):
    """Polls until `condition()` is true and returns its value; AssertionError with the last value else."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}; last value: {value!r}")
        time.sleep(interval)


def wait_stable(read, what="a value", still=15, timeout=PATIENCE, interval=0.1):
    """Polls until `read()` has given the same value `still` times running, and returns it."""
    last, same = read(), 0

    def settled():
        nonlocal last, same
        now = read()
        same = same + 1 if now == last else 0
        last = now
        return same >= still

    wait_until(settled, f"{what} to stand still", timeout, interval)
    return last


def pause(seconds):
    """Lets a scenario's own time pass (a slow reader, a php-fpm that is away for 3 s). Never a wait."""
    time.sleep(seconds)
