r"""Three sites, three routers in a triangle, three client networks.

    c1 - r1 - p1      c: an open-loop client each, in a region of its own; its datacenter is there, too
         | \          r: BIRD, eBGP, AS 65001 to 65003; shuns what is marked 65535:0 (RFC 8326)
    c2 - r2 - r3 - c3 p: meridiand, meridian-agent, ExaBGP with meridian-bgp; AS 65110, one VIP of IPv4, one of IPv6
         |     |
         p2    p3     The nearest PoP is the one with the shortest AS path: that at one's own router.
"""

import os
import pathlib
import shutil
import tempfile
import time

import pytest

import harness
import router as routers
from client import Client
from network import Network, remove_dead_namespaces, run
from pop import Pop
from router import Router

SITES = (1, 2, 3)
FOLDER = "meridian-lab-"
COUNTRIES = {1: ("NL", "EU", "52.3, 4.8"), 2: ("US", "NA", "38.9, -77.5"), 3: ("JP", "AS", "35.7, 139.7")}


def remove_leftovers():
    """What runs that were killed themselves could not remove: namespaces and folders, named after their pids."""
    remove_dead_namespaces()
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        if not pathlib.Path(f"/proc/{folder.name.removeprefix(FOLDER).split('-')[0]}").exists():
            shutil.rmtree(folder, ignore_errors=True)


class World:
    zone = "lab.example"
    name = "www.lab.example"

    def __init__(self, programs):
        for program in ("exabgp", "bird"):
            if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
                pytest.skip(f"{program} is not installed")
        self.programs = programs
        self.network = Network()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        self.map = self.folder / "map"
        self.geoip = self.folder / "regions.mmdb"
        self.datacenter_addresses = [f"203.0.113.{10 + number}" for number in SITES]
        self.routers, self.pops, self.clients = [], [], []

    def __enter__(self):
        remove_leftovers()
        try:
            self.build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def build(self):
        self.write_map()
        self.routers += [Router(self, number) for number in SITES]
        self.pops += [Pop(self, number) for number in SITES]
        self.clients += [Client(self, number) for number in SITES]
        self.lay_wires()
        for pop in self.pops:
            pop.write()
        for router in self.routers:
            router.start()
        for client in self.clients:
            client.write()
            client.datacenter.start()
        self.until_datacenters_are_reachable()
        for pop in self.pops:
            pop.start()
        self.until_well()

    def lay_wires(self):
        connect = self.network.connect
        self.uplinks = {}
        for number in SITES:
            at = self.routers[number - 1].namespace
            pop, client = self.pops[number - 1], self.clients[number - 1]
            self.uplinks[number] = connect((at, "pop"), (pop.namespace, "uplink"), f"1.{number}", f"1{number}")
            connect((at, "clients"), (client.namespace, "uplink"), f"2.{number}", f"2{number}")
            self.add_default_routes(number)
            run("ip", "-n", client.namespace, "addr", "add", f"{client.datacenter_address}/32", "dev", "lo")
        for low, high in ((1, 2), (1, 3), (2, 3)):
            connect((self.routers[low - 1].namespace, f"r{high}"), (self.routers[high - 1].namespace, f"r{low}"),
                    f"3.{low}{high}", f"3{low}{high}")

    def add_default_routes(self, number):
        """They go when a wire does."""
        for namespace, kind in ((self.pops[number - 1].namespace, 1), (self.clients[number - 1].namespace, 2)):
            run("ip", "-n", namespace, "route", "replace", "default", "via", f"10.{kind}.{number}.1")
            run("ip", "-n", namespace, "-6", "route", "replace", "default", "via", f"2001:db8:{kind}{number}::1")

    def write_map(self):
        text = self.folder / "regions.geoip"
        text.write_text("".join(f"10.2.{number}.0/24 country={country} continent={continent}\n"
                                for number, (country, continent, _) in COUNTRIES.items()), encoding="utf-8")
        run(self.programs.build / "bin" / "text_mmdb", text, self.geoip)
        (self.map / "zones").mkdir(parents=True)
        files = {
            "datacenters.yaml": "datacenters:\n" + "".join(
                f"  dc{number}: {{at: [{at}]}}\n" for number, (_, _, at) in COUNTRIES.items()),
            "maps.yaml": "maps:\n  web:\n    rules:\n" + "".join(
                f"      - {{for: {country}, prefer: [dc{number}]}}\n" for number, (country, _, _) in COUNTRIES.items())
            + "      - {for: everyone, prefer: nearest}\n",
            "regions.yaml": "regions: {}\n",
            "services.yaml": f"""checks:
  front: {{type: tcp, port: 80, every: 1s, timeout: 500ms, down_after: 2}}
services:
  {self.name}:
    map: web
    check: front
    ttl: 5
    pools:
""" + "".join(f"      dc{number}: [203.0.113.{10 + number}]\n" for number in SITES),
            f"zones/{self.zone}.zone": f"""$ORIGIN {self.zone}.
$TTL 60
@   IN SOA ns1.{self.zone}. hostmaster.{self.zone}. 1 7200 3600 1209600 60
@   IN NS  ns1.{self.zone}.
ns1 IN A   {routers.VIP4}
""",
        }
        for file, content in files.items():
            (self.map / file).write_text(content, encoding="utf-8")

    # --- health ----------------------------------------------------------------------------------

    def until_well(self):
        """Every PoP is announced, and every client is led to its own."""
        for pop in self.pops:
            harness.until(pop.is_announced, lambda pop=pop: f"{pop.name} is announced; the router has "
                          f"{pop.router.routes.via}, {pop.router.pop_attributes()}{pop.story()}")

    def heal(self, *broken):
        """Mends what a scenario broke: wires, routers, and these PoPs, which forget all that was."""
        for number, wire in self.uplinks.items():
            wire.mend()
            self.add_default_routes(number)
        for client in self.clients:
            if not client.datacenter.is_running():
                client.datacenter.start()
        self.until_datacenters_are_reachable()
        for pop in self.pops:
            # A PoP of another kind than usual is one that was broken.
            if pop in broken or not all(unit.is_running() for unit in pop.units):
                pop.reset()
        self.until_well()

    def until_datacenters_are_reachable(self):
        """A server that finds none when it starts takes its check for broken, and believes it no more for minutes."""
        for router in self.routers:
            for address in self.datacenter_addresses:
                harness.until(lambda at=router, to=address: run("ip", "-n", at.namespace, "route", "show", to),
                              f"r{router.number} knows the way to {address}")

    def packets_out_of_hops(self):
        return sum(router.packets_out_of_hops() for router in self.routers)

    def until_up_for(self, seconds, pops):
        """These PoPs have been announced for so long: before, a soft reason does not take them down."""
        def up_since():
            return max(pop.router.routes.events[-1][0] for pop in pops)
        harness.until(lambda: time.monotonic() - up_since() > seconds, "the PoPs stay up", seconds + 30)
        self.until_well()

    def close(self):
        try:
            for each in (*self.clients, *self.pops, *self.routers):
                each.close()
        finally:
            self.network.remove()
            shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        return "".join(pop.story() for pop in self.pops)
