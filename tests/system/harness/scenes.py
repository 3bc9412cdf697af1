"""What several tests do with the proxy and php-fpm before it comes to their point."""

from .wait import wait_until


def hold(proxy, fpm, tag="h", release="go"):
    """A client whose script runs, until the test touches `release`."""
    client = proxy.client()
    client.send(f"GET /hold.php?t={tag}&r={release} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: fpm.seen(f"started-{tag}"), "the holding script")
    return client


def refuses(proxy):
    """Nobody listens any more."""
    try:
        proxy.client(timeout=5).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):
        return True
