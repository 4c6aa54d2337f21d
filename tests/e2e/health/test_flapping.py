"""2,000 endpoints that all come and go: clients do not notice, and neither log, journal nor memory run away."""

import contextlib
import pathlib
import re
import sqlite3
import subprocess
import sys
import time

import flapping_endpoints as endpoints
import harness
from harness import until

SERVICES, OF_A_POOL = 100, 10
HARD = [i for i in range(endpoints.COUNT) if endpoints.is_hard(i)]
EVERY_S = 2
# base/limits.hpp: kEndpointEventsAtOnce, kEndpointEventsPerSecond.
LINES_AT_ONCE, LINES_PER_SECOND = 1_000, 10


@contextlib.contextmanager
def flapping():
    """Yields the process and its port."""
    script = pathlib.Path(__file__).with_name("flapping_endpoints.py")
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(timeout=harness.DEADLINE_S)


def write_services(server, port):
    """Every service has a pool of ten in each of two datacenters."""
    def pool(service, place):
        first = (2 * service + place) * OF_A_POOL
        return ", ".join(endpoints.address(i) for i in range(first, first + OF_A_POOL))

    assert SERVICES * 2 * OF_A_POOL == endpoints.COUNT
    listed = "\n".join(f"  s{i}.example.com: {{map: web, check: probe, answer: 20, pools: {{ams: [{pool(i, 0)}], "
                       f"iad: [{pool(i, 1)}]}}}}" for i in range(SERVICES))
    server.write("maps.yaml", "maps: {web: {rules: [{for: everyone, prefer: [ams]}]}}\n")
    server.write("services.yaml",
                 f"checks:\n  probe: {{type: tcp, port: {port}, expect: up, every: {EVERY_S}s, timeout: 1500ms, "
                 f"up_after: 2, down_after: 2}}\nservices:\n{listed}\n")
    server.write_site(state="state")


class Client(harness.Background):
    """Asks one service after the other, without a pause, until it is stopped."""

    def __init__(self, server):
        self.udp = server.udp()
        self.questions = [harness.make_query(f"s{i}.example.com").to_wire() for i in range(SERVICES)]
        self.slowest = []  # (begin, end) of the few that took longest
        self.answers = 0
        self.wrong = []
        super().__init__()

    def run(self):
        while not self.is_over:
            for question in self.questions:
                before = time.monotonic()
                self.udp.send(question)
                reply = self.udp.recv(65535)
                self.slowest = sorted([*self.slowest, (before, time.monotonic())], key=lambda each: each[0] - each[1])[:20]
                self.answers += 1
                # NOERROR with an answer, and to this question.
                if reply[3] & 0xF != 0 or reply[7] == 0 or reply[:2] != question[:2]:
                    self.wrong.append(reply)
                time.sleep(0.001)


def states(server):
    """address → state, of all services."""
    services = server.api("GET", "/v1/health")[1]["services"]
    return {each["address"]: each["state"] for service in services for each in service["endpoints"]}


def await_probes(server, rounds):
    """Waits until everything was probed so many times more."""
    wanted = server.counters()["probes_total"] + rounds * endpoints.COUNT
    until(lambda: server.counters()["probes_total"] >= wanted, "more probes", seconds=120)


def changes(counters):
    return sum(counters[f"endpoint_{name}_total"] for name in ("ups", "downs", "unknowns"))


def log_lines(server):
    return len(re.findall(r"event=endpoint_(?:up|down|unknown) ", server.log()))


def test_two_thousand_endpoints_that_flap(new_server, programs):
    with flapping() as (process, port):
        server = new_server()
        write_services(server, port)
        started = time.monotonic()
        server.start()
        until(lambda: server.counters()["endpoint_ups_total"] == endpoints.COUNT, "all up once")
        resident_kb = server.resident_kb()
        with harness.StallWatch() as watch, Client(server) as client:
            # Those that fail twice in a row fall, each once: a minute on they are still down, however well meanwhile.
            until(lambda: server.counters()["endpoint_downs_total"] == len(HARD), "all fallen", seconds=120)
            await_probes(server, rounds=5)
            counters = server.counters()
            assert counters["endpoint_downs_total"] == len(HARD) and counters["endpoint_ups_total"] == endpoints.COUNT
            assert counters["panics_total"] == counters["checks_suspect_total"] == 0
            found = states(server)
            assert {address for address, state in found.items() if state != "up"} == {endpoints.address(i) for i in HARD}
            for service in range(0, SERVICES, 7):
                answered = harness.texts(server.query(f"s{service}.example.com"), "A")
                assert answered and all(found[address] == "up" for address in answered)

            process.stdin.write("settle\n")
            process.stdin.flush()
            until(lambda: server.counters()["endpoint_ups_total"] == endpoints.COUNT + len(HARD), "all up again",
                  seconds=150)
            assert set(states(server).values()) == {"up"}
        took_s = time.monotonic() - started
        counters = server.counters()
        grown_kb = server.resident_kb() - resident_kb
        slowest_s = max(end - begin - watch.stalled_s(begin, end) for begin, end in client.slowest)
        print(f"{took_s:.0f} s: {client.answers} answers, the slowest {1000 * slowest_s:.1f} ms; "
              f"{changes(counters)} changes, {log_lines(server)} lines; {counters['probes_total']} probes; "
              f"memory {resident_kb} kB and {grown_kb} kB more")
        assert client.answers > 1_000 and client.wrong == [] and counters["servfail_answers_total"] == 0
        assert slowest_s < 1
        if not programs.sanitized:  # a sanitizer keeps freed memory back
            assert grown_kb < 16_384

        # A line a change, as far as the limit; the rest is counted, and told.
        assert changes(counters) == endpoints.COUNT + 2 * len(HARD)
        assert log_lines(server) + counters["endpoint_events_left_out_total"] == changes(counters)
        assert LINES_AT_ONCE <= log_lines(server) <= LINES_AT_ONCE + LINES_PER_SECOND * (took_s + 1)
        told = sum(int(count) for count in re.findall(r"event=endpoint_events_left_out count=(\d+)", server.log()))
        assert 0 < told <= counters["endpoint_events_left_out_total"]

        assert counters["journal_dropped_states_total"] == 0
        server.stop()
        check_journal(server.folder / "state" / "journal.sqlite", changes(counters))


def check_journal(file, rows):
    """Sound, with a row a change and a state an endpoint, and not larger than that needs."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert journal.execute("SELECT count(*) FROM history").fetchone() == (rows,)
        assert journal.execute("SELECT count(*), min(state), max(state) FROM states").fetchone() == \
            (endpoints.COUNT, "up", "up")
    assert file.stat().st_size < 1_000 * rows
