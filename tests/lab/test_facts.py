"""Which facts take a route away and which never do: a missing VIP, wrong answers, dead datacenters, flapping."""

import time

import pytest

from pop import ANNOUNCE, DE_PREFERENCE
from router import PREFIX4, PREFIX6, VIP4

# A soft reason does not take down what came up less than a minute ago.
MINIMUM_UP_S = 61
# Hold-down, probation and a while.
BACK_S = 60


def test_a_vip_that_is_missing_is_withdrawn_alone(scenario):
    for run in scenario("VIP missing on lo", {"route_s": 0.1}).runs():
        with run:
            run.struck(time.monotonic())
            run.pop.remove_vip(VIP4)
            run.until_left_home()
        assert run.figures["route_s"] <= 0.5, "not only by another site's answers"
        assert run.pop.router.is_at_home(PREFIX6), "the other VIP has not failed"
        run.check_steering()


def make_wrong(pop):
    """All pools answer with an address that no golden answer has."""
    for address in pop.world.datacenter_addresses:
        began = pop.edit_map("services.yaml", f"[{address}]", f"[192.0.2.{address.rsplit('.')[-1]}]")
    return began


@pytest.mark.whole
def test_wrong_answers_at_one_pop_lead_its_clients_elsewhere(scenario):
    for run in scenario("golden answers wrong at one PoP", count=3).runs():
        run.world.until_up_for(MINIMUM_UP_S, [run.pop])
        with run:
            run.struck(make_wrong(run.pop))
            run.until_left_home()
        assert run.pop.announces() == DE_PREFERENCE
        assert run.figures["route_s"] <= 4 and run.figures["lost"] == 0 and run.figures["others_lost"] == 0
        assert run.outcome.since(run.outcome.times[-1] - 0.2)[0].answer == run.client.datacenter_address


@pytest.mark.whole
def test_wrong_answers_at_every_pop_withdraw_none(scenario):
    for run in scenario("golden answers wrong at every PoP", count=1).runs(resets="all"):
        run.world.until_up_for(MINIMUM_UP_S, run.world.pops)
        with run:
            run.struck(time.monotonic())
            for pop in run.world.pops:
                make_wrong(pop)
            for pop in run.world.pops:
                pop.until_level(DE_PREFERENCE)
            run.watch(5)
        assert all(pop.announces() == DE_PREFERENCE for pop in run.world.pops)
        run.check_lost_in_loops_alone()
        assert run.outcome.sites() <= {pop.name for pop in run.world.pops}


@pytest.mark.whole
def test_a_datacenter_that_is_down_changes_answers_and_no_route(scenario):
    for run in scenario("a datacenter down").runs(resets="all"):
        with run:
            run.struck(run.client.datacenter.kill())
            run.watch(6)
        assert all(router.events_since(run.began) == [] for router in run.world.routers)
        assert run.figures["lost"] == 0 and run.figures["others_lost"] == 0
        last = run.outcome.since(run.outcome.times[-1] - 0.3)
        assert {query.answer for query in last} <= set(run.world.datacenter_addresses) - {run.client.datacenter_address}


def test_datacenters_that_are_all_down_withdraw_nothing_and_answers_go_on(scenario):
    for run in scenario("all datacenters down").runs(resets="all"):
        with run:
            run.struck(time.monotonic())
            for client in run.world.clients:
                client.datacenter.kill()
            run.watch(8)
        assert all(pop.server.events("check_suspect", run.began) for pop in run.world.pops), "nothing was noticed"
        assert all(router.events_since(run.began) == [] for router in run.world.routers)
        assert run.figures["lost"] == 0 and run.figures["others_lost"] == 0
        assert run.outcome.sites() == {run.pop.name}
        last = run.outcome.since(run.outcome.times[-1] - 0.3)
        assert {query.answer for query in last} <= set(run.world.datacenter_addresses), "answers fail open"


@pytest.mark.whole
def test_a_server_that_flaps_is_held_down(scenario):
    for run in scenario("server killed each 9 s, four times", count=1).runs():
        with run:
            run.struck(run.pop.server.kill())
            for _ in range(3):
                run.watch(1)  # RestartSec= of its unit
                run.pop.server.start()
                run.watch(8)  # long enough for ten clean rounds
                run.pop.server.kill()
            run.watch(1)
            run.pop.server.start()
            flaps_ended = time.monotonic()
            run.until_home_again(BACK_S + 60)
        changes = [event for event in run.pop.router.events_since(run.began) if event[1] == PREFIX4]
        # Away once and back once; the two next hops of others in between may take turns.
        assert len(run.pop.router.came_home_since(run.began, PREFIX4)) == 1, changes
        assert run.pop.router.came_home_since(run.began, PREFIX4)[0] - run.began >= 30
        assert run.pop.router.came_home_since(run.began, PREFIX4)[0] - flaps_ended >= 4, "ten clean rounds"
        assert len(run.pop.level_changes(run.began)) <= 4
        assert run.figures["lost"] <= 25 and run.pop.announces() == ANNOUNCE
        run.check_steering()
