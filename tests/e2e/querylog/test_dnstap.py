"""dnstap: a real collector (fstrm_capture), its file decoded here and by BIND's dnstap-read; and collectors that fail."""

import contextlib
import pathlib
import signal
import socket
import struct
import subprocess

import dns.name

from harness import DEADLINE_S, make_query, until

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"

# Frame Streams control frames.
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def decode(data):
    """A protobuf message as {field number: value}; enough for messages without repeated fields."""
    fields = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            value = data[at:at + size]
            at += size
        else:
            assert key & 7 == 5, f"wire type {key & 7}"
            value = struct.unpack_from("<I", data, at)[0]
            at += 4
        assert key >> 3 not in fields
        fields[key >> 3] = value
    return fields


def frames_in(path):
    """The data frames of a capture, decoded."""
    data = path.read_bytes()
    at = 0
    found = []
    while at < len(data):
        size, = struct.unpack_from("!I", data, at)
        at += 4
        if size == 0:  # a control frame
            size, = struct.unpack_from("!I", data, at)
            at += 4 + size
            continue
        found.append(decode(data[at:at + size]))
        at += size
    return found


def is_listening(path):
    """The file alone is there before anybody may connect."""
    accepts_connections = "00010000"  # __SO_ACCEPTCON
    rows = [row.split() for row in pathlib.Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()]
    return any(row[-1] == str(path) and row[3] == accepts_connections for row in rows)


@contextlib.contextmanager
def capture(server):
    """Collects what the server sends; the file is whole when this ends."""
    path = server.folder / "tap.fstrm"
    process = subprocess.Popen(["fstrm_capture", "-t", CONTENT_TYPE.decode(), "-u", str(server.folder / "tap.sock"),
                                "-w", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: is_listening(server.folder / "tap.sock"), "a collector that listens")
        yield path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=DEADLINE_S)


def tapped_server(new_server):
    server = new_server()
    server.write_site(dnstap="{unix: tap.sock, sample: 1}")
    return server


def test_a_collector_gets_the_query_the_answer_and_the_decision(new_server):
    server = tapped_server(new_server)
    with capture(server) as path:
        server.start()
        query = make_query("www.example.com", "A", subnet="1.0.16.0/24").to_wire()
        answer = server.ask_raw(query)
        until(lambda: server.counters()["dnstap_frames_total"] == 1, "a frame")
        server.query("nothing.example.com", "A", tcp=True)
        until(lambda: server.counters()["dnstap_frames_total"] == 2, "two frames")
        with server.udp() as udp:
            udp.send(b"short")
            port = udp.getsockname()[1]
            until(lambda: server.counters()["dnstap_frames_total"] == 3, "three frames")
        assert server.stop()[0] == 0
    first, second, third = frames_in(path)
    for found in (first, second, third):
        assert found[1] == b"e2e" and found[2].startswith(b"meridian ") and found[15] == 1

    message = decode(first[14])
    assert first[3] == (b"kind=steered zone=example.com service=www.example.com datacenter=sin reason=preferred tier=0 "
                        b"scope=20 rate=- epoch=1 sample=1")
    assert (message[1], message[2], message[3]) == (2, 1, 1)  # AUTH_RESPONSE, INET, UDP
    assert message[4] == socket.inet_aton("127.0.0.1")
    assert (message[10], message[14]) == (query, answer)
    assert dns.name.from_wire(message[11], 0)[0].to_text() == "example.com."
    taken = (message[12] - message[8]) * 10**9 + message[13] - message[9]
    assert 0 < taken < DEADLINE_S * 10**9

    message = decode(second[14])
    assert (message[1], message[3]) == (2, 2)  # AUTH_RESPONSE, TCP
    assert second[3].startswith(b"kind=nxdomain ")

    message = decode(third[14])
    assert message[1] == 1 and message[6] == port and message[10] == b"short" and 14 not in message  # AUTH_QUERY
    assert third[3].startswith(b"kind=dropped ")

    read = subprocess.run(["dnstap-read", str(path)], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert read.returncode == 0, read.stderr
    assert "www.example.com/IN/A" in read.stdout and "nothing.example.com/IN/A" in read.stdout


def test_a_collector_may_come_late_and_come_back(new_server):
    server = tapped_server(new_server).start()
    server.query("static.example.com")
    until(lambda: server.counters()["dnstap_dropped_frames_total"] == 1, "a dropped frame")
    assert server.log().count("event=dnstap_lost") == 1
    for connected in (1, 2):
        with capture(server) as path:
            until(lambda number=connected: server.log().count("event=dnstap_connected") == number, "a connection")
            sent = server.counters()["dnstap_frames_total"]
            server.query("www.example.com")
            until(lambda before=sent: server.counters()["dnstap_frames_total"] == before + 1, "a frame")
        assert b"kind=steered" in frames_in(path)[-1][3]
        server.query("static.example.com")
        until(lambda number=connected: server.log().count("event=dnstap_lost") == number + 1, "a lost collector")


def control(kind, content_type=b""):
    body = struct.pack("!I", kind)
    if content_type:
        body += struct.pack("!II", 1, len(content_type)) + content_type
    return struct.pack("!II", 0, len(body)) + body


def test_a_collector_that_stops_reading_costs_frames_and_no_answer(new_server):
    server = tapped_server(new_server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(server.folder / "tap.sock"))
        listener.listen(1)
        listener.settimeout(DEADLINE_S)
        server.launch()
        stream, _ = listener.accept()
        with stream:
            stream.settimeout(DEADLINE_S)
            stream.recv(4096)  # READY
            stream.sendall(control(ACCEPT, CONTENT_TYPE))
            server.start_after_launch()
            asked = 0

            def is_dropping():
                nonlocal asked
                for _ in range(100):
                    assert server.query("www.example.com", "A").rcode() == 0
                asked += 100
                return server.counters()["dnstap_dropped_frames_total"] > 0

            until(is_dropping, "dropped frames")
    assert "event=dnstap_lost" in server.log() and "Connection timed out" in server.log()
    assert server.is_alive()
    counted = server.counters()
    until(lambda: server.counters()["dnstap_frames_total"] + server.counters()["dnstap_dropped_frames_total"] == asked,
          f"every query counted, of {asked}; it was {counted}")
