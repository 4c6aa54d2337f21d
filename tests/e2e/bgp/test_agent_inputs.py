"""The agent between a server and a bridge of the test, which say what real ones say seldom or never."""

import signal
import socket
import subprocess
import time

import agent_site
import harness
import pytest
from agent_site import PREFIX4, VIP4
from bridge_double import Bridge


@pytest.fixture
def watched(pop):
    """Starts the server, what stands in for its liveness socket, the agent, and a bridge that listens."""

    def start(level="announce", report=None, **anycast):
        pop.write(**anycast)
        # The server has a socket of its own elsewhere.
        server = pop.folder / "server.yaml"
        server.write_text(server.read_text(encoding="utf-8").replace("/liveness.sock", "/own.sock"), encoding="utf-8")
        pop.meridiand.start()
        pop.liveness = agent_site.Liveness(pop.folder / "liveness.sock", **(report or {}))
        pop.agent.start()
        pop.bridge = Bridge(pop.folder / "bridge.sock").start()
        if level is not None:
            pop.bridge.until_level(PREFIX4, level)
        return pop

    return start


def test_the_end_of_the_connection_reaches_the_bridge_within_milliseconds(watched):
    site = watched()
    at = site.liveness.die()
    took = site.bridge.until_level(PREFIX4, "withdraw", after=at) - at
    print(f"end of the liveness connection, told to the bridge: {took * 1000:.1f} ms")
    assert took < 0.4  # self-queries would take a second


def test_an_upgrade_changes_nothing(watched):
    site = watched()
    told = len(site.bridge.messages)
    for _ in range(3):
        site.liveness.drop()
        seen = len(site.bridge.messages)
        harness.until(lambda seen=seen: len(site.bridge.messages) > seen + 1, "the agent is silent")
    assert {site.bridge.level(PREFIX4, text) for _, text in site.bridge.messages[told:]} == {"announce"}
    assert [line for line in site.agent.events("server_state") if "state=ready" not in line] == []


def test_nothing_is_said_to_the_bridge_before_something_is_known(watched):
    site = watched(level=None, report={"ready": False, "zones": []})
    site.bridge.until_level(PREFIX4, "withdraw")
    first = site.bridge.messages[0][1]
    assert site.bridge.level(PREFIX4, first) == "withdraw"
    site.agent.until_event("vip_reason", "reason=not_ready")
    site.liveness.say(ready=True, zones=["example.com."])
    site.bridge.until_level(PREFIX4, "announce")


def test_a_server_that_says_nothing_is_asked_all_the_same(watched):
    site = watched()
    site.liveness.speaks = False
    site.agent.until_event("server_state", "state=unknown", "said nothing")
    assert site.bridge.level(PREFIX4) == "announce"
    site.liveness.speaks = True
    site.agent.until_event("server_state", "state=ready", count=2)


def test_stale_input_de_prefers_and_a_site_that_starts_so_is_not_without_a_route(watched):
    site = watched("de-preference", {"oldest_input_s": 7200}, stale_after="1h")
    site.agent.until_event("vip_level", "reason=stale_input")
    site.liveness.say(oldest_input_s=3600)
    site.bridge.until_level(PREFIX4, "announce")


def test_a_zone_that_the_server_names_is_asked_for(watched):
    site = watched("de-preference", {"zones": ["example.com.", "example.net."]})
    # example.net is none of its zones: REFUSED, whoever says that it is.
    site.agent.until_event("vip_level", "reason=wrong_answers", "SOA example.net")
    site.liveness.say(zones=["example.com."])
    site.bridge.until_level(PREFIX4, "announce")


def test_a_server_that_hangs_is_known_within_a_second_and_a_half(watched):
    site = watched()
    at = time.monotonic()
    site.meridiand.send(signal.SIGSTOP)
    took = site.bridge.until_level(PREFIX4, "withdraw", after=at) - at
    site.meridiand.send(signal.SIGCONT)
    print(f"server hung, told to the bridge: {took * 1000:.0f} ms")
    assert took < 2.4  # 1.5 s, and a busy machine


def test_local_checks_de_prefer_and_those_that_cannot_be_made_do_not(watched):
    ill = "{file: /nonexistent/stamp, younger_than: 60}"
    site = watched(level=None, report={"ready": False}, checks=f"[{{command: [/nonexistent/program]}}, {ill}]")
    site.agent.until_event("local_check_fails", "check=.file /nonexistent/stamp", "No such file")
    site.liveness.say(ready=True)
    site.bridge.until_level(PREFIX4, "de-preference")
    site.agent.until_event("vip_level", "reason=local_check")
    site.write(checks="[{command: [/nonexistent/program]}]")
    site.agent.send(signal.SIGHUP)
    site.bridge.until_level(PREFIX4, "announce")
    assert len(site.agent.events("local_check_fails")) == 1


def test_sighup_takes_a_new_site_file_and_refuses_a_broken_one(watched):
    site = watched()
    file = site.folder / "agent.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("as: 65101", "as: nobody"), encoding="utf-8")
    site.agent.send(signal.SIGHUP)
    site.agent.until_event("site_refused", r"agent.yaml:\d+:\d+: ")
    file.unlink()
    site.agent.send(signal.SIGHUP)
    site.agent.until_event("site_refused", count=2)
    assert site.bridge.level(PREFIX4) == "announce"
    file.write_text(good.replace("neighbors:", f'covering: ["{agent_site.COVERING}"]\n  neighbors:'), encoding="utf-8")
    site.agent.send(signal.SIGHUP)
    site.bridge.until_level(agent_site.COVERING, "announce")
    assert site.bridge.level(PREFIX4) == "announce"
    assert len(site.agent.events("vip_level")) == 1


def test_two_agents_are_one_too_many(watched, agent_program):
    site = watched()
    second = subprocess.run([agent_program, "--site", site.folder / "agent.yaml"], capture_output=True, text=True,
                            timeout=harness.DEADLINE_S, check=False)
    assert second.returncode == 2
    assert "another agent runs with the state in" in second.stderr
    seen = len(site.bridge.messages)
    harness.until(lambda: len(site.bridge.messages) > seen, "the first one is silent")
    assert site.bridge.level(PREFIX4) == "announce"


def test_sigterm_just_ends_it_and_a_state_that_is_old_is_not_gone_on_with(watched):
    site = watched()
    site.agent.send(signal.SIGTERM)
    assert site.agent.process.wait(harness.DEADLINE_S) == 0
    site.agent.until_event("stopping", "signal=15")
    assert site.bridge.level(PREFIX4) == "announce"  # its last word
    alive = site.folder / "agent-state" / "alive"
    boot, beat = alive.read_text(encoding="utf-8").split()
    alive.write_text(f"{boot} {int(beat) - 60_000:020}\n", encoding="utf-8")
    at = time.monotonic()
    site.agent.start()
    site.bridge.until_level(PREFIX4, "withdraw", after=at)
    site.bridge.until_level(PREFIX4, "announce", after=at)
    assert not site.agent.events("levels_adopted")


def test_systemd_hears_that_it_is_ready_and_lives(pop):
    pop.write()
    path = pop.folder / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(harness.DEADLINE_S)
        pop.agent.start(NOTIFY_SOCKET=path)
        assert notify.recv(4096) == b"READY=1"
        for _ in range(2):
            assert notify.recv(4096).startswith(b"WATCHDOG=1\nSTATUS=of 1 VIPs 0 announced")
        pop.agent.send(signal.SIGTERM)
        harness.until(lambda: notify.recv(4096) == b"STOPPING=1", "no goodbye")


def test_what_is_wrong_at_the_start_is_said_in_one_line_with_its_place(pop, agent_program):
    def run(*arguments):
        done = subprocess.run([agent_program, *map(str, arguments)], capture_output=True, text=True,
                              timeout=harness.DEADLINE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    pop.write()
    site = pop.folder / "agent.yaml"
    text = site.read_text(encoding="utf-8")
    assert run("--version")[:2] == (0, "meridian-agent 0.1.0\n")
    assert "--site" in run("--help")[1]
    assert run("--nonsense")[0] == 2
    code, _, errors = run("--site", pop.folder / "none.yaml")
    assert code == 2 and "none.yaml: " in errors
    site.write_text(text.replace(VIP4, "198.51.100.999", 1), encoding="utf-8")
    code, _, errors = run("--site", site)
    assert code == 2 and "agent.yaml:" in errors
    site.write_text(text.partition("anycast:")[0], encoding="utf-8")
    code, _, errors = run("--site", site)
    assert code == 2 and "has no 'anycast'" in errors
    site.write_text(text.replace("agent-state", "agent.yaml"), encoding="utf-8")
    code, _, errors = run("--site", site)
    assert code == 2 and "choose another folder with 'state'" in errors


def test_it_needs_little_memory(watched, programs):
    site = watched(queries="[{name: www.example.com, for: 192.0.2.0/24}, {name: www.example.com, for: 203.0.113.0/24}, "
                           "{name: nothing.example.com, expect: nxdomain}]")
    resident = harness.resident_kb(site.agent.process.pid)
    print(f"agent: {resident} kB resident")
    assert resident < 15 * 1024 or programs.sanitized
