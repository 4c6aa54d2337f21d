"""Real ExaBGP and BIRD in two network namespaces, and an agent that says what a test wants.

The namespaces are named after this process and are gone after the test, whatever happened; only processes that were
started here are ended. Observers are BIRD itself and `ip monitor route` at the router.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

import harness

EXABGP = shutil.which("exabgp", path="/usr/sbin:/usr/bin")
BIRD = shutil.which("bird", path="/usr/sbin:/usr/bin")
BIRDC = shutil.which("birdc", path="/usr/sbin:/usr/bin")

V4, V6 = "198.51.100.0/24", "2001:db8:53::/48"
NEIGHBOR4, NEIGHBOR6 = "10.9.1.2", "2001:db8:9::2"
# One address, spelled as nobody would: ExaBGP compares neighbors as text.
NEIGHBOR6_IN_EXABGP = "2001:db8:9:0::2"


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=harness.DEADLINE_S)


def route(level="announce", prefix=V4, neighbor="*", attributes="next-hop self"):
    return f"route {neighbor} {prefix} {level} {attributes}"


@contextlib.contextmanager
def network():
    """Two namespaces, a wire between them; yields their names."""
    for program, path in (("exabgp", EXABGP), ("bird", BIRD)):
        if path is None:
            pytest.skip(f"{program} is not installed")
    site, router = (f"mbgp{os.getpid()}{end}" for end in "sr")
    made = []
    try:
        for name in (site, router):
            try:
                run("ip", "netns", "add", name)
            except (subprocess.CalledProcessError, FileNotFoundError) as problem:
                pytest.skip(f"no right to make network namespaces: {getattr(problem, 'stderr', problem)}")
            made.append(name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "uplink", "netns", site, "type", "veth", "peer", "name", "pop", "netns", router)
        for name, device, last in ((site, "uplink", 1), (router, "pop", 2)):
            run("ip", "-n", name, "addr", "add", f"10.9.1.{last}/24", "dev", device)
            run("ip", "-n", name, "addr", "add", f"2001:db8:9::{last}/64", "dev", device, "nodad")
            run("ip", "-n", name, "link", "set", device, "up")
        yield site, router
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=harness.DEADLINE_S)


@contextlib.contextmanager
def unanswered(site, router):
    """ExaBGP waits meanwhile for the router's answer to its SYN. An attempt that is refused would make it forget what it
    was told since the session went down."""
    run("ip", "-n", site, "neigh", "change", "10.9.1.2", "dev", "uplink", "nud", "permanent")
    run("ip", "-n", router, "route", "add", "blackhole", "10.9.1.1/32")
    try:
        waiting = ["ip", "netns", "exec", site, "ss", "-Htn", "state", "syn-sent", "dst", "10.9.1.2"]
        harness.until(lambda: subprocess.check_output(waiting, timeout=harness.DEADLINE_S), "ExaBGP does not connect")
        yield
    finally:
        run("ip", "-n", router, "route", "del", "blackhole", "10.9.1.1/32")


class Router:
    """BIRD, which takes what the site announces into the kernel's table; and what happens there."""

    def __init__(self, namespace, folder):
        self.namespace = namespace
        self.folder = folder
        self.control = folder / "bird.ctl"
        self.process = None
        self.events = []  # (time, "198.51.100.0/24", True when it came)
        families = (("a", "10.9.1.2", "10.9.1.1", "ipv4"), ("b", "2001:db8:9::2", "2001:db8:9::1", "ipv6"))
        protocols = "".join(f"""
protocol kernel {{ {family} {{ export all; }}; }}
protocol bgp {name} {{
  local {own} as 65000; neighbor {pop} as 65101; passive; hold time 9; error wait time 1, 2;
  {family} {{ import all; export none; }};
}}
""" for name, own, pop, family in families)
        (folder / "bird.conf").write_text(f'log "{folder}/bird.log" all;\nrouter id 10.9.1.2;\nprotocol device {{}}\n'
                                          + protocols, encoding="utf-8")
        self.monitor = subprocess.Popen(["ip", "-n", namespace, "monitor", "route"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        for line in self.monitor.stdout:
            found = re.match(r"(Deleted )?(198\.51\.100\.0/24|203\.0\.113\.0/24|2001:db8:53::/48) ", line)
            if found:
                self.events.append((time.monotonic(), found[2], found[1] is None))

    def start(self):
        self.control.unlink(missing_ok=True)
        self.process = subprocess.Popen(["ip", "netns", "exec", self.namespace, BIRD, "-f", "-c",
                                         self.folder / "bird.conf", "-s", self.control, "-P", self.folder / "bird.pid"])
        harness.until(lambda: self.says("show status").find("Daemon is up") >= 0, "bird does not start")
        return self

    def end(self):
        harness.end_process(self.process)

    def close(self):
        self.end()
        harness.end_process(self.monitor)

    def says(self, *words):
        done = subprocess.run([BIRDC, "-s", self.control, *words], capture_output=True, text=True,
                              timeout=harness.DEADLINE_S, check=False)
        return done.stdout

    def attributes(self, prefix=V4):
        """{"as_path": "65101", …} of the route BIRD has, or None."""
        text = self.says("show", "route", "all", "for", prefix)
        return dict(re.findall(r"BGP\.(\w+): (.*)", text)) if prefix in text else None

    def updates(self, protocol="a"):
        """How many announcements and withdrawals BIRD has received."""
        text = self.says("show", "protocols", "all", protocol)
        return tuple(int(re.search(rf"Import {kind}: +(\d+)", text)[1]) for kind in ("updates", "withdraws"))

    def until_route(self, prefix=V4, **attributes):
        def there():
            found = self.attributes(prefix)
            return found is not None and all(found.get(name) == value for name, value in attributes.items())
        harness.until(there, lambda: f"{prefix} with {attributes}; there is {self.attributes(prefix)}")

    def until_no_route(self, prefix=V4):
        harness.until(lambda: self.attributes(prefix) is None, f"{prefix} stays")


class Agent:
    """Says what it wants each half second and on each change, and keeps the statuses. Without routes it is silent until
    it is told what to want: a message without routes withdraws all."""

    def __init__(self, path, routes=None):
        self.path = path
        self.routes = routes
        self.speaks = True
        self.last_word = 0.0
        self.statuses = []
        self.connections = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.connection = None
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        path.chmod(0o666)
        self.listener.listen(4)
        self.listener.settimeout(0.05)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.closing.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = self.listener.accept()
                connection.settimeout(0.05)
                with self.lock:
                    self.connections += 1
                    self.connection = connection
                self.speak()
                self.listen(connection)

    def listen(self, connection):
        while not self.closing.is_set():
            if time.monotonic() - self.last_word > 0.5:
                self.speak()
            try:
                message = connection.recv(1 << 18)
            except TimeoutError:
                continue
            except OSError:
                break
            if not message:
                break
            self.statuses.append(message.decode())
        with self.lock:
            self.connection = None
        connection.close()

    def speak(self):
        if self.speaks and self.routes is not None:
            now = time.monotonic()
            routes = "".join(line + "\n" for line in self.routes)
            if self.send(f"meridian-bgp wanted 1\nsent {int(now * 1000)}\n{routes}"):
                self.last_word = now

    def send(self, text):
        with self.lock:
            if self.connection is None:
                return False
            try:
                self.connection.send(text.encode())
                return True
            except OSError:
                return False

    def want(self, *routes):
        self.routes = list(routes)
        self.speak()
        return time.monotonic()

    def status(self):
        return self.statuses[-1] if self.statuses else ""

    def number(self, name):
        found = re.search(rf"^{name} (\d+)$", self.status(), re.MULTILINE)
        return int(found[1]) if found else -1

    def until_status(self, *patterns):
        """A status that came from now on and has all of these."""
        seen = len(self.statuses)

        def found():
            return any(all(re.search(pattern, text, re.MULTILINE) for pattern in patterns)
                       for text in self.statuses[seen:])
        harness.until(found, lambda: f"no status with {patterns}; the last one:\n{self.status()}")

    def until_settled(self, level="announce"):
        self.until_status(rf"^route .* {level} settled ")

    def close(self):
        self.closing.set()
        self.thread.join()
        self.listener.close()
        if self.connection is not None:
            self.connection.close()


class ExaBgp:
    """ExaBGP with a helper: the bridge, or what `run_line` says."""

    def __init__(self, namespace, folder, run_line):
        self.namespace = namespace
        self.folder = folder
        self.log_file = folder / "exabgp.log"
        self.process = None
        neighbors = ((NEIGHBOR4, "10.9.1.1", "ipv4"), (NEIGHBOR6_IN_EXABGP, "2001:db8:9::1", "ipv6"))
        self.configuration = folder / "exabgp.conf"
        self.configuration.write_text(f"""process meridian-bgp {{
  run {run_line};
  encoder text;
}}
""" + "".join(f"""neighbor {neighbor} {{
  router-id 10.9.1.1;
  local-address {local};
  local-as 65101;
  peer-as 65000;
  hold-time 9;
  adj-rib-in false;
  family {{
    {family} unicast;
  }}
  api {{
    processes [ meridian-bgp ];
    neighbor-changes;
  }}
}}
""" for neighbor, local, family in neighbors), encoding="utf-8")

    def start(self):
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, "env", "exabgp.api.cli=false", "exabgp.daemon.user=root",
                 EXABGP, self.configuration], stdout=log, stderr=log, cwd=self.folder)
        return self

    def helpers(self):
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(pid) for pid in path.read_text(encoding="utf-8").split() if not is_gone(int(pid))]
        except OSError:
            return []

    def helper(self, other_than=None):
        return harness.until(lambda: [pid for pid in self.helpers() if pid != other_than], "no helper runs")[0]

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def end(self):
        helpers = self.helpers() if self.process else []
        harness.end_process(self.process)
        for pid in helpers:
            harness.until(lambda pid=pid: is_gone(pid), f"helper {pid} survived ExaBGP")


def is_gone(pid):
    """It has ended, whether or not somebody has waited for it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
