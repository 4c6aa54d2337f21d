"""Where the server answers: every address of the site file, over UDP and TCP, from any number of workers."""

import socket

import dns.query
import pytest

from harness import DEADLINE_S, POOLS, make_query, texts


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            udp.bind(("::1", 0))
        return True
    except OSError:
        return False


def ask_everywhere(server):
    """One steered query to each address that status names, over UDP and TCP."""
    addresses = server.status()["listening"]
    for address in addresses:
        host, port = address.rsplit(":", 1)
        for send in (dns.query.udp, dns.query.tcp):
            response = send(make_query("www.example.com", subnet="8.8.8.0/24"), host.strip("[]"), port=int(port),
                            timeout=DEADLINE_S)
            assert texts(response, "A") == POOLS["iad"]["A"], address
    return addresses


def test_every_address_of_the_list_is_served(new_server):
    server = new_server()
    server.write_site(listen='127.0.0.1:0", "127.0.0.2:0')
    server.start()
    with server.moves(udp_queries=2, udp_answers=2, tcp_connections=2, tcp_queries=2, tcp_answers=2, edns_queries=4,
                      client_subnet_queries=4, steered_answers=4):
        addresses = ask_everywhere(server)
    assert [address.rsplit(":", 1)[0] for address in addresses] == ["127.0.0.1", "127.0.0.2"]


def test_ipv6_is_served(new_server):
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    server = new_server()
    server.write_site(listen='127.0.0.1:0", "[::1]:0')
    server.start()
    assert [address.rsplit(":", 1)[0] for address in ask_everywhere(server)] == ["127.0.0.1", "[::1]"]


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_answers_clients_of_every_port(new_server, workers):
    """The kernel spreads clients over the workers by their ports; each worker must serve and count."""
    server = new_server()
    server.write_site(workers=workers)
    server.start()
    assert server.status()["workers"] == workers
    with server.moves(udp_queries=64, udp_answers=64, edns_queries=64, static_answers=64):
        for _ in range(64):
            assert texts(server.query("static.example.com"), "A") == {"192.0.2.80"}
