"""Answers too large for UDP are cut with TC and come whole over TCP."""

import dns.flags
import dns.message
import dns.query
import pytest

from harness import DEADLINE_S, make_query, texts

ADDRESSES = {f"2001:db8:ffff::{number:x}" for number in range(1, 33)}
LONG_TEXT = 10 * f' "{"x" * 200}"'


@pytest.fixture(scope="module")
def large(example):
    """The example with a pool of 32 IPv6 addresses and a TXT record of 2000 letters."""
    pool = ", ".join(f'"{address}"' for address in sorted(ADDRESSES))
    services = (example.map / "services.yaml").read_text(encoding="utf-8")
    example.write("services.yaml", f"{services}\n  big.example.com: {{map: web, answer: 32, pools: {{"
                                   f"ams: [{pool}], iad: [{pool}], sin: [{pool}]}}}}\n")
    zone = (example.map / "zones/example.com.zone").read_text(encoding="utf-8")
    example.write("zones/example.com.zone", f"{zone}long IN TXT{LONG_TEXT}\n")
    done = example.reload()
    assert done.returncode == 0, done.stderr
    return example


def raw(server, query):
    with server.udp() as udp:
        udp.send(query.to_wire())
        return udp.recv(65535)


def test_without_edns_an_answer_has_at_most_512_bytes(large):
    query = make_query("big.example.com", "AAAA", edns=False)
    with large.moves(udp_queries=1, udp_answers=1, truncated_answers=1):
        wire = raw(large, query)
    assert len(wire) <= 512
    response = dns.message.from_wire(wire)
    assert response.flags & dns.flags.TC
    assert not response.answer, "a part of a set could be taken for the whole"


def test_the_client_retries_over_tcp_and_gets_all(large):
    query = make_query("big.example.com", "AAAA", edns=False)
    with large.moves(udp_queries=1, udp_answers=1, truncated_answers=1, tcp_queries=1, tcp_answers=1,
                     tcp_connections=1, steered_answers=1):
        response, used_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=large.port, timeout=DEADLINE_S)
    assert used_tcp
    assert texts(response, "AAAA") == ADDRESSES and not response.flags & dns.flags.TC


def test_with_edns_the_same_answer_fits(large):
    with large.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1):
        response = large.query("big.example.com", "AAAA", payload=1232)
    assert texts(response, "AAAA") == ADDRESSES and not response.flags & dns.flags.TC


@pytest.mark.parametrize("payload", [0, 1, 511, 512, 600, 900])
def test_the_client_s_size_is_kept_to_but_never_less_than_512(large, payload):
    wire = raw(large, make_query("big.example.com", "AAAA", payload=payload))
    assert len(wire) <= max(payload, 512)
    assert dns.message.from_wire(wire).flags & dns.flags.TC


def test_however_much_a_client_can_take_udp_stops_at_1232(large):
    with large.moves(udp_queries=1, udp_answers=1, edns_queries=1, truncated_answers=1):
        wire = raw(large, make_query("long.example.com", "TXT", payload=65535))
    assert len(wire) <= 1232 and dns.message.from_wire(wire).flags & dns.flags.TC
    response = large.query("long.example.com", "TXT", tcp=True)
    assert texts(response, "TXT") == {LONG_TEXT.strip()} and not response.flags & dns.flags.TC
