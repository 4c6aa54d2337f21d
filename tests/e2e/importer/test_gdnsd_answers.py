"""A configuration of gdnsd with a bit of everything: imported, it gets the answers gdnsd gives.

gdnsd_rich/ is served by gdnsd itself and, imported, by meridiand; each question goes to both. What is not asked here is
what the import says it left out, and that list is compared line by line.
"""

import ipaddress
import pathlib
import shutil

import dns.rcode
import dns.rdatatype
import gdnsd
import pytest
import world as w

import harness
from harness import make_query, subnet_of

RICH = pathlib.Path(__file__).with_name("gdnsd_rich")

# name, type: asked with no client subnet unless it says so.
QUESTIONS = [
    ("example.com", "SOA"), ("example.com", "NS"), ("example.com", "MX"), ("example.com", "CAA"), ("example.com", "A"),
    ("mail.example.com", "A"), ("mail.example.com", "AAAA"), ("nothing.example.com", "A"), ("_tcp.example.com", "A"),
    ("www.example.com", "TXT"), ("www.example.com", "A"), ("www.example.com", "AAAA"), ("www.example.com", "MX"),
    ("www-ams.example.com", "A"), ("www-ams.example.com", "AAAA"),
    ("second.example.com", "A"), ("order.example.com", "A"), ("many.example.com", "A"), ("many.example.com", "AAAA"),
    ("pair.example.com", "A"), ("pair.example.com", "AAAA"), ("even.example.com", "A"),
    ("host.example.com", "A"), ("elsewhere.example.com", "A"), ("elsewhere.example.com", "CNAME"),
    ("x.wild.example.com", "A"), ("x.y.wild.example.com", "AAAA"), ("wild.example.com", "A"),
    ("x.still.example.com", "A"), ("x.still.example.com", "TXT"),
    ("alias.example.com", "A"), ("chain.example.com", "A"), ("chain.example.com", "TXT"), ("far.example.com", "A"),
    ("_http._tcp.example.com", "SRV"), ("long.example.com", "TXT"), ("odd.example.com", "TYPE65280"),
    ("number.example.com", "NAPTR"), ("sub.example.com", "A"), ("a.sub.example.com", "A"),
    ("host.inner.example.com", "A"), ("host.below.inner.example.com", "A"), ("host.baz.inner.example.com", "A"),
    ("host.quux.example.com", "A"), ("web.quux.example.com", "A"), ("after.example.com", "A"),
    ("here.deep.example.com", "A"), ("here.example.com", "A"),
    ("example.org", "SOA"), ("plain.example.org", "A"), ("www.example.org", "AAAA"), ("host.example.org", "A"),
    ("host.below.example.org", "A"), ("host.baz.example.org", "A"), ("host.quux.example.org", "A"),
    ("web.quux.example.org", "A"), ("nothing.example.org", "A"),
    ("example.net", "A"),
]

# What the import must say it left out: file, line, and a word of why.
GAPS = [
    ("config", 2, "listen"), ("config", 5, "web_check"), ("config", 12, "geoip: ["), ("config", 22, "Tokyo"),
    ("config", 26, "geoip: ["), ("config", 40, "ams.cdn.example.net."), ("config", 40, "iad.cdn.example.net."),
    ("config", 47, "secondary 192.0.2.51"), ("config", 53, "web_check"),
    ("config", 60, "one.cdn.example.net."), ("config", 60, "two.cdn.example.net."),
    ("zones/example.com", 16, "300/30"), ("zones/example.com", 28, "nothing of its resource"),
    ("zones/example.com", 29, "plugin reflect"),
]
NOTES = [("config", 54, "spare"), ("nets", 3, "bits past its length")]


def fill_folder(programs, folder):
    """A copy of the configuration with a database of its own."""
    there = folder / "gdnsd"
    shutil.copytree(RICH, there)
    (there / "geoip").mkdir()
    _, world, _ = w.generate(77, 0)
    world.write(programs, there / "geoip" / "city.mmdb")
    return there, world


def section(records):
    """Records as comparable values, without their order.

    gdnsd lowers the TTL of a SOA to its negative TTL in every answer, meridiand where it says how long a name is missing.
    """
    def ttl(rrset, rdata):
        return min(rrset.ttl, rdata.minimum) if rrset.rdtype == dns.rdatatype.SOA else rrset.ttl

    return sorted((str(rrset.name).lower(), ttl(rrset, rdata), dns.rdatatype.to_text(rrset.rdtype), rdata.to_text().lower())
                  for rrset in records for rdata in rrset)


def seen(response):
    """What of an answer must be the same: not the additional section, in which a server may be more or less generous."""
    return {"rcode": dns.rcode.to_text(response.rcode()), "flags": response.flags & 0x0600,
            "answer": section(response.answer), "authority": section(response.authority)}


@pytest.fixture(scope="module")
def both(programs, tmp_path_factory):
    """gdnsd and meridiand with the same configuration, and what the import said of it."""
    folder = tmp_path_factory.mktemp("rich")
    there, world = fill_folder(programs, folder)
    database = there / "geoip" / "city.mmdb"
    told = programs.ctl("import", "gdnsd", there / "config", folder / "map", "--geoip", database, "--data", programs.data)
    assert told.returncode == 2, told.stdout + told.stderr

    def prepare(server):
        shutil.rmtree(server.map)
        shutil.copytree(folder / "map", server.map)
        server.write_site(geoip=f"['{database}']")

    # Without this gdnsd answers a CNAME alone, and leaves it to the resolver to ask for what it names.
    with gdnsd.daemon(there, "experimental_no_chain => false") as theirs, harness.running_server(programs, prepare) as ours:
        yield theirs, ours, told, world


def findings(told, kind):
    """[(file below the configuration, line, text)] of the report."""
    found = []
    for line in told.stdout.splitlines()[:-1]:
        where, _, what = line.partition(f": {kind}: ")
        if what:
            file, number = where.split(":")[:2]
            found.append((file.split("/gdnsd/", 1)[1], int(number), what))
    return found


def assert_told(found, wanted):
    for file, line, word in wanted:
        assert any(at == (file, line) and word in what for *at_, what in found for at in [tuple(at_)]), (file, line, word, found)
    for file, line, what in found:
        assert any((file, line) == (other, number) and word in what for other, number, word in wanted), (file, line, what)


@gdnsd.needed
def test_what_is_left_out_is_told_with_its_line(both):
    _, _, told, _ = both
    assert_told(findings(told, "not imported"), GAPS)
    assert_told(findings(told, "note"), NOTES)


@gdnsd.needed
@pytest.mark.parametrize("name, rtype", QUESTIONS, ids=lambda value: value)
def test_answers_are_those_of_gdnsd(both, name, rtype):
    theirs, ours, _, _ = both
    query = make_query(name, rtype)
    assert seen(ours.ask(query)) == seen(theirs.ask(query))


@gdnsd.needed
@pytest.mark.parametrize("name", ["www.example.com", "second.example.com", "alias.example.com", "www.example.org"])
def test_clients_get_the_datacenter_that_gdnsd_gives_them(both, name):
    theirs, ours, _, world = both
    rng, _, _ = w.generate(1, 0)
    addresses = w.border_addresses(rng, world, [], 300)
    addresses += [ipaddress.ip_address(text) for text in ("198.51.100.1", "198.51.100.65", "198.51.101.9", "203.0.113.70",
                                                          "2001:db8:77::1")]
    for address in addresses:
        # The whole address: a shorter subnet may be cut by a border.
        bits = 32 if address.version == 4 else 128
        query = make_query(name, "A", subnet=f"{address}/{bits}")
        mine, other = ours.ask(query), theirs.ask(query)
        assert seen(mine) == seen(other), (name, address)
        assert (subnet_of(mine).scopelen == 0) == (subnet_of(other).scopelen == 0), (name, address)


@gdnsd.needed
def test_weighted_addresses_are_drawn_one_at_a_time(both):
    theirs, ours, _, _ = both
    query = make_query("draw.example.com", "A")
    drawn = {}
    for server in (theirs, ours):
        answers = [section(server.ask(query).answer) for _ in range(100)]
        assert all(len(answer) == 1 for answer in answers)
        drawn[server] = {answer[0] for answer in answers}
    assert drawn[theirs] == drawn[ours]
    assert len(drawn[ours]) == 2


@gdnsd.needed
def test_names_whose_resource_was_left_out_are_not_there(both):
    _, ours, _, _ = both
    assert ours.query("mirror.example.com").rcode() == dns.rcode.NXDOMAIN
    assert ours.query("cdn.example.com").rcode() == dns.rcode.NXDOMAIN
