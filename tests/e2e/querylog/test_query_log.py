"""The query log: a real server, a real file, and what must stand in it."""

import datetime
import os
import re
import signal
import tempfile

import pytest

from harness import DEADLINE_S, Server, frame, make_query, read_frame, until

FIELDS = ["time", "client", "transport", "subnet", "name", "class", "type", "rcode", "tc", "bytes", "took_us", "kind",
          "zone", "service", "datacenter", "reason", "tier", "scope", "rate", "epoch", "sample"]


def logging_server(new_server, file="queries.log"):
    server = new_server()
    server.write_site(query_log=f"{{file: {file}, sample: 1}}")
    return server.start()


@pytest.fixture(scope="module")
def logged(programs):
    """A server that logs every query, for the tests that change nothing."""
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        running = Server(programs, path)
        running.write_site(query_log="{file: queries.log, sample: 1}")
        try:
            yield running.start()
            running.end()
        finally:
            if running.process is not None and running.process.poll() is None:
                running.process.kill()
                running.process.wait()


def lines(server, count, file="queries.log"):
    """The first `count` lines once they are there, each as a dictionary."""
    path = server.folder / file

    def text():
        found = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return found if len(found) >= count else None

    result = []
    for line in until(text, f"{count} lines in {file}"):
        pairs = [pair.split("=", 1) for pair in line.split(" ")]
        assert [key for key, _ in pairs] == FIELDS, line
        result.append(dict(pairs))
    return result


def line_count(server):
    path = server.folder / "queries.log"
    return len(path.read_text(encoding="ascii").splitlines()) if path.exists() else 0


def picked(line, **expected):
    return {key: line[key.rstrip("_")] for key in expected}


def test_each_query_has_its_line(logged):
    server = logged
    old = line_count(server)
    logged_before = server.counters()["query_log_lines_total"]
    before = datetime.datetime.now(datetime.timezone.utc)
    # One after the other: lines of two workers may change places.
    steered = server.ask_raw(make_query("www.example.com", "A", subnet="1.0.16.0/24").to_wire())
    lines(server, old + 1)
    server.query("WWW.Example.com", "AAAA", tcp=True)
    lines(server, old + 2)
    server.query("nothing.example.com", "A", edns=False)
    lines(server, old + 3)
    server.query("www.example.net", "A")
    lines(server, old + 4)
    server.query("example.com", "NAPTR")
    found = lines(server, old + 5)[old:]
    after = datetime.datetime.now(datetime.timezone.utc)
    rows = [
        dict(client="127.0.0.0/24", transport="udp", subnet="1.0.16.0/24", name="www.example.com", class_="IN", type="A",
             rcode="NOERROR", kind="steered", zone="example.com", service="www.example.com", datacenter="sin",
             reason="preferred", tier="0", scope="20", bytes=str(len(steered)), epoch="1", sample="1", tc="0"),
        dict(transport="tcp", subnet="-", name="www.example.com", type="AAAA", kind="steered", scope="0"),
        dict(name="nothing.example.com", rcode="NXDOMAIN", kind="nxdomain", zone="example.com", service="-",
             datacenter="-", reason="-", tier="-"),
        dict(name="www.example.net", rcode="REFUSED", kind="refused", zone="-"),
        dict(name="example.com", type="NAPTR", rcode="NOERROR", kind="nodata"),
    ]
    for row, line in zip(rows, found, strict=True):
        assert picked(line, **row) == row
        time = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
        assert before <= time <= after
        assert 0 < float(line["took_us"]) < DEADLINE_S * 1e6
    # A line is counted after it was written.
    until(lambda: server.counters()["query_log_lines_total"] == logged_before + 5, "five more lines counted")


def test_what_gets_no_answer_or_is_malformed_has_its_line_too(logged):
    old = line_count(logged)
    with logged.udp() as udp:
        udp.send(b"short")
        udp.send(bytes(12))
        udp.recv(512)
    first, second = lines(logged, old + 2)[old:]
    assert picked(first, kind=0, rcode=0, bytes=0, name=0) == dict(kind="dropped", rcode="-", bytes="0", name="-")
    assert picked(second, kind=0, rcode=0, name=0) == dict(kind="malformed", rcode="FORMERR", name="-")


def test_no_name_breaks_the_line(logged):
    old = line_count(logged)
    name = b"a\nb kind=steered\"\xff.c"
    wire = bytes.fromhex("123400000001000000000000") + bytes([len(name)]) + name + b"\7example\3com\0\0\1\0\1"
    logged.ask_raw(wire)
    line, = lines(logged, old + 1)[old:]
    assert line["name"] == r"a\010b\032kind\061steered\034\255\.c.example.com"
    assert line["kind"] == "nxdomain"


def test_logrotate_moves_the_file_and_the_end_loses_nothing(new_server):
    server = logging_server(new_server)
    server.query("static.example.com")
    lines(server, 1)
    log = server.folder / "queries.log"
    log.rename(server.folder / "queries.log.1")
    server.query("www.example.com")
    assert [line["name"] for line in lines(server, 2, "queries.log.1")] == ["static.example.com", "www.example.com"]
    server.process.send_signal(signal.SIGHUP)
    until(log.exists, "a new file")
    server.query("example.com", "MX")
    assert [line["name"] for line in lines(server, 1)] == ["example.com"]
    assert os.stat(log).st_mode & 0o777 == 0o640

    count = 500
    with server.tcp() as stream:
        stream.sendall(frame(make_query("static.example.com").to_wire()) * count)
        for _ in range(count):
            read_frame(stream)
        assert server.stop()[0] == 0
    assert len(lines(server, 1 + count)) == 1 + count
    assert len(lines(server, 2, "queries.log.1")) == 2


def test_a_full_disk_is_counted_and_told_once(new_server):
    server = logging_server(new_server, file="/dev/full")
    for _ in range(3):
        assert server.query("static.example.com").rcode() == 0
        until(lambda: server.counters()["query_log_failed_lines_total"] > 0, "failed lines")
    until(lambda: server.counters()["query_log_failed_lines_total"] == 3, "three failed lines")
    assert server.counters()["query_log_lines_total"] == 0
    assert server.log().count("event=query_log_failing") == 1
    assert "No space left on device" in server.log()


def test_standard_error_takes_the_lines_too(new_server):
    server = logging_server(new_server, file="stderr")
    server.query("static.example.com")
    until(lambda: re.search(r"^time=\S+ client=127.0.0.0/24 .* name=static.example.com ", server.log(), re.MULTILINE),
          "a line on standard error")


def test_a_wrong_key_is_told_with_its_place(new_server):
    server = new_server()
    server.write_site(query_log="{file: q.log, sample: 0}")
    server.launch()
    code, log = server.wait()
    assert code == 2
    assert re.search(r"meridian\.yaml:\d+:\d+: 'sample': expected .*1 to 1000000000", log), log
