"""The control API over HTTP on loopback: who may ask what, and events as they happen."""

import hashlib
import http.client
import json

from harness import DEADLINE_S, UnixConnection, until


def with_http(server, tokens=None):
    control = 'http: "127.0.0.1:0"'
    if tokens is not None:
        path = server.folder / "tokens"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {role} {hashlib.sha256(secret.encode()).hexdigest()}\n" for name, role, secret in tokens),
                        encoding="utf-8")
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
    assert server.api("GET", "/v1/audit")[1]["audit"][0]["who"] == "token deploy"


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
    assert code == 2 and "192.0.2.1 is no loopback address" in log


def read_event(stream):
    """The fields of one event; comments are passed over."""
    fields = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        if not line and fields:
            return fields
        if line and not line.startswith(":"):
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
    assert server.counters()["events_sent_total"] == 2
    # Who listens does not hold up the end.
    server.stop()
    stream.close()
    connection.close()
