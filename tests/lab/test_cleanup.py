"""A run that ends before its time leaves nothing behind."""

import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

import harness
from network import PREFIX
from world import FOLDER

HERE = pathlib.Path(__file__).resolve().parent


def namespaces_of(pid):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines() if line.startswith(f"{PREFIX}{pid}")]


def folders_of(pid):
    return list(pathlib.Path(tempfile.gettempdir()).glob(f"{FOLDER}{pid}-*"))


def processes_with(word):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in path.read_text(encoding="utf-8", errors="replace"):
                found.append(path.parent.name)
        except OSError:
            continue  # it has just ended
    return found


@pytest.mark.whole
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_leaves_nothing(world, programs, number):
    assert len(namespaces_of("")) >= 9, "this very run"
    run = subprocess.Popen([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE, "-k", "carrier",
                            f"--bin={programs.build}"], stdout=subprocess.DEVNULL)
    try:
        harness.until(lambda: processes_with(f"{FOLDER}{run.pid}-"), "it has started programs")
        run.send_signal(number)
        run.wait(harness.DEADLINE_S)
    finally:
        run.kill()
    assert namespaces_of(run.pid) == [] and folders_of(run.pid) == [] and processes_with(f"{FOLDER}{run.pid}-") == []
