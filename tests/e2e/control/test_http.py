"""The control API over HTTP on loopback: who may ask what, and events as they happen."""

import contextlib
import hashlib
import http.client
import json
import re
import socket

from harness import DEADLINE_S, AdoptedProcess, UnixConnection, until

CONNECTIONS_MAX = 64


def write_tokens(server, tokens):
    path = server.folder / "tokens"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {role} {hashlib.sha256(secret.encode()).hexdigest()}\n" for name, role, secret in tokens),
                    encoding="utf-8")


def with_http(server, tokens=None):
    control = 'http: "127.0.0.1:0"'
    if tokens is not None:
        write_tokens(server, tokens)
        control += ", tokens: tokens"
    server.write_site(control=f"{{{control}}}")
    return server.start()


def port(server):
    return int(server.status()["http"].rsplit(":", 1)[1])


def ask(server, method, target, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=DEADLINE_S)
    connection.request(method, target, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def test_without_tokens_status_and_metrics_alone_are_answered(new_server):
    server = with_http(new_server())
    assert json.loads(ask(server, "GET", "/v1/status")[1])["site"] == "e2e"
    assert "meridian_build_info" in ask(server, "GET", "/metrics")[1]
    for method, target in (("GET", "/v1/audit"), ("POST", "/v1/reload"), ("POST", "/v1/shed?datacenter=ams&share=1")):
        response, body = ask(server, method, target)
        assert response.status == 403 and "tokens" in body
    assert server.counters()["control_denied_requests_total"] == 3


def test_tokens_have_roles_and_names(new_server):
    server = with_http(new_server(), [("grafana", "read", "read-me"), ("deploy", "operate", "operate-me")])
    response, _ = ask(server, "GET", "/metrics")
    assert response.status == 401 and response.headers["WWW-Authenticate"] == "Bearer"
    assert ask(server, "GET", "/metrics", "wrong")[0].status == 401
    assert ask(server, "GET", "/metrics", "read-me")[0].status == 200
    assert ask(server, "POST", "/v1/reload", "read-me")[0].status == 403
    assert ask(server, "POST", "/v1/reload", "operate-me")[0].status == 200
    assert ask(server, "POST", "/v1/overrides?kind=drain&target=ams&reason=x", "operate-me")[0].status == 200
    line = server.api("GET", "/v1/audit")[1]["audit"][0]
    assert line["who"] == "token deploy" and line["action"] == "drain"


def test_reloads_and_what_came_of_them_stand_in_the_audit_log(new_server):
    server = new_server()
    server.write_site(state="state", demand="on", control='{http: "127.0.0.1:0", tokens: tokens}')
    write_tokens(server, [("deploy", "operate", "operate-me")])
    server.start()

    def last():
        line = server.api("GET", "/v1/audit")[1]["audit"][0]
        return line["who"], line["action"], line["details"], line["result"]

    assert ask(server, "POST", "/v1/reload?force=true", "operate-me")[0].status == 200
    assert last() == ("token deploy", "reload", "forced", f"done: epoch {server.epoch()}")
    assert ask(server, "POST", "/v1/geoip/accept", "operate-me")[0].status == 200
    assert last()[:2] == ("token deploy", "geoip_accept")
    assert ask(server, "POST", "/v1/demand/reset", "operate-me")[0].status == 200
    assert last() == ("token deploy", "demand_reset", "", "done")
    assert ask(server, "POST", "/v1/rollback?epoch=99", "operate-me")[0].status == 422
    assert last()[1:3] == ("rollback", "to epoch 99") and last()[3].startswith("refused: ")
    server.write("maps.yaml", "maps: {web: {rules: 7}}\n")
    assert server.reload().returncode == 1
    who, action, _, result = last()
    assert "uid" in who and action == "reload" and result.startswith("refused: ")


def test_a_tokens_file_that_others_may_read_lets_nobody_in(new_server):
    server = with_http(new_server(), [("deploy", "operate", "operate-me")])
    assert ask(server, "GET", "/v1/status", "operate-me")[0].status == 200
    (server.folder / "tokens").chmod(0o640)
    assert server.reload().returncode == 0
    until(lambda: ask(server, "GET", "/v1/status", "operate-me")[0].status == 401, "the file is looked at again")
    assert "event=tokens_unreadable" in server.log() and "chmod 600" in server.log()


def test_no_other_address_than_loopback_is_taken(new_server):
    server = new_server()
    server.write_site(control='{http: "192.0.2.1:8053"}')
    server.launch()
    code, log = server.wait()
    assert code == 2 and "192.0.2.1 is no loopback address" in log and "loopback_only: off" in log


def test_another_address_that_is_meant_needs_tokens(new_server):
    server = new_server()
    server.write_site(control='{http: "0.0.0.0:0", loopback_only: off}')
    server.launch()
    code, log = server.wait()
    assert code == 2 and "without 'tokens: FILE' anybody could read there" in log
    server = new_server()
    write_tokens(server, [("grafana", "read", "read-me")])
    server.write_site(control='{http: "0.0.0.0:0", loopback_only: off, tokens: tokens}')
    server.start()
    assert ask(server, "GET", "/v1/status", "read-me")[0].status == 200


def connect(at):
    return socket.create_connection(("127.0.0.1", at), timeout=DEADLINE_S)


def said(connection):
    """All that the server says until it closes."""
    text = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            text += more
    return text.decode()


def test_what_is_no_request_is_refused_and_the_connection_closed(new_server):
    server = with_http(new_server())
    rows = [
        (b"NONSENSE\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"),  # a TLS client
        (b"GET /metrics HTTP/1.1\r\nContent-Length: no\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "413"),
        (b"POST /v1/reload HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", "413"),
        (b"POST /v1/reload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + b"x" * 0x20000, "413"),
    ]
    at = port(server)
    for sent, status in rows:
        with connect(at) as connection:
            connection.sendall(sent)
            answer = said(connection)
        assert answer.startswith(f"HTTP/1.1 {status} "), (sent[:60], answer)
        assert '{"error":' in answer
    assert server.counters()["control_errors_total"] == len(rows)
    assert ask(server, "GET", "/metrics")[0].status == 200


def test_who_is_too_slow_with_a_request_is_let_go(new_server):
    server = with_http(new_server())
    with connect(port(server)) as connection:
        connection.sendall(b"GET /metrics HTT")
        # 10 s for a whole request, however often a byte of it comes.
        connection.settimeout(15)
        assert said(connection) == ""


def test_connections_over_the_limit_are_closed_and_the_socket_still_answers(new_server):
    server = with_http(new_server())
    at = port(server)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(at)) for _ in range(CONNECTIONS_MAX)]
        with connect(at) as one_more:
            assert said(one_more) == ""
        assert server.counters()["control_errors_total"] == 1
        held[0].sendall(b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert said(held[0]).startswith("HTTP/1.1 200 OK")


def test_an_upgrade_takes_the_address_over(new_server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    server = new_server()
    write_tokens(server, [("deploy", "operate", "operate-me")])
    server.write_site(control=f'{{http: "127.0.0.1:{number}", tokens: tokens}}')
    server.start()
    before = ask(server, "GET", "/v1/status", "operate-me")[1]
    with server.tcp() as held:  # for which the old server stays
        told = json.loads(server.ctl("upgrade", "--json").stdout)
        old, server.process = server.process, AdoptedProcess(told["pid"])
        for _ in range(20):
            response, body = ask(server, "GET", "/v1/status", "operate-me")
            assert response.status == 200
            assert json.loads(body)["http"] == json.loads(before)["http"] == f"127.0.0.1:{number}"
        assert json.loads(body)["counters"]["upgrades_ok_total"] == 1
        assert old.poll() is None and held
    assert old.wait(timeout=DEADLINE_S) == 0


def read_event(stream):
    """The fields of one event; a comment says that none came for a while."""
    fields = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        if not line and fields:
            return fields
        assert not line.startswith(":"), "no event came"
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value


def test_events_tell_of_overrides_and_maps(new_server):
    server = new_server().start()
    connection = UnixConnection(server.control)
    connection.request("GET", "/v1/events")
    stream = connection.getresponse()
    assert stream.status == 200 and stream.headers["Content-Type"] == "text/event-stream"
    assert server.ctl("drain", "ams", "--reason", "CHG-7").returncode == 0
    event = read_event(stream)
    assert event["event"] == "override"
    told = json.loads(event["data"])
    assert told["action"] == "drain" and told["target"] == "ams" and told["reason"] == "CHG-7"
    assert server.reload().returncode == 0
    event = read_event(stream)
    assert event["event"] == "map" and json.loads(event["data"])["epoch"] == 2
    server.write("maps.yaml", "maps: {web: {rules: 7}}\n")
    assert server.reload().returncode == 1
    event = read_event(stream)
    told = json.loads(event["data"])
    assert event["event"] == "reload_failed" and told["epoch"] == 2 and told["errors"] >= 1
    assert re.fullmatch(r"\S+maps\.yaml:1:\d+: .+", told["why"]), told
    assert server.counters()["events_sent_total"] == 3
    # Who listens does not hold up the end.
    server.stop()
    stream.close()
    connection.close()


def test_events_tell_of_health(new_server):
    server = new_server()
    server.write("services.yaml", "checks:\n  self: {type: push, up_after: 1, down_after: 1}\nservices:\n"
                 "  www.example.com: {map: web, check: self, pools: {ams: [192.0.2.10], iad: [198.51.100.10], sin: [203.0.113.10]}}\n")
    server.start()
    connection = UnixConnection(server.control)
    connection.request("GET", "/v1/events")
    stream = connection.getresponse()
    assert server.ctl("report", "self", "192.0.2.10", "up").returncode == 0
    event = read_event(stream)
    told = json.loads(event["data"])
    assert event["event"] == "health" and event["id"] == "1"
    assert (told["service"], told["datacenter"], told["address"]) == ("www.example.com", "ams", "192.0.2.10")
    assert (told["check"], told["from"], told["to"], told["cause"]) == ("self", "unknown", "up", "")
    # It is told at once, and written by a thread of its own.
    history = until(lambda: server.api("GET", "/v1/history")[1]["history"], "its row")[0]
    assert told == history
    stream.close()
    connection.close()


def test_only_so_many_listen_and_who_left_makes_room(new_server):
    server = new_server().start()
    connections = [UnixConnection(server.control) for _ in range(17)]
    streams = []
    for connection in connections:
        connection.request("GET", "/v1/events")
        streams.append(connection.getresponse())
    assert [stream.status for stream in streams] == [200] * 16 + [503]
    for stream, connection in zip(streams, connections):
        stream.close()
        connection.close()

    def listens():
        again = UnixConnection(server.control)
        again.request("GET", "/v1/events")
        status = again.getresponse().status
        again.close()
        return status == 200

    # Whoever went is noticed when something is written to it.
    assert server.reload().returncode == 0
    until(lambda: server.reload().returncode == 0 and listens(), "there is room again")
