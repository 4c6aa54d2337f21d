"""The rounds of the bench: every server in turn, in another order each round, and what each run of it gave."""

import csv
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

import dns.message

import make_zone
import world as w
from checks import check_server
from load import run_dnsperf, run_load
from process import CLIENT_CORE, SERVER_CORE, BenchError, running
from servers import echo
from servers.common import Site
from servers.gdnsd import Gdnsd
from servers.knot import Knot
from servers.meridiand import Meridiand
from servers.nsd import Nsd
from table import Row, Table

# gdnsd is not in the part of the large zone: what it is compared in is steering.
PARTS = {"small": [echo.Echo, echo.TcpEcho, Meridiand, Gdnsd, Knot, Nsd], "large": [Meridiand, Knot, Nsd]}
LARGE_ROUNDS_MAX = 3  # loading a million records five times each tells nothing more
WARM_UP_S = 0.2
SUBNETS_CHECKED_FIRST = 64
SUBNETS_CHECKED_LATER = 8


class Bench:
    """The rounds, and the rows they make."""

    def __init__(self, given, world):
        self.given = given
        self.world = world
        self.rows = []
        self.parts = {part: [server for server in servers if self.kinds_of(part, server)]
                      for part, servers in PARTS.items()}
        if not any(self.parts.values()):
            raise BenchError("no such server, or none that gets such questions")
        self.subnets = world.whole_subnets(SUBNETS_CHECKED_FIRST)

    def kinds_of(self, part, server):
        """The kinds of questions a server gets in a part, of those that are asked for."""
        if self.given.servers and server.name not in self.given.servers:
            return []
        kinds = server.kinds if part == "small" else ["large"]
        return [kind for kind in kinds if not self.given.kinds or kind in self.given.kinds]

    def prepare(self):
        """The zones, the questions, and every server's configuration, written once."""
        out = self.given.out
        shutil.rmtree(out, ignore_errors=True)
        (out / "zones").mkdir(parents=True)
        self.world.write_queries(out)
        self.world.write_static_zone(out / "zones")
        with (out / "zones" / f"{w.LARGE_ZONE}.zone").open("w", encoding="ascii") as file:
            make_zone.write_zone(file, w.LARGE_ZONE, self.given.records)
        for part, types in self.parts.items():
            site = Site(self.world, self.given.build, out / "zones", large=part == "large")
            for server in [kind_of_server(site) for kind_of_server in types]:
                folder = self.folder(part, server)
                folder.mkdir(parents=True)
                server.write(folder)

    def folder(self, part, server):
        return self.given.out / part / server.name

    def run(self):
        for part, types in self.parts.items():
            if not types:
                continue
            site = Site(self.world, self.given.build, self.given.out / "zones", large=part == "large")
            rounds = self.given.rounds if part == "small" else min(self.given.rounds, LARGE_ROUNDS_MAX)
            for number in range(rounds):
                shift = number % len(types)
                for kind_of_server in types[shift:] + types[:shift]:
                    self.run_server(part, number, kind_of_server(site))

    def run_server(self, part, number, server):
        kinds = self.kinds_of(part, server)
        with running(server, self.folder(part, server)) as process:
            load_s = process.wait_until_answers(self.first_question(kinds))
            subnets = self.subnets if number == 0 else self.subnets[:SUBNETS_CHECKED_LATER]
            check_server(server.name, server.port, kinds, self.world, subnets)
            rows = [self.measure(process, w.KINDS[name], number) for name in kinds]
            if "plain" in kinds and number == 0:
                rows.append(self.measure(process, w.KINDS["plain"], number, client="dnsperf"))
            resident = process.resident_mib()
        for row in rows:
            self.rows.append(Row(part=part, load_s=load_s, resident_mib=resident, **row))
        print(f"{part} zones, round {number + 1}, {server.name}: " + ", ".join(
            f"{row.kind} {row.per_cpu_second():,.0f}" for row in self.rows[-len(rows):]), file=sys.stderr, flush=True)

    def first_question(self, kinds):
        """A question whose answer says that the server has loaded what it will be asked for."""
        if "large" in kinds:
            return dns.message.make_query(f"{make_zone.host(0, self.world.large_records)}.{w.LARGE_ZONE}", "A")
        if "ecs" in kinds:
            return dns.message.make_query(w.STEERED_NAME, "A")
        return dns.message.make_query(f"{make_zone.host(0, w.STATIC_RECORDS)}.{w.STATIC_ZONE}", "A")

    def measure(self, process, kind, number, client="main"):
        """One row's worth of load; the CPU time is that of the server, from before the load to after it."""
        queries = self.given.out / f"{kind.name}.queries"
        is_echo = process.name in echo.NAMES

        def load(seconds):
            if client == "dnsperf":
                return run_dnsperf(queries, kind, process.port, seconds)
            return run_load(self.given.build, queries, kind, process.port, seconds, is_echo)

        load(WARM_UP_S)
        before, start = process.cpu_time(), time.monotonic()
        replies = load(self.given.seconds)
        used, took = process.cpu_time().since(before), time.monotonic() - start
        if replies.right == 0 or replies.wrong > 0:
            raise BenchError(f"{process.name}, {kind.name}: {replies.right} right replies, {replies.wrong} wrong ones, "
                             f"{replies.lost} lost")
        return {"round": number + 1, "server": process.name, "kind": kind.name, "client": client,
                "right": replies.right, "wrong": replies.wrong, "lost": replies.lost,
                "reply_bytes": replies.reply_bytes, "cpu_ns": used.total_ns, "user_ns": used.user_ns(),
                "busy": used.total_ns / 1e9 / took}

    def write_rows(self):
        path = self.given.out / "rows.csv"
        with path.open("w", encoding="ascii", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0].fields()))
            writer.writeheader()
            writer.writerows(row.fields() for row in self.rows)
        return path


def versions():
    """What was compared, in a line each: the kernel, the processor, the programs."""
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text(
        encoding="utf-8").splitlines() if line.startswith("model name")), platform.machine())
    yield f"{model}, {os.cpu_count()} cores; Linux {platform.release()}; load {os.getloadavg()[0]:.1f} at the end"
    packages = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}, ", "gdnsd", "knot", "nsd", "dnsperf"],
                              capture_output=True, text=True, check=False)
    yield packages.stdout.rstrip(", ")


def run(given):
    """The whole bench; prints its tables."""
    started = time.monotonic()
    world = w.World(given.build / "share" / "meridian", given.records, given.queries)
    bench = Bench(given, world)
    bench.prepare()
    try:
        bench.run()
    finally:
        rows = bench.write_rows() if bench.rows else None
    print(f"Server on core {SERVER_CORE}, client on core {CLIENT_CORE}; {given.rounds} rounds of {given.seconds:g} s; "
          f"{given.records:,} records in the large zone; {time.monotonic() - started:.0f} s in all.")
    print("\n".join([*versions(), "", *Table(bench.rows).lines()]))
    print(f"\nEach run is a row of {rows}", file=sys.stderr)
