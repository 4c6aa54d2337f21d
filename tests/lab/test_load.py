"""The witness itself: what the load client says of a server that loses, delays and falsifies by the book."""

import signal
import socket
import subprocess
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

import harness
from client import Outcome

ASKED = 200


class Falsifier(harness.Background):
    """Answers in turns: well, well by another site, never, late, with SERVFAIL, without authority, twice."""

    def __init__(self):
        super().__init__()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port = self.socket.getsockname()[1]
        self.asked_from = set()
        self.asked = 0

    def run(self):
        while not self.is_over:
            try:
                wire, client = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            self.asked_from.add(client)
            self.answer(dns.message.from_wire(wire), client, self.asked % 7)
            self.asked += 1

    def answer(self, query, client, turn):
        if turn == 2:
            return
        site = b"p2" if turn == 1 else b"p1"
        reply = dns.message.make_response(query)
        reply.use_edns(0, options=[dns.edns.GenericOption(dns.edns.OptionType.NSID, site)])
        reply.flags |= 0 if turn == 5 else dns.flags.AA
        if turn == 4:
            reply.set_rcode(dns.rcode.SERVFAIL)
        else:
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 5, "IN", "A", "203.0.113.11"))
        wire = reply.to_wire()
        if turn == 3:
            threading.Timer(0.2, self.socket.sendto, (wire, client)).start()
            return
        for _ in range(2 if turn == 6 else 1):
            self.socket.sendto(wire, client)


def test_the_client_accounts_for_every_query(programs, folder):
    query = folder / "query"
    query.write_bytes(harness.make_query("www.lab.example", nsid=True).to_wire())
    with Falsifier() as server:
        load = subprocess.Popen([programs.build / "bin" / "anycast_load", "127.0.0.1", str(server.port), query,
                                 folder / "out", "500", "32"])
        harness.until(lambda: server.asked >= ASKED, "it asks")
        ended = time.monotonic()
        load.send_signal(signal.SIGTERM)
        assert load.wait(harness.DEADLINE_S) == 0
    outcome = Outcome(folder / "out", "nowhere")
    turns = [outcome.queries[turn::7] for turn in range(7)]

    def said(turn):
        return {(query.site, query.answer) for query in turns[turn]}

    assert said(0) == said(3) == said(6) == {("p1", "203.0.113.11")}
    assert said(1) == {("p2", "203.0.113.11")}
    assert said(4) == {("p1", "SERVFAIL")}
    assert said(5) == {("p1", "not-authoritative")}
    assert outcome.lost() == turns[2], "the others are not lost"
    assert set(turns[3]) <= set(outcome.late())
    assert len(outcome.wrong("203.0.113.11")) == len(turns[4]) + len(turns[5])
    assert len(outcome.queries) == server.asked, "it asked nothing twice"
    assert len(server.asked_from) == 32
    assert outcome.times[-1] < ended + 0.1 and outcome.sites() == {"p1", "p2"}


def test_the_client_asks_at_its_rate_whatever_comes_back(programs, folder):
    query = folder / "query"
    query.write_bytes(harness.make_query("www.lab.example", nsid=True).to_wire())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        load = subprocess.Popen([programs.build / "bin" / "anycast_load", "127.0.0.1", str(silent.getsockname()[1]),
                                 query, folder / "out", "500", "32"])
        silent.settimeout(harness.DEADLINE_S)
        silent.recv(2048)
        time.sleep(1)
        load.send_signal(signal.SIGTERM)
        assert load.wait(harness.DEADLINE_S) == 0
    outcome = Outcome(folder / "out", "nowhere")
    took = outcome.times[-1] - outcome.times[0]
    assert len(outcome.lost()) == len(outcome.queries)
    assert abs(len(outcome.queries) - 500 * took) <= 5 + 500 * outcome.lag_s
