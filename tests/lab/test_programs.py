"""Programs of a PoP die or hang, one at a time and in pairs: docs/anycast.md says what must follow.

Bounds in the tests are generous, for a machine that does something else as well; the targets are for the medians.
"""

import os
import signal
import time

import pytest

from unit import RESTART_S

# The bridge waits 3 s for an agent.
LONGER_THAN_A_HEARTBEAT_S = 4.5


def test_a_server_that_is_killed_loses_its_route_within_milliseconds(scenario):
    for run in scenario("server killed", {"route_s": 0.030, "lost": 3}).runs():
        with run:
            run.struck(run.pop.server.kill())
            run.until_left_home()
        assert run.figures["route_s"] <= 0.2 and run.figures["lost"] <= 25
        run.check_steering()


@pytest.mark.whole
def test_a_server_that_is_killed_behind_a_router_of_its_own_loses_its_route_as_fast(scenario):
    for run in scenario("server killed, local BIRD", {"route_s": 0.040}).runs():
        run.pop.reset(has_local_router=True)
        run.world.until_well()
        with run:
            run.struck(run.pop.server.kill())
            run.until_left_home()
        assert run.figures["route_s"] <= 0.2
        run.check_steering()


def test_a_server_that_hangs_loses_its_route_after_three_silent_rounds(scenario):
    for run in scenario("server hangs", {"route_s": 1.5}).runs():
        with run:
            run.struck(run.pop.server.freeze())
            run.until_left_home()
        assert run.figures["route_s"] <= 2.5
        run.check_steering()


def test_an_agent_that_is_killed_and_restarted_changes_nothing(scenario):
    for run in scenario("agent killed, restarted after 100 ms", {"lost": 0}).runs(resets="none"):
        with run:
            run.struck(run.pop.agent.kill())
            time.sleep(RESTART_S)
            run.pop.agent.start()
            run.watch(LONGER_THAN_A_HEARTBEAT_S)
        run.check_unmoved()


@pytest.mark.whole
def test_an_agent_that_hangs_is_withdrawn_by_the_bridge(scenario):
    for run in scenario("agent hangs", {"route_s": 3.5, "lost": 0}).runs():
        with run:
            run.struck(run.pop.agent.freeze())
            run.until_left_home()
        assert 2 <= run.figures["route_s"] <= 4.5 and run.figures["lost"] == 0
        run.check_steering()


def test_a_server_that_dies_while_the_agent_hangs_is_withdrawn_by_the_bridge(scenario):
    for run in scenario("agent hangs, server killed", {"route_s": 3.5}).runs():
        with run:
            run.pop.agent.freeze()
            run.struck(run.pop.server.kill())
            run.until_left_home()
        assert run.figures["route_s"] <= 4.5
        run.check_steering()


def test_a_server_that_dies_with_the_agent_is_withdrawn_by_the_next_agent(scenario):
    for run in scenario("agent and server killed, agent restarted after 100 ms", {"route_s": 0.3}).runs():
        with run:
            run.struck(run.pop.agent.kill())
            run.pop.server.kill()
            time.sleep(RESTART_S)
            run.pop.agent.start()
            run.until_left_home()
        assert run.figures["route_s"] <= 1.5
        run.check_steering()


def test_a_bridge_that_is_killed_changes_nothing(scenario):
    for run in scenario("bridge killed", {"lost": 0}).runs(resets="none"):
        first = run.pop.bridge_pid()
        with run:
            run.struck(time.monotonic())
            os.kill(first, signal.SIGKILL)
            run.pop.bridge_pid(other_than=first)
            run.watch(LONGER_THAN_A_HEARTBEAT_S)
        run.check_unmoved()


@pytest.mark.whole
def test_a_server_that_dies_with_the_bridge_is_withdrawn_by_the_next_bridge(scenario):
    for run in scenario("bridge and server killed", {"route_s": 0.3}).runs():
        first = run.pop.bridge_pid()
        with run:
            os.kill(first, signal.SIGKILL)
            run.struck(run.pop.server.kill())
            run.until_left_home()
        assert run.figures["route_s"] <= 1.5
        run.check_steering()


@pytest.mark.whole
def test_a_bridge_that_hangs_changes_nothing_by_itself(scenario):
    for run in scenario("bridge hangs", {"lost": 0}).runs():
        with run:
            run.struck(time.monotonic())
            os.kill(run.pop.bridge_pid(), signal.SIGSTOP)
            run.watch(LONGER_THAN_A_HEARTBEAT_S)
        run.check_unmoved()


def test_exabgp_that_is_killed_is_a_withdrawn_route(scenario):
    for run in scenario("ExaBGP killed", {"route_s": 0.030, "lost": 0}).runs():
        with run:
            run.struck(run.pop.exabgp.kill())
            run.until_left_home()
        assert run.figures["route_s"] <= 0.2 and run.figures["lost"] == 0
        run.check_steering()


@pytest.mark.whole
def test_exabgp_that_hangs_is_withdrawn_by_the_hold_timer(scenario):
    for run in scenario("ExaBGP hangs (hold 9)", {"route_s": 9.5, "lost": 0}).runs():
        with run:
            run.struck(run.pop.exabgp.freeze())
            run.until_left_home()
        assert run.figures["lost"] == 0
        run.check_steering()


@pytest.mark.whole
def test_a_server_that_dies_while_exabgp_hangs_is_withdrawn_by_the_hold_timer(scenario):
    for run in scenario("ExaBGP hangs (hold 9), server killed", {"route_s": 9.5}).runs():
        with run:
            run.pop.exabgp.freeze()
            run.struck(run.pop.server.kill())
            run.until_left_home()
        run.check_steering()


def test_a_server_that_is_upgraded_changes_nothing(scenario):
    for run in scenario("server upgraded", {"lost": 0}).runs(resets="none"):
        with run:
            run.struck(time.monotonic())
            run.pop.upgrade()
            run.watch(2)
        run.check_unmoved()
