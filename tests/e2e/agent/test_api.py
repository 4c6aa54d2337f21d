"""The agent's API: its document, its page for Prometheus, and what is answered over TCP."""

import re
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

import harness
import metrics_manual
from harness import until
from openapi import Document, routes_of
from site_of_agent import PREFIX, running_site

DOCUMENT = Document("openapi-agent.yaml")


@pytest.fixture(scope="module")
def site(programs):
    """For tests that leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        server = harness.Server(programs, path)
        try:
            with running_site(programs, server, more="state: server-state\n") as running:
                running.agent.until_level("announce", "ns1")
                running.agent.until_level("announce", "ns2")
                yield running
            server.end()
        finally:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def ask(site, method, path, wanted=200, **parameters):
    status, body = site.agent.api(method, path, **parameters)
    assert status == wanted, body
    DOCUMENT.validate(method, path, status, body)
    return body


def test_every_route_of_the_agent_is_in_the_document_and_no_other(site):
    routes = routes_of(site.agent.api)
    assert len(routes) >= 7
    assert DOCUMENT.routes() == routes


def test_every_reference_leads_somewhere():
    for found in DOCUMENT.references():
        assert DOCUMENT.resolve({"$ref": found})


def test_answers_are_as_the_document_says(site):
    ask(site, "GET", "/v1/anycast")
    for kind in ("drain", "withdraw", "announce"):
        told = ask(site, "POST", f"/v1/anycast/{kind}", vip="ns1", reason="why", **{"for": 60})
        assert [wish["kind"] for wish in told["anycast"]["wishes"]] == [kind]
    ask(site, "POST", "/v1/anycast/drain", 400, vip="ns1", reason="why", until="soon")
    ask(site, "POST", "/v1/anycast/drain", 400, vip="ns1", reason="why", until="2099-01-01T00:00Z", **{"for": 60})
    ask(site, "POST", "/v1/anycast/drain", 400, datacenter="ams", reason="why")
    ask(site, "POST", "/v1/anycast/drain", 422, vip="ns1")
    ask(site, "POST", "/v1/anycast/drain", 422, vip="ns3", reason="why")
    assert ask(site, "POST", "/v1/anycast/undrain", vip="ns1")["ended"] == 1
    ask(site, "GET", "/v1/audit")
    assert len(ask(site, "GET", "/v1/audit", limit=2)["audit"]) == 2
    ask(site, "GET", "/v1/audit", 400, limit=0)


def test_the_manual_lists_every_metric_but_the_counters(site):
    text = site.agent.raw("GET", "/metrics")[2]
    told = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    listed = metrics_manual.listed_metrics(of_agent=True)
    counters = {f"meridian_{name}" for name in site.server.counters()}
    own = {name: kind for name, kind in told.items() if name not in counters}
    assert own.items() <= listed.items(), own.items() - listed.items()
    # Families of things that are not there have no line.
    assert set(listed) - set(own) <= {"meridian_agent_local_check_failing"}
    assert len(counters & set(told)) == 6


def test_the_page_says_what_is(site):
    agent = site.agent
    agent.until_level("announce", "ns1")
    assert agent.metric("vip_level", vip="ns1", prefix=PREFIX) == 2
    assert agent.metric("vip_reason", vip="ns1", reason="serving") == 1
    assert agent.metric("vip_reason", vip="ns1", reason="server_gone") == 0
    assert agent.metric("agent_server_state", state="ready") == 1
    assert agent.metric("bgp_session_up", neighbor="up") == 1
    assert agent.metric("bgp_session_up", neighbor="away") == 0
    assert agent.metric("bridge_ack_timeouts_total") == 1 and agent.metric("bridge_errors_total") == 2
    rounds = agent.metric("vip_rounds_total", vip="ns1", result="clean")
    until(lambda: agent.metric("vip_rounds_total", vip="ns1", result="clean") > rounds, "rounds go on")
    agent.api("POST", "/v1/anycast/withdraw", vip="ns2", reason="why")
    try:
        assert agent.metric("vip_level", vip="ns2") == 0
        assert agent.metric("vip_reason", vip="ns2", reason="operator_withdrew") == 1
        assert agent.metric("vip_wish", vip="ns2", wish="withdraw") == 1 and agent.metric("vip_wish", vip="ns1", wish="withdraw") == 0
        until(lambda: agent.metric("vip_route_settled", vip="ns2") == 1, "the bridge has done it")
    finally:
        agent.api("POST", "/v1/anycast/undrain", vip="ns2")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_wrong(site):
    done = subprocess.run(["promtool", "check", "metrics"], input=site.agent.raw("GET", "/metrics")[2], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def test_over_tcp_status_and_metrics_are_answered_and_nothing_is_changed(programs, new_server):
    port = harness.free_port()
    with running_site(programs, new_server(), http=f', http: "127.0.0.1:{port}"') as site:
        def ask_over_tcp(method, path):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
            try:
                with urllib.request.urlopen(request, timeout=45) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        assert ask_over_tcp("GET", "/v1/anycast")[0] == 200
        assert "meridian_vip_level{" in ask_over_tcp("GET", "/metrics")[1]
        for method, path in (("POST", "/v1/anycast/withdraw?reason=x"), ("POST", "/v1/anycast/undrain"), ("GET", "/v1/audit"),
                             ("PUT", "/v1/anycast")):
            status, body = ask_over_tcp(method, path)
            assert status == 403 and "the Unix socket has the rest" in body
        assert site.agent.metric("control_denied_requests_total") == 4
        assert site.agent.status()["wishes"] == []


def test_a_site_file_that_is_read_again_is_counted(programs, new_server):
    with running_site(programs, new_server()) as site:
        text = site.server.site.read_text(encoding="utf-8")
        site.server.site.write_text(text + "nonsense: 1\n", encoding="utf-8")
        site.agent.process.send_signal(1)
        until(lambda: site.agent.metric("agent_reloads_total", result="refused") == 1, site.agent.log)
        site.server.site.write_text(text.replace("    away: ", "    other: "), encoding="utf-8")
        site.agent.process.send_signal(1)
        until(lambda: site.agent.metric("agent_reloads_total", result="ok") == 1, site.agent.log)
        assert [neighbor["name"] for neighbor in site.agent.status()["neighbors"]] == ["up", "other"]
        assert site.agent.metric("bgp_session_up", neighbor="other") == 0


def test_a_socket_of_a_running_agent_is_not_taken(programs, new_server):
    with running_site(programs, new_server()) as site:
        path = site.server.folder / "taken.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(path))
            other.listen(1)
            text = site.server.site.read_text(encoding="utf-8")
            second = site.server.folder / "second.yaml"
            second.write_text(text.replace("agent.sock", "taken.sock").replace("bridge.sock", "b2.sock").replace("state: agent", "state: a2"),
                              encoding="utf-8")
            done = subprocess.run([programs.build / "bin" / "meridian-agent", "--site", second], capture_output=True, text=True,
                                  timeout=45, check=False)
        assert done.returncode == 2
        assert (f"meridian-agent: cannot listen on control socket {path}: Address already in use; choose another path with "
                "'anycast: {agent: {control: …}}', or make its folder writable") in done.stderr
