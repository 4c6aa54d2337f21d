"""EDNS: NSID, versions, options that are wrong, and answers to clients that do not speak it."""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from harness import make_query, subnet_of, texts


def test_nsid_tells_the_site_and_only_when_asked(example):
    asked = example.query("www.example.com", nsid=True)
    assert [option.data for option in asked.options if option.otype == dns.edns.OptionType.NSID] == [b"e2e"]
    assert not example.query("www.example.com").options


def test_nsid_comes_over_tcp_and_beside_a_client_subnet(example):
    response = example.query("www.example.com", nsid=True, subnet="8.8.8.0/24", tcp=True)
    assert {option.otype for option in response.options} == {dns.edns.OptionType.NSID, dns.edns.OptionType.ECS}


def test_a_query_without_edns_gets_an_answer_without(example):
    with example.moves(udp_queries=1, udp_answers=1, steered_answers=1):
        response = example.query("www.example.com", edns=False)
    assert response.edns == -1 and texts(response, "A")


def test_the_answer_has_edns_version_0_and_our_size(example):
    response = example.query("www.example.com", payload=4096)
    assert response.edns == 0 and response.payload == 1232


def test_dnssec_ok_is_copied(example):
    query = make_query("www.example.com")
    query.want_dnssec(True)
    assert example.ask(query).ednsflags & dns.flags.DO
    assert not example.query("www.example.com").ednsflags & dns.flags.DO


@pytest.mark.parametrize("version", [1, 255])
def test_other_edns_versions_are_refused_with_ours(example, version):
    with example.moves(udp_queries=1, udp_answers=1, badvers_answers=1):
        response = example.query("www.example.com", version=version)
    assert response.rcode() == dns.rcode.BADVERS
    assert response.edns == 0 and not response.answer


MALFORMED = [
    ("bits past the prefix", struct.pack("!HBB", 1, 20, 0) + bytes([192, 0, 2])),
    ("address too short", struct.pack("!HBB", 1, 24, 0) + bytes([192, 0])),
    ("address too long", struct.pack("!HBB", 1, 24, 0) + bytes([192, 0, 2, 0])),
    ("prefix too long", struct.pack("!HBB", 1, 33, 0) + bytes([192, 0, 2, 1, 0])),
    ("a scope in a query", struct.pack("!HBB", 1, 24, 24) + bytes([192, 0, 2])),
    ("cut off", b"\0\1"),
    ("a family nobody knows", struct.pack("!HBB", 3, 8, 0) + b"\1"),
    ("bits of family 0", struct.pack("!HBB", 0, 8, 0) + b"\1"),
]


def ask_with_option(server, *payloads):
    options = [dns.edns.GenericOption(dns.edns.OptionType.ECS, payload) for payload in payloads]
    query = dns.message.make_query("www.example.com", "A", use_edns=0, options=options)
    with server.udp() as udp:
        udp.send(query.to_wire())
        return udp.recv(65535)


@pytest.mark.parametrize("why, payload", MALFORMED, ids=[row[0] for row in MALFORMED])
def test_a_malformed_client_subnet_is_a_format_error(example, why, payload):
    with example.moves(udp_queries=1, udp_answers=1, formerr_answers=1):
        reply = ask_with_option(example, payload)
    assert reply[3] & 0xf == dns.rcode.FORMERR, why


def test_two_client_subnets_are_a_format_error(example):
    good = struct.pack("!HBB", 1, 24, 0) + bytes([192, 0, 2])
    assert ask_with_option(example, good)[3] & 0xf == dns.rcode.NOERROR
    with example.moves(udp_queries=1, udp_answers=1, formerr_answers=1):
        assert ask_with_option(example, good, good)[3] & 0xf == dns.rcode.FORMERR


def test_an_empty_client_subnet_of_family_0_is_left_out(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1):
        reply = ask_with_option(example, bytes(4))
    response = dns.message.from_wire(reply)
    assert response.rcode() == dns.rcode.NOERROR and subnet_of(response) is None


def test_options_nobody_knows_are_ignored(example):
    options = [dns.edns.GenericOption(65001, b"anything"), dns.edns.ECSOption("8.8.8.0", 24)]
    response = example.ask(dns.message.make_query("www.example.com", "A", use_edns=0, options=options))
    assert texts(response, "A") and subnet_of(response).scopelen > 0
    assert [option.otype for option in response.options] == [dns.edns.OptionType.ECS]


def test_an_answer_carries_the_id_of_its_query(example):
    with example.udp() as udp:
        for number in (0, 1, 0x8000, 0xffff):
            query = make_query("www.example.com")
            query.id = number
            udp.send(query.to_wire())
            assert udp.recv(65535)[:2] == struct.pack("!H", number)
