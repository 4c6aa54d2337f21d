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


def cut_silently(scenario, at_most_s, name, target, **kind):
    for run in scenario(name, target).runs():
        run.pop.reset(**kind)
        run.world.until_well()
        with run:
            run.struck(run.world.uplinks[run.pop.number].cut())
            run.until_left_home()
        assert run.figures["route_s"] <= at_most_s
        run.check_steering()


@pytest.mark.whole
def test_a_silent_cut_is_found_by_a_hold_timer_of_3_s(scenario):
    cut_silently(scenario, 4, "silent cut, hold 3", {"route_s": 3.1}, hold_s=3)


@pytest.mark.whole
def test_a_silent_cut_is_found_by_a_hold_timer_of_9_s(scenario):
    cut_silently(scenario, 10, "silent cut, hold 9", {"route_s": 9.1}, hold_s=9)


def test_a_silent_cut_is_found_by_bfd_of_a_router_on_the_host(scenario):
    cut_silently(scenario, 1, "silent cut, BFD of a local BIRD", {"route_s": 0.35}, has_local_router=True)


@pytest.mark.whole
def test_a_router_that_restarts_gets_the_route_again(scenario):
    for run in scenario("router restarted").runs():
        with run:
            run.struck(run.pop.router.restart())
            run.until_left_home()
            run.until_home_again()
        assert run.pop.announces(PREFIX4) == "announce"
        assert not run.outcome.lost(run.outcome.times[-1] - 0.3), "served again at the end"
