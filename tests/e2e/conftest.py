"""Fixtures. `--bin` names the build directory whose programs are tested."""

import pathlib
import tempfile

import pytest

import harness


def pytest_addoption(parser):
    parser.addoption("--bin", required=True, help="build directory: bin/meridiand, bin/meridianctl, share/meridian")


@pytest.fixture(scope="session")
def programs(pytestconfig):
    harness.adopt_orphans()
    return harness.Programs(pytestconfig.getoption("--bin"))


@pytest.fixture
def folder():
    """An empty folder with a path short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        yield pathlib.Path(path)


@pytest.fixture
def new_server(programs):
    """Makes servers, each in a folder of its own and not started yet; ends them all."""
    folders = []
    servers = []

    def make():
        folders.append(tempfile.TemporaryDirectory(prefix="meridian-e2e-"))
        servers.append(harness.Server(programs, folders[-1].name))
        return servers[-1]

    yield make
    try:
        for server in servers:
            server.end()
    finally:
        for server in servers:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()
                server.process.wait()
        for path in folders:
            path.cleanup()


@pytest.fixture
def server(new_server):
    """A running server of this test alone."""
    return new_server().start()


@pytest.fixture(scope="module")
def example(programs):
    """A running server for all tests of a file, for those that change nothing."""
    with harness.running_server(programs) as running:
        yield running
