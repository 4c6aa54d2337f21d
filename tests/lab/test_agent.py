"""What the agent costs, while all is well and clients ask."""

import time

WATCHED_S = 10


def test_the_agent_is_small(world, pytestconfig):
    is_whole = pytestconfig.getoption("--whole")
    for client in world.clients:
        client.begin()
    agents = [pop.agent for pop in world.pops]
    cpu, began = [agent.cpu_s() for agent in agents], time.monotonic()
    time.sleep(3 * WATCHED_S if is_whole else WATCHED_S)
    took = time.monotonic() - began
    percent = [100 * (agent.cpu_s() - before) / took for agent, before in zip(agents, cpu)]
    resident = [agent.resident_kb() / 1024 for agent in agents]
    for client in world.clients:
        client.stop()
    for client, pop in zip(world.clients, world.pops):
        outcome = client.outcome()
        assert not outcome.lost() and outcome.sites() == {pop.name}
    pytestconfig.agent.update(cpu_percent=round(max(percent), 2), resident_mb=round(max(resident), 1))
    assert max(percent) <= (0.5 if is_whole else 2), percent
    assert max(resident) <= 15, resident
