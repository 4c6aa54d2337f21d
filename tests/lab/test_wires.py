"""The wire between a PoP and its router: cut with and without anybody being told, and a router that restarts."""

import pytest

from router import PREFIX4


def test_a_carrier_that_is_lost_is_a_withdrawn_route(scenario):
    for run in scenario("carrier lost", {"route_s": 0.030, "lost": 3}).runs():
        with run:
            run.struck(run.world.uplinks[run.pop.number].pull(1))
            run.until_left_home()
        assert run.figures["route_s"] <= 0.2 and run.figures["lost"] <= 25
        run.check_steering()


def cut_silently(scenario, hold_s, **row):
    for run in scenario(**row).runs():
        run.pop.router.reconfigure(hold_s=hold_s)
        run.pop.reset(hold_s=hold_s)
        run.world.until_well()
        with run:
            run.struck(run.world.uplinks[run.pop.number].cut())
            run.until_left_home()
        assert run.figures["route_s"] <= hold_s + 1
        run.check_steering()


def test_a_silent_cut_is_found_by_a_hold_timer_of_3_s(scenario):
    cut_silently(scenario, 3, name="silent cut, hold 3", target={"route_s": 3.1})


@pytest.mark.whole
def test_a_silent_cut_is_found_by_a_hold_timer_of_9_s(scenario):
    cut_silently(scenario, 9, name="silent cut, hold 9", target={"route_s": 9.1})


def test_a_router_that_restarts_gets_the_route_again(scenario):
    for run in scenario("router restarted").runs():
        with run:
            run.struck(run.pop.router.restart())
            run.until_left_home()
            run.until_home_again()
        assert run.pop.announces(PREFIX4) == "announce"
        assert not run.outcome.lost(run.outcome.times[-1] - 0.3), "served again at the end"
