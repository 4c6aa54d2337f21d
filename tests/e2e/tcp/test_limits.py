"""The `tcp` key of the site file, fairness between TCP and UDP, and TCP Fast Open."""

import pathlib
import socket
import struct
import threading

import dns.edns
import dns.message
import pytest

from harness import frame, make_query, read_frame

TCP_FASTOPEN_CONNECT = 30
KEEPALIVE = 11  # RFC 7828


def wire(number=1):
    query = make_query("static.example.com")
    query.id = number
    return query.to_wire()


def asks(stream, number=1):
    stream.sendall(frame(wire(number)))
    reply = read_frame(stream)
    return reply is not None and dns.message.from_wire(reply).id == number


@pytest.fixture
def server_with(new_server):
    """A running server with these keys in its site file."""
    def start(**options):
        server = new_server()
        server.write_site(**options)
        return server.start()
    return start


def test_an_idle_connection_ends_after_the_time_of_the_site_file(server_with):
    server = server_with(tcp="{idle: 1}")
    with server.moves(tcp_connections=1, tcp_queries=1, tcp_answers=1, edns_queries=1, static_answers=1,
                      tcp_idle_closed_connections=1):
        with server.tcp() as stream:
            assert asks(stream)
            assert read_frame(stream) is None


def test_a_client_that_asks_is_told_the_idle_time_of_the_site_file(server_with):
    server = server_with(tcp="{idle: 42}")
    query = make_query("static.example.com")
    query.use_edns(0, options=[dns.edns.GenericOption(KEEPALIVE, b"")])
    told = [option for option in server.ask(query, tcp=True).options if option.otype == KEEPALIVE]
    assert [option.to_wire() for option in told] == [struct.pack("!H", 420)], "in tenths of a second"


def test_half_a_query_ends_after_the_time_of_the_site_file(server_with):
    server = server_with(tcp="{transfer: 1}")
    with server.moves(tcp_connections=1, tcp_timed_out_connections=1):
        with server.tcp() as stream:
            stream.sendall(frame(wire())[:7])
            assert read_frame(stream) is None


def test_the_connections_of_the_site_file_are_the_limit(server_with):
    server = server_with(tcp="{connections: 2}")
    with server.tcp() as first, server.tcp() as second:
        assert asks(first) and asks(second)
        with server.tcp() as third:
            assert asks(third)
            assert read_frame(first) is None, "the longest idle one makes room"
            assert asks(second)
    assert server.counters()["tcp_evicted_connections_total"] == 1


def test_a_flood_over_tcp_leaves_udp_its_share_and_the_reverse(server_with):
    server = server_with(workers=1)
    done = threading.Event()

    def flood_tcp():
        with server.tcp() as stream:
            burst = frame(wire()) * 200
            reader = threading.Thread(target=drain, args=(stream,))
            reader.start()
            while not done.is_set():
                stream.sendall(burst)
            stream.shutdown(socket.SHUT_WR)
            reader.join()

    def drain(stream):
        while stream.recv(65536):
            pass

    def flood_udp():
        with server.udp() as stream:
            while not done.is_set():
                stream.send(wire())

    floods = [threading.Thread(target=flood) for flood in (flood_tcp, flood_udp)]
    for flood in floods:
        flood.start()
    try:
        for number in range(50):
            # Over UDP a full socket buffer loses queries like any network, so it is asked again.
            assert any(udp_answers(server, number) for _ in range(20)), "UDP starves"
            with server.tcp() as stream:
                assert asks(stream, number), "TCP starves"
    finally:
        done.set()
        for flood in floods:
            flood.join()


def udp_answers(server, number):
    with server.udp() as stream:
        stream.settimeout(2)
        try:
            stream.send(wire(number))
            return dns.message.from_wire(stream.recv(4096)).id == number
        except socket.timeout:
            return False


def test_a_query_in_the_first_packet_is_answered(example):
    """TCP Fast Open where this kernel lets servers use it; elsewhere an ordinary connection."""
    setting = pathlib.Path("/proc/sys/net/ipv4/tcp_fastopen")
    enabled = setting.exists() and int(setting.read_text(encoding="ascii")) & 3 == 3
    for _ in range(3):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.settimeout(45)
            stream.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            stream.connect(example.address())
            assert asks(stream)
    if not enabled:
        pytest.skip("net.ipv4.tcp_fastopen lets no server here accept data in SYN; answered without it")
    assert passive_fast_opens() > 0


def passive_fast_opens():
    lines = pathlib.Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()
    names, values = [line.split()[1:] for line in lines if line.startswith("TcpExt:")][:2]
    return int(dict(zip(names, values))["TCPFastOpenPassive"])
