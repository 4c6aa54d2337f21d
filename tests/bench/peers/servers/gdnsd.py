"""gdnsd: its geoip plugin with a map of countries, and the shipped database in the layout it reads."""

import shutil

import world as w
from servers.common import steered_zone


class Gdnsd:
    name = "gdnsd"
    port = 5302
    kinds = ("ecs", "plain", "nxdomain", "tcp", "tcp-each")
    version_command = ["gdnsd", "-h"]

    def __init__(self, site):
        self.site = site

    def write(self, folder):
        for name in ("zones", "geoip", "run", "state"):
            (folder / name).mkdir(parents=True)
        for zone in self.site.static_zones():
            shutil.copy(self.site.zone_file(zone), folder / "zones" / zone)
        dynamic = f"www {w.TTL_S} DYNA geoip!www\n"
        (folder / "zones" / w.STEERED_ZONE).write_text(steered_zone(dynamic), encoding="ascii")
        self.site.world.countries.write_geoip2(folder / "geoip" / "country.mmdb", self.site.world.continents)
        places = "\n".join(self.places())
        pools = "\n".join(f"    {name} => [ {', '.join(addresses)} ]" for name, addresses in w.POOLS.items())
        (folder / "config").write_text(f"""options => {{
  listen => 127.0.0.1:{self.port}
  udp_threads = 1
  tcp_threads = 1
  run_dir = {folder / "run"}
  state_dir = {folder / "state"}
}}
plugins => {{ geoip => {{
  maps => {{ web => {{
    datacenters => [ {", ".join(w.DATACENTERS)} ]
    geoip2_db => country.mmdb
    map => {{
{places}
    }}
  }} }}
  resources => {{ www => {{
    map => web
    service_types => up
    dcmap => {{
{pools}
    }}
  }} }}
}} }}
""", encoding="ascii")

    def places(self):
        """Continents of countries of datacenters, the nearest one first; the others by their distance from that one."""
        world = self.site.world
        for continent in sorted(set(world.continents.values())):
            countries = " ".join(
                f"{code} => [ {', '.join(w.datacenters_by_distance(w.DATACENTERS[world.nearest(code)]))} ]"
                for code in sorted(world.order_by_country) if world.continents[code] == continent)
            yield f"      {continent} => {{ {countries} }}"

    def command(self, folder):
        return ["gdnsd", "-c", folder, "start"]
