"""The bridge between the real ExaBGP and an agent of the test: docs/anycast.md, row by row."""

import os
import signal
import time

import harness
import lab


def announce(site, **route):
    """Announced, arrived, and nothing more to say: the second assertion after `up` is through."""
    site.agent.want(lab.route(**route))
    site.router.until_route(route.get("prefix", lab.V4))
    site.agent.until_settled()


def until_asserted(site):
    """Both assertions after a session came up were acknowledged: the acks say so, and then the session is old."""
    harness.until(lambda: site.router.updates()[0] >= 1, "no flush")
    acks = site.agent.number("acks")
    harness.until(lambda: site.agent.number("acks") > acks, "no second assertion")


def until_gone(site, since=0.0):
    """When the router lost the route."""
    site.router.until_no_route()
    return harness.until(lambda: [at for at, _, came in site.router.events if not came and at > since], "no event")[0]


def until_quiet(site):
    """No command for 2.5 s, more than any assertion waits."""
    state = {"acks": -1, "since": time.monotonic()}

    def quiet():
        acks = site.agent.number("acks")
        if acks != state["acks"]:
            state.update(acks=acks, since=time.monotonic())
        return time.monotonic() - state["since"] > 2.5

    harness.until(quiet, "the bridge goes on talking")


def test_a_route_has_the_attributes_that_are_wanted(site):
    attributes = "next-hop self med 50 community 65535:0,65101:100 large-community 65101:1:2 as-path 65101,65101"
    site.agent.want(lab.route(attributes=attributes))
    site.router.until_route(as_path="65101 65101", med="50", community="(65535,0) (65101,100)",
                            large_community="(65101, 1, 2)", next_hop="10.9.1.1")
    site.agent.until_status(rf"^route \* {lab.V4} announce settled \d+ {attributes}$", r"^exabgp 4\.")
    # Trap a: by its name the first community would have ended ExaBGP.
    assert site.exabgp.process.poll() is None


def test_levels_follow_the_agent(site):
    announce(site, attributes="next-hop self med 1")
    site.agent.want(lab.route(attributes="next-hop self med 2 community 65535:0 as-path 65101,65101,65101"))
    site.router.until_route(med="2", as_path="65101 65101 65101")
    until_quiet(site)
    before = site.agent.want(lab.route("withdraw"))
    assert until_gone(site, before) - before < 0.5
    site.agent.want(lab.route())
    site.router.until_route(as_path="65101")
    site.agent.want()
    site.router.until_no_route()


def test_ipv6_goes_over_a_session_of_its_own_however_its_neighbor_is_spelled(site):
    site.agent.want(lab.route(prefix=lab.V6, neighbor=lab.NEIGHBOR6, attributes="next-hop self med 3"),
                    lab.route(neighbor=lab.NEIGHBOR4))
    site.router.until_route(lab.V6, med="3")
    site.router.until_route(lab.V4)
    site.agent.want(lab.route("withdraw", prefix=lab.V6, neighbor=lab.NEIGHBOR6), lab.route(neighbor=lab.NEIGHBOR4))
    site.router.until_no_route(lab.V6)
    assert site.router.attributes(lab.V4) is not None
    assert site.agent.number("errors") == 0


def test_of_many_changes_the_newest_wins(site):
    for med in range(1, 41):
        site.agent.want(lab.route("withdraw" if med % 3 == 0 else "announce", attributes=f"next-hop self med {med}"))
    site.router.until_route(med="40")
    site.agent.until_settled()
    # Trap c: there and back in one go leaves ExaBGP and the router at odds.
    for level in ("withdraw", "announce", "withdraw", "announce"):
        site.agent.want(lab.route(level, attributes="next-hop self med 40"))
    site.agent.until_settled()
    site.router.until_route(med="40")
    until_quiet(site)
    assert site.router.attributes()["med"] == "40"


def test_a_bridge_that_is_killed_changes_nothing(site):
    announce(site)
    until_quiet(site)
    events, updates = len(site.router.events), site.router.updates()
    first = site.exabgp.helper()
    os.kill(first, signal.SIGKILL)
    site.exabgp.helper(other_than=first)
    harness.until(lambda: site.agent.connections == 2, "the new bridge does not come")
    site.agent.until_settled()
    until_quiet(site)
    assert len(site.router.events) == events and site.router.updates() == updates


def test_a_reload_of_exabgp_with_its_helpers_changes_nothing(site):
    announce(site)
    until_quiet(site)
    events, updates = len(site.router.events), site.router.updates()
    first = site.exabgp.helper()
    site.exabgp.process.send_signal(signal.SIGUSR2)
    site.exabgp.helper(other_than=first)
    harness.until(lambda: site.agent.connections == 2, "the new bridge does not come")
    site.agent.until_settled()
    assert len(site.router.events) == events and site.router.updates()[1] == updates[1]


def test_an_agent_that_is_gone_has_its_routes_withdrawn_after_3_s(site):
    announce(site)
    with harness.StallWatch() as watch:
        site.agent.close()
        gone = until_gone(site)
    assert 3.0 <= gone - site.agent.last_word <= 3.5 + watch.stalled_s(site.agent.last_word, gone)
    site.agent = lab.Agent(site.folder / "agent.sock")
    site.agent.want(lab.route())
    site.router.until_route()


def test_a_bridge_that_is_killed_while_the_agent_is_gone_still_withdraws(site):
    announce(site)
    with harness.StallWatch() as watch:
        site.agent.close()
        heard = f"sent {int(site.agent.last_word * 1000)}\n"
        harness.until(lambda: heard in (site.folder / "state").read_text(encoding="ascii"), "its last word is kept")
        os.kill(site.exabgp.helper(), signal.SIGKILL)
        gone = until_gone(site)
    assert 3.0 <= gone - site.agent.last_word <= 3.5 + watch.stalled_s(site.agent.last_word, gone)
    # Its state is old now: a bridge that follows announces nothing by it.
    first = site.exabgp.helper()
    os.kill(first, signal.SIGKILL)
    site.exabgp.helper(other_than=first)
    site.agent = lab.Agent(site.folder / "agent.sock")
    site.agent.until_status(rf"^neighbor {lab.NEIGHBOR4} up")
    assert site.router.attributes() is None and len(site.router.events) == 2


def test_an_agent_that_is_restarted_in_time_changes_nothing(site):
    announce(site)
    until_quiet(site)
    events, updates = len(site.router.events), site.router.updates()
    site.agent.close()
    harness.until(lambda: "the agent closed the connection" in site.exabgp.log(), "the bridge does not notice")
    site.agent = lab.Agent(site.folder / "agent.sock")
    site.agent.want(lab.route())
    site.agent.until_settled()
    until_quiet(site)
    assert len(site.router.events) == events and site.router.updates() == updates


def test_a_refused_message_changes_nothing_and_is_told_back(site):
    announce(site)
    site.agent.speaks = False
    before = time.monotonic()
    while time.monotonic() - before < 3.5:
        refused = site.agent.number("refused")
        site.agent.send("meridian-bgp wanted 1\nsent 1\nroute * 198.51.100.0/24 drain\n")
        harness.until(lambda refused=refused: site.agent.number("refused") > refused, "it is not counted")
    site.agent.until_status(r"^refusal message:3:25: here is to stand 'announce'$")
    assert site.router.attributes() is not None


def test_the_bridge_ends_with_exabgp(site):
    for number in (signal.SIGKILL, signal.SIGTERM):
        announce(site)
        helper = site.exabgp.helper()
        before = time.monotonic()
        site.exabgp.process.send_signal(number)
        site.exabgp.process.wait(harness.DEADLINE_S)
        harness.until(lambda helper=helper: lab.is_gone(helper), "the bridge survives")
        assert until_gone(site, before) - before < 0.5
        # What the bridge before it left is of another ExaBGP.
        site.exabgp.start()
        site.agent.until_status(rf"^neighbor {lab.NEIGHBOR4} up")
    site.router.until_route()


def test_a_router_that_is_restarted_gets_what_is_wanted_now(site):
    announce(site, attributes="next-hop self med 1")
    site.router.end()
    site.agent.until_status(rf"^neighbor {lab.NEIGHBOR4} down \S", rf"^neighbor {lab.NEIGHBOR6} down \S")
    site.agent.want(lab.route(attributes="next-hop self med 2"))
    site.agent.until_status(r"^route \* 198.51.100.0/24 announce pending \d+ next-hop self med 1$")
    site.router.start()
    site.router.until_route(med="2")
    site.agent.until_settled()
    until_quiet(site)
    assert site.router.attributes()["med"] == "2"


def test_a_route_that_is_withdrawn_while_the_session_is_down_stays_away(site):
    # Trap b: two announcements and a withdrawal while the session is down bring the route up with the session.
    site.router.says("disable", "a")
    site.router.says("disable", "b")
    site.agent.until_status(rf"^neighbor {lab.NEIGHBOR4} down", rf"^neighbor {lab.NEIGHBOR6} down")
    for med in (1, 2):
        site.agent.want(lab.route(attributes=f"next-hop self med {med}"))
        site.agent.until_status(r"^route \* 198.51.100.0/24 unknown pending never")
    site.agent.want(lab.route("withdraw"))
    site.agent.until_settled("withdraw")
    for name in "ab":
        site.router.says("enable", name)
    site.agent.until_status(rf"^neighbor {lab.NEIGHBOR4} up")
    until_quiet(site)
    assert site.router.attributes() is None and site.router.events == []


def test_a_route_that_is_down_is_withdrawn_again_each_10_s(site):
    site.agent.want(lab.route("withdraw"))
    site.agent.until_settled("withdraw")
    until_quiet(site)
    before = site.router.updates()[1]
    started = time.monotonic()
    harness.until(lambda: site.router.updates()[1] > before, "it is not said again")
    assert time.monotonic() - started < 11


def test_an_exabgp_that_was_stopped_finds_the_newest_wish_only(site):
    announce(site, attributes="next-hop self med 1")
    site.exabgp.process.send_signal(signal.SIGSTOP)
    site.agent.want(lab.route("withdraw"))
    site.agent.until_status(r"^ack-timeouts 1$")
    for med in (2, 3, 4):
        site.agent.want(lab.route(attributes=f"next-hop self med {med}"))
        site.agent.want(lab.route("withdraw"))
    site.agent.want(lab.route(attributes="next-hop self med 5"))
    site.exabgp.process.send_signal(signal.SIGCONT)
    site.router.until_route(med="5")
    site.agent.until_settled()
    assert site.agent.number("ack-timeouts") == 1
    assert "ExaBGP does not answer within 2 s: " in site.exabgp.log()
    assert "ExaBGP answers again" in site.exabgp.log()
