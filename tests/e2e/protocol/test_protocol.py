"""The protocol battery: every row of cases/*.txt, over UDP and over TCP, against a server with the zones of map/
(root.txt: of map_root/).

After a packet comes a good query on the same socket. The kernel gives a socket's packets to one worker in order, so
when the good answer is there, the reply to the row's packet is there too, or there is none: nothing is waited for.
"""

import contextlib
import itertools
import struct

import pytest

import judge
import table
import wire
from harness import frame, read_frame
from protocol_server import protocol_server

CASES = table.read_all()
CASES_AT_LEAST = 250
NUMBERS = itertools.count(1)
GOOD = wire.Packet("a.example A")


def parameters(transport):
    for case in CASES:
        reason = case.reason_to_fail(transport)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason is not None else []
        yield pytest.param(case, id=f"{case.group}/{case.name}", marks=marks)


class Servers:
    """A server for each map, started when the first of its rows comes."""

    def __init__(self, stack, programs):
        self.stack = stack
        self.programs = programs
        self.running = {}

    def of(self, group):
        folder = "map_root" if group == "root" else "map"
        if folder not in self.running:
            self.running[folder] = self.stack.enter_context(protocol_server(self.programs, folder))
        return self.running[folder]


@pytest.fixture(scope="module")
def servers(programs):
    with contextlib.ExitStack() as stack:
        yield Servers(stack, programs)


def next_id():
    return next(NUMBERS) % 0x7000 + 0x1000


def exchange_udp(server, sent):
    """The reply to one packet, or None."""
    with server.udp() as udp:
        number = struct.unpack("!H", sent[:2].ljust(2, b"\0"))[0] ^ 0x8000
        udp.send(sent)
        udp.send(GOOD.wire(number))
        replies = []
        while True:
            reply = udp.recv(65535)
            if reply[:2] == struct.pack("!H", number):
                break
            replies.append(reply)
    assert len(replies) <= 1, "more than one reply"
    return replies[0] if replies else None


def exchange_tcp(server, sent):
    """The same over TCP; a server may also close instead of a reply."""
    with server.tcp() as tcp:
        number = struct.unpack("!H", sent[:2].ljust(2, b"\0"))[0] ^ 0x8000
        try:
            tcp.sendall(frame(sent) + frame(GOOD.wire(number)))
            replies = [read_frame(tcp)]
            if replies[0] is not None and replies[0][:2] != struct.pack("!H", number):
                replies.append(read_frame(tcp))
        except (BrokenPipeError, ConnectionResetError):
            return None
    found = [reply for reply in replies if reply is not None and reply[:2] != struct.pack("!H", number)]
    assert len(found) <= 1, "more than one reply"
    return found[0] if found else None


def run(servers, case, exchange, over_tcp):
    server = servers.of(case.group)
    packet = wire.Packet(case.send)
    cookie = None
    if packet.learns_cookie:
        first = judge.parse(exchange(server, wire.Packet("a.example A cookie=" + wire.CLIENT_COOKIE.hex()).wire(7)))
        cookie = next((option.to_wire() for option in first.options if int(option.otype) == wire.COOKIE), None)
        assert cookie is not None, "the server gives no cookie"
    sent = packet.wire(next_id(), cookie)
    judge.judge(case, packet, sent, exchange(server, sent), over_tcp)
    assert server.is_alive()


@pytest.mark.parametrize("case", parameters("udp"))
def test_over_udp(servers, case):
    run(servers, case, exchange_udp, False)


@pytest.mark.parametrize("case", parameters("tcp"))
def test_over_tcp(servers, case):
    run(servers, case, exchange_tcp, True)


def test_there_are_enough_cases():
    assert len(CASES) >= CASES_AT_LEAST
