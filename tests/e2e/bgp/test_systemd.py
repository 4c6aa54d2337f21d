"""The units as they are shipped, run by systemd itself beside Debian's exabgp.service, set up as docs/anycast-setup.md says."""

import pathlib
import re
import signal
import tempfile

import pytest

import agent_site
import harness
import lab
from systemd_host import Host

VIP, PREFIX = agent_site.VIPS["a"]
UNITS = ("meridiand", "meridian-agent", "exabgp")
CAP_NET_BIND_SERVICE = 1 << 10
SITE = f"""map: /etc/meridian/map
site: ams1
listen: {{dns: ["{VIP}:53"]}}
state: /var/lib/meridian
anycast:
  as: 65101
  router_id: 10.9.1.1
  vips: {{a: {{address: {VIP}, prefix: {PREFIX}}}}}
  neighbors: {{four: {{address: {lab.NEIGHBOR4}, local: 10.9.1.1, as: 65000}}}}
  drain: {{at_least: 5s, at_most: 10s}}
"""


@pytest.fixture(scope="module")
def host(wire, programs):
    """A host where everything is set up and nothing runs, and its router."""
    if programs.sanitized:
        pytest.skip("sanitizers do what the units forbid")
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        folder = pathlib.Path(path)
        made = Host(wire[0], folder, programs.build)
        made.add("/etc/meridian/meridian.yaml", SITE)
        made.add("/etc/meridian/map", harness.EXAMPLE / "map")
        made.router = lab.Router(wire[1], folder)
        agent_site.add_vips(wire[0])
        try:
            made.router.start()
            made.boot()
            made.run("systemd-sysusers", "meridian.conf", "meridian-anycast.conf")
            made.run("meridianctl", "anycast", "config", "exabgp", "--out", "/etc/exabgp/exabgp.conf")
            made.run("chgrp", "exabgp", "/etc/exabgp/exabgp.conf")
            yield made
        finally:
            made.close()
            made.router.close()
            agent_site.remove_vips(wire[0])


@pytest.fixture
def serving(host):
    """The host as it announces its prefix. One unit is started; it wants the others."""
    host.run("systemctl", "start", "meridiand")
    host.run("meridianctl", "anycast", "undrain", "--reason", "a test")
    host.router.until_route(PREFIX)
    yield host
    print(host.journal())  # shown when the test fails


def main_pids(host):
    return {unit: int(host.show(unit, "MainPID")) for unit in UNITS}


def test_the_programs_run_within_what_their_units_allow(serving):
    pids = main_pids(serving)
    bridge = int(serving.run("cat", f"/proc/{pids['exabgp']}/task/{pids['exabgp']}/children").stdout)
    for name, pid, capabilities in (("meridiand", pids["meridiand"], CAP_NET_BIND_SERVICE), ("exabgp", pids["exabgp"], 0),
                                    ("meridian-agent", pids["meridian-agent"], 0), ("meridian-bgp", bridge, 0)):
        status = serving.status_of(pid)
        assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == capabilities, name
        assert status["NoNewPrivs"] == "1" and "0" not in status["Uid"].split(), name
        assert status["Seccomp"] == ("2" if name in UNITS[:2] else "0"), name  # Debian's unit has no filter


def test_what_operators_do_needs_nothing_that_the_units_forbid(serving):
    def loads():
        return [serving.journal("-u", unit).count(f"event={event}")
                for unit, event in (("meridiand", "map_loaded"), ("meridian-agent", "site_loaded"))]

    pids, before = main_pids(serving), loads()
    serving.run("systemctl", "reload", "meridiand", "meridian-agent")
    harness.until(lambda: loads() == [count + 1 for count in before], serving.journal)
    serving.run("meridianctl", "drain", "sin", "--reason", "a test")
    serving.run("meridianctl", "undrain", "sin", "--reason", "a test")
    for journal in ("/var/lib/meridian/journal.sqlite", "/var/lib/meridian-agent/journal.sqlite"):
        serving.run("test", "-s", journal)
    assert main_pids(serving) == pids


def test_an_upgrade_stays_the_same_unit(serving):
    before, events = main_pids(serving), len(serving.router.events)
    restarts = serving.show("meridiand", "NRestarts")
    serving.run("meridianctl", "upgrade")
    after = main_pids(serving)
    assert after["meridiand"] != before["meridiand"] and after == {**before, "meridiand": after["meridiand"]}
    assert serving.show("meridiand", "ActiveState") == "active" and serving.show("meridiand", "NRestarts") == restarts
    assert len(serving.router.events) == events and serving.router.attributes(PREFIX) is not None


def forget_what_was(host):
    """No hold-down, no change is remembered: a test that is tried again finds the host as it was."""
    host.run("systemctl", "stop", "meridian-agent")
    host.run("rm", "-r", "/var/lib/meridian-agent")
    host.run("systemctl", "start", "meridian-agent")
    host.router.until_route(PREFIX)


def test_what_dies_or_hangs_is_started_again_alone(serving):
    forget_what_was(serving)
    events = len(serving.router.events)
    for unit, number in (("meridiand", signal.SIGKILL), ("meridian-agent", signal.SIGSTOP), ("exabgp", signal.SIGKILL)):
        before, restarts = main_pids(serving), int(serving.show(unit, "NRestarts"))
        serving.run("systemctl", "kill", "--kill-whom=main", f"--signal={number.name}", unit)
        harness.until(lambda unit=unit, wanted=restarts + 1: int(serving.show(unit, "NRestarts")) == wanted,
                      f"{unit} is started again")
        serving.router.until_route(PREFIX)
        after = main_pids(serving)
        assert after[unit] != before[unit] and after == {**before, unit: after[unit]}
    # An agent that hangs costs the route, too, after 3 s.
    assert [came for _, prefix, came in serving.router.events[events:] if prefix == PREFIX] == 3 * [False, True]


def test_a_host_that_goes_down_is_drained_and_withdrawn_before_its_server_stops(serving):
    # All at once, as on the way down: their order is systemd's.
    stopping = serving.start("systemctl", "stop", *UNITS)
    serving.router.until_route(PREFIX, community="(65535,0)")
    serving.router.until_no_route(PREFIX)
    # Those who have not heard of it are answered, and what withdraws it again after a new session is there, too.
    serving.run("meridianctl", "status")
    assert [serving.show(unit, "SubState") for unit in UNITS] == ["stop", "running", "running"]
    _, problem = stopping.communicate(timeout=120)
    assert stopping.returncode == 0, problem
    steps = re.findall(r": (Stopping|Stopped) (\S+)\.service", serving.journal())
    assert steps[-6:] == [(step, unit) for unit in UNITS for step in ("Stopping", "Stopped")]
    assert [serving.show(unit, "Result") for unit in UNITS] == 3 * ["success"]
