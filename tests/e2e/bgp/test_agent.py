"""The agent with the real server, bridge, ExaBGP and router: docs/anycast.md, "The agent", row by row."""

import signal
import time

import agent_site
import harness
import lab
from agent_site import COVERING, PREFIX4, PREFIX4B, VIP4


def gone_at(router, prefix, after):
    """When the router's kernel lost the route, in seconds after `after`."""
    def found():
        return [at for at, network, came in router.events if network == prefix and not came and at > after]
    return harness.until(found, f"{prefix} stays")[0] - after


def report(what, seconds):
    print(f"{what}: {seconds * 1000:.0f} ms")


def test_a_server_that_is_killed_takes_its_route_with_it(announcing):
    site = announcing()
    at = site.meridiand.kill()
    took = gone_at(site.router, PREFIX4, at)
    report("server killed, route gone at the router", took)
    site.agent.until_event("vip_level", "level=withdraw", "reason=server_gone")
    assert took < 0.9  # self-queries would take a second


def test_a_server_that_hangs_loses_its_route(announcing):
    site = announcing()
    at = time.monotonic()
    site.meridiand.send(signal.SIGSTOP)
    took = gone_at(site.router, PREFIX4, at)
    site.meridiand.send(signal.SIGCONT)
    report("server hung, route gone at the router", took)
    site.agent.until_event("vip_level", "level=withdraw", "reason=server_silent", "no answer")
    # Three rounds, 0.5 s apart, of 0.3 s; the first begins within 0.5 s.
    assert took < 3


def test_an_agent_that_is_killed_and_comes_back_changes_no_route(announcing):
    site = announcing()
    events, updates = len(site.router.events), site.router.updates()
    for times in (1, 2):
        site.agent.kill()
        site.agent.start()
        site.agent.until_event("levels_adopted", r"age_ms=\d+", count=times)
        site.agent.until_event("bridge_connected", count=times + 1)
    # Past the bridge's patience of 3 s with a silent agent.
    until = time.monotonic() + 3.5
    harness.until(lambda: time.monotonic() > until, "")
    assert len(site.router.events) == events and site.router.updates() == updates
    assert len(site.agent.events("vip_level")) == 1


def test_an_agent_that_hangs_holds_no_dead_server_up(announcing):
    site = announcing()
    at = time.monotonic()
    site.agent.send(signal.SIGSTOP)
    site.meridiand.kill()
    took = gone_at(site.router, PREFIX4, at)
    site.agent.send(signal.SIGCONT)
    report("agent hung and server killed, route gone at the router", took)
    assert took < 4.5
    # Once it goes on, it looks before it speaks.
    site.agent.until_event("vip_level", "level=withdraw", "reason=server_gone")
    assert not [when for when, _, came in site.router.events if came and when > at]


def test_an_agent_and_a_server_that_die_together_leave_no_route(announcing):
    site = announcing()
    at = site.agent.kill()
    site.meridiand.kill()
    site.agent.start()
    took = gone_at(site.router, PREFIX4, at)
    report("agent and server killed, a new agent: route gone at the router", took)
    site.agent.until_event("levels_adopted")
    site.agent.until_event("vip_level", "level=withdraw", "reason=server_gone")
    assert took < 3


def test_wrong_answers_de_prefer_the_route_until_they_are_right(announcing):
    site = announcing(queries="[{name: www.example.com, for: 192.0.2.0/24, expect: [192.0.2.77]}]")
    # Four times our number in the path, the communities by number, the MED as an extra.
    site.router.until_route(PREFIX4, as_path="65101 65101 65101 65101", med="1000")
    assert set(site.router.attributes(PREFIX4)["community"].split()) == {"(65535,0)", "(65000,80)"}
    site.agent.until_event("vip_level", "level=de-preference", "reason=wrong_answers", "www.example.com")
    site.write(("a",), queries="[{name: nothing.example.com, expect: nxdomain}]")
    site.agent.send(signal.SIGHUP)
    site.agent.until_event("site_loaded")
    site.router.until_route(PREFIX4, as_path="65101")
    assert "community" not in site.router.attributes(PREFIX4)
    assert not [network for _, network, came in site.router.events if network == PREFIX4 and not came]


def test_two_vips_fail_separately_and_the_covering_prefix_stays(announcing):
    site = announcing(vips=("a", "b", "six"), covering=f"[{COVERING}]")
    site.router.until_route(COVERING)
    at = time.monotonic()
    lab.run("ip", "-n", site.namespace, "addr", "del", f"{VIP4}/32", "dev", "lo")
    took = gone_at(site.router, PREFIX4, at)
    report("VIP missing, route gone at the router", took)
    site.agent.until_event("vip_level", "vip=a", "level=withdraw", "reason=vip_missing")
    assert took < 0.9  # self-queries would take a second
    assert site.router.attributes(PREFIX4B) and site.router.attributes(agent_site.PREFIX6)
    site.meridiand.kill()
    for prefix in (PREFIX4B, agent_site.PREFIX6):
        site.router.until_no_route(prefix)
    assert site.router.attributes(COVERING)


def test_answers_of_another_site_are_none(announcing):
    site = announcing()
    site.meridiand.end()
    site.write(server_site="fra1")
    site.meridiand.start()
    site.router.until_no_route(PREFIX4)
    site.agent.until_event("vip_level", "level=withdraw")
    # It answers, and is not heard: the reason is told once the first one has passed.
    site.agent.until_event("vip_reason", "reason=foreign_answer", "answered by site fra1")
