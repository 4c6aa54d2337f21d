"""A site with all that is real: meridiand on its anycast addresses, the agent, the bridge in ExaBGP; BIRD is its router.

What stands in for something else says so: `Liveness` speaks meridiand's side of the liveness protocol, to say what a real
server says seldom or never. Where the bridge is one that only listens, it is bridge_double's.
"""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
import lab

VIP4, VIP4B, VIP6 = "198.51.100.53", "203.0.113.53", "2001:db8:53::53"
PREFIX4, PREFIX4B, PREFIX6 = lab.V4, "203.0.113.0/24", lab.V6
COVERING = "198.51.100.0/23"
VIPS = {"a": (VIP4, PREFIX4), "b": (VIP4B, PREFIX4B), "six": (VIP6, PREFIX6)}


def add_vips(namespace):
    for address, _ in VIPS.values():
        lab.run("ip", "-n", namespace, "addr", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")


def remove_vips(namespace):
    for address, _ in VIPS.values():
        subprocess.run(["ip", "-n", namespace, "addr", "del", f"{address}/{128 if ':' in address else 32}", "dev", "lo"],
                       check=False, capture_output=True, timeout=harness.DEADLINE_S)


def listen(vip):
    return f'"[{vip}]:53"' if ":" in vip else f'"{vip}:53"'


class Process:
    """A program in the site's namespace, with a log."""

    def __init__(self, namespace, log, *command):
        self.namespace = namespace
        self.command = [str(word) for word in command]
        self.log_file = log
        self.process = None

    def start(self, **environment):
        words = [f"{name}={value}" for name, value in environment.items()]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", self.namespace, "env", *words, *self.command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def events(self, name):
        return re.findall(rf"event={name}( .*)?$", self.log(), re.MULTILINE)

    def until_event(self, name, *patterns, count=1):
        def found():
            lines = [line for line in self.events(name) if all(re.search(pattern, line) for pattern in patterns)]
            return len(lines) >= count and lines
        return harness.until(found, lambda: f"{count} of event {name} {patterns}; the log:\n{self.log()}")

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL; returns when it was sent."""
        at = time.monotonic()
        self.process.kill()
        self.process.wait()
        return at

    def end(self):
        harness.end_process(self.process)
        assert harness.SANITIZER_REPORT.search(self.log()) is None, self.log()


class Meridiand(Process):
    def __init__(self, namespace, folder, programs):
        super().__init__(namespace, folder / "meridiand.log", programs.meridiand, "--site", folder / "server.yaml",
                         "--data", programs.data, "--control", folder / "server.sock")
        self.folder = folder
        self.control = folder / "server.sock"
        self.map = folder / "map"
        shutil.copytree(harness.EXAMPLE / "map", self.map)
        (self.map / "expect.yaml").unlink()

    def start(self, **environment):
        super().start(**environment)
        harness.until(self.answers, lambda: f"a server that answers; its log:\n{self.log()}")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return harness.ask_http(self.control, "GET", "/v1/status")[0] == 200
        except OSError:
            return False

    def reload(self):
        before = len(self.events("map_loaded"))
        self.send(signal.SIGHUP)
        harness.until(lambda: len(self.events("map_loaded")) > before, self.log)


class Liveness:
    """meridiand's side of the liveness protocol, at once when it is told and each second."""

    def __init__(self, path, **report):
        self.path = pathlib.Path(path)
        self.report = {"version": 1, "ready": True, "epoch": 1, "site": "ams1", "zones": ["example.com."],
                       "oldest_input_s": None, "queries": 0, "drops": 0, **report}
        self.speaks = True
        self.clients = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.listener = None
        self.thread = None
        self.open()

    def open(self):
        self.closing.clear()
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.path))
        self.listener.listen(4)
        self.listener.settimeout(0.05)
        self.thread = threading.Thread(target=self.serve, args=(self.listener,), daemon=True)
        self.thread.start()

    def serve(self, listener):
        last = 0.0
        while not self.closing.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                client, _ = listener.accept()
                with self.lock:
                    self.clients.append(client)
                self.say()
            if time.monotonic() - last > 1:
                last = time.monotonic()
                self.say()

    def say(self, **changes):
        self.report.update(changes)
        if not self.speaks:
            return
        packet = json.dumps(self.report).encode()
        with self.lock:
            for client in list(self.clients):
                try:
                    client.send(packet, socket.MSG_DONTWAIT)
                except OSError:
                    self.clients.remove(client)

    def die(self):
        """As a process does; returns when."""
        at = time.monotonic()
        self.closing.set()
        self.listener.close()
        self.drop()
        self.thread.join()
        return at

    def drop(self):
        """Ends the connections, and goes on listening: an upgrade looks like that."""
        with self.lock:
            for client in self.clients:
                client.close()
            self.clients.clear()

    def close(self):
        if not self.closing.is_set():
            self.die()


class Site:
    """All parts; a test starts those that it needs."""

    def __init__(self, namespace, folder, programs, agent_program):
        self.namespace = namespace
        self.folder = folder
        self.meridiand = Meridiand(namespace, folder, programs)
        self.agent = Process(namespace, folder / "agent.log", agent_program, "--site", folder / "agent.yaml")
        self.liveness = None
        self.bridge = None
        self.exabgp = None
        self.router = None

    def write(self, vips=("a",), server_site="ams1", **anycast):
        """The site files of the server and of the agent: two, so that a test may make them differ."""
        lines = ["as: 65101", "router_id: 10.9.1.1", "vips:"]
        lines += [f'  {name}: {{address: "{VIPS[name][0]}", prefix: "{VIPS[name][1]}"}}' for name in vips]
        lines += ["neighbors:", f'  four: {{address: {lab.NEIGHBOR4}, local: 10.9.1.1, as: 65000, '
                                'drain_communities: ["65000:80"]}',
                  f'  six: {{address: "{lab.NEIGHBOR6}", local: "2001:db8:9::1", as: 65000}}',
                  "agent:", f"  bridge: {self.folder}/bridge.sock", f"  control: {self.folder}/agent.sock",
                  f"  state: {self.folder}/agent-state", f"  liveness: {self.folder}/liveness.sock"]
        lines += [f"{key}: {value}" for key, value in anycast.items()]
        addresses = ", ".join(listen(VIPS[name][0]) for name in vips)
        for file, name in (("agent.yaml", "ams1"), ("server.yaml", server_site)):
            (self.folder / file).write_text(f"map: map\nsite: {name}\nlisten: {{dns: [{addresses}]}}\nanycast:\n"
                                            + "".join(f"  {line}\n" for line in lines), encoding="utf-8")

    def start_exabgp(self, bridge_program):
        self.exabgp = lab.ExaBgp(self.namespace, self.folder,
                                 f"{bridge_program} --agent {self.folder}/bridge.sock --state {self.folder}/bridge.state")
        self.exabgp.start()

    def close(self):
        for part in (self.agent, self.meridiand):
            if part.process is not None:
                print(f"--- {part.log_file.name}\n{part.log()}")  # shown when the test fails
        for part in (self.bridge, self.liveness):
            if part is not None:
                part.close()
        if self.exabgp is not None:
            self.exabgp.end()
        self.agent.end()
        self.meridiand.end()
