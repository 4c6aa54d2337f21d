"""A site on loopback: the real server and the real agent; ExaBGP and its bridge are one thread that does what it is told."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.parse

import harness
from bridge_double import Bridge

VIP, PREFIX = "127.0.0.1", "127.0.0.1/32"
SECOND, SECOND_PREFIX = "::1", "::1/128"


class Agent:
    """A meridian-agent for the site file of a harness.Server."""

    def __init__(self, programs, server):
        self.programs = programs
        self.server = server
        self.folder = server.folder
        self.control = self.folder / "agent.sock"
        self.log_file = self.folder / "agent.log"
        self.process = None

    def start(self):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([self.programs.build / "bin" / "meridian-agent", "--site", self.server.site],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.until(self.answers, lambda: f"an agent that answers; its log:\n{self.log()}")
        return self

    def answers(self):
        assert self.process.poll() is None, f"meridian-agent ended with {self.process.returncode}:\n{self.log()}"
        try:
            return self.api("GET", "/v1/anycast")[0] == 200
        except OSError:
            return False

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=harness.DEADLINE_S)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            code = self.stop()
            assert code == 0, f"meridian-agent ended with {code}:\n{self.log()}"
        print(f"--- log of meridian-agent\n{self.log()}")
        assert harness.SANITIZER_REPORT.search(self.log()) is None

    def raw(self, method, path, **parameters):
        """(status code, content type, body)"""
        target = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        return harness.ask_http(self.control, method, target)

    def api(self, method, path, **parameters):
        status, _, body = self.raw(method, path, **parameters)
        return status, json.loads(body)

    def status(self):
        status, body = self.api("GET", "/v1/anycast")
        assert status == 200, body
        return body

    def vip(self, name="ns1"):
        return next(vip for vip in self.status()["vips"] if vip["name"] == name)

    def until_level(self, level, name="ns1"):
        harness.until(lambda: self.vip(name)["level"] == level, lambda: f"{name} at {level}: {self.vip(name)}\n{self.log()}")

    def ctl(self, *arguments):
        return self.programs.ctl("anycast", *arguments, "--agent", self.control)

    def metric(self, name, **labels):
        """The value of one series; None where there is none."""
        for line in self.raw("GET", "/metrics")[2].splitlines():
            series, _, value = line.rpartition(" ")
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})?", series)
            if found and found.group(1) == f"meridian_{name}":
                have = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
                if labels.items() <= have.items():
                    return float(value)
        return None

    def resident_kb(self):
        return harness.resident_kb(self.process.pid)


class Site:
    """A server, its agent, and the bridge's double."""

    def __init__(self, programs, server):
        self.server = server
        self.port = harness.free_port()
        self.write()
        self.agent = Agent(programs, server)
        self.bridge = Bridge(server.folder / "bridge.sock", acknowledges=True)

    def write(self, drain="{at_least: 1s, at_most: 2s}", more="", http="", listen=(VIP, SECOND)):
        self.server.site.write_text(f"""
map: map
site: e2e
listen: {{dns: ["{listen[0]}:{self.port}", "[{listen[1]}]:{self.port}"]}}
anycast:
  as: 65110
  router_id: 192.0.2.10
  internal: true
  vips:
    ns1: {{address: {VIP}, prefix: {PREFIX}}}
    ns2: {{address: "{SECOND}", prefix: "{SECOND_PREFIX}"}}
  neighbors:
    up: {{address: 192.0.2.9, local: 192.0.2.10, as: 65000}}
    away: {{address: "2001:db8::9", local: "2001:db8::10", as: 65000}}
  drain: {drain}
  agent: {{liveness: liveness.sock, control: agent.sock, bridge: bridge.sock, state: agent{http}}}
{more}""", encoding="utf-8")


@contextlib.contextmanager
def running_site(programs, server, **options):
    site = Site(programs, server)
    site.write(**options)
    server.start()
    with site.bridge:
        try:
            site.agent.start()
            yield site
            site.agent.end()
        finally:
            if site.agent.process is not None and site.agent.process.poll() is None:
                os.kill(site.agent.process.pid, signal.SIGKILL)
                site.agent.process.wait()
