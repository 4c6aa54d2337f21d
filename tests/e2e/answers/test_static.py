"""What does not depend on the client: static records, delegations, negative answers, refusals."""

import dns.flags
import dns.opcode
import dns.rcode
import dns.rdataclass
import pytest

from harness import make_query, subnet_of, texts

STATIC = [
    ("static.example.com", "A", {"192.0.2.80"}),
    ("static.example.com", "AAAA", {"2001:db8:a::80"}),
    ("example.com", "MX", {"10 mail.example.com."}),
    ("example.com", "TXT", {'"v=spf1 mx -all"'}),
    ("example.com", "NS", {"ns1.example.com.", "ns2.example.com."}),
    ("example.com", "SOA", {"ns1.example.com. hostmaster.example.com. 2026010101 7200 3600 1209600 300"}),
    ("ns1.example.com", "A", {"192.0.2.53"}),
    ("shop.example.com", "CNAME", {"www.example.com."}),
]


@pytest.mark.parametrize("name, rtype, records", STATIC, ids=[f"{row[0]} {row[1]}" for row in STATIC])
def test_static_records_are_the_same_for_everyone(example, name, rtype, records):
    with example.moves(udp_queries=1, udp_answers=1, tcp_queries=1, tcp_answers=1, tcp_connections=1, edns_queries=2,
                       client_subnet_queries=2, static_answers=2):
        answers = [example.query(name, rtype, subnet="8.8.8.0/24"),
                   example.query(name, rtype, subnet="81.2.69.0/24", tcp=True)]
    for response in answers:
        assert response.rcode() == 0 and response.flags & dns.flags.AA
        assert texts(response, rtype) == records
        assert [rrset.ttl for rrset in response.answer] == [3600]
        assert subnet_of(response).scopelen == 0


def test_a_name_that_does_not_exist_is_nxdomain_with_the_soa(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, client_subnet_queries=1, nxdomain_answers=1):
        response = example.query("nothing.example.com", subnet="8.8.8.0/24")
    assert response.rcode() == dns.rcode.NXDOMAIN and response.flags & dns.flags.AA
    assert not response.answer
    soa = response.authority[0]
    assert soa.name.to_text() == "example.com." and len(response.authority) == 1
    # RFC 2308: the smaller of the SOA's own TTL (3600) and its minimum (300).
    assert soa.ttl == 300 and soa[0].minimum == 300
    assert subnet_of(response).scopelen == 0


@pytest.mark.parametrize("name, rtype", [("static.example.com", "MX"), ("example.com", "SRV"),
                                         ("cdn.example.com", "A"), ("x.cdn.example.com", "TXT")])
def test_a_name_without_the_type_is_nodata_with_the_soa(example, name, rtype):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, nodata_answers=1):
        response = example.query(name, rtype)
    assert response.rcode() == 0 and response.flags & dns.flags.AA and not response.answer
    assert [(rrset.name.to_text(), rrset.ttl) for rrset in response.authority] == [("example.com.", 300)]


@pytest.mark.parametrize("name", ["lab.example.com", "host.lab.example.com", "a.b.c.lab.example.com"])
def test_a_name_in_a_child_zone_is_referred_with_glue(example, name):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, delegation_answers=1):
        response = example.query(name)
    assert response.rcode() == 0 and not response.answer
    assert not response.flags & dns.flags.AA, "the child's names are not ours"
    assert [rrset.name.to_text() for rrset in response.authority] == ["lab.example.com."]
    assert texts(response, "NS", "authority") == {"ns.lab.example.com."}
    assert texts(response, "A", "additional") == {"192.0.2.153"}


@pytest.mark.parametrize("name", ["www.example.net", "com", ".", "wwwexample.com", "www.example.com.net"])
def test_names_elsewhere_are_refused(example, name):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, refused_answers=1):
        response = example.query(name)
    assert response.rcode() == dns.rcode.REFUSED
    assert not response.answer and not response.authority and not response.flags & dns.flags.AA


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR"])
def test_zone_transfers_are_refused(example, rtype):
    query = make_query("example.com", "A")
    query.question[0].rdtype = dns.rdatatype.from_text(rtype)
    with example.moves(tcp_queries=1, tcp_answers=1, tcp_connections=1, edns_queries=1, refused_answers=1):
        response = example.ask(query, tcp=True)
    assert response.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("name, text", [("id.server", "e2e"), ("hostname.bind", "e2e"), ("version.bind", "Meridian ")])
def test_class_ch_tells_of_the_server(example, name, text):
    query = dns.message.make_query(name, "TXT", rdclass=dns.rdataclass.CH)
    with example.moves(udp_queries=1, udp_answers=1, identity_answers=1):
        response = example.ask(query)
    assert response.rcode() == 0 and response.flags & dns.flags.AA
    (rrset,) = response.answer
    assert rrset.rdclass == dns.rdataclass.CH and rrset.ttl == 0
    assert rrset[0].to_text().startswith(f'"{text}')


@pytest.mark.parametrize("name, rdclass", [("authors.bind", "CH"), ("www.example.com", "CH"), ("www.example.com", "HS"),
                                           ("www.example.com", "ANY"), ("version.bind", "IN")])
def test_anything_else_in_another_class_is_refused(example, name, rdclass):
    query = dns.message.make_query(name, "TXT", rdclass=rdclass)
    with example.moves(udp_queries=1, udp_answers=1, refused_answers=1):
        assert example.ask(query).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("opcode", [dns.opcode.NOTIFY, dns.opcode.UPDATE, dns.opcode.STATUS])
def test_other_operations_are_not_implemented(example, opcode):
    query = make_query("example.com", "SOA", edns=False)
    query.set_opcode(opcode)
    with example.moves(udp_queries=1, udp_answers=1, notimp_answers=1):
        with example.udp() as udp:
            udp.send(query.to_wire() if opcode != dns.opcode.UPDATE else with_opcode(query, opcode))
            reply = udp.recv(65535)
    assert reply[3] & 0xf == dns.rcode.NOTIMP
    assert reply[2] >> 3 & 0xf == opcode and reply[2] & 0x80


def with_opcode(query, opcode):
    """dnspython writes no update messages out of plain ones."""
    query.set_opcode(dns.opcode.QUERY)
    wire = bytearray(query.to_wire())
    wire[2] = wire[2] & 0x87 | opcode << 3
    return bytes(wire)


def test_the_case_of_the_question_comes_back(example):
    """Resolvers check it against forgery (draft-vixie-dnsext-dns0x20)."""
    for name in (b"wWw.eXAMple.COm", b"STATIC.example.com", b"NoThing.Example.Com", b"WWW.EXAMPLE.NET"):
        query = make_query(name.decode(), "A").to_wire()
        with example.udp() as udp:
            udp.send(query)
            reply = udp.recv(65535)
        question_end = 12 + len(name) + 2 + 4
        assert reply[12:question_end] == query[12:question_end]


def test_flags_of_the_query_are_copied_and_recursion_is_not_offered(example):
    for rd in (True, False):
        query = make_query("static.example.com")
        query.flags = dns.flags.RD if rd else 0
        response = example.ask(query)
        assert bool(response.flags & dns.flags.RD) == rd
        assert not response.flags & (dns.flags.RA | dns.flags.AD)
