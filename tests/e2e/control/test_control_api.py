"""The control API as raw HTTP on its unix socket: what it answers, what it refuses, and what it survives."""

import json
import os
import re
import socket
import stat

import pytest

from harness import REPOSITORY, UnixConnection, until

STATUS_KEYS = {"version", "site", "uptime_s", "listening", "http", "workers", "epoch", "epoch_built_at", "epoch_hash", "has_rules",
               "geoip_held", "zones", "services", "endpoints", "maps", "databases", "shedding", "demand", "last_reload",
               "counters", "journal"}
CONNECTIONS_MOST = 64


def raw(server):
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(45)
    stream.connect(str(server.control))
    return stream


def read_to_end(stream):
    data = b""
    try:
        while piece := stream.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def still_answers(server):
    assert server.is_alive()
    assert server.query("static.example.com").rcode() == 0
    assert server.api("GET", "/v1/status")[0] == 200


# --- what it answers -----------------------------------------------------------------------------------


def test_status_has_its_keys(example):
    code, status = example.api("GET", "/v1/status")
    assert code == 200 and set(status) == STATUS_KEYS
    assert (status["site"], status["epoch"], status["zones"], status["services"]) == ("e2e", 1, 1, 5)
    assert status["listening"] == [f"127.0.0.1:{example.port}"] and status["workers"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["epoch_built_at"])
    (steering_map,) = status["maps"]
    assert steering_map["name"] == "web" and steering_map["leaves_v4"] > 1000 and steering_map["bytes"] > 1000
    assert set(status["last_reload"]) == {"ok", "epoch", "took_ms", "problems"}


def test_the_counters_of_status_are_those_of_the_documentation(example):
    page = (REPOSITORY / "docs" / "counters.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+_total)` \|", page, re.MULTILINE))
    assert documented and set(example.counters()) == documented


def test_answers_are_json_with_its_type_and_length(example):
    connection = UnixConnection(example.control)
    for target, code in (("/v1/status", 200), ("/nothing", 404)):
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        assert (response.status, response.headers["Content-Type"]) == (code, "application/json")
        assert int(response.headers["Content-Length"]) == len(body)
        assert isinstance(json.loads(body), dict)
    connection.close()


def test_a_connection_serves_many_requests(example):
    connection = UnixConnection(example.control)
    connection.connect()
    first = connection.sock
    for _ in range(50):
        connection.request("GET", "/v1/status")
        assert connection.getresponse().read()
    assert connection.sock is first, "it was closed in between"
    connection.close()


def test_requests_may_be_pipelined(example):
    request = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with raw(example) as stream:
        stream.sendall(request * 4 + last)
        assert read_to_end(stream).count(b"HTTP/1.1 200 OK\r\n") == 5


def test_http_1_0_is_answered_and_closed(example):
    with raw(example) as stream:
        stream.sendall(b"GET /v1/status HTTP/1.0\r\n\r\n")
        answer = read_to_end(stream)
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and b'"site":"e2e"' in answer


def test_requests_and_errors_are_counted(example):
    before = example.counters()
    example.api("GET", "/nothing")
    example.api("GET", "/v1/explain?name=www.example.com&from=8.8.8.8")
    after = example.counters()
    # Two asked here, and the second look at the counters is a request itself.
    assert after["control_requests_total"] - before["control_requests_total"] == 3
    assert after["control_errors_total"] - before["control_errors_total"] == 1


def test_the_socket_is_for_owner_and_group(example):
    mode = os.stat(example.control).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


# --- what it refuses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/", "/v1/status/", "/v1/statuses", "/V1/status", "/v1/%73tatus2",
                                    "/../etc/passwd", "//v1/status"])
def test_unknown_paths_are_404(example, target):
    code, told = example.api("GET", target)
    assert code == 404 and "no such path" in told["error"] and "/v1/status" in told["error"]


@pytest.mark.parametrize("method, target, right", [("POST", "/v1/status", "GET"), ("DELETE", "/v1/status", "GET"),
                                                   ("POST", "/v1/explain", "GET"), ("GET", "/v1/reload", "POST"),
                                                   ("PUT", "/v1/reload", "POST"), ("BREW", "/v1/reload", "POST")])
def test_wrong_methods_are_405_and_do_nothing(example, method, target, right):
    with example.moves():
        code, told = example.api(method, target)
    assert (code, told["error"]) == (405, f"{target} takes {right}")
    assert example.epoch() == 1


@pytest.mark.parametrize("query, message", [
    ("", "name"), ("name=", "name"), ("nam=x", "unknown parameter 'nam'"),
    ("name=www.example.com&from=nowhere", "'nowhere'"),
    ("name=%zz", "malformed"), ("name=www.example.com&type=BOGUS", "'BOGUS'"), ("name=a..b", "a..b"),
    ("name=www.example.com&resolver=%00", "is not an IP address"), ("name=" + "a" * 64, "label of more than 63 bytes"),
    ("name=www.example.com&format=xml", "format"),
])
def test_questions_that_cannot_be_explained_are_400_with_the_reason(example, query, message):
    code, told = example.api("GET", f"/v1/explain?{query}")
    assert code == 400 and message in told["error"]


@pytest.mark.parametrize("name", [".", "%ff%fe", "%22%0a"], ids=["root", "no text", "quote and newline"])
def test_names_of_any_bytes_are_explained_in_well_formed_json(example, name):
    code, told = example.api("GET", f"/v1/explain?name={name}")
    assert (code, told["outcome"]) == (200, "refused")


# --- what it survives ----------------------------------------------------------------------------------


def test_a_body_larger_than_any_request_is_not_read_to_its_end(example):
    size = 100 << 20
    with raw(example) as stream:
        stream.sendall(f"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        answer = read_to_end(stream)  # it ends although most of the body never came
    assert b" 200 " not in answer
    assert example.epoch() == 1
    still_answers(example)


def test_a_header_without_end_is_not_read_to_its_end(example):
    with raw(example) as stream:
        try:
            for _ in range(2000):
                stream.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        except OSError:
            pass  # closed meanwhile, as it should be
        assert b" 200 " not in read_to_end(stream)
    still_answers(example)


@pytest.mark.parametrize("data", [b"\0" * 100, b"\xff" * 5000, b"GET\r\n\r\n", b"GET /v1/status HTTP/9.9\r\n\r\n",
                                  b"hello\r\n\r\n", b"GET /v1/status HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
                         ids=["zeros", "ones", "no target", "version", "hello", "negative length", "TLS"])
def test_garbage_is_turned_away(example, data):
    with raw(example) as stream:
        stream.sendall(data)
        stream.shutdown(socket.SHUT_WR)
        assert b" 200 " not in read_to_end(stream)
    still_answers(example)


def test_requests_broken_off_anywhere_do_no_harm(example):
    request = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"
    for size in range(len(request) + 1):
        with raw(example) as stream:
            stream.sendall(request[:size])
    still_answers(example)
    assert example.epoch() == 1, "no half request may reload"


def test_a_client_that_leaves_before_its_answer_does_no_harm(server):
    for _ in range(3):
        with raw(server) as stream:
            stream.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: server.epoch() > 1, "the reloads it asked for")
    still_answers(server)


def test_status_answers_while_a_reload_runs(server):
    request = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n"
    seen = set()
    with raw(server) as stream:
        stream.sendall(request * 20)  # one after the other, as they are on one connection
        stream.shutdown(socket.SHUT_WR)
        while server.epoch() < 21:
            seen.add(server.epoch())
            assert server.query("static.example.com").rcode() == 0
        assert read_to_end(stream).count(b'"ok":true') == 20
    assert len(seen) > 3, "status waited for the reloads"


def test_too_many_connections_are_closed_and_the_others_served(server):
    streams = [raw(server) for _ in range(CONNECTIONS_MOST)]
    until(lambda: open_sockets(server) >= CONNECTIONS_MOST, "all of them accepted")
    try:
        extra = [raw(server) for _ in range(6)]
        for stream in extra:
            assert read_to_end(stream) == b""
            stream.close()
        assert server.query("static.example.com").rcode() == 0, "queries have nothing to do with it"
        done = server.ctl("status")
        assert done.returncode == 2 and str(server.control) in done.stderr
        streams[0].sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_to_end(streams[0]).startswith(b"HTTP/1.1 200 OK")
    finally:
        for stream in streams:
            stream.close()
    until(lambda: server.ctl("status").returncode == 0, "room for new connections")
    assert server.counters()["control_errors_total"] >= 6


def open_sockets(server):
    """Sockets the server has of this path, less the one that listens."""
    with open("/proc/net/unix", encoding="ascii") as table:
        return sum(line.rstrip().endswith(str(server.control)) for line in table) - 1
