"""What operators do: drain, stop and restart as the units do it, withdraw everywhere; and what a cut makes of it."""

import signal
import time

import pytest

from pop import ANNOUNCE, DE_PREFERENCE, WITHDRAW
from router import COVERING4, PREFIX4


def test_a_drain_moves_clients_and_its_end_brings_them_back(scenario):
    for run in scenario("drained and undrained", {"lost": 0}).runs():
        with run:
            run.struck(time.monotonic())
            run.pop.wish("drain")
            run.until_left_home(5)
            assert run.pop.announces() == DE_PREFERENCE, "the route stays, for those who have no other"
            run.pop.until_level(WITHDRAW)
            run.watch(0.3)
            run.pop.wish("undrain")
            run.until_home_again()
        assert run.figures["lost"] == 0
        run.check_steering()


def stop_as_the_unit_does(pop):
    """Its ExecStop= lines with shorter times, then SIGTERM."""
    pop.wish("drain", "--for", "3m", "--wait", "--timeout", "90s")
    pop.wish("withdraw", "--for", "2m")
    pop.until_level(WITHDRAW)
    assert pop.server.terminate() == 0


def test_a_pop_that_is_stopped_and_started_in_the_order_of_its_units_loses_nothing(scenario):
    for run in scenario("stopped and started in unit order", {"lost": 0}).runs():
        with run:
            run.struck(time.monotonic())
            stop_as_the_unit_does(run.pop)
            assert run.pop.announces() == WITHDRAW
            run.watch(0.5)
            run.pop.server.start()
            run.pop.wish("undrain")
            run.until_home_again()
        assert run.figures["lost"] == 0
        run.check_steering()


def withdraw_everywhere(run):
    run.struck(time.monotonic())
    for pop in run.world.pops:
        pop.wish("withdraw")
    for pop in run.world.pops:
        pop.until_level(WITHDRAW)
    run.watch(1)


@pytest.mark.whole
def test_without_a_covering_prefix_nobody_is_served_when_every_pop_is_withdrawn(scenario):
    for run in scenario("every PoP withdrawn, no covering prefix").runs(resets="all"):
        with run:
            withdraw_everywhere(run)
        assert run.figures["lost"] >= 400  # of the 500 in the last second


def test_a_covering_prefix_keeps_clients_served_when_every_pop_is_withdrawn(scenario):
    for run in scenario("every PoP withdrawn, covering prefix", {"lost": 0}).runs(resets="all"):
        for pop in run.world.pops:
            pop.covering = [COVERING4]
            pop.write_site()
            pop.router.reconfigure()
            pop.agent.signal(signal.SIGHUP)
        for router in run.world.routers:
            router.until_route(COVERING4)
        run.world.until_well()  # the routers' sessions may have begun anew with their filters
        with run:
            withdraw_everywhere(run)
        run.check_lost_in_loops_alone()
        assert run.figures["wrong"] == 0


@pytest.mark.whole
def test_what_was_withdrawn_during_a_cut_does_not_come_back_with_the_session(scenario):
    """The zombie of docs/anycast.md: two announcements with different attributes and a withdrawal, all unheard."""
    for run in scenario("drained and withdrawn during a cut (hold 3)").runs():
        wire = run.world.uplinks[run.pop.number]
        run.pop.reset(hold_s=3)
        run.world.until_well()
        with run:
            run.struck(wire.cut())
            run.until_left_home()
            run.watch(4)  # ExaBGP's hold timer is no later than the router's by more than a keepalive
            run.pop.wish("drain")
            run.watch(0.5)
            run.pop.wish("withdraw")
            run.watch(0.5)
            wire.mend()
            run.pop.router.until_session_up()
            run.watch(3)  # longer than the bridge's second assertion
        assert not run.pop.router.came_home_since(run.began, PREFIX4)
        assert run.pop.announces() == WITHDRAW
        run.pop.wish("undrain")
        run.pop.until_level(ANNOUNCE)


@pytest.mark.whole
def test_a_wish_outlives_the_agent(scenario):
    for run in scenario("withdrawn, then agent killed and restarted").runs():
        with run:
            run.struck(time.monotonic())
            run.pop.wish("withdraw")
            run.until_left_home(5)
            run.pop.agent.kill()
            run.pop.agent.start()
            run.watch(8)  # longer than ten clean rounds
        assert not run.pop.router.came_home_since(run.began, PREFIX4)
        assert run.figures["lost"] == 0
