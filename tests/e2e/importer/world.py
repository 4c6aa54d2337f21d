"""A made-up world: a GeoIP database, and random maps over it in gdnsd's language and in Meridian's.

Both texts are written from the same model, neither from the other. What the two servers mean differently (docs/import.md)
is left out of the model, or marked, so that a test knows where to expect it.
"""

import ipaddress
import json
import pathlib
import random
import subprocess

import harness

# name -> latitude, longitude. The last two have no place: they take no part in automatic lists.
DATACENTERS = {
    "ams": (52.31, 4.76), "fra": (50.03, 8.57), "iad": (38.94, -77.46), "sjc": (37.36, -121.92), "sin": (1.36, 103.99),
    "gru": (-23.43, -46.47), "jnb": (-26.13, 28.24), "syd": (-33.95, 151.18), "far": None, "lab": None,
}
COUNTRIES = ["US", "CA", "MX", "GB", "DE", "FR", "ES", "CZ", "RU", "CN", "JP", "IN", "SG", "BR", "AR", "ZA", "KE", "AU", "NZ"]
# Countries with subdivisions in the database; where there are inner ones, both levels.
DIVIDED = ["US", "CA", "GB", "DE", "CZ", "AU"]
RESERVED = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/3", "::/8", "64:ff9b::/96", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10")]


class Places:
    """What both servers should know of countries: continents and subdivisions, from the shipped places.json."""

    def __init__(self):
        path = harness.REPOSITORY / "geo" / "data" / "places.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        self.continents = {code: data["countries"][code]["continent"] for code in COUNTRIES}
        self.subdivisions = {}  # US -> [("CA", None), …], GB -> [("ENG", "LND"), …]
        for country in DIVIDED:
            found = data["subdivisions"][country]
            inner = [(entry["in"].split("-")[1], code.split("-")[1]) for code, entry in found.items()
                     if isinstance(entry, dict) and "in" in entry]
            outer = [(code.split("-")[1], None) for code, entry in found.items()
                     if not (isinstance(entry, dict) and "in" in entry)]
            self.subdivisions[country] = inner[:40] + outer[:30]


def overlaps_reserved(network):
    return any(network.version == other.version and network.overlaps(other) for other in RESERVED)


def random_network(rng, version, bits_min, bits_max):
    while True:
        bits = rng.randint(bits_min, bits_max)
        if version == 4:
            network = ipaddress.ip_network((rng.getrandbits(32), bits), strict=False)
        else:
            network = ipaddress.ip_network(((0x2 << 124) | rng.getrandbits(125), bits), strict=False)
        if not overlaps_reserved(network):
            return network


def inside(rng, network, longest):
    """A network inside this one."""
    bits = rng.randint(network.prefixlen, longest)
    width = network.max_prefixlen - network.prefixlen
    address = int(network.network_address) | (rng.getrandbits(width) if width else 0)
    return ipaddress.ip_network((address, bits), strict=False)


class World:
    """The database: networks, the outer ones first, each with what is known of it."""

    def __init__(self, rng, places, count=700):
        self.records = []
        for number in range(count):
            version = 4 if number % 5 < 3 else 6
            if number % 3 and any(known.version == version for known, _ in self.records):
                around = rng.choice([known for known, _ in self.records if known.version == version])
                network = inside(rng, around, min(around.max_prefixlen, around.prefixlen + 10))
            else:
                network = random_network(rng, version, *((5, 18) if version == 4 else (12, 40)))
            self.records.append((network, self.record(rng, places)))
        self.records.sort(key=lambda item: item[0].prefixlen)

    @staticmethod
    def record(rng, places):
        country = rng.choice(COUNTRIES)
        fields = {"continent": places.continents[country], "country": country}
        if country in DIVIDED and rng.random() < 0.8:
            outer, inner = rng.choice(places.subdivisions[country])
            fields["subdivision"] = f"{outer},{inner}" if inner and rng.random() < 0.8 else outer
        fields["latitude"] = round(rng.uniform(-60, 70), 4)
        fields["longitude"] = round(rng.uniform(-180, 180), 4)
        return fields

    def write(self, programs, path):
        """The database as a file both servers read."""
        text = pathlib.Path(path).with_suffix(".txt")
        text.write_text("".join(f"{network} {' '.join(f'{key}={value}' for key, value in fields.items())}\n"
                                for network, fields in self.records), encoding="utf-8")
        subprocess.run([programs.build / "bin" / "text_mmdb", text, path], check=True, timeout=harness.DEADLINE_S)


class Map:
    """One map: a list of datacenters for each place, or None for an automatic one."""

    def __init__(self, rng, places, world, name):
        self.name = name
        self.automatic = rng.random() < 0.5
        placed = [datacenter for datacenter, at in DATACENTERS.items() if at]
        self.datacenters = rng.sample(placed, rng.randint(2, len(placed)))
        if rng.random() < 0.4:
            self.datacenters.insert(rng.randrange(len(self.datacenters) + 1), rng.choice(["far", "lab"]))
        self.limit = rng.choice([None, 1, 2, 4, 0]) if self.automatic else None
        # With automatic lists, a default of one's own orders ties in gdnsd: only whole lists are drawn for it.
        self.default = None
        if not self.automatic and rng.random() < 0.7:
            self.default = self.draw(rng)
        self.places = {}  # ("EU",), ("EU", "DE"), ("EU", "GB", "ENG"), ("EU", "GB", "ENG", "LND") -> list or None
        self.nets = {}
        for _ in range(rng.randint(3, 25)):
            self.add_place(rng, places)
        for _ in range(rng.randint(0, 15)):
            self.add_net(rng, world)

    def draw(self, rng):
        return rng.sample(self.datacenters, rng.choice([0, 1, 1, 2, 3, len(self.datacenters)]) % (len(self.datacenters) + 1))

    def draw_or_automatic(self, rng):
        return None if self.automatic and rng.random() < 0.3 else self.draw(rng)

    def add_place(self, rng, places):
        country = rng.choice(COUNTRIES)
        path = (places.continents[country], country)
        kind = rng.random()
        if kind < 0.25:
            path = path[:1]
        elif kind > 0.5 and country in DIVIDED:
            outer, inner = rng.choice(places.subdivisions[country])
            # Nested where there are two levels: beside each other, gdnsd asks for the outer one first.
            path += (outer, inner) if inner and rng.random() < 0.5 else (outer,)
        self.places[path] = self.draw_or_automatic(rng)

    def add_net(self, rng, world):
        if rng.random() < 0.5 and self.nets:
            around = rng.choice(list(self.nets))
        else:
            around = rng.choice(world.records)[0]
        longest = around.max_prefixlen if rng.random() < 0.2 else min(around.max_prefixlen, around.prefixlen + 6)
        self.nets[inside(rng, around, longest)] = self.draw(rng)

    @property
    def nearest_count(self):
        count = sum(1 for name in self.datacenters if DATACENTERS[name])
        limit = 3 if self.limit is None else self.limit
        return min(limit, count) if limit else count

    # --- gdnsd -----------------------------------------------------------------------------------

    @staticmethod
    def gdnsd_list(names):
        return "auto" if names is None else "[" + ", ".join(names) + "]"

    def gdnsd_tree(self, prefix=()):
        """The places below one, as a hash; the place's own list is its default."""
        items = []
        own = self.default if not prefix else self.places.get(prefix)
        if (not prefix and self.default is not None) or prefix in self.places:
            items.append(f"default => {self.gdnsd_list(own)}")
        below = sorted({path[:len(prefix) + 1] for path in self.places
                        if len(path) > len(prefix) and path[:len(prefix)] == prefix})
        for path in below:
            is_leaf = not any(len(other) > len(path) and other[:len(path)] == path for other in self.places)
            value = self.gdnsd_list(self.places[path]) if is_leaf else self.gdnsd_tree(path)
            items.append(f"{path[-1]} => {value}")
        return "{ " + ", ".join(items) + " }"

    def gdnsd(self, database):
        lines = [f"geoip2_db => {database}", f"datacenters => [{', '.join(self.datacenters)}]",
                 f"map => {self.gdnsd_tree()}"]
        if self.automatic:
            coords = [f"{name} => [ {at[0]}, {at[1]} ]" for name, at in DATACENTERS.items()
                      if at and name in self.datacenters]
            lines.append(f"auto_dc_coords => {{ {', '.join(coords)} }}")
            if self.limit is not None:
                lines.append(f"auto_dc_limit => {self.limit}")
        nets = [f"{net} => {self.gdnsd_list(names)}" for net, names in self.nets.items()]
        lines.append(f"nets => {{ {', '.join(nets)} }}")
        return f"{self.name} => {{\n  " + "\n  ".join(lines) + "\n}\n"

    # --- Meridian --------------------------------------------------------------------------------

    def rule(self, place, names):
        order = f"prefer: {{nearest: {self.nearest_count}}}" if names is None else f"only: [{', '.join(names)}]"
        return f'      - {{for: "{place}", {order}}}\n'

    @staticmethod
    def place(path):
        return f"continent:{path[0]}" if len(path) == 1 else path[1] if len(path) == 2 else f"{path[1]}-{path[-1]}"

    def meridian(self):
        lines = [f"  {self.name}:\n", f"    datacenters: [{', '.join(self.datacenters)}]\n", "    rules:\n"]
        lines += [self.rule(self.place(path), names) for path, names in self.places.items()]
        lines += [self.rule(net, names) for net, names in self.nets.items()]
        default = self.default if self.default is not None else None if self.automatic else self.datacenters
        lines.append(self.rule("everyone", default))
        return "".join(lines)


def pool(datacenter):
    """One address for each datacenter, the same in every service."""
    return f"192.0.2.{list(DATACENTERS).index(datacenter) + 1}"


ZONE = """$TTL 3600
@ SOA ns1 admin ( 1 7200 1800 259200 900 )
@ NS ns1
ns1 A 192.0.2.53
"""


def write_gdnsd(folder, maps, database):
    """gdnsd's folder: the maps, a resource and a DYNA for each."""
    (folder / "zones").mkdir(parents=True)
    (folder / "geoip").mkdir()
    resources = "".join(
        f"{each.name} => {{ map => {each.name}, dcmap => {{ "
        + ", ".join(f"{name} => {pool(name)}" for name in each.datacenters) + " } }\n" for each in maps)
    (folder / "config").write_text(
        "options => { listen => 127.0.0.1 }\nplugins => { geoip => {\nmaps => {\n"
        + "".join(each.gdnsd(database) for each in maps) + f"}}\nresources => {{\n{resources}}}\n}} }}\n", encoding="utf-8")
    (folder / "zones" / "example.com").write_text(
        ZONE + "".join(f"{each.name} 60/60 DYNA geoip!{each.name}\n" for each in maps), encoding="utf-8")


def write_meridian(folder, maps):
    (folder / "zones").mkdir(parents=True)
    at = {name: f"at: [{place[0]}, {place[1]}]" if place else "" for name, place in DATACENTERS.items()}
    (folder / "datacenters.yaml").write_text(
        "datacenters:\n" + "".join(f"  {name}: {{{where}}}\n" for name, where in at.items()), encoding="utf-8")
    (folder / "maps.yaml").write_text("maps:\n" + "".join(each.meridian() for each in maps), encoding="utf-8")
    (folder / "services.yaml").write_text(
        "services:\n" + "".join(
            f"  {each.name}.example.com:\n    map: {each.name}\n    pools: {{"
            + ", ".join(f"{name}: [{pool(name)}]" for name in each.datacenters) + "}\n" for each in maps),
        encoding="utf-8")
    (folder / "zones" / "example.com.zone").write_text(ZONE, encoding="utf-8")


def border_addresses(rng, world, maps, count):
    """Addresses of both families, most of them at the first and last address of some network, or one beside."""
    networks = [network for network, _ in world.records] + [net for each in maps for net in each.nets]
    found = []
    while len(found) < count:
        network = rng.choice(networks)
        first, last = int(network[0]), int(network[-1])
        value = rng.choice([first, first - 1, last, last + 1, rng.randint(first, last)])
        if not 0 < value < 1 << network.max_prefixlen:
            continue
        address = (ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address)(value)
        if network.version == 4 and rng.random() < 0.05:
            # What carries an IPv4 address is looked up as that address by both.
            address = rng.choice([
                ipaddress.IPv6Address(0xffff << 32 | value),            # v4-mapped
                ipaddress.IPv6Address((0x64ff9b << 96) | value),        # NAT64
                ipaddress.IPv6Address(0x2002 << 112 | value << 80)])    # 6to4
        found.append(address)
    return found


def generate(seed, map_count):
    rng = random.Random(seed)
    places = Places()
    world = World(rng, places)
    return rng, world, [Map(rng, places, world, f"m{number}") for number in range(map_count)]
