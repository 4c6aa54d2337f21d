"""NSD: static zones only, for it has no geography."""


class Nsd:
    name = "nsd"
    port = 5304
    kinds = ("plain", "nxdomain", "tcp", "tcp-each")
    version_command = ["nsd", "-v"]

    def __init__(self, site):
        self.site = site

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        zones = "".join(f"zone:\n  name: {zone}\n  zonefile: {self.site.zone_file(zone)}\n"
                        for zone in self.site.static_zones())
        # Its rate limit is on by default and would drop the load; the others have none by default.
        (folder / "nsd.conf").write_text(f"""server:
  ip-address: 127.0.0.1@{self.port}
  server-count: 1
  do-ip6: no
  database: ""
  username: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder / 'zone.list'}"
  xfrdfile: "{folder / 'xfrd.state'}"
  xfrdir: "{folder}"
  pidfile: "{folder / 'nsd.pid'}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
{zones}""", encoding="ascii")

    def command(self, folder):
        return ["nsd", "-d", "-c", folder / "nsd.conf"]
