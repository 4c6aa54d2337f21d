"""A point of presence: meridiand, meridian-agent, and ExaBGP with its bridge, in a namespace."""

import json
import re
import shutil
import time

import harness
import router
from network import run
from router import POP_AS, PREFIX4, PREFIX6, VIP4, VIP6
from unit import Unit

# The levels, as the router sees them.
ANNOUNCE, DE_PREFERENCE, WITHDRAW = "announce", "de-preference", "withdraw"


class Pop:
    def __init__(self, world, number):
        self.number = number
        self.name = f"p{number}"
        self.world = world
        self.programs = world.programs
        self.namespace = world.network.make(self.name)
        self.folder = world.folder / self.name
        self.folder.mkdir()
        self.map = self.folder / "map"
        self.site = self.folder / "meridian.yaml"
        self.control = self.folder / "control.sock"
        self.state = self.folder / "agent"
        self.address = f"10.1.{number}.2"
        self.covering = []
        self.hold_s = 9
        self.has_local_router = False
        bin_folder = self.programs.build / "bin"
        self.server = Unit(self.namespace, "meridiand",
                           [bin_folder / "meridiand", "--site", self.site, "--data", self.programs.data,
                            "--control", self.control], self.folder)
        self.agent = Unit(self.namespace, "meridian-agent", [bin_folder / "meridian-agent", "--site", self.site],
                          self.folder)
        self.local_router = Unit(self.namespace, "bird", ["bird", "-f", "-c", self.folder / "bird.conf", "-s",
                                                          self.folder / "bird.ctl", "-P", self.folder / "bird.pid"],
                                 self.folder)
        self.exabgp = Unit(self.namespace, "exabgp", ["exabgp", self.folder / "exabgp.conf"], self.folder,
                           ["exabgp.api.cli=false", "exabgp.daemon.user=root"])

    @property
    def router(self):
        return self.world.routers[self.number - 1]

    @property
    def units(self):
        return (self.server, self.agent, self.exabgp)

    # --- files -----------------------------------------------------------------------------------

    def write(self):
        shutil.copytree(self.world.map, self.map, dirs_exist_ok=True)
        self.write_site()
        (self.folder / "exabgp.conf").write_text(self.exabgp_text(), encoding="utf-8")
        if self.has_local_router:
            (self.folder / "bird.conf").write_text(self.local_router_text(), encoding="utf-8")

    def write_site(self):
        number = self.number
        self.site.write_text(f"""site: {self.name}
map: map
geoip: [{self.world.geoip}]
workers: 1
listen: {{dns: ["{VIP4}:53", "[{VIP6}]:53"]}}
anycast:
  as: {POP_AS}
  router_id: {self.address}
  vips:
    v4: {{address: {VIP4}, prefix: {PREFIX4}}}
    v6: {{address: "{VIP6}", prefix: "{PREFIX6}"}}
  covering: [{", ".join(self.covering)}]
  neighbors:
    r{number}: {{address: 10.1.{number}.1, local: {self.address}, as: {router.router_as(number)}, hold: {self.hold_s}}}
    r{number}-v6:
      address: "2001:db8:1{number}::1"
      local: "2001:db8:1{number}::2"
      as: {router.router_as(number)}
      hold: {self.hold_s}
  local_router: {str(self.has_local_router).lower()}
  drain: {{at_least: 1s, at_most: 10s}}
  queries:
    - {{name: {self.world.name}, for: 10.2.1.0/24, expect: [{", ".join(self.world.datacenter_addresses)}]}}
    - {{name: nothing.{self.world.zone}, expect: nxdomain}}
  agent:
    control: {self.folder}/agent.sock
    bridge: {self.folder}/bridge.sock
    liveness: {self.folder}/liveness.sock
    state: {self.state}
""", encoding="utf-8")

    def generated(self, program, *arguments):
        """What meridianctl makes of the site file."""
        return self.ctl("anycast", "config", program, "--site", self.site, *arguments)

    def exabgp_text(self):
        bridge = self.programs.build / "bin" / "meridian-bgp"
        return self.generated("exabgp", "--bridge", bridge, "--state", self.folder / "bridge.state")

    def router_text(self):
        """The router's end of the sessions. Sooner again after an error than there: clients wait for the lab."""
        return self.generated("bird").replace("error wait time 1, 30;", "error wait time 1, 3;")

    def local_router_text(self):
        """BIRD between ExaBGP and the router, for BFD."""
        return self.generated("bird", "--for", "site").replace("error wait time 1, 30;", "error wait time 1, 3;").replace(
            "log syslog all;", f'log "{self.folder}/bird.messages" all;')

    # --- life ------------------------------------------------------------------------------------

    def start(self):
        self.add_vips()
        self.server.start()
        self.agent.start()
        if self.has_local_router:
            self.local_router.start()
        self.exabgp.start()

    def reset(self, hold_s=9, covering=(), has_local_router=False):
        """As if nothing had ever happened here: no hold-down, no wish, no change is remembered."""
        self.close()
        shutil.rmtree(self.state, ignore_errors=True)
        (self.folder / "bridge.state").unlink(missing_ok=True)
        shutil.rmtree(self.map)
        self.covering, self.hold_s, self.has_local_router = list(covering), hold_s, has_local_router
        self.write()
        self.router.reconfigure()
        self.start()

    def add_vips(self):
        for address in (f"{VIP4}/32", f"{VIP6}/128"):
            run("ip", "-n", self.namespace, "addr", "replace", address, "dev", "lo")

    def remove_vip(self, address):
        run("ip", "-n", self.namespace, "addr", "del", address, "dev", "lo")

    def bridge_pid(self, other_than=None):
        return harness.until(lambda: [pid for pid in self.exabgp.children() if pid != other_than],
                             lambda: f"the bridge runs:\n{self.exabgp.log()[-3000:]}")[0]

    def is_announced(self):
        """Both prefixes as they are announced when all is well, and clients here come here."""
        return all(self.router.is_at_home(prefix) and self.announces(prefix) == ANNOUNCE for prefix in (PREFIX4, PREFIX6))

    def announces(self, prefix=PREFIX4):
        """The level that the router sees."""
        attributes = self.router.pop_attributes(prefix)
        if attributes is None:
            return WITHDRAW
        return DE_PREFERENCE if "(65535,0)" in attributes.get("community", "") else ANNOUNCE

    def until_level(self, level, prefix=PREFIX4, seconds=harness.DEADLINE_S):
        harness.until(lambda: self.announces(prefix) == level,
                      lambda: f"{self.name} is at {level}, it is at {self.announces(prefix)}; {self.story()}", seconds)

    def upgrade(self):
        """A new server takes over; it is our unit from now on."""
        told = json.loads(self.ctl("--control", self.control, "upgrade", "--json"))
        old, self.server.process = self.server.process, harness.AdoptedProcess(told["pid"])
        assert old.wait(harness.DEADLINE_S) == 0, self.server.log()

    def level_changes(self, since=0.0):
        """[(time, fields)] of what the agent says it did."""
        return [(at, fields) for at, fields in self.agent.events("vip_level", since) if fields["vip"] == "v4"]

    def ctl(self, *arguments):
        """meridianctl at this PoP."""
        done = self.programs.ctl(*arguments)
        assert done.returncode == 0, f"meridianctl {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}"
        return done.stdout

    def wish(self, what, *arguments):
        """What an operator asks of the agent, for all VIPs: drain, withdraw, announce, or undrain, which ends them."""
        return self.ctl("anycast", what, "--agent", self.folder / "agent.sock", "--reason", "the lab", *arguments)

    def edit_map(self, file, old, new):
        """Another map for this PoP alone, and the server has read it."""
        path = self.map / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        began = time.monotonic()
        self.ctl("--control", self.control, "reload")
        return began

    def story(self):
        """For messages: the ends of the logs."""
        return "".join(f"\n--- {self.name} {unit.name}\n" + "\n".join(unit.log().splitlines()[-15:])
                       for unit in self.units)

    def check_logs(self):
        for unit in self.units:
            found = harness.SANITIZER_REPORT.search(unit.log())
            assert found is None, f"{self.name} {unit.name}: {found[0]}"
            assert not re.search(r"assertion .* failed", unit.log()), unit.log()

    def close(self):
        for unit in (self.agent, self.exabgp, self.local_router, self.server):
            unit.end()
