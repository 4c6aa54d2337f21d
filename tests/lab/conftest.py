"""One world for the whole run; each scenario finds it well and leaves it well."""

import pathlib
import signal
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import figures  # noqa: E402
import harness  # noqa: E402
from scenario import Scenario  # noqa: E402
from world import World  # noqa: E402

# The table's, for readers.
ORDER = ["test_programs", "test_wires", "test_operators", "test_facts"]
PAGE = harness.REPOSITORY / "docs" / "anycast.md"


def pytest_addoption(parser):
    parser.addoption("--bin", required=True, help="build directory: bin/meridiand, bin/meridian-agent, …")
    parser.addoption("--runs", type=int, default=1, help="how often each scenario of the table is run")
    parser.addoption("--whole", action="store_true", help="also what takes its time")
    parser.addoption("--json", type=pathlib.Path, help="where the figures go")
    parser.addoption("--write", action="store_true", help="puts the table into docs/anycast.md")


def pytest_configure(config):
    config.addinivalue_line("markers", "whole: only with --whole")
    # Without this SIGTERM would end Python on the spot, and leave all that was made.
    signal.signal(signal.SIGTERM, interrupt)
    config.scenarios = []
    config.agent = {}


def interrupt(*_):
    raise KeyboardInterrupt


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.stem in ORDER else -1)
    if not config.getoption("--whole"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("whole")])
        items[:] = [item for item in items if not item.get_closest_marker("whole")]


def pytest_terminal_summary(terminalreporter, config):
    scenarios = [{"name": each.name, "target": each.target, "runs": each.finished} for each in config.scenarios
                 if each.finished]
    if not scenarios:
        return
    terminalreporter.write_line(figures.table(scenarios, config.agent))
    agent = config.agent
    if config.getoption("--json"):
        scenarios, agent = figures.merge(config.getoption("--json"), scenarios, agent)
    if config.getoption("--write"):
        figures.write_page(PAGE, scenarios, agent)


@pytest.fixture(scope="session")
def programs(pytestconfig):
    harness.adopt_orphans()  # a server that an upgrade started
    return harness.Programs(pytestconfig.getoption("--bin"))


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="meridian-load-") as path:
        yield pathlib.Path(path)


@pytest.fixture(scope="session")
def world(programs):
    with World(programs) as made:
        yield made


@pytest.fixture
def scenario(world, pytestconfig):
    """Makes a row of the table; whatever became of it, the world is well afterwards."""
    made = []

    def make(name, target=None, count=None):
        runs = pytestconfig.getoption("--runs")
        made.append(Scenario(world, name, min(runs, count or runs), target))
        pytestconfig.scenarios.append(made[-1])
        return made[-1]

    yield make
    if any(each.is_dirty for each in made):
        print(world.logs())  # shown when the test fails
        world.heal(*world.pops)
    for pop in world.pops:
        pop.check_logs()
