"""Reloads under load: no query is lost, and each answer is whole, from the old map or the new one."""

import pathlib
import re
import shutil
import subprocess
import threading

import dns.message
import pytest

from harness import POOLS, frame, make_query, read_frame, subnet_of, texts

RELOADS = 20
GB = "81.2.69.0/24"
BEFORE = "{for: europe,           prefer: [ams]}"
AFTER = "{for: europe,           prefer: [iad]}"
SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "dnsperf_reloads.sh"


class Asker(threading.Thread):
    """Asks one question after the other until told to stop; whatever is not right is a fault."""

    def __init__(self, server, tcp):
        super().__init__(daemon=True)
        self.socket = server.tcp() if tcp else server.udp()
        self.is_tcp = tcp
        self.stopping = threading.Event()
        self.answers = 0
        self.seen = set()
        self.faults = []

    def exchange(self, wire):
        if not self.is_tcp:
            self.socket.send(wire)
            return self.socket.recv(65535)
        self.socket.sendall(frame(wire))
        return read_frame(self.socket)

    def run(self):
        try:
            query = make_query("www.example.com", subnet=GB)
            while not self.stopping.is_set():
                query.id = self.answers & 0xffff
                self.judge(query, self.exchange(query.to_wire()))
        except Exception as error:  # a lost answer is a timeout here
            self.faults.append(repr(error))

    def judge(self, query, wire):
        response = dns.message.from_wire(wire)
        addresses = texts(response, "A")
        legal = [name for name in ("ams", "iad") if POOLS[name]["A"] == addresses]
        scope = subnet_of(response).scopelen
        if not query.is_response(response) or response.rcode() != 0 or not legal or scope == 0:
            self.faults.append(response.to_text())
        self.answers += 1
        self.seen.update(legal)


def reload_back_and_forth(server, done_one=lambda expected: None):
    for number in range(RELOADS):
        old, new = (BEFORE, AFTER) if number % 2 == 0 else (AFTER, BEFORE)
        server.edit("maps.yaml", old, new)
        status, told = server.api("POST", "/v1/reload")
        assert (status, told["ok"], told["epoch"]) == (200, True, number + 2)
        done_one("iad" if number % 2 == 0 else "ams")


def test_no_query_is_lost_or_wrong_during_20_reloads(server):
    askers = [Asker(server, tcp=False), Asker(server, tcp=False), Asker(server, tcp=True)]
    before = server.counters()
    for asker in askers:
        asker.start()

    def is_served(expected):
        # After a reload answered, no worker may still answer from the map before.
        for _ in range(4):
            assert texts(server.query("www.example.com", subnet=GB), "A") == POOLS[expected]["A"]

    try:
        reload_back_and_forth(server, is_served)
    finally:
        for asker in askers:
            asker.stopping.set()
        for asker in askers:
            asker.join()
            asker.socket.close()
    assert [fault for asker in askers for fault in asker.faults] == []
    assert all(asker.answers > RELOADS for asker in askers), "too few queries to prove anything"
    assert all(asker.seen == {"ams", "iad"} for asker in askers)
    after = server.counters()
    assert after["reloads_ok_total"] - before["reloads_ok_total"] == RELOADS
    asked = sum(asker.answers for asker in askers) + RELOADS * 4
    assert after["steered_answers_total"] - before["steered_answers_total"] == asked


def test_memory_does_not_grow_with_reloads(server, programs):
    if programs.sanitized:
        pytest.skip("a sanitizer keeps freed memory back")
    reload_back_and_forth(server)
    settled = server.resident_kb()
    for number in range(20):
        assert server.api("POST", "/v1/reload")[1]["epoch"] == RELOADS + number + 2
    # An epoch takes some 15 MB; keeping each of the 20 would show as 300.
    assert server.resident_kb() - settled < 60_000


def test_dnsperf_loses_nothing_during_20_reloads(server, folder):
    if shutil.which("dnsperf") is None:
        pytest.skip("dnsperf is not installed")
    questions = folder / "questions"
    questions.write_text("www.example.com A\nwww.example.com AAAA\napi.example.com A\nx.cdn.example.com A\n"
                         "static.example.com A\nshop.example.com A\nnothing.example.com A\n", encoding="ascii")
    # ECS 81.2.69.0/24; a rate that two busy cores can do, because this is about loss and not speed.
    perf = subprocess.Popen(["dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d", str(questions), "-l", "6",
                             "-Q", "3000", "-t", "20", "-E", "8:0001180051" + "0245"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        reload_back_and_forth(server)
        output = perf.communicate(timeout=60)[0]
    finally:
        perf.kill()
    numbers = {name: int(value) for name, value in re.findall(r"Queries (sent|completed|lost): +(\d+)", output)}
    assert numbers["sent"] > 1000, output
    assert (numbers["completed"], numbers["lost"]) == (numbers["sent"], 0), output
    codes = re.search(r"Response codes: +(.*)", output).group(1)
    assert set(re.findall(r"([A-Z]+) \d+", codes)) == {"NOERROR", "NXDOMAIN"}, output


def test_the_acceptance_script_runs(programs):
    """tests/e2e/dnsperf_reloads.sh, for two seconds instead of thirty."""
    if shutil.which("dnsperf") is None:
        pytest.skip("dnsperf is not installed")
    done = subprocess.run([SCRIPT, programs.build, "2", "3"], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Queries lost: +0 ", done.stdout) and "3 reloads, 3 good" in done.stdout
