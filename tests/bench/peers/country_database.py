"""The shipped country database, and the same networks in the layout of MaxMind's GeoIP2.

The shipped one has `country_code` at the top of each record. gdnsd reads only `continent.code` and `country.iso_code`,
so it gets a copy with the same tree and other records. The tree is rewritten here (the format: MaxMind DB 2.0);
records are read by libmaxminddb, with which the answers are checked too: none of the servers' own code.
"""

import maxminddb

NODE_BYTES = 6
RECORD_BYTES = 3
SEPARATOR_BYTES = 16  # between the tree and the records
METADATA_MARKER = b"\xab\xcd\xefMaxMind.com"

# The types of the format that stand in these files.
POINTER, STRING, UINT16, UINT32, MAP, UINT64, ARRAY = 1, 2, 5, 6, 7, 9, 11


class CountryDatabase:
    """Which country an address lies in, by libmaxminddb."""

    def __init__(self, path):
        self.path = path
        self.reader = maxminddb.open_database(str(path))

    def country(self, address):
        record = self.reader.get(address)
        return record.get("country_code") if record else None

    def prefix_bits(self, address):
        """The length of the network that holds an IPv4 address, as IPv4 counts."""
        return self.reader.get_with_prefix_len(address)[1]

    def write_geoip2(self, path, continents):
        """Writes the copy; a country that `continents` does not have becomes a network without data."""
        nodes = self.reader.metadata().node_count
        assert self.reader.metadata().record_size == RECORD_BYTES * 8, "only records of 24 bits are rewritten here"
        content = self.path.read_bytes()
        records = bytearray()
        moved = {}
        tree = bytearray(content[:nodes * NODE_BYTES])
        for at in range(0, len(tree), RECORD_BYTES):
            record = int.from_bytes(tree[at:at + RECORD_BYTES], "big")
            if record <= nodes:
                continue
            if record not in moved:
                code = read_country(content, nodes * NODE_BYTES + record - nodes)
                moved[record] = nodes if code not in continents else nodes + SEPARATOR_BYTES + len(records)
                if code in continents:
                    records += encode({"continent": {"code": continents[code]}, "country": {"iso_code": code}})
            tree[at:at + RECORD_BYTES] = moved[record].to_bytes(RECORD_BYTES, "big")
        path.write_bytes(tree + bytes(SEPARATOR_BYTES) + records + METADATA_MARKER + self.metadata(nodes))

    def metadata(self, nodes):
        return encode({
            "binary_format_major_version": (UINT16, 2), "binary_format_minor_version": (UINT16, 0),
            "build_epoch": (UINT64, self.reader.metadata().build_epoch), "database_type": "GeoLite2-Country",
            "description": {"en": "the shipped country database in another layout"}, "ip_version": (UINT16, 6),
            "languages": [], "node_count": (UINT32, nodes), "record_size": (UINT16, RECORD_BYTES * 8)})


def read_country(content, at):
    """The country_code of the record at a place in the file: a mapping of that key, in full or a pointer, to text."""
    key = encode("country_code")
    in_full = content[at + 1:at + 1 + len(key)] == key
    value = at + 1 + (len(key) if in_full else 2)
    is_known = content[at] == control(MAP, 1)[0] and content[value] == control(STRING, 2)[0]
    assert is_known and (in_full or content[at + 1] >> 3 == POINTER << 2), "the shipped database has another layout now"
    return content[value + 1:value + 3].decode("ascii")


def encode(value):
    """A value of the format: text, a mapping, a list, or (type, number)."""
    if isinstance(value, str):
        return control(STRING, len(value)) + value.encode("ascii")
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encode, value))
    kind, number = value
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return control(kind, len(digits)) + digits


def control(kind, size):
    """The byte that starts a value; sizes from 29 on take a second one, types from 8 on too."""
    small = min(size, 29)
    first = bytes([kind << 5 | small]) if kind < 8 else bytes([small, kind - 7])
    return first + (bytes([size - 29]) if small == 29 else b"")
