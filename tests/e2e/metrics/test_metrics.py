"""The page for Prometheus: promtool reads it, the manual lists it, the dashboard and the alerts ask for what is there."""

import http.client
import json
import re
import shutil
import socket
import subprocess

import dns.query
import pytest
import yaml

import metrics_manual
from harness import DEADLINE_S, REPOSITORY, ask_http, make_query, until

GB = "81.2.69.0/24"
MONITORING = REPOSITORY / "docs" / "monitoring"
NAME = re.compile(r"\bmeridian_\w+")


def page(server):
    status, content_type, text = ask_http(server.control, "GET", "/metrics")
    assert status == http.client.OK
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    return text


def value(text, line):
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def families(text):
    """{name: type} as the page says."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def sample_names(text):
    """Families with what histograms make of their names."""
    names = set()
    for name, kind in families(text).items():
        names.add(name)
        if kind == "histogram":
            names |= {name + "_bucket", name + "_sum", name + "_count"}
    return names


def test_queries_move_the_page(new_server):
    server = new_server().start()
    before = page(server)
    for _ in range(3):
        server.query("www.example.com", subnet=GB)
    server.query("nothing.example.com")
    server.query("www.example.com", tcp=True, subnet=GB)
    server.settled_counters()
    after = page(server)

    def moved(line):
        return value(after, line) - (value(before, line) or 0)

    assert moved('meridian_answers_by_rcode_total{transport="udp",rcode="NOERROR"}') == 3
    assert moved('meridian_answers_by_rcode_total{transport="udp",rcode="NXDOMAIN"}') == 1
    assert moved('meridian_answers_by_rcode_total{transport="tcp",rcode="NOERROR"}') == 1
    assert moved('meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="preferred"}') == 4
    assert moved("meridian_client_subnet_scope_length_count") == 4
    assert moved("meridian_udp_queries_total") == 4
    # A reload starts new tables; what was counted in the old ones stays.
    assert server.reload().returncode == 0
    text = page(server)
    assert value(text, 'meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="preferred"}') == 4
    assert value(text, "meridian_epoch") == 2


def test_queries_are_told_by_the_address_they_came_to(new_server):
    server = new_server()
    server.write_site(listen='127.0.0.1:0", "127.0.0.2:0')
    server.start()
    first, second = server.status()["listening"]
    assert [address.split(":")[0] for address in (first, second)] == ["127.0.0.1", "127.0.0.2"]

    def told(address, transport):
        return value(page(server), f'meridian_listener_queries_total{{address="{address}",transport="{transport}"}}')

    query = make_query("www.example.com")
    for _ in range(3):
        server.query("www.example.com")
    for _ in range(2):
        dns.query.udp(query, "127.0.0.2", port=int(second.split(":")[1]), timeout=DEADLINE_S)
    dns.query.tcp(query, "127.0.0.2", port=int(second.split(":")[1]), timeout=DEADLINE_S)
    server.settled_counters()
    assert [(told(address, "udp"), told(address, "tcp")) for address in (first, second)] == [(3, 0), (2, 1)]
    assert (server.counters()["udp_queries_total"], server.counters()["tcp_queries_total"]) == (5, 1)
    # Others come and go, and it goes on.
    server.write_site(listen='127.0.0.3:0", "127.0.0.1:0')
    assert server.reload().returncode == 0
    server.query("www.example.com", tcp=True)
    server.settled_counters()
    third = next(address for address in server.status()["listening"] if address != first)
    assert [(told(address, "udp"), told(address, "tcp")) for address in (first, third)] == [(3, 1), (0, 0)]
    assert told(second, "udp") is None


def test_drained_and_forced_show(new_server):
    server = new_server().start()
    assert server.ctl("drain", "ams", "--reason", "x").returncode == 0
    assert server.ctl("force", "down", "198.51.100.10", "--reason", "x").returncode == 0
    server.query("www.example.com", subnet=GB)
    server.settled_counters()
    text = page(server)
    assert value(text, 'meridian_datacenter_shed_ratio{datacenter="ams"}') == 1
    assert value(text, 'meridian_overrides{kind="force_down"}') == 1
    forced = 'meridian_endpoint_forced{service="www.example.com",datacenter="iad",address="198.51.100.10"}'
    assert value(text, forced) == 0
    assert re.search(r'^meridian_service_answers_total\{service="www.example.com",.*reason="drained"\} 1$', text, re.M)


def test_probes_and_what_they_find_show(new_server):
    with socket.create_server(("127.0.1.1", 0)) as listener:
        number = listener.getsockname()[1]
        server = new_server()
        check = f"type: tcp, port: {number}, every: 500ms, timeout: 200ms, down_after: 2, jitter: 0%"
        server.write("services.yaml", f"checks:\n  front: {{{check}}}\nservices:\n"
                     "  www.example.com: {map: web, check: front, pools: {ams: [127.0.1.1], iad: [127.0.1.2], sin: [127.0.1.1]}}\n")
        server.start()
        labels = 'service="www.example.com",datacenter='
        down = f'meridian_endpoint_state{{{labels}"iad",address="127.0.1.2"}}'
        until(lambda: value(page(server), down) == 0, "the endpoint that nobody serves is down")
        text = page(server)
    assert value(text, f'meridian_endpoint_state{{{labels}"ams",address="127.0.1.1"}}') == 1
    assert value(text, 'meridian_check_results_total{check="front",type="tcp",result="ok"}') >= 1
    failed = value(text, 'meridian_check_results_total{check="front",type="tcp",result="failed"}')
    assert failed >= 2
    count = value(text, 'meridian_probe_duration_seconds_count{check="front",type="tcp"}')
    assert count == failed + value(text, 'meridian_check_results_total{check="front",type="tcp",result="ok"}')
    assert value(text, 'meridian_check_suspect{check="front"}') == 0
    assert value(text, 'meridian_service_capacity_ratio{service="www.example.com"}') < 1


def test_time_to_answer_is_measured(new_server):
    server = new_server()
    server.write_site(workers=1)
    server.start()

    def measured():
        server.query("www.example.com", subnet=GB)
        return value(page(server), "meridian_answer_duration_seconds_count") > 0

    until(measured, "a batch of so many is timed", seconds=60)


def test_the_manual_lists_every_metric_but_the_counters(example):
    text = page(example)
    listed = metrics_manual.listed_metrics(of_agent=False)
    counters = {"meridian_" + name for name in example.counters()}
    told = {name: kind for name, kind in families(text).items() if name not in counters}
    # Families of things that are not there have no line.
    assert told.items() <= listed.items(), told.items() - listed.items()
    assert set(listed) - set(told) <= {"meridian_service_answers_total", "meridian_endpoint_forced", "meridian_check_results_total",
                                       "meridian_probe_duration_seconds", "meridian_check_suspect", "meridian_service_panicking"}
    assert counters <= set(families(text))


def rules():
    for group in yaml.safe_load((MONITORING / "meridian-alerts.yaml").read_text())["groups"]:
        yield from group["rules"]


def test_every_alert_has_its_section_in_the_manual_and_leads_there():
    headings = set(re.findall(r"^## (Meridian\w+)$", (REPOSITORY / "docs" / "alerts.md").read_text(), re.MULTILINE))
    assert headings == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"


def expressions():
    for rule in rules():
        yield rule["alert"], rule["expr"]
    dashboard = json.loads((MONITORING / "meridian-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield variable["name"], variable["query"]


def test_the_dashboard_and_the_alerts_ask_for_what_is_there(example):
    known = sample_names(page(example)) | set(NAME.findall((REPOSITORY / "docs/metrics.md").read_text()))
    asked = {(where, name) for where, expression in expressions() for name in NAME.findall(expression)}
    assert asked and {name for _, name in asked} <= known, [item for item in asked if item[1] not in known]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_wrong(example):
    done = subprocess.run(["promtool", "check", "metrics"], input=page(example), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr
    done = subprocess.run(["promtool", "check", "rules", MONITORING / "meridian-alerts.yaml"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
