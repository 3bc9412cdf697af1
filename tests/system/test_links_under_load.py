"""Names that change into links while they are asked for: what a link of another owner leads to is never sent, whatever the moment."""

import os
import threading

import pytest

from harness.http_client import Client

REQUESTS = 1500  # of each client
SECRET = b"secret-of-another-owner"
OWN = b"what-everybody-may-read"


class Swapper(threading.Thread):
    """Puts a file, or folder, and a link to the secret at `name` in turn, each by one rename."""

    def __init__(self, name, make_own, target):
        super().__init__(daemon=True)
        self.name_, self.make_own, self.target = name, make_own, target
        self.stopped = threading.Event()
        self.turns = 0

    def run(self):
        spare, link = self.name_.with_name(self.name_.name + ".own"), self.name_.with_name(self.name_.name + ".link")
        self.make_own(spare)
        os.symlink(self.target, link)
        os.chown(link, 65534, 65534, follow_symlinks=False)
        while not self.stopped.is_set():
            for new in (spare, link):
                os.rename(new, self.name_)
                os.rename(self.name_, new)
            self.turns += 1

    def stop(self):
        self.stopped.set()
        self.join(10)


def ask(port, target, out):
    client = Client(("127.0.0.1", port), 20)
    for _ in range(REQUESTS):
        response = client.request("GET", target)
        out.append((response.status, response.body))
        if response.closes:  # as errors do
            client.close()
            client = Client(("127.0.0.1", port), 20)
    client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives links to others")
@pytest.mark.parametrize("way", ["file", "folder"])
def test_a_link_that_takes_the_place_of_a_name_leads_nowhere(stack, base, way):
    proxy, fpm = stack()
    secret = base / "secret"
    secret.mkdir()
    (secret / "a.txt").write_bytes(SECRET)
    if way == "file":
        name, target, made = fpm.www / "a.txt", secret / "a.txt", lambda path: path.write_bytes(OWN)
    else:
        def made(path):
            path.mkdir()
            (path / "a.txt").write_bytes(OWN)
        name, target = fpm.www / "folder", secret
    swapper = Swapper(name, made, target)
    swapper.start()
    answers = [[], []]
    clients = [threading.Thread(target=ask, args=(proxy.port, "/a.txt" if way == "file" else "/folder/a.txt", out)) for out in answers]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
    swapper.stop()
    got = answers[0] + answers[1]
    assert len(got) == 2 * REQUESTS and swapper.turns > 100
    assert not [body for _, body in got if SECRET in body]
    statuses = {status for status, _ in got}
    assert {200, 403} <= statuses <= {200, 403, 404}, "both were met"
    assert all(body == OWN for status, body in got if status == 200)
