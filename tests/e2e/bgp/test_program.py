"""The bridge as a program, with the test as its ExaBGP: no rights and no network needed."""

import os
import re
import signal
import subprocess
import time

import pytest

import harness
import lab


class FakeExaBgp:
    """Starts the bridge as ExaBGP does, and answers it."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, "--agent", folder / "agent.sock", "--state", folder / "state"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.heard = ""
        self.log = ""

    def read(self):
        self.heard += (self.process.stdout.read() or b"").decode()
        self.log += (self.process.stderr.read() or b"").decode()
        return self.heard

    def until_heard(self, line):
        harness.until(lambda: line + "\n" in self.read(), lambda: f"not {line!r} but {self.heard!r}")

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def greet(self):
        self.until_heard("version")
        self.say("exabgp 4.2.21\ndone\n")
        self.until_heard("show neighbor summary")
        self.say("10.9.1.2 65000 0:00:12 established 3 1\ndone\n")


@pytest.fixture
def exabgp(bridge_program, folder):
    made = FakeExaBgp(bridge_program, folder)
    yield made
    harness.end_process(made.process)
    made.process.stdin.close()


@pytest.fixture
def agent(folder):
    made = lab.Agent(folder / "agent.sock", [])
    yield made
    made.close()


def test_help_and_mistakes(bridge_program):
    def call(*words):
        return subprocess.run([bridge_program, *words], capture_output=True, text=True, timeout=60, check=False)

    shown = call("--help")
    assert shown.returncode == 0 and "--agent SOCKET" in shown.stdout and "--state FILE" in shown.stdout
    for words, message in ((["--agnt", "x"], "'--agnt' is no option; see --help"),
                           (["--agent"], "'--agent' is without its value; see --help"),
                           (["--agent", "x"], "--agent and --state are needed; see --help"),
                           (["--agent", "x" * 200, "--state", "y"], "is too long for a socket")):
        done = call(*words)
        assert done.returncode == 2 and message in done.stderr and done.stdout == "", done


def test_it_needs_the_c_and_cpp_libraries_alone(bridge_program, pytestconfig):
    cache = (bridge_program.parents[1] / "CMakeCache.txt").read_text(encoding="utf-8")
    if re.search(r"^MERIDIAN_SANITIZE:\w+=.+$", cache, re.MULTILINE):
        pytest.skip("a sanitizer brings libraries of its own")
    shown = subprocess.run(["readelf", "-d", bridge_program], capture_output=True, text=True, timeout=60, check=True)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", shown.stdout))
    assert needed <= {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6"}


@pytest.mark.parametrize("last_word", ["", "shutdown 4711 1\n\n"])
def test_it_ends_with_exabgp(exabgp, last_word):
    exabgp.greet()
    exabgp.say(last_word)
    if not last_word:
        exabgp.process.stdin.close()
    assert exabgp.process.wait(harness.DEADLINE_S) == 0


def test_it_ends_when_nobody_reads_it(exabgp):
    exabgp.greet()
    exabgp.process.stdout.close()
    assert exabgp.process.wait(harness.DEADLINE_S) == 0


def test_sigterm_just_ends_it(exabgp, agent):
    agent.want(lab.route())
    exabgp.greet()
    exabgp.until_heard(f"announce route {lab.V4} next-hop self")
    exabgp.process.send_signal(signal.SIGTERM)
    assert exabgp.process.wait(harness.DEADLINE_S) == -signal.SIGTERM
    assert "withdraw" not in exabgp.read()


def test_it_comes_to_an_agent_that_comes_late_and_says_so_once(exabgp, folder):
    exabgp.greet()
    harness.until(lambda: exabgp.read() and "cannot reach the agent" in exabgp.log, "no complaint")
    agent = lab.Agent(folder / "agent.sock")
    try:
        agent.want(lab.route())
        exabgp.until_heard(f"announce route {lab.V4} next-hop self")
        exabgp.read()
        assert exabgp.log.count("cannot reach the agent") == 1
    finally:
        agent.close()


def test_it_rests_while_it_waits(exabgp):
    exabgp.greet()

    def cpu_ticks():
        fields = open(f"/proc/{exabgp.process.pid}/stat", encoding="utf-8").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, started = cpu_ticks(), time.monotonic()
    harness.until(lambda: time.monotonic() - started > 1, "time stands still")
    assert (cpu_ticks() - before) / os.sysconf("SC_CLK_TCK") < 0.1


def test_a_state_file_that_is_of_no_use_is_reported_and_replaced(bridge_program, folder):
    (folder / "state").write_text("meridian-bgp saved 7\n", encoding="utf-8")
    exabgp = FakeExaBgp(bridge_program, folder)
    try:
        exabgp.greet()
        exabgp.read()
        assert f"{folder}/state is of no use: message:1:20: here is to stand '1'" in exabgp.log
        harness.until(lambda: (folder / "state").read_text(encoding="utf-8").startswith("meridian-bgp saved 1\n"), "old")
    finally:
        harness.end_process(exabgp.process)


def test_a_state_file_that_cannot_be_written_is_reported_and_harmless(bridge_program, folder, agent):
    (folder / "state").mkdir()
    exabgp = FakeExaBgp(bridge_program, folder)
    try:
        agent.want(lab.route())
        exabgp.greet()
        exabgp.until_heard(f"announce route {lab.V4} next-hop self")
        harness.until(lambda: exabgp.read() and "cannot write" in exabgp.log, "no complaint")
    finally:
        harness.end_process(exabgp.process)


def test_a_bridge_that_hangs_is_ended_so_that_exabgp_starts_the_next(bridge_program, folder):
    os.mkfifo(folder / "state.new")  # who opens it to write waits for a reader, as on a disk that is gone
    exabgp = FakeExaBgp(bridge_program, folder)
    try:
        exabgp.until_heard("version")
        started = time.monotonic()
        exabgp.say("exabgp 4.2.21\ndone\n")  # which it saves
        assert exabgp.process.wait(harness.DEADLINE_S) == -signal.SIGALRM
        # What a bridge saved is fresh for 5 s; a heartbeat passed before it hung.
        assert 2 < time.monotonic() - started < 4.5
    finally:
        harness.end_process(exabgp.process)


def test_messages_that_are_too_long_are_refused(exabgp, agent):
    exabgp.greet()
    harness.until(lambda: agent.connections, "no connection")
    agent.send("x" * 180_000)
    agent.until_status(r"^refused 1$", r"^refusal message:1:1: a message has at most 163840 bytes$")
