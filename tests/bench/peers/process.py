"""A server under test: started on its core, asked until it answers, its CPU time and memory read, ended by its pid.

CPU time is the scheduler's own sum over all threads and children, exact to the nanosecond. How it splits between user
space and kernel is sampled by the kernel's tick (/proc/PID/stat), so the split of one run is good to a few per cent.
"""

import contextlib
import ctypes
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

import dns.exception
import dns.message
import dns.query

from servers import echo

SERVER_CORE = 0
CLIENT_CORE = 1
START_LIMIT_S = 60
STOP_LIMIT_S = 20
PR_SET_PDEATHSIG = 1
NS_PER_S = 1_000_000_000

LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Ends the bench; its text is for people."""


@dataclasses.dataclass(frozen=True)
class CpuTime:
    total_ns: int
    user_ticks: int
    system_ticks: int

    def since(self, before):
        return CpuTime(self.total_ns - before.total_ns, self.user_ticks - before.user_ticks,
                       self.system_ticks - before.system_ticks)

    def user_ns(self):
        ticks = self.user_ticks + self.system_ticks
        return self.total_ns * self.user_ticks / ticks if ticks else 0.0


def pin_to(core):
    """What a child does before it becomes a program: one core, and an end when this process ends."""
    def prepare():
        os.sched_setaffinity(0, {core})
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return prepare


class Process:
    """One run of a server: the program, and the children it forks."""

    def __init__(self, server, folder):
        self.name = server.name
        self.port = server.port
        self.log_file = folder / "log"
        self.started = time.monotonic()
        with self.log_file.open("wb") as log:
            # A session of its own is how its children are found.
            self.popen = subprocess.Popen([*map(str, server.command(folder))], cwd=folder, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True,
                                          preexec_fn=pin_to(SERVER_CORE))

    def log_tail(self):
        return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])

    def wait_until_answers(self, question):
        """Asks until there is a reply with an answer; the seconds since the start."""
        while True:
            if self.popen.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.popen.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(OSError, dns.exception.DNSException):
                reply = self.ask(question)
                if question.id == reply.id and (reply.answer or self.name in echo.NAMES):
                    return time.monotonic() - self.started
            if time.monotonic() - self.started > START_LIMIT_S:
                raise BenchError(f"{self.name} did not answer within {START_LIMIT_S} s:\n{self.log_tail()}")
            time.sleep(0.002)

    def ask(self, question):
        if self.name == echo.TcpEcho.name:
            return dns.query.tcp(question, "127.0.0.1", port=self.port, timeout=0.02)
        return dns.query.udp(question, "127.0.0.1", port=self.port, timeout=0.02, ignore_unexpected=True)

    def pids(self):
        """The program and the children in its session."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat_fields(stat)[3]) == self.popen.pid:
                    found.append(int(stat.parent.name))
        return found

    def cpu_time(self):
        total_ns = user = system = 0
        for pid in self.pids():
            fields = stat_fields(pathlib.Path(f"/proc/{pid}/stat"))
            user += int(fields[11])
            system += int(fields[12])
            total_ns += time.clock_gettime_ns(scheduler_clock(pid))
        return CpuTime(total_ns, user, system)

    def resident_mib(self):
        """Resident memory, where a page that several processes share counts once."""
        kib = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
        return kib / 1024

    def stop(self):
        """SIGTERM, and SIGKILL for what does not heed it."""
        pids = self.pids()
        self.popen.terminate()
        try:
            self.popen.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.popen.wait()
        return self.popen.returncode


def stat_fields(path):
    """The fields of /proc/PID/stat after the name, which may hold anything: 0 is the state, 3 the session."""
    return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def scheduler_clock(pid):
    """The clock that counts a process' time on the CPU, as clock_getcpuclockid makes it."""
    cpuclock_sched = 2
    return (~pid << 3) | cpuclock_sched


@contextlib.contextmanager
def running(server, folder):
    process = Process(server, folder)
    try:
        yield process
    finally:
        process.stop()
