"""What every server of the bench serves and is asked: eight datacenters, two zones, the questions.

One idea for all: a client goes to the datacenter nearest to the middle of its country. It is worked out here, once, and
each server's file turns it into that server's own words. Steered and static names are in zones of their own, so that a
server which hooks its geography into a zone (Knot) pays for it in that zone only.
"""

import dataclasses
import json
import math
import random
import struct

import country_database
import make_zone

STEERED_ZONE = "geo.example"
STEERED_NAME = f"www.{STEERED_ZONE}"
STATIC_ZONE = "plain.example"
STATIC_RECORDS = 1000
LARGE_ZONE = "large.example"
TTL_S = 60

DATACENTERS = {  # name: latitude, longitude
    "ams": (52.31, 4.76), "bom": (19.09, 72.87), "gru": (-23.43, -46.47), "iad": (38.94, -77.46),
    "jnb": (-26.13, 28.24), "nrt": (35.76, 140.39), "sin": (1.36, 103.99), "sjc": (37.36, -121.93),
}
POOLS = {name: [f"198.51.100.{10 * (number + 1)}", f"198.51.100.{10 * (number + 1) + 1}"]
         for number, name in enumerate(DATACENTERS)}

TYPE_A = 1
CLASS_IN = 1
TYPE_OPT = 41
OPTION_CLIENT_SUBNET = 8
UDP_PAYLOAD_BYTES = 1232


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of question, and what a right reply to it looks like."""
    name: str
    zone: str
    rcode: int
    answers: int
    transport: str = "udp"  # tcp: many queries a connection; tcp-each: one


KINDS = {kind.name: kind for kind in (
    Kind("ecs", STEERED_ZONE, 0, 2),
    Kind("plain", STATIC_ZONE, 0, 1),
    Kind("nxdomain", STATIC_ZONE, 3, 0),
    Kind("tcp", STATIC_ZONE, 0, 1, "tcp"),
    Kind("tcp-each", STATIC_ZONE, 0, 1, "tcp-each"),
    Kind("large", LARGE_ZONE, 0, 1),
)}


class World:
    """The data, made from the shipped files; the same in every run."""

    def __init__(self, data_folder, large_records, queries_each):
        self.database = data_folder / "country.mmdb"
        self.countries = country_database.CountryDatabase(self.database)
        places = read_countries(data_folder / "places.json")
        self.continents = {code: continent for code, (continent, _) in places.items()}
        self.order_by_country = {code: datacenters_by_distance(middle) for code, (_, middle) in places.items()}
        self.large_records = large_records
        self.queries_each = queries_each
        self.subnets = self.draw_subnets(random.Random(7871))

    def nearest(self, country):
        return self.order_by_country[country][0]

    def countries_of(self, datacenter):
        return sorted(code for code, order in self.order_by_country.items() if order[0] == datacenter)

    def draw_subnets(self, source):
        """Random /24 networks (their first three octets) of which the database knows a country that has a place."""
        subnets = []
        while len(subnets) < self.queries_each:
            octets = source.randrange(1, 224), source.randrange(256), source.randrange(256)
            if self.countries.country("%d.%d.%d.0" % octets) in self.order_by_country:
                subnets.append(octets)
        return subnets

    def whole_subnets(self, count):
        """The first `count` of them that lie in one network of the database, with the datacenter each belongs to."""
        found = []
        for octets in self.subnets:
            address = "%d.%d.%d.0" % octets
            if self.countries.prefix_bits(address) <= 24:
                found.append((address, self.nearest(self.countries.country(address))))
            if len(found) == count:
                break
        return found

    def queries(self, kind):
        """The messages of a kind, of one length."""
        source = random.Random(1035)
        each = range(self.queries_each)
        if kind.name == "ecs":
            return [message(STEERED_NAME, client_subnet(octets)) for octets in self.subnets]
        if kind.name == "nxdomain":
            return [message(f"x{source.randrange(16 ** 10):010x}.{STATIC_ZONE}") for _ in each]
        records = self.large_records if kind.name == "large" else STATIC_RECORDS
        return [message(f"{make_zone.host(source.randrange(records), records)}.{kind.zone}") for _ in each]

    def write_queries(self, folder):
        """Writes a file of messages for each kind, as over TCP; both load clients read it."""
        for kind in KINDS.values():
            with (folder / f"{kind.name}.queries").open("wb") as file:
                for query in self.queries(kind):
                    file.write(struct.pack("!H", len(query)) + query)

    def write_static_zone(self, folder):
        with (folder / f"{STATIC_ZONE}.zone").open("w", encoding="ascii") as file:
            make_zone.write_zone(file, STATIC_ZONE, STATIC_RECORDS)


def read_countries(places):
    """The continent and the middle of each country in places.json."""
    countries = json.loads(places.read_text(encoding="utf-8"))["countries"]
    return {code: (country["continent"], tuple(country["at"])) for code, country in countries.items()}


def datacenters_by_distance(place):
    return sorted(DATACENTERS, key=lambda name: distance(place, DATACENTERS[name]))


def distance(first, second):
    """The angle between two places on the globe."""
    (lat1, lon1), (lat2, lon2) = ([math.radians(value) for value in place] for place in (first, second))
    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon1 - lon2)
    return math.acos(max(-1.0, min(1.0, cosine)))


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def client_subnet(octets):
    """An OPT record with the client subnet octets/24 (RFC 7871)."""
    payload = struct.pack("!HBB", 1, 24, 0) + bytes(octets)
    option = struct.pack("!HH", OPTION_CLIENT_SUBNET, len(payload)) + payload
    return b"\0" + struct.pack("!HHIH", TYPE_OPT, UDP_PAYLOAD_BYTES, 0, len(option)) + option


def message(name, opt=b""):
    """A query for A records with ID 0."""
    header = struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 1 if opt else 0)
    return header + wire_name(name) + struct.pack("!HH", TYPE_A, CLASS_IN) + opt
