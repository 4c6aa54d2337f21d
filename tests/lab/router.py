"""A transit router: BIRD, and a witness of what happens to its kernel's routes."""

import re
import signal
import subprocess
import threading
import time

import harness
from network import run
from unit import Unit

VIP4, PREFIX4, COVERING4 = "198.51.100.53", "198.51.100.0/24", "198.51.100.0/23"
VIP6, PREFIX6 = "2001:db8:53::53", "2001:db8:53::/48"
POP_AS = 65110

LINE = re.compile(rf"^(Deleted )?({re.escape(PREFIX4)}|{re.escape(COVERING4)}|{re.escape(PREFIX6)}) "
                  r"(?:.*?)via (?:inet6? )?([0-9a-f.:]+)")


def router_as(number):
    return 65000 + number


class Routes(threading.Thread):
    """What `ip monitor route` tells of the prefixes: the clock of "route gone"."""

    def __init__(self, namespace):
        super().__init__(daemon=True)
        self.events = []  # (time, prefix, the next hop or None)
        self.via = {PREFIX4: None, PREFIX6: None, COVERING4: None}
        self.monitor = subprocess.Popen(["ip", "-n", namespace, "monitor", "route"], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.start()

    def run(self):
        for line in self.monitor.stdout:
            now = time.monotonic()
            found = LINE.match(line)
            if not found:
                continue
            is_deleted, prefix, hop = found.groups()
            if is_deleted and hop != self.via[prefix]:
                continue  # another one has already taken its place
            self.via[prefix] = None if is_deleted else hop
            self.events.append((now, prefix, self.via[prefix]))

    def close(self):
        self.monitor.kill()
        self.monitor.wait()
        self.join()


class Router:
    def __init__(self, world, number):
        self.number = number
        self.world = world
        self.namespace = world.network.make(f"r{number}")
        self.folder = world.folder / f"r{number}"
        self.folder.mkdir()
        self.control = self.folder / "bird.ctl"
        self.configuration = self.folder / "bird.conf"
        self.unit = Unit(self.namespace, "bird",
                         ["bird", "-f", "-c", self.configuration, "-s", self.control, "-P", self.folder / "bird.pid"],
                         self.folder)
        self.routes = Routes(self.namespace)

    @property
    def pop(self):
        return self.world.pops[self.number - 1]

    def pop_address(self, prefix=PREFIX4):
        """The next hop of what our own PoP announces."""
        return f"10.1.{self.number}.2" if prefix != PREFIX6 else f"2001:db8:1{self.number}::2"

    def start(self):
        self.write()
        self.control.unlink(missing_ok=True)
        self.unit.start()
        harness.until(lambda: "Daemon is up" in self.says("show status"), lambda: f"bird starts:\n{self.unit.log()}")

    def reconfigure(self):
        """After the PoP's site file has changed."""
        before = self.configuration.read_text(encoding="utf-8")
        self.write()
        if self.configuration.read_text(encoding="utf-8") != before:
            said = self.says("configure")
            assert "Reconfigur" in said, said

    def write(self):
        others = [number for number in (1, 2, 3) if number != self.number]
        self.configuration.write_text(self.header() + self.pop.router_text()
                                      + "".join(self.transit_protocols(number) for number in others), encoding="utf-8")

    def header(self):
        return f"""log "{self.folder}/bird.messages" all;
router id 10.9.0.{self.number};
protocol device {{}}
protocol direct {{ ipv4; ipv6; }}
protocol static {{ ipv4; route 203.0.113.{10 + self.number}/32 via 10.2.{self.number}.2; }}
protocol kernel {{ ipv4 {{ import none; export where source != RTS_DEVICE; }}; }}
protocol kernel {{ ipv6 {{ import none; export where source != RTS_DEVICE; }}; }}
protocol bfd {{}}
"""

    def transit_protocols(self, other):
        low, high = sorted((self.number, other))
        own, peer = (1, 2) if self.number == low else (2, 1)
        return "".join(f"""protocol bgp r{other}_{family} {{
  local {own_address} as {router_as(self.number)}; neighbor {peer_address} as {router_as(other)};
  hold time 9; connect delay time 1; connect retry time 1; error wait time 1, 3;
  {family} {{ import all; export all; }};
}}
""" for family, own_address, peer_address in (
            ("ipv4", f"10.3.{low}{high}.{own}", f"10.3.{low}{high}.{peer}"),
            ("ipv6", f"2001:db8:3{low}{high}::{own}", f"2001:db8:3{low}{high}::{peer}")))

    def says(self, *words):
        return subprocess.run(["birdc", "-s", self.control, *words], capture_output=True, text=True,
                              timeout=harness.DEADLINE_S, check=False).stdout

    def session(self, prefix=PREFIX4):
        """BIRD's name of that with our own PoP."""
        return f"'p{self.number}-r{self.number}{'-v6' if prefix == PREFIX6 else ''}'"

    def pop_attributes(self, prefix=PREFIX4):
        """{"as_path": "65110", …} of what our own PoP announces, or None."""
        text = self.says("show", "route", "all", "protocol", self.session(prefix))
        for route in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
            if route.startswith(f"{prefix} "):
                return dict(re.findall(r"BGP\.(\w+): (.*)", route))
        return None

    def packets_out_of_hops(self):
        """IPv4 packets that died here because routers sent them to each other too often (ipInHdrErrors, RFC 4293)."""
        names, values = (line.split() for line in run("ip", "netns", "exec", self.namespace, "cat", "/proc/net/snmp")
                         .splitlines() if line.startswith("Ip:"))
        return int(values[names.index("InHdrErrors")])

    def is_at_home(self, prefix=PREFIX4):
        """Clients here are led to our own PoP."""
        return self.routes.via[prefix] == self.pop_address(prefix)

    def left_home_at(self, since, prefix=PREFIX4):
        """When clients were first led elsewhere, or nowhere; None: they were not."""
        home = self.pop_address(prefix)
        return next((at for at, of, via in self.routes.events if at >= since and of == prefix and via != home), None)

    def came_home_since(self, since, prefix=PREFIX4):
        """When clients were led back to our own PoP."""
        home = self.pop_address(prefix)
        return [at for at, of, via in self.routes.events if at >= since and of == prefix and via == home]

    def until_route(self, prefix):
        harness.until(lambda: self.routes.via[prefix], lambda: f"r{self.number} has a route to {prefix}")

    def until_session_up(self):
        harness.until(lambda: "Established" in self.says("show", "protocols", self.session()),
                      lambda: f"a session:\n{self.says('show', 'protocols', 'all', self.session())}")

    def restart(self):
        began = self.unit.signal(signal.SIGTERM)
        self.unit.process.wait(harness.DEADLINE_S)
        self.start()
        return began

    def events_since(self, since):
        return [event for event in self.routes.events if event[0] >= since]

    def close(self):
        self.unit.end()
        self.routes.close()


def show_routes(namespace):
    return run("ip", "-n", namespace, "route") + run("ip", "-n", namespace, "-6", "route")
