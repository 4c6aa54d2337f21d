"""A router for the whole session; ExaBGP, the bridge and an agent for each test."""

import pathlib
import types

import pytest

import agent_site
import harness
import lab


@pytest.fixture(scope="session")
def bridge_program(pytestconfig):
    path = pathlib.Path(pytestconfig.getoption("--bin")).resolve() / "bin" / "meridian-bgp"
    assert path.exists(), f"{path} is missing; build first"
    return path


@pytest.fixture(scope="session")
def wire():
    with lab.network() as names:
        yield names


@pytest.fixture
def router(wire, folder):
    made = lab.Router(wire[1], folder)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def site(wire, router, folder, bridge_program):
    """A running site: `.agent`, `.exabgp`, `.router`; both sessions are up and nothing is wanted."""
    agent = lab.Agent(folder / "agent.sock", [])
    exabgp = lab.ExaBgp(wire[0], folder, f"{bridge_program} --agent {folder}/agent.sock --state {folder}/state")
    made = types.SimpleNamespace(agent=agent, exabgp=exabgp, router=router, folder=folder)
    try:
        exabgp.start()
        agent.until_status(rf"^neighbor {lab.NEIGHBOR4} up", rf"^neighbor {lab.NEIGHBOR6} up")
        yield made
        assert harness.SANITIZER_REPORT.search(exabgp.log()) is None, exabgp.log()
    finally:
        print(f"ExaBGP's exit code: {exabgp.process.poll()}; its log:\n{exabgp.log()}")  # shown when the test fails
        exabgp.end()
        made.agent.close()


@pytest.fixture(scope="session")
def agent_program(pytestconfig):
    path = pathlib.Path(pytestconfig.getoption("--bin")).resolve() / "bin" / "meridian-agent"
    assert path.exists(), f"{path} is missing; build first"
    return path


@pytest.fixture
def pop(wire, folder, programs, agent_program):
    """A site whose addresses stand on `lo`; nothing runs yet."""
    made = agent_site.Site(wire[0], folder, programs, agent_program)
    agent_site.add_vips(wire[0])
    try:
        yield made
    finally:
        try:
            made.close()
        finally:
            agent_site.remove_vips(wire[0])


@pytest.fixture
def announcing(pop, router, bridge_program):
    """Starts everything with this `anycast` in the site file, and waits until the router has the routes."""

    def start(vips=("a",), **anycast):
        pop.write(vips, **anycast)
        pop.router = router
        pop.meridiand.start()
        pop.agent.start()
        pop.start_exabgp(bridge_program)
        for vip in vips:
            router.until_route(agent_site.VIPS[vip][1])
        return pop

    return start
