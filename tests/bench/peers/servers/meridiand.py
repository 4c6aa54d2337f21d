"""meridiand: a region for each datacenter, and a rule for each region."""

import shutil

import world as w
from servers.common import steered_zone


class Meridiand:
    name = "meridiand"
    port = 5301
    kinds = ("ecs", "plain", "nxdomain", "tcp", "tcp-each")

    def __init__(self, site):
        self.site = site
        self.version_command = [site.build / "bin" / "meridiand", "--version"]

    def write(self, folder):
        map_folder = folder / "map"
        (map_folder / "zones").mkdir(parents=True)
        for zone in self.site.static_zones():
            shutil.copy(self.site.zone_file(zone), map_folder / "zones")
        (map_folder / "zones" / f"{w.STEERED_ZONE}.zone").write_text(steered_zone(), encoding="ascii")
        world = self.site.world
        self.write_section(map_folder, "datacenters", [
            f"{name}: {{at: [{at[0]}, {at[1]}]}}" for name, at in w.DATACENTERS.items()])
        self.write_section(map_folder, "regions", [
            f"near-{name}: [{', '.join(world.countries_of(name))}]" for name in w.DATACENTERS])
        self.write_section(map_folder, "maps", [
            "web: {rules: [" + ", ".join(f"{{for: near-{name}, prefer: [{name}]}}" for name in w.DATACENTERS) + "]}"])
        pools = ", ".join(f"{name}: [{', '.join(addresses)}]" for name, addresses in w.POOLS.items())
        self.write_section(map_folder, "services", [
            f"{w.STEERED_NAME}: {{map: web, ttl: {w.TTL_S}, pools: {{{pools}}}}}"])
        (folder / "meridian.yaml").write_text(
            f'map: map\nlisten: {{dns: ["127.0.0.1:{self.port}"]}}\nworkers: 1\n', encoding="ascii")

    @staticmethod
    def write_section(folder, name, lines):
        text = f"{name}:\n" + "".join(f"  {line}\n" for line in lines)
        (folder / f"{name}.yaml").write_text(text, encoding="ascii")

    def command(self, folder):
        return [self.site.build / "bin" / "meridiand", "--site", folder / "meridian.yaml", "--control",
                folder / "control.sock", "--data", self.site.build / "share" / "meridian"]
