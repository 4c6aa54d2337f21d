"""Judges a reply: what every reply must be, and what the row says.

The reply columns, in any order:

    NOERROR, NXDOMAIN/REFUSED  the rcode, or one of several; SILENT: no reply
    aa tc aa?                  these flags; without the word they must be clear; `aa?`: may be set
    an[www 300 A 192.0.2.1; …] the answer section, in any order, the TTL only where it is written; `ns`, `ar` likewise.
                               A section that is not named must be empty
    an~[…] an* an+             contains these; anything; at least one record
    noq q?                     the question must not come back; may come back
    opt? noopt                 OPT may be missing though it was asked for; must be
    ecs=192.0.2.0/24/20 nsid=e2e ede=22 keepalive cookie cookie?   options of OPT; ECS, NSID, keepalive and cookies that
                               are not named must not be there; an extended error may always be
    size=512 size<=512         bytes of the reply
"""

import ipaddress
import re
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

import wire

UDP_MOST = 1232
OPT, SOA = 41, 6
SECTIONS = {"an": "answer", "ns": "authority", "ar": "additional"}
POSITIVE = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)
EDE = 15


class Expected:
    """A reply column, read."""

    def __init__(self, text):
        self.text = text
        self.sections = {key: ("", set()) for key in SECTIONS}

        def take_section(found):
            records = {record_key(*read_record(piece)) for piece in found[3].split(";") if piece.strip()}
            self.sections[found[1]] = (found[2], records)
            return " "

        rest = re.sub(r"\b(an|ns|ar)(~?)\[((.*?))\](?=\s|$)", take_section, wire.expand(text))
        self.words = set()
        self.values = {}
        for word in rest.split():
            if word[:-1] in SECTIONS and word[-1] in "*+":
                self.sections[word[:-1]] = (word[-1], set())
            elif "<=" in word:
                self.values["size<="] = int(word.partition("<=")[2])
            elif "=" in word:
                key, _, value = word.partition("=")
                self.values[key] = value
            else:
                self.words.add(word)
        self.is_silent = "SILENT" in self.words
        self.rcodes = {name for word in self.words if word.isupper() for name in word.split("/")}
        assert self.rcodes, f"no rcode in {text!r}"
        self.words = {word for word in self.words if not word.isupper()}
        unknown = self.words - {"aa", "tc", "noq", "q?", "aa?", "opt?", "noopt", "keepalive", "cookie", "cookie?"}
        assert not unknown and not set(self.values) - {"ecs", "nsid", "ede", "size", "size<="}, f"unknown: {text!r}"


def read_record(text):
    """'owner [ttl] TYPE rdata' as (owner, ttl or None, rdata)."""
    owner, *rest = text.split()
    ttl = int(rest.pop(0)) if rest[0].isdigit() else None
    rdata = dns.rdata.from_text(dns.rdataclass.IN, rest[0], " ".join(rest[1:]), origin=dns.name.root, relativize=False)
    return wire.name_wire(owner).lower(), ttl, rdata


def record_key(owner, ttl, rdata):
    return owner, ttl, int(rdata.rdtype), rdata.to_digestable(dns.name.root)


def asked_size(packet):
    """The UDP size a well-formed query allows: dnspython reads it, or nothing was asked for."""
    try:
        query = dns.message.from_wire(packet, ignore_trailing=True)
    except Exception:  # pylint: disable=broad-except  # malformed in any way there is
        return UDP_MOST
    return min(max(512, query.payload), UDP_MOST) if query.edns >= 0 else 512


def parse(reply):
    """The reply as dnspython reads it; it knows no reserved opcodes, so these are read as QUERY."""
    plain = reply[:2] + bytes([reply[2] & 0x87]) + reply[3:]
    return dns.message.from_wire(plain, one_rr_per_rrset=True)


def check_any_reply(packet, reply, over_tcp):
    """What holds for every reply to any packet."""
    assert len(packet) >= 12 and packet[2] & 0x80 == 0, "a reply to no query"
    assert len(reply) >= 12, "no whole header"
    asked, told = struct.unpack("!HH", packet[:4]), struct.unpack("!HH", reply[:4])
    assert told[0] == asked[0], "another id"
    assert told[1] & 0x8000, "QR is clear"
    assert (told[1] ^ asked[1]) & 0x7800 == 0, "another opcode (RFC 1035 4.1.1)"
    assert (told[1] ^ asked[1]) & 0x0100 == 0, "RD is not copied (RFC 1035 4.1.1)"
    assert told[1] & 0x0080 == 0, "RA without recursion"
    assert told[1] & 0x0040 == 0, "Z is set (RFC 1035 4.1.1)"
    assert told[1] & 0x0020 == 0, "AD without DNSSEC (RFC 4035 3.1.6)"
    message = parse(reply)  # raises for wrong counts, trailing bytes, bad names, a second OPT
    question_count = struct.unpack("!H", reply[4:6])[0]
    assert question_count <= 1
    if question_count:
        end = len(question_bytes(reply))
        assert reply[12:12 + end] == packet[12:12 + end], "the question is not echoed byte for byte"
    if over_tcp:
        assert not told[1] & 0x0200, "TC over TCP"
    else:
        assert len(reply) <= asked_size(packet), f"{len(reply)} bytes over UDP"
    if message.rcode() not in POSITIVE:
        assert not told[1] & 0x0400 or message.rcode() == dns.rcode.SERVFAIL, "AA with an error"
        assert not message.answer and not message.authority, "records with an error"
    check_sections(message)
    return message


def question_bytes(message):
    """The question of a message whose name is not compressed."""
    at = 12
    while message[at]:
        assert message[at] < 64, "a compressed question"
        at += 1 + message[at]
    return message[12:at + 5]


def check_sections(message):
    for section in (message.answer, message.authority, message.additional):
        keys = [record_key(rrset.name.to_wire().lower(), None, rrset[0]) for rrset in section]
        assert len(keys) == len(set(keys)), "the same record twice (RFC 2181 5)"
        classes = {rrset.rdclass for rrset in section if rrset.rdtype != OPT}
        assert classes <= {question.rdclass for question in message.question}, "a record of another class"
        ttls = {}
        for rrset in section:
            ttls.setdefault((rrset.name, rrset.rdtype), set()).add(rrset.ttl)
            assert rrset.ttl < 1 << 31, "a TTL above 2^31 (RFC 2181 8)"
        assert all(len(values) == 1 for values in ttls.values()), "one rrset, several TTLs (RFC 2181 5.2)"
    if message.edns >= 0:
        assert message.edns == 0, "another version than ours (RFC 6891 6.1.3)"
        assert message.payload == UDP_MOST, "our UDP size is 1232"
        assert message.ednsflags & 0x7fff == 0, "EDNS Z bits are set (RFC 6891 6.1.4)"
    else:
        assert message.rcode() < 16, "an extended rcode without OPT"


def check_flags(expected, packet, reply, message):
    assert dns.rcode.to_text(message.rcode()) in expected.rcodes, dns.rcode.to_text(message.rcode())
    for name, bit in (("aa", dns.flags.AA), ("tc", dns.flags.TC)):
        is_set = bool(message.flags & bit)
        assert is_set == (name in expected.words) or f"{name}?" in expected.words, f"{name} is {is_set}"
    has_question = reply[4:6] == b"\0\1"
    if "q?" not in expected.words:
        assert has_question == ("noq" not in expected.words), f"question echoed: {has_question}"
    if "size" in expected.values:
        assert len(reply) == int(expected.values["size"]), f"{len(reply)} bytes"
    if "size<=" in expected.values:
        assert len(reply) <= expected.values["size<="], f"{len(reply)} bytes"
    assert packet[:2] == reply[:2]


def check_records(expected, message):
    for key, section in SECTIONS.items():
        how, wanted = expected.sections[key]
        with_ttl = {owner_type[0:1] + owner_type[2:] for owner_type in wanted if owner_type[1] is not None}
        told = set()
        for rrset in getattr(message, section):
            if rrset.rdtype == OPT:
                continue
            found = record_key(rrset.name.to_wire().lower(), rrset.ttl, rrset[0])
            told.add(found if found[0:1] + found[2:] in with_ttl else (found[0], None, *found[2:]))
        if how == "*":
            continue
        if how == "+":
            assert told, f"{section} is empty"
        elif how == "~":
            assert wanted <= told, f"{section} lacks {wanted - told}"
        else:
            assert told == wanted, f"{section}: missing {wanted - told}, not wanted {told - wanted}\n{message}"


def check_edns(expected, packet_has_edns, sent_cookie, message):
    has_opt = message.edns >= 0
    if "noopt" in expected.words:
        assert not has_opt, "an OPT record that was not asked for"
    elif "opt?" not in expected.words:
        assert has_opt == packet_has_edns, f"OPT in the reply: {has_opt} (RFC 6891 6.1.1)"
    options = {}
    for option in message.options:
        assert int(option.otype) not in options, f"option {option.otype} twice"
        options[int(option.otype)] = option.to_wire()
    wanted_ecs = expected.values.get("ecs")
    assert (wire.ECS in options) == (wanted_ecs is not None), f"ECS: {options.get(wire.ECS)}"
    if wanted_ecs:
        assert options[wire.ECS] == ecs_bytes(wanted_ecs), f"ECS {options[wire.ECS].hex()}, wanted {wanted_ecs}"
    assert options.get(wire.NSID, b"").decode() == expected.values.get("nsid", ""), f"NSID {options.get(wire.NSID)}"
    keepalive = options.get(wire.KEEPALIVE)
    assert (keepalive is not None) == ("keepalive" in expected.words), f"keepalive: {keepalive}"
    assert keepalive is None or len(keepalive) == 2, "keepalive has a timeout of two bytes (RFC 7828 3.1)"
    check_cookie(expected, sent_cookie, options.get(wire.COOKIE))
    if "ede" in expected.values:
        assert EDE in options and options[EDE][:2] == struct.pack("!H", int(expected.values["ede"])), "no such EDE"
    known = {wire.ECS, wire.NSID, wire.KEEPALIVE, wire.COOKIE, EDE}
    assert not set(options) - known, f"options nobody asked for: {set(options) - known}"


def check_cookie(expected, sent_cookie, cookie):
    if "cookie?" in expected.words and cookie is None:
        return
    wanted = "cookie" in expected.words or "cookie?" in expected.words
    assert (cookie is not None) == wanted, f"cookie: {cookie}"
    if cookie is not None:
        assert cookie[:8] == sent_cookie[:8], "another client's cookie (RFC 7873 5.2.3)"
        assert 16 <= len(cookie) <= 40, f"a cookie of {len(cookie)} bytes (RFC 7873 4)"
        assert len(cookie) == 24 and cookie[8] == 1, "not the form of RFC 9018 4"


def ecs_bytes(text):
    address, source, scope = text.split("/")
    packed = ipaddress.ip_address(address).packed
    return struct.pack("!HBB", 1 if len(packed) == 4 else 2, int(source), int(scope)) + packed[:(int(source) + 7) // 8]


def judge(case, packet, sent, reply, over_tcp):
    """`packet` is the row's wire.Packet, `sent` its bytes."""
    expected = Expected(case.reply("tcp" if over_tcp else "udp"))
    if expected.is_silent:
        assert reply is None, f"a reply where silence is due: {reply.hex()}"
        return
    assert reply is not None, "no reply"
    message = check_any_reply(sent, reply, over_tcp)
    check_flags(expected, sent, reply, message)
    check_records(expected, message)
    cookies = [payload for code, payload in packet.options if code == wire.COOKIE]
    check_edns(expected, packet.edns is not None, cookies[0] if cookies else b"", message)
    if packet.edns is not None and message.edns >= 0:
        assert (message.ednsflags ^ packet.edns["flags"]) & 0x8000 == 0, "DO is not copied (RFC 3225 3)"
