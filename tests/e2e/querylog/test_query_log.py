"""The query log: a real server, a real file, and what must stand in it."""

import datetime
import os
import re
import signal

from harness import DEADLINE_S, frame, make_query, until

FIELDS = ["time", "client", "transport", "subnet", "name", "class", "type", "rcode", "tc", "bytes", "took_us", "kind",
          "zone", "service", "datacenter", "reason", "tier", "scope", "rate",
          "epoch", "sample"]


def logging_server(new_server, sample=1, file="queries.log"):
    server = new_server()
    server.write_site(query_log=f"{{file: {file}, sample: {sample}}}")
    return server.start()


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


def picked(line, **expected):
    return {key: line[key.rstrip("_")] for key in expected}


def test_each_query_has_its_line(new_server):
    server = logging_server(new_server)
    before = datetime.datetime.now(datetime.timezone.utc)
    # One after the other: lines of two workers may change places.
    steered = server.ask_raw(make_query("www.example.com", "A", subnet="1.0.16.0/24").to_wire())
    lines(server, 1)
    server.query("WWW.Example.com", "AAAA", tcp=True)
    lines(server, 2)
    server.query("nothing.example.com", "A", edns=False)
    lines(server, 3)
    server.query("www.example.net", "A")
    lines(server, 4)
    server.query("example.com", "NAPTR")
    found = lines(server, 5)
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
    assert server.counters()["query_log_lines_total"] == 5


def test_what_gets_no_answer_or_is_malformed_has_its_line_too(new_server):
    server = logging_server(new_server)
    with server.udp() as udp:
        udp.send(b"short")
        udp.send(bytes(12))
        udp.recv(512)
    first, second = lines(server, 2)
    assert picked(first, kind=0, rcode=0, bytes=0, name=0) == dict(kind="dropped", rcode="-", bytes="0", name="-")
    assert picked(second, kind=0, rcode=0, name=0) == dict(kind="malformed", rcode="FORMERR", name="-")


def test_no_name_breaks_the_line(new_server):
    server = logging_server(new_server)
    name = b"a\nb kind=steered\"\xff.c"
    wire = bytes.fromhex("123400000001000000000000") + bytes([len(name)]) + name + b"\7example\3com\0\0\1\0\1"
    with server.udp() as udp:
        udp.send(wire)
        udp.recv(512)
    line, = lines(server, 1)
    assert line["name"] == r"a\010b\032kind\061steered\034\255\.c.example.com"
    assert line["kind"] == "nxdomain"


def test_logrotate_moves_the_file_and_a_hangup_opens_a_new_one(new_server):
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
    assert len(lines(server, 2, "queries.log.1")) == 2
    assert os.stat(log).st_mode & 0o777 == 0o640


def test_the_last_queries_are_written_when_the_server_stops(new_server):
    server = logging_server(new_server)
    count = 500
    with server.tcp() as stream:
        wire = frame(make_query("static.example.com").to_wire())
        stream.sendall(wire * count)
        received = 0
        while received < count * 40:
            piece = stream.recv(65536)
            if not piece:
                break
            received += len(piece)
        assert server.stop()[0] == 0
    assert len(lines(server, count)) == count


def test_a_full_disk_is_counted_and_told_once(new_server):
    server = logging_server(new_server, file="/dev/full")
    for _ in range(3):
        assert server.query("static.example.com").rcode() == 0
        until(lambda: server.counters()["query_log_failed_lines_total"] > 0, "failed lines")
    until(lambda: server.counters()["query_log_failed_lines_total"] == 3, "three failed lines")
    assert server.counters()["query_log_lines_total"] == 0
    assert server.log().count("event=query_log_failing") == 1
    assert "No space left on device" in server.log()


def test_a_file_that_can_not_be_opened_stops_no_answer(new_server):
    server = logging_server(new_server, file="missing/queries.log")
    assert server.query("static.example.com").rcode() == 0
    until(lambda: server.counters()["query_log_failed_lines_total"] == 1, "a failed line")
    assert server.log().count("event=query_log_failing") == 1


def test_standard_error_takes_the_lines_too(new_server):
    server = logging_server(new_server, file="stderr")
    server.query("static.example.com")
    until(lambda: re.search(r"^time=\S+ client=127.0.0.0/24 .* name=static.example.com ", server.log(), re.MULTILINE),
          "a line on standard error")


def test_a_sample_is_about_its_share(new_server):
    server = logging_server(new_server, sample=10)
    count = 4000
    wire = make_query("static.example.com").to_wire()
    with server.udp() as udp:
        udp.settimeout(DEADLINE_S)
        for _ in range(count):
            udp.send(wire)
            udp.recv(2048)
    assert server.stop()[0] == 0
    found = lines(server, 1)
    # 400 expected; the distance between two is even over 1 to 19, so 5 deviations are 60.
    assert 330 < len(found) < 470
    assert {line["sample"] for line in found} == {"10"}


def test_without_the_key_nothing_is_counted(server):
    server.query("static.example.com")
    assert {name: value for name, value in server.counters().items()
            if value and name.startswith(("query_log", "dnstap"))} == {}


def test_a_wrong_key_is_told_with_its_place(new_server):
    server = new_server()
    server.write_site(query_log="{file: q.log, sample: 0}")
    server.launch()
    code, log = server.wait()
    assert code == 2
    assert re.search(r"meridian\.yaml:\d+:\d+: 'sample': expected .*1 to 1000000000", log), log
