"""Builds packets byte by byte out of the `send` column: what no library would let through has to be written too.

    www.example A              a question; a class may follow (`CH`, `CLASS42`)
    {a*63}.example A           {text*n} repeats; `\\046` is a byte in decimal, `\\.` a dot inside a label
    ~036162633f00 A            a name in hexadecimal, as it stands in the packet
    id=7 op=5 flags=rd,ad      the header: id, opcode; flags: qr aa tc rd ra z ad cd; rcode=N
    counts=1,0,0,2             what the header says, whatever is there
    edns=1232 do ver=1 ef=0x4000 erc=1     an OPT record: UDP size, DO, version, flags, upper rcode bits
    nsid ecs=192.0.2.0/24 ecs:00011800c00002 cookie=HEX keepalive pad=8 opt=65001:HEX     options, in this order
    owner=0161 rdlen=+3 opts=HEX           what is wrong with the OPT record: owner, length, raw options
    opt2                       a second OPT record
    q2=www.example/A           a second question
    an=HEX ns=HEX ar=HEX last=HEX          records in hexadecimal; `ar` stands before OPT, `last` behind
    cut=20 cut=-1 tail=00ff    only the first 20 bytes, all but the last, bytes behind the end
    raw=HEX                    everything behind the id
"""

import ipaddress
import re
import struct

import dns.rdataclass
import dns.rdatatype

FLAGS = {"qr": 0x8000, "aa": 0x400, "tc": 0x200, "rd": 0x100, "ra": 0x80, "z": 0x40, "ad": 0x20, "cd": 0x10}
OPCODES = {"QUERY": 0, "IQUERY": 1, "STATUS": 2, "NOTIFY": 4, "UPDATE": 5, "DSO": 6}
NSID, ECS, COOKIE, KEEPALIVE, PADDING = 3, 8, 10, 11, 12
CLIENT_COOKIE = bytes(range(0x11, 0x19))


def expand(text):
    """{a*3} is aaa."""
    return re.sub(r"\{(.+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), text)


def name_wire(text):
    """A name as it goes over the wire, uncompressed and in its letters."""
    if text.startswith("~"):
        return bytes.fromhex(text[1:])
    labels, label, at = [], bytearray(), 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1:at + 4].isdigit():
            label.append(int(text[at + 1:at + 4]))
            at += 4
        elif text[at] == "\\":
            label += text[at + 1].encode()
            at += 2
        else:
            if text[at] == ".":
                labels.append(bytes(label))
                label = bytearray()
            else:
                label += text[at].encode()
            at += 1
    labels.append(bytes(label))
    return b"".join(bytes([len(label)]) + label for label in labels if label) + b"\0"


def number_of(text, module):
    return int(text) if text.isdigit() else int(module.from_text(text))


def question(name, rtype, rclass="IN"):
    return name_wire(name) + struct.pack("!HH", number_of(rtype, dns.rdatatype), number_of(rclass, dns.rdataclass))


def subnet_payload(text):
    """An ECS option that is right: the address cut to the bytes its prefix needs."""
    network = ipaddress.ip_network(text)
    address = network.network_address.packed[:(network.prefixlen + 7) // 8]
    return struct.pack("!HBB", 1 if network.version == 4 else 2, network.prefixlen, 0) + address


class Packet:
    """One row's packet; `wire(id)` gives its bytes."""

    def __init__(self, text):
        self.text = text
        self.id = None
        self.flags = 0
        self.counts = None
        self.question = b""
        self.questions = 0
        self.records = {"an": [], "ns": [], "ar": [], "last": []}
        self.edns = None
        self.options = []
        self.learns_cookie = False
        self.raw = None
        self.cut = None
        self.tail = b""
        words = []
        for word in expand(text).split():
            if not self.read_header_word(word) and not self.read_edns_word(word) and not self.read_rest(word):
                words.append(word)
        if words:
            assert 2 <= len(words) <= 3, f"a question is a name, a type and perhaps a class: {words}"
            self.question = question(*words) + self.question
            self.questions += 1

    # --- the words --------------------------------------------------------------------------------

    def read_header_word(self, word):
        key, _, value = word.partition("=")
        if key == "id":
            self.id = int(value, 0)
        elif key == "op":
            self.flags |= (OPCODES[value] if value in OPCODES else int(value)) << 11
        elif key == "flags":
            for flag in value.split(","):
                self.flags |= FLAGS[flag]
        elif key == "rcode":
            self.flags |= int(value)
        elif key == "counts":
            self.counts = [int(count) for count in value.split(",")]
        else:
            return False
        return True

    def read_edns_word(self, word):
        key, sign, value = word.partition("=")
        fields = {"edns": "size", "ver": "version", "ef": "flags", "erc": "rcode"}
        options = {"nsid": NSID, "cookie": COOKIE, "keepalive": KEEPALIVE}
        if word.startswith("ecs:"):
            self.option(ECS, bytes.fromhex(word[4:]))
        elif word.startswith("opt="):
            code, _, payload = value.partition(":")
            self.option(int(code), bytes.fromhex(payload))
        elif key in fields:
            self.set_edns(**({fields[key]: int(value, 0)} if sign else {}))
        elif word == "do":
            self.set_edns(flags=self.set_edns()["flags"] | 0x8000)
        elif key == "ecs":
            self.option(ECS, subnet_payload(value))
        elif word == "cookie=learn":
            self.learns_cookie = True
            self.option(COOKIE, CLIENT_COOKIE)
        elif key in options:
            self.option(options[key], bytes.fromhex(value))
        elif key == "pad":
            self.option(PADDING, bytes(int(value)))
        elif key in ("owner", "opts"):
            self.set_edns(**{key: bytes.fromhex(value)})
        elif key == "rdlen":
            self.set_edns(rdlen=int(value))
        elif word == "opt2":
            self.set_edns(twice=True)
        else:
            return False
        return True

    def read_rest(self, word):
        key, _, value = word.partition("=")
        if key == "q2":
            self.question += question(*value.split("/"))
            self.questions += 1
        elif key in self.records:
            self.records[key].append(bytes.fromhex(value))
        elif key == "cut":
            self.cut = int(value)
        elif key == "tail":
            self.tail = bytes.fromhex(value)
        elif key == "raw":
            self.raw = bytes.fromhex(value)
        else:
            return False
        return True

    def set_edns(self, **fields):
        if self.edns is None:
            self.edns = {"size": 1232, "version": 0, "flags": 0, "rcode": 0, "owner": b"\0", "opts": b"",
                         "rdlen": 0, "twice": False}
        self.edns.update(fields)
        return self.edns

    def option(self, code, payload):
        self.set_edns()
        self.options.append((code, payload))

    # --- the bytes --------------------------------------------------------------------------------

    def opt_record(self, cookie):
        rdata = b"".join(struct.pack("!HH", code, len(payload)) + payload for code, payload in
                         ((code, cookie if code == COOKIE and cookie else payload) for code, payload in self.options))
        rdata += self.edns["opts"]
        ttl = self.edns["rcode"] << 24 | self.edns["version"] << 16 | self.edns["flags"]
        return self.edns["owner"] + struct.pack("!HHIH", 41, self.edns["size"], ttl,
                                                len(rdata) + self.edns["rdlen"]) + rdata

    def wire(self, number, cookie=None):
        """`number` is the id when the row names none; `cookie` goes where `cookie=learn` stands."""
        head = struct.pack("!H", number if self.id is None else self.id)
        if self.raw is not None:
            return head + self.raw
        opts = []
        if self.edns is not None:
            opts = [self.opt_record(cookie if self.learns_cookie else None)] * (2 if self.edns["twice"] else 1)
        additional = self.records["ar"] + opts + self.records["last"]
        counts = self.counts or [self.questions, len(self.records["an"]), len(self.records["ns"]), len(additional)]
        packet = head + struct.pack("!HHHHH", self.flags, *counts) + self.question
        packet += b"".join(self.records["an"] + self.records["ns"] + additional)
        return packet[:self.cut] + self.tail
