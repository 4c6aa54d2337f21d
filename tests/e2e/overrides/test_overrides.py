"""Operators override pools and endpoints of a running server; what they set outlives its process."""

import json
import os
import pwd
import signal

from harness import POOLS, datacenter_of, texts, until

GB = "81.2.69.0/24"
ME = f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"


def addresses(server):
    return texts(server.query("www.example.com", subnet=GB), "A")


def overrides(server):
    status, body = server.api("GET", "/v1/overrides")
    assert status == 200
    return {item["target"]: item for item in body["overrides"]}


def audit(server):
    done = server.ctl("audit", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["audit"]


def test_a_pool_is_drained_for_its_service_alone(new_server):
    server = new_server().start()
    done = server.ctl("drain", "www.example.com@ams", "--reason", "CHG-7", "--for", "1h")
    assert done.returncode == 0 and "www.example.com@ams drain" in done.stdout, done.stderr
    assert datacenter_of(server.query("www.example.com", subnet=GB), "A") != "ams"
    assert datacenter_of(server.query("example.com", subnet=GB), "A") == "ams"
    assert server.ctl("undrain", "www.example.com@ams").returncode == 0
    assert datacenter_of(server.query("www.example.com", subnet=GB), "A") == "ams"


def test_an_endpoint_is_forced_down_and_as_its_checks_say_again(new_server):
    server = new_server().start()
    assert addresses(server) == POOLS["ams"]["A"]
    done = server.ctl("force", "down", "192.0.2.10", "--reason", "disk")
    assert done.returncode == 0 and "192.0.2.10 force down" in done.stdout, done.stderr
    assert addresses(server) == {"192.0.2.11"}
    shown = server.ctl("overrides")
    assert "force down 192.0.2.10" in shown.stdout and "disk" in shown.stdout and ME in shown.stdout
    assert server.reload().returncode == 0
    assert addresses(server) == {"192.0.2.11"}, "a reload gives nothing back"
    assert server.ctl("force", "auto", "192.0.2.10").returncode == 0
    assert addresses(server) == POOLS["ams"]["A"]
    assert server.ctl("overrides").stdout == "nothing is overridden\n"


def test_both_orders_of_shed_are_understood(new_server):
    server = new_server().start()
    assert server.ctl("shed", "30%", "ams", "--reason", "CHG-7").returncode == 0
    assert overrides(server)["ams"]["share"] == 0.3
    assert server.ctl("shed", "ams", "40%").returncode == 0
    assert overrides(server)["ams"]["share"] == 0.4 and len(overrides(server)) == 1
    assert server.ctl("shed", "0%", "ams").returncode == 0
    assert not overrides(server)


def test_a_reason_is_asked_for_and_too_little_left_is_refused_with_the_numbers(new_server):
    server = new_server().start()
    done = server.ctl("force", "down", "192.0.2.10")
    assert done.returncode == 1 and "it needs a reason" in done.stderr
    assert server.ctl("drain", "ams", "--reason", "CHG-7").returncode == 0
    done = server.ctl("drain", "iad", "--reason", "CHG-8")
    assert done.returncode == 1, done.stdout
    assert "keeps 33.3% of its capacity (66.7% before), less than 40%" in done.stderr
    assert "--force insists" in done.stderr and "iad" not in overrides(server)
    assert server.ctl("drain", "iad", "--reason", "CHG-8", "--force").returncode == 0
    assert "iad" in overrides(server)
    lines = audit(server)
    assert [line["result"][:7] for line in lines] == ["done", "refused", "done"]
    assert all(line["who"] == ME for line in lines)
    assert lines[0]["reason"] == "CHG-8" and lines[0]["details"] == "forced"
    assert server.counters()["override_refusals_total"] == 1


def test_a_window_begins_and_ends_by_itself(new_server):
    server = new_server().start()
    done = server.ctl("drain", "ams", "--reason", "CHG-7", "--from", "2020-01-01T00:00Z", "--for", "1h")
    assert done.returncode == 1 and "it would end before it begins" in done.stderr
    assert server.ctl("drain", "ams", "--reason", "later", "--from", "2099-01-01T00:00Z").returncode == 1
    assert server.ctl("force", "down", "192.0.2.10", "--reason", "short", "--for", "1s").returncode == 0
    until(lambda: not overrides(server), "the second is over")
    assert audit(server)[0]["who"] == "meridiand" and audit(server)[0]["reason"] == "its time is over"


def test_with_a_state_folder_it_survives_kill_9(new_server):
    server = new_server()
    server.write_site(state="state")
    server.start()
    assert server.ctl("drain", "ams", "--reason", "CHG-7", "--for", "1h").returncode == 0
    assert server.ctl("force", "down", "198.51.100.10", "--reason", "disk").returncode == 0
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    assert set(overrides(server)) == {"ams", "198.51.100.10"}
    assert datacenter_of(server.query("www.example.com", "AAAA", subnet=GB), "AAAA") != "ams"
    assert "event=override_restored" in server.log()
    assert [line["target"] for line in audit(server)] == ["198.51.100.10", "ams"]
    assert server.status()["journal"]["place"] == "file"
    # And a hand-over.
    server.upgrade()
    assert set(overrides(server)) == {"ams", "198.51.100.10"}
    assert server.ctl("undrain", "ams").returncode == 0
    assert audit(server)[0]["action"] == "end"


def test_a_state_folder_that_cannot_be_written_refuses_what_would_be_forgotten(new_server):
    server = new_server()
    (server.folder / "state").write_text("a file\n", encoding="utf-8")
    server.write_site(state="state")
    server.start()
    assert server.status()["journal"]["place"] == "off" and "event=journal_off" in server.log()
    done = server.ctl("drain", "ams", "--reason", "CHG-7")
    assert done.returncode == 1 and "a restart would forget it" in done.stderr
    assert server.ctl("drain", "ams", "--reason", "CHG-7", "--force").returncode == 0
    assert datacenter_of(server.query("www.example.com", subnet=GB), "A") != "ams"
    done = server.ctl("audit")
    assert done.returncode == 1 and "is off" in done.stderr


def test_history_of_a_server_without_checks_is_empty(new_server):
    server = new_server().start()
    done = server.ctl("history", "www.example.com")
    assert done.returncode == 0 and done.stdout == "no change is known\n"
