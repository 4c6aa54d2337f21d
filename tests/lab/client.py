"""A client network, and what became of its queries."""

import bisect
import dataclasses
import subprocess
import sys

import dns.edns
import dns.message

import harness
from router import VIP4
from unit import Unit

RATE = 500
SOCKETS = 32
LATE_S = 0.1
# Takes connections and closes them: the datacenter that is near these clients.
DATACENTER = """
import socket, sys
server = socket.create_server((sys.argv[1], 80), backlog=64)
while True:
    server.accept()[0].close()
"""


@dataclasses.dataclass(frozen=True)
class Query:
    sent: float  # monotonic
    took: float | None  # seconds; None: no answer within a second
    site: str | None
    answer: str | None


class Outcome:
    """All queries of a load, in the order they were sent."""

    def __init__(self, path, region):
        self.region = region
        self.queries = []
        head, *lines = path.read_text(encoding="ascii").splitlines()
        self.lag_s = int(head.split()[1]) / 1e6  # of this client itself
        for line in lines:
            sent, took, site, answer = line.split()
            is_answered = took != "-" and int(took) <= 1_000_000
            self.queries.append(Query(int(sent) / 1e6, int(took) / 1e6 if is_answered else None,
                                      site if is_answered else None, answer if is_answered else None))
        self.times = [query.sent for query in self.queries]

    def since(self, begin, end=float("inf")):
        return self.queries[bisect.bisect_left(self.times, begin):bisect.bisect_left(self.times, end)]

    def lost(self, begin=0.0, end=float("inf")):
        return [query for query in self.since(begin, end) if query.took is None]

    def late(self, begin=0.0, end=float("inf")):
        return [query for query in self.since(begin, end) if query.took is not None and query.took > LATE_S]

    def wrong(self, *right):
        """Answers that are none of these addresses."""
        return [query for query in self.queries if query.took is not None and query.answer not in right]

    def sites(self, begin=0.0, end=float("inf")):
        return {query.site for query in self.since(begin, end) if query.site is not None}

    def served_elsewhere_at(self, site, begin):
        """From when on all queries are answered, and none by this site; None: that never came."""
        bad = [query.sent for query in self.since(begin) if query.took is None or query.site == site]
        good = [query.sent for query in self.since(begin) if query.sent > (bad[-1] if bad else begin)]
        return good[0] if good else None


class Client:
    def __init__(self, world, number):
        self.number = number
        self.name = f"c{number}"
        self.world = world
        self.namespace = world.network.make(self.name)
        self.folder = world.folder / self.name
        self.folder.mkdir()
        # Where steering leads these clients: the datacenter of their region.
        self.datacenter_address = f"203.0.113.{10 + number}"
        self.query_file = self.folder / "query"
        self.datacenter = Unit(self.namespace, "datacenter", [sys.executable, "-c", DATACENTER, self.datacenter_address],
                               self.folder)
        self.load = None
        self.loads = 0

    def write(self):
        nsid = dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")
        query = dns.message.make_query(self.world.name, "A", use_edns=0, payload=1232, options=[nsid])
        self.query_file.write_bytes(query.to_wire())

    def begin(self):
        self.loads += 1
        out = self.folder / f"outcome{self.loads}"
        program = self.world.programs.build / "bin" / "anycast_load"
        self.load = Unit(self.namespace, "load", [program, VIP4, 53, self.query_file, out, RATE, SOCKETS], self.folder)
        self.load.out = out
        self.load.start()

    def stop(self):
        """SIGTERM alone: it waits a second for the last answers."""
        self.load.process.terminate()

    def outcome(self):
        try:
            code = self.load.process.wait(harness.DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.load.end()
            raise
        assert code == 0, self.load.log()
        outcome = Outcome(self.load.out, self.name)
        self.load.out.unlink()
        return outcome

    def close(self):
        for unit in (self.load, self.datacenter):
            if unit is not None:
                unit.end()
