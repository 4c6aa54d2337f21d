"""Random and broken packets: the server stays up, every reply is a DNS message, and nothing is amplified.

After each packet comes a good query from the same socket. The kernel gives a socket's packets to one worker in order,
so when the good answer is there, every reply to the bad packet is there too: nothing is waited for.
"""

import random
import socket
import struct

import dns.edns
import dns.message
import dns.rcode
import pytest

from harness import frame, make_query, read_frame

PACKETS = 3000
SEED = 20260102
OPT_BYTES = 11  # all that an error reply may add to the query it answers
# What a well-formed query that is refused may get on top: the server half of a cookie (16), the site's name "e2e" in the
# NSID option it asked for (3), an extended error (6).
OPTIONS_BYTES = 16 + 3 + 6
UDP_MOST = 1232
GOOD = make_query("static.example.com", edns=False)


def good_queries():
    """What mutations start from."""
    options = [dns.edns.ECSOption("81.2.69.0", 24), dns.edns.GenericOption(3, b""),
               dns.edns.GenericOption(10, b"12345678")]
    return [
        make_query("www.example.com").to_wire(),
        make_query("www.example.com", "AAAA", subnet="2a00:1450::/32", nsid=True).to_wire(),
        make_query("a." * 100 + "example.com", "TXT").to_wire(),
        make_query("shop.example.com", edns=False).to_wire(),
        make_query("host.lab.example.com", "ANY").to_wire(),
        dns.message.make_query("example.com", "SOA", use_edns=0, options=options).to_wire(),
        dns.message.make_query("version.bind", "TXT", rdclass="CH").to_wire(),
    ]


def flip_bytes(draw, packet):
    for _ in range(draw.randrange(1, 6)):
        packet[draw.randrange(len(packet))] = draw.randrange(256)


def flip_bit(draw, packet):
    packet[draw.randrange(len(packet))] ^= 1 << draw.randrange(8)


def cut(draw, packet):
    del packet[draw.randrange(len(packet)):]


def extend(draw, packet):
    packet += draw.randbytes(draw.randrange(1, 300))


def lie_about_counts(draw, packet):
    at = 4 + 2 * draw.randrange(4)
    packet[at:at + 2] = struct.pack("!H", draw.choice([0, 1, 2, 255, 65535]))


def point_names(draw, packet):
    """Compression pointers where names stand: to themselves, forward, into the header."""
    at = draw.randrange(12, len(packet) - 1)
    packet[at:at + 2] = struct.pack("!H", 0xc000 | draw.choice([at, 0, 12, len(packet), draw.randrange(0x4000)]))


def repeat(draw, packet):
    packet += packet[12:]
    lie_about_counts(draw, packet)


MUTATIONS = [flip_bytes, flip_bit, cut, extend, lie_about_counts, point_names, repeat]


def bad_packets(count, seed):
    draw = random.Random(seed)
    sources = good_queries()
    for number in range(count):
        if number % 10 == 0:
            yield draw.randbytes(draw.randrange(0, 600))
            continue
        packet = bytearray(draw.choice(sources))
        for _ in range(draw.randrange(1, 4)):
            if len(packet) > 14:
                draw.choice(MUTATIONS)(draw, packet)
        yield bytes(packet)


def is_silent(packet):
    """No header to answer with, or a response: two servers must not answer each other forever."""
    return len(packet) < 12 or packet[2] & 0x80 != 0


def good_wire_beside(packet):
    """A good query whose id differs from the packet's."""
    number = struct.unpack("!H", packet[:2].ljust(2, b"\0"))[0]
    GOOD.id = number ^ 0x5555
    return GOOD.to_wire(), GOOD.id


def parse(reply):
    """Raises when it is no DNS message. dnspython knows no reserved opcodes, so these are read as QUERY."""
    return dns.message.from_wire(reply[:2] + bytes([reply[2] & 0x87]) + reply[3:])


def judge(packet, reply):
    """What every reply to a bad packet must be."""
    assert (reply[2] ^ packet[2]) & 0x78 == 0, "another opcode"
    assert reply[:2] == packet[:2] and reply[2] & 0x80, f"{packet.hex()} got {reply.hex()}"
    message = parse(reply)
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        assert len(reply) <= len(packet) + OPT_BYTES + OPTIONS_BYTES, f"{packet.hex()} got {reply.hex()}"
        assert not message.answer and not message.authority
    return message.rcode()


def send_over_udp(udp, packets):
    """Sends each packet and a good query; returns how often each rcode came, and what must have been counted."""
    rcodes = {}
    for packet in packets:
        good, number = good_wire_beside(packet)
        udp.send(packet)
        udp.send(good)
        replies = []
        while True:
            reply = udp.recv(65535)
            if reply[:2] == struct.pack("!H", number) and reply[12:12 + 8] == good[12:12 + 8]:
                break
            replies.append(reply)
        assert len(replies) == (0 if is_silent(packet) else 1), packet.hex()
        for reply in replies:
            assert len(reply) <= UDP_MOST
            rcode = judge(packet, reply)
            rcodes[rcode] = rcodes.get(rcode, 0) + 1
    return rcodes


def test_bad_packets_over_udp(server, programs):
    packets = list(bad_packets(PACKETS, SEED))
    before = server.counters()
    with server.udp() as udp:
        send_over_udp(udp, packets[:500])
        warm_kb = server.resident_kb()
        rcodes = send_over_udp(udp, packets[500:])
    after = server.counters()
    moved = {name: after[name] - before[name] for name in after}
    assert moved["udp_queries_total"] == 2 * PACKETS
    assert moved["dropped_short_queries_total"] == sum(len(packet) < 12 for packet in packets) > 50
    assert moved["dropped_response_queries_total"] == sum(is_silent(p) and len(p) >= 12 for p in packets) > 50
    # The mutations reach every way a query can end, or this test has become too tame.
    for name in ("formerr", "notimp", "badvers", "refused", "nxdomain", "steered"):
        assert moved[f"{name}_answers_total"] > 0, name
    assert rcodes[dns.rcode.FORMERR] > 500 and rcodes[dns.rcode.NOERROR] > 50
    assert moved["servfail_answers_total"] == 0
    assert server.is_alive() and server.query("www.example.com").rcode() == 0
    if not programs.sanitized:  # a sanitizer keeps freed memory back
        assert server.resident_kb() - warm_kb < 30_000


def test_bad_packets_over_tcp(server, programs):
    before = server.counters()
    warm_kb = server.resident_kb()
    closed = 0
    stream = server.tcp()
    for packet in bad_packets(PACKETS // 2, SEED + 1):
        if not packet:
            continue  # a length of zero has a test of its own
        good, number = good_wire_beside(packet)
        try:
            stream.sendall(frame(packet) + frame(good))
            reply = read_frame(stream)
        except (BrokenPipeError, ConnectionResetError):
            reply = None
        assert (reply is None) == is_silent(packet), packet.hex()
        if reply is None:
            closed += 1
            stream.close()
            stream = server.tcp()
            continue
        judge(packet, reply)
        assert read_frame(stream)[:2] == struct.pack("!H", number), "the answer to the good query follows"
    stream.close()
    after = server.counters()
    assert closed > 50
    assert after["tcp_unanswered_connections_total"] - before["tcp_unanswered_connections_total"] == closed
    assert server.is_alive() and server.query("www.example.com", tcp=True).rcode() == 0
    if not programs.sanitized:
        assert server.resident_kb() - warm_kb < 30_000


def test_streams_of_noise_over_tcp(server):
    """Not even framed."""
    draw = random.Random(SEED + 2)
    for _ in range(100):
        with server.tcp() as stream:
            try:
                stream.sendall(draw.randbytes(draw.randrange(1, 5000)))
                stream.shutdown(socket.SHUT_WR)
                while True:
                    reply = read_frame(stream)
                    if reply is None:
                        break
                    parse(reply)
            except OSError:
                pass  # the server closed first, as it may
    assert server.is_alive() and server.query("www.example.com").rcode() == 0


@pytest.mark.parametrize("size", [2049, 5000, 65507])
def test_packets_longer_than_any_query_are_dropped_and_counted(example, size):
    with example.udp() as udp:
        with example.moves(udp_oversized_queries=1, udp_queries=1, udp_answers=1, static_answers=1):
            udp.send(make_query("www.example.com").to_wire().ljust(size, b"\0"))
            udp.send(GOOD.to_wire())
            assert udp.recv(65535)[:2] == struct.pack("!H", GOOD.id), "only the good query is answered"


def test_a_response_is_never_answered(example):
    wire = bytearray(make_query("www.example.com").to_wire())
    wire[2] |= 0x80
    with example.udp() as udp:
        with example.moves(udp_queries=2, udp_answers=1, dropped_response_queries=1, static_answers=1):
            udp.send(bytes(wire))
            udp.send(GOOD.to_wire())
            assert udp.recv(65535)[:2] == struct.pack("!H", GOOD.id)


def test_an_empty_packet_is_counted_as_short(example):
    with example.udp() as udp:
        with example.moves(udp_queries=2, udp_answers=1, dropped_short_queries=1, static_answers=1):
            udp.send(b"")
            udp.send(GOOD.to_wire())
            assert udp.recv(65535)[:2] == struct.pack("!H", GOOD.id)
