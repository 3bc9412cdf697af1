"""Starts a web server on a port that was free, and waits until it listens."""

import socket

from .sockets import free_port
from .wait import wait_until


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def start_on_free_port(name, start, tries=3):
    """`start(port)` writes the configuration and gives the Process; the port and that process, which listens."""
    while True:
        port = free_port()
        process = start(port)
        wait_until(lambda: not process.running or listens(port), f"{name} to listen")
        if process.running:
            return port, process
        tries -= 1  # somebody took the port between our look and its bind
        assert tries > 0, f"{name} does not start: {process.log()[-800:]}"
