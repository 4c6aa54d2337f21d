"""What ExaBGP does to a helper that does not know its traps. These fail when a newer ExaBGP has lost one: then the
bridge's rule for it, and docs/anycast.md, can be looked at again."""

import pathlib
import re
import socket
import sys

import pytest

import harness
import lab

ANNOUNCE = f"announce route {lab.V4} next-hop self"


class Raw:
    """ExaBGP with a helper that passes on what the test says."""

    def __init__(self, exabgp, listener):
        self.exabgp = exabgp
        self.link, _ = listener.accept()
        self.link.settimeout(0.01)
        self.heard = ""

    def read(self):
        try:
            self.heard += self.link.recv(65536).decode()
        except TimeoutError:
            pass
        return self.heard

    def say(self, *lines):
        """All of them in one go; waits until each is answered."""
        before = len(re.findall(r"^(?:done|error)$", self.read(), re.MULTILINE))
        self.link.sendall("".join(line + "\n" for line in lines).encode())
        harness.until(lambda: len(re.findall(r"^(?:done|error)$", self.read(), re.MULTILINE)) >= before + len(lines),
                      lambda: f"no answer: {self.heard}")

    def until_heard(self, text, count=1):
        harness.until(lambda: self.read().count(text) >= count, lambda: f"no {text!r}: {self.heard}")


@pytest.fixture
def raw(wire, router, folder):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "relay.sock"))
    listener.listen(1)
    listener.settimeout(harness.DEADLINE_S)
    relay = pathlib.Path(__file__).with_name("relay.py")
    exabgp = lab.ExaBgp(wire[0], folder, f"{sys.executable} {relay} {folder}/relay.sock")
    try:
        exabgp.start()
        made = Raw(exabgp, listener)
        made.until_heard(f"neighbor {lab.NEIGHBOR4} up")
        yield made
    finally:
        exabgp.end()
        listener.close()


def test_a_community_by_name_shuts_exabgp_down(raw):
    raw.link.sendall(f"{ANNOUNCE} community [graceful-shutdown]\n".encode())
    raw.until_heard("shutdown in progress")
    raw.exabgp.process.wait(harness.DEADLINE_S)


def test_a_route_announced_twice_while_the_session_is_down_and_withdrawn_comes_up_with_it(raw, router, wire):
    router.says("disable", "a")
    raw.until_heard(f"neighbor {lab.NEIGHBOR4} down")
    with lab.unanswered(*wire):
        raw.say(f"{ANNOUNCE} med 1", f"{ANNOUNCE} med 2", f"withdraw route {lab.V4} next-hop self med 2")
        router.says("enable", "a")
    raw.until_heard(f"neighbor {lab.NEIGHBOR4} up", 2)
    router.until_route()
    raw.say("show adj-rib out")
    assert lab.V4 not in raw.read()


def test_a_withdrawal_with_other_attributes_between_two_announcements_wins(raw, router):
    raw.say("announce route 203.0.113.0/24 next-hop self")
    router.until_route("203.0.113.0/24")
    raw.say(f"{ANNOUNCE} med 1", f"withdraw route {lab.V4}", f"{ANNOUNCE} med 1")
    raw.say("show adj-rib out")
    assert lab.V4 in raw.read()  # what ExaBGP believes
    updates = router.updates()
    raw.say(f"{ANNOUNCE} med 1")
    raw.say("announce route 203.0.113.0/24 next-hop self med 9")
    router.until_route("203.0.113.0/24", med="9")
    assert router.attributes() is None and router.updates()[0] == updates[0] + 1
    raw.say(f"neighbor {lab.NEIGHBOR4} flush adj-rib out")
    router.until_route()
