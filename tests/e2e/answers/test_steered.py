"""What a client gets depends on where it is, over UDP and TCP alike."""

import ipaddress

import dns.flags
import pytest

from harness import POOLS, datacenter_of, subnet_of, texts

CLIENTS = [
    # why, client subnet, type, datacenter
    ("Great Britain is in Europe", "81.2.69.0/24", "A", "ams"),
    ("the United States", "8.8.8.0/24", "A", "iad"),
    ("Ireland, over IPv6", "2a00:1450::/32", "AAAA", "ams"),
    ("Japan is in Asia", "1.0.16.0/24", "A", "sin"),
    ("China stays in Singapore", "1.0.1.0/24", "A", "sin"),
    ("the office, by a network rule", "203.0.113.200/32", "A", "ams"),
    ("beside the office, Australia", "203.0.113.10/32", "A", "sin"),
    ("Ghana has no rule: the nearest", "102.176.1.0/24", "A", "ams"),
]


@pytest.mark.parametrize("why, subnet, rtype, datacenter", CLIENTS, ids=[row[0] for row in CLIENTS])
def test_a_client_gets_its_datacenter_over_udp_and_tcp(example, why, subnet, rtype, datacenter):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, client_subnet_queries=1, steered_answers=1):
        over_udp = example.query("www.example.com", rtype, subnet=subnet)
    with example.moves(tcp_queries=1, tcp_answers=1, tcp_connections=1, edns_queries=1, client_subnet_queries=1,
                       steered_answers=1):
        over_tcp = example.query("www.example.com", rtype, subnet=subnet, tcp=True)
    for response in (over_udp, over_tcp):
        assert response.rcode() == 0
        assert response.flags & dns.flags.AA and not response.flags & dns.flags.TC
        assert texts(response, rtype) == POOLS[datacenter][rtype], why
        assert {rrset.ttl for rrset in response.answer} == {30}
        assert not response.authority
    assert subnet_of(over_udp) == subnet_of(over_tcp)


def neighbours(subnet, scope_bits):
    """The first and the last network as long as `subnet` within the scope around it."""
    network = ipaddress.ip_network(subnet)
    if scope_bits >= network.prefixlen:
        return [subnet]
    scope = network.supernet(new_prefix=scope_bits)
    last = ipaddress.ip_network((int(scope.broadcast_address), network.max_prefixlen))
    return [f"{scope.network_address}/{network.prefixlen}", str(last.supernet(new_prefix=network.prefixlen))]


@pytest.mark.parametrize("why, subnet, rtype, datacenter", CLIENTS, ids=[row[0] for row in CLIENTS])
def test_everyone_in_the_scope_would_get_the_same_answer(example, why, subnet, rtype, datacenter):
    option = subnet_of(example.query("www.example.com", rtype, subnet=subnet))
    network = ipaddress.ip_network(subnet)
    assert (option.address, option.srclen) == (str(network.network_address), network.prefixlen)
    # A resolver may give this answer to the whole scope, so it must hold at both of its ends. Zero would say that the
    # place does not matter at all, and a scope of single addresses would make caches useless.
    assert 0 < option.scopelen <= {4: 26, 6: 48}[network.version], why
    for other in neighbours(subnet, option.scopelen):
        assert datacenter_of(example.query("www.example.com", rtype, subnet=other), rtype) == datacenter, other


def test_without_a_client_subnet_the_resolver_decides_and_no_option_comes_back(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1):
        response = example.query("www.example.com")
    assert subnet_of(response) is None
    assert datacenter_of(response, "A") in POOLS


def test_a_client_that_opts_out_gets_scope_zero(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, client_subnet_queries=1,
                       client_subnet_ignored_queries=1, steered_answers=1):
        response = example.query("www.example.com", subnet="0.0.0.0/0")
    option = subnet_of(response)
    assert (option.srclen, option.scopelen) == (0, 0)
    assert datacenter_of(response, "A") == datacenter_of(example.query("www.example.com"), "A")


def test_private_space_is_placed_by_its_resolver(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, client_subnet_queries=1,
                       client_subnet_ignored_queries=1, steered_answers=1):
        response = example.query("www.example.com", subnet="10.1.2.0/24")
    assert subnet_of(response).scopelen == 24
    assert datacenter_of(response, "A") == datacenter_of(example.query("www.example.com"), "A")


def test_every_address_of_a_pool_comes_first_now_and_then(example):
    firsts = {example.query("www.example.com", subnet="8.8.8.0/24").answer[0][0].to_text() for _ in range(60)}
    assert firsts == POOLS["iad"]["A"]


def test_the_heavier_address_comes_first_more_often(example):
    firsts = [example.query("api.example.com", subnet="81.2.69.0/24").answer[0][0].to_text() for _ in range(200)]
    # 3 to 1: 150 of 200, give or take 6; 115 is six times that away.
    assert 115 < firsts.count("192.0.2.20") < 185
    assert set(firsts) == {"192.0.2.20", "192.0.2.21"}


def test_the_apex_is_steered_beside_its_static_records(example):
    for subnet, datacenter in (("81.2.69.0/24", "ams"), ("8.8.8.0/24", "iad")):
        assert datacenter_of(example.query("example.com", subnet=subnet), "A") == datacenter
    assert texts(example.query("example.com", "NS"), "NS") == {"ns1.example.com.", "ns2.example.com."}
    assert texts(example.query("example.com", "MX"), "MX") == {"10 mail.example.com."}


def test_a_steered_wildcard_answers_any_name_below_it(example):
    with example.moves(udp_queries=2, udp_answers=2, edns_queries=2, client_subnet_queries=2, steered_answers=2):
        one = example.query("one.cdn.example.com", subnet="81.2.69.0/24")
        deep = example.query("a.b.cdn.example.com", subnet="8.8.8.0/24")
    assert texts(one, "A") == {"192.0.2.30"} and one.answer[0].name.to_text() == "one.cdn.example.com."
    assert texts(deep, "A") == {"198.51.100.30"} and deep.answer[0].name.to_text() == "a.b.cdn.example.com."


def test_a_view_is_the_same_for_every_client(example):
    for subnet in ("81.2.69.0/24", "8.8.8.0/24", "1.0.16.0/24"):
        response = example.query("www-ams.example.com", subnet=subnet)
        assert texts(response, "A") == POOLS["ams"]["A"]
        assert subnet_of(response).scopelen == 0


def test_a_cname_leads_into_a_steered_name(example):
    for subnet, datacenter in (("81.2.69.0/24", "ams"), ("8.8.8.0/24", "iad")):
        response = example.query("shop.example.com", subnet=subnet)
        assert [rrset.name.to_text() for rrset in response.answer] == ["shop.example.com.", "www.example.com."]
        assert texts(response, "CNAME") == {"www.example.com."}
        assert texts(response, "A") == POOLS[datacenter]["A"]
        assert subnet_of(response).scopelen == subnet_of(example.query("www.example.com", subnet=subnet)).scopelen


def test_a_steered_name_without_the_type_is_nodata(example):
    with example.moves(udp_queries=2, udp_answers=2, edns_queries=2, nodata_answers=2):
        mx = example.query("www.example.com", "MX")
        aaaa = example.query("api.example.com", "AAAA")  # its pools have no IPv6 addresses
    for response in (mx, aaaa):
        assert response.rcode() == 0 and not response.answer
        assert texts(response, "SOA", "authority")
