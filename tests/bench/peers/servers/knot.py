"""Knot DNS: its geoip module on the steered zone, with the same database file, a record for each country."""

import world as w
from servers.common import steered_zone


class Knot:
    name = "knot"
    port = 5303
    kinds = ("ecs", "plain", "nxdomain", "tcp", "tcp-each")
    version_command = ["knotd", "--version"]

    def __init__(self, site):
        self.site = site

    def write(self, folder):
        for name in ("run", "storage"):
            (folder / name).mkdir(parents=True)
        lines = [f"server:\n  rundir: {folder / 'run'}\n  listen: 127.0.0.1@{self.port}\n"
                 "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n  edns-client-subnet: on\n",
                 f"database:\n  storage: {folder / 'storage'}\n",
                 "log:\n  - target: stderr\n    any: warning\n"]
        if not self.site.large:
            self.write_steered(folder)
            lines.append(f"mod-geoip:\n  - id: geo\n    config-file: {folder / 'geo.conf'}\n    ttl: {w.TTL_S}\n"
                         f"    mode: geodb\n    geodb-file: {self.site.world.database}\n    geodb-key: country_code\n")
        # No journal and nothing written back: the zone file is the only source, as with the others.
        lines.append("template:\n  - id: default\n    journal-content: none\n    zonefile-sync: -1\nzone:\n")
        for zone in self.site.static_zones():
            lines.append(f"  - domain: {zone}\n    file: {self.site.zone_file(zone)}\n")
        if not self.site.large:
            lines.append(f"  - domain: {w.STEERED_ZONE}\n    file: {folder / 'steered.zone'}\n"
                         "    module: mod-geoip/geo\n")
        (folder / "knot.conf").write_text("".join(lines), encoding="ascii")

    def write_steered(self, folder):
        # The record in the zone is for clients of no country; the module answers all others.
        www = "".join(f"www {w.TTL_S} IN A {address}\n" for address in w.POOLS["ams"])
        (folder / "steered.zone").write_text(steered_zone(www), encoding="ascii")
        world = self.site.world
        with (folder / "geo.conf").open("w", encoding="ascii") as file:
            file.write(f"{w.STEERED_NAME}.:\n")
            for country in sorted(world.order_by_country):
                file.write(f'  - geo: "{country}"\n')
                for address in w.POOLS[world.nearest(country)]:
                    file.write(f"    A: {address}\n")

    def command(self, folder):
        return ["knotd", "-c", folder / "knot.conf"]
