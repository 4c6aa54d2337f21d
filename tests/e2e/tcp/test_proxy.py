"""PROXY protocol version 2: clients behind a proxy are steered, limited and counted as themselves."""

import ipaddress
import socket
import struct

import dns.message
import pytest

from harness import datacenter_of, frame, make_query, read_frame, until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
# In the example's map, who asks from there goes to sin.
CLIENT_OF_SIN = "1.0.16.7"


def header(client, command=PROXY, family=None, tlvs=b""):
    """As section 2.2 of the specification draws it."""
    address = ipaddress.ip_address(client)
    target = ipaddress.ip_address("198.51.100.53" if address.version == 4 else "2001:db8::53")
    block = address.packed + target.packed + struct.pack("!HH", 4711, 53) + tlvs
    if family is None:
        family = 0x12 if address.version == 4 else 0x22
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(block)) + block


@pytest.fixture
def proxied(new_server):
    """A server with a second address for proxies; `server.proxy_port` is its port."""
    return start(new_server(), "127.0.0.0/8")


def start(server, proxies):
    server.site.write_text(
        "map: map\nsite: e2e\nlisten:\n  dns: [\"127.0.0.1:0\"]\n"
        f"  proxy: [{{address: \"127.0.0.1:0\", from: [{proxies}]}}]\n", encoding="utf-8")
    server.start()
    server.proxy_port = int(server.status()["listening"][1].rsplit(":", 1)[1])
    return server


def udp(server):
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream.settimeout(45)
    stream.connect(("127.0.0.1", server.proxy_port))
    return stream


def tcp(server):
    return socket.create_connection(("127.0.0.1", server.proxy_port), timeout=45)


def ask_udp(server, prefix):
    with udp(server) as stream:
        stream.send(prefix + make_query("www.example.com").to_wire())
        return dns.message.from_wire(stream.recv(65535))


def ask_tcp(server, prefix):
    with tcp(server) as stream:
        stream.sendall(prefix + frame(make_query("www.example.com").to_wire()))
        return dns.message.from_wire(read_frame(stream))


def where(server, client):
    """The datacenter of a client, as the server explains it through its ordinary address."""
    return datacenter_of(server.query("www.example.com", subnet=f"{client}/32"), "A")


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp])
def test_the_client_of_the_header_is_steered(proxied, ask):
    expected = {client: where(proxied, client) for client in (CLIENT_OF_SIN, "8.8.8.8", "193.0.6.139")}
    assert len(set(expected.values())) > 1, "clients that tell nothing apart"
    for client, datacenter in expected.items():
        assert datacenter_of(ask(proxied, header(client)), "A") == datacenter
        assert datacenter_of(ask(proxied, header(client, family=0x11)), "A") == datacenter
        assert datacenter_of(ask(proxied, header(client, tlvs=b"\x03\0\x02hi")), "A") == datacenter
        assert datacenter_of(ask(proxied, header(f"::ffff:{client}")), "A") == datacenter


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp])
def test_the_proxy_itself_and_clients_it_does_not_tell_are_answered(proxied, ask):
    as_proxy = datacenter_of(proxied.query("www.example.com"), "A")
    assert datacenter_of(ask(proxied, header(CLIENT_OF_SIN, command=LOCAL)), "A") == as_proxy
    assert datacenter_of(ask(proxied, SIGNATURE + b"\x20\0\0\0"), "A") == as_proxy
    assert datacenter_of(ask(proxied, SIGNATURE + b"\x21\0\0\0"), "A") == as_proxy


MALFORMED = {
    "no header": b"",
    "version 1": b"PROXY TCP4 192.0.2.7 198.51.100.53 4711 53\r\n",
    "version 3": header("192.0.2.7", command=0x31),
    "unknown command": header("192.0.2.7", command=0x22),
    "unix socket": SIGNATURE + b"\x21\x31\x00\xd8" + bytes(216),
    "short block": SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11),
    "past the limit": SIGNATURE + b"\x21\x11\x01\xf1" + bytes(497),
}


@pytest.mark.parametrize("prefix", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_has_no_proper_header_is_not_answered(proxied, prefix):
    wire = make_query("www.example.com").to_wire()
    with proxied.moves(udp_queries=1, udp_proxy_malformed_queries=1, tcp_connections=1,
                       tcp_proxy_malformed_connections=1):
        with udp(proxied) as stream:
            stream.send(prefix + wire)
        with tcp(proxied) as stream:
            stream.sendall(prefix + frame(wire))
            assert read_frame(stream) is None


def test_whoever_is_no_proxy_is_not_answered(new_server):
    server = start(new_server(), "192.0.2.0/24")
    wire = make_query("www.example.com").to_wire()
    with server.moves(udp_queries=1, udp_proxy_denied_queries=1, tcp_proxy_denied_connections=1):
        with udp(server) as stream:
            stream.send(header("192.0.2.7") + wire)
        with tcp(server) as stream:
            assert read_frame(stream) is None


def test_a_header_on_an_ordinary_address_is_no_query(proxied):
    with proxied.udp() as stream:
        stream.send(header(CLIENT_OF_SIN) + make_query("www.example.com").to_wire())
    until(lambda: proxied.counters()["udp_queries_total"] == 1, "the datagram was looked at")
    assert proxied.counters()["steered_answers_total"] == 0


def test_pipelined_queries_behind_one_header_are_all_the_clients(proxied):
    expected = where(proxied, CLIENT_OF_SIN)
    with tcp(proxied) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header(CLIENT_OF_SIN):
            stream.sendall(bytes([byte]))
        for _ in range(20):
            stream.sendall(frame(make_query("www.example.com").to_wire()))
        stream.shutdown(socket.SHUT_WR)
        for _ in range(20):
            assert datacenter_of(dns.message.from_wire(read_frame(stream)), "A") == expected
        assert read_frame(stream) is None
