"""A program in a namespace, as a unit of systemd would run it: started, killed, stopped, and its log kept."""

import calendar
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

import harness

# systemd's default RestartSec: so long a unit is away when it dies.
RESTART_S = 0.1
EVENT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})\+00:00 (\w+) event=(\w+) ?(.*)$", re.MULTILINE)


def now_of(wall_s):
    """A time of the day as one of the monotonic clock, which all observers share."""
    return wall_s - time.time() + time.monotonic()


class Unit:
    def __init__(self, namespace, name, command, folder, environment=()):
        self.namespace = namespace
        self.name = name
        self.command = [*map(str, command)]
        self.environment = list(environment)
        self.log_file = folder / f"{name}.log"
        self.folder = folder
        self.process = None

    def start(self):
        # With the run itself they die, also when it is killed.
        words = ["ip", "netns", "exec", self.namespace, "setpriv", "--pdeathsig", "KILL", "env", "TZ=UTC",
                 *self.environment, *self.command]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        return self

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """When it was sent."""
        began = time.monotonic()
        os.kill(self.pid, number)
        return began

    def kill(self):
        began = self.signal(signal.SIGKILL)
        self.process.wait()
        return began

    def freeze(self):
        return self.signal(signal.SIGSTOP)

    def terminate(self):
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(harness.DEADLINE_S)

    def end(self):
        """Ends it, at the latest with SIGKILL; nothing if it does not run."""
        harness.end_process(self.process)

    def children(self):
        path = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            return [int(pid) for pid in path.read_text(encoding="ascii").split()]
        except OSError:
            return []

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def events(self, name, since=0.0):
        """[(time, {field: value})] of the event lines of that name."""
        found = []
        for second, millisecond, _, event, fields in EVENT.findall(self.log()):
            at = now_of(calendar.timegm(time.strptime(second, "%Y-%m-%dT%H:%M:%S")) + int(millisecond) / 1000)
            if event == name and at >= since:
                found.append((at, dict(field.split("=", 1) for field in shlex.split(fields))))
        return found

    def cpu_s(self):
        """Time on the CPU, exact: the scheduler's clock of another process (clock_getcpuclockid)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_kb(self):
        return harness.resident_kb(self.pid)
