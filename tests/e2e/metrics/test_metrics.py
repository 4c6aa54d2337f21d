"""The page for Prometheus: promtool reads it, the manual lists it, the dashboard and the alerts ask for what is there."""

import http.client
import json
import re
import shutil
import subprocess

import pytest
import yaml

from harness import REPOSITORY, UnixConnection

GB = "81.2.69.0/24"
MONITORING = REPOSITORY / "docs" / "monitoring"
NAME = re.compile(r"\bmeridian_\w+")


def page(server):
    connection = UnixConnection(server.control)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == http.client.OK
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = response.read().decode()
    connection.close()
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
    assert moved("meridian_client_subnet_scope_bits_count") == 4
    assert moved("meridian_udp_queries_total") == 4
    # A reload starts new tables; what was counted in the old ones stays.
    assert server.reload().returncode == 0
    text = page(server)
    assert value(text, 'meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="preferred"}') == 4
    assert value(text, "meridian_epoch") == 2


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
    assert re.search(r'^meridian_service_answers_total\{service="www.example.com",.*reason="fallback"\} 1$', text, re.M)


def test_the_manual_lists_every_metric_but_the_counters(example):
    text = page(example)
    rows = [line for line in (REPOSITORY / "docs/metrics.md").read_text().splitlines() if line.startswith("| `meridian_")]
    listed = {}
    for row in rows:
        names, kind = [cell.strip() for cell in row.split("|")[1:3]]
        listed.update({name: kind for name in NAME.findall(names)})
    counters = {"meridian_" + name for name in example.counters()}
    told = {name: kind for name, kind in families(text).items() if name not in counters}
    # Families of things that are not there have no line.
    assert told.items() <= listed.items(), told.items() - listed.items()
    assert set(listed) - set(told) <= {"meridian_service_answers_total", "meridian_endpoint_forced", "meridian_probes_total",
                                       "meridian_probe_duration_seconds"}
    assert counters <= set(families(text))


def expressions():
    rules = yaml.safe_load((MONITORING / "meridian-alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
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
