// What is answered where, over several zones: the rules of the RFCs, a row each. Counterpart of docs/dns.md.
#include "query/answer.hpp"

#include "unit/query/asker.hpp"
#include "unit/query/told.hpp"

#include <doctest/doctest.h>

namespace meridian::query {
namespace {

using dns::Rclass;
using dns::Rcode;
using dns::Rtype;
using dns::Section;
using stats::Counter;
using test::told;

constexpr const char* kParent = R"($TTL 3600
@         SOA   ns1 hostmaster 1 2 3 4 300
@         NS    ns1
@         NS    ns.child
@         NS    ns.out.example.
ns1       A     192.0.2.1
ns1       AAAA  2001:db8::1
child     NS    ns.child
child     DS    1 8 2 00
ns.child  A     192.0.2.9
lost      NS    ns.lost
ns.lost   A     192.0.2.3
sib       NS    ns.lost
sib       NS    ns.sib
sib       NS    ns1
ns.sib    AAAA  2001:db8::4
far       NS    ns.out.example.
www       A     192.0.2.80
www       AAAA  2001:db8::80
mail      MX    10 www
mail      MX    20 WWW
mail      MX    30 alias
mail      MX    40 gone
mail      MX    50 mail.out.example.
mail      MX    60 ns.lost
mail      MX    70 ns1
mail      MX    80 any.wild
nullmx    MX    0 .
_sip._tcp SRV   0 0 5060 www
_sip._tcp SRV   0 0 5061 www
nosrv     SRV   0 0 0 .
https     A     192.0.2.81
https     HTTPS 1 . alpn=h2
svc       HTTPS 0 https
noservice HTTPS 0 .
self      SVCB  0 self
self      A     192.0.2.82
bind      SVCB  1 svc
*.bound   HTTPS 1 . alpn=h2
*.bound   A     192.0.2.83
alias     CNAME www
tochild   CNAME www.child
tolost    CNAME host.lost
toout     CNAME www.out.example.
togone    CNAME gone
toent     CNAME wild
toorder   CNAME Round1
round1    CNAME round2
round2    CNAME ROUND1
selfish   CNAME selfish
*.star    CNAME a.star
*.wild    A     192.0.2.84
d         DNAME target
d         TXT   "beside"
x.target  A     192.0.2.85
y.target  CNAME x.d
*.w.target TXT  "any"
ring1     DNAME ring2
ring2     DNAME ring1
grow      DNAME a.grow
caa       CAA   0 issue "ca.example"
naptr     NAPTR 10 10 "s" "SIP+D2U" "" _sip._tcp
tlsa      TLSA  3 1 1 00ff
unknown   TYPE65280 \# 3 010203
)";

std::string parent_zone() {
  std::string zone = kParent;
  // Three labels of 60 bytes: a fourth before them makes the name too long, "x" does not.
  std::string deep;
  for (int i = 0; i < 3; ++i) deep += std::string(60, 'l') + ".";
  zone += "long DNAME " + deep + "parent.test.\n";
  for (int i = 0; i < 20; ++i) zone += "c" + std::to_string(i) + " CNAME c" + std::to_string(i + 1) + "\n";
  return zone + "c20 A 192.0.2.86\n";
}

test::Asker semantics_asker() {
  const test::MapFixture fixture(test::data_folder());
  fixture.write_standard();
  const std::string apex = "$TTL 60\n@ SOA ns h 1 2 3 4 30\n@ NS ns\nns A 192.0.2.2\n";
  const std::string head = apex + "www A 192.0.2.70\n";
  fixture.write("zones/parent.test.zone", parent_zone());
  fixture.write("zones/child.parent.test.zone",
                head + "up CNAME www.parent.test.\nback CNAME tochild.parent.test.\n");
  fixture.write("zones/orphan.parent.test.zone", head);
  fixture.write("zones/grand.test.zone", head + "b NS ns.out.example.\n*.star CNAME www\n");
  fixture.write("zones/a.b.grand.test.zone", head);
  fixture.write("zones/x.star.grand.test.zone", head);
  fixture.write("zones/solo.zone", head);
  fixture.write("zones/example.com.zone", apex + "mx MX 10 www\nwww MX 10 ns\nwww TXT t\n");
  return test::Asker(fixture.must_compile());
}

struct Row {
  const char* why;
  const char* name;
  Rtype type;
  const char* expected;
};

template <std::size_t N>
void check(test::Asker& asker, const Row (&rows)[N],
           const Source& source = {*base::parse_ip_address("192.0.2.1"), false}) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.name);
    CHECK(told(asker.ask(row.name, row.type, {.udp_size = 1232}, source)) == row.expected);
  }
}

}  // namespace

TEST_SUITE("query/semantics") {
  TEST_CASE("parent and child on one server: each answers its side of the cut") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"RFC 4035 3.1.4.1: DS at the cut is the parent's", "child.parent.test", Rtype::Ds,
         "NOERROR aa [child.parent.test DS] [] []"},
        {"NS at the cut is the child's (RFC 2181 6.1)", "child.parent.test", Rtype::Ns,
         "NOERROR aa [child.parent.test NS] [] [ns.child.parent.test A]"},
        {"SOA at the cut is the child's", "child.parent.test", Rtype::Soa,
         "NOERROR aa [child.parent.test SOA] [] []"},
        {"another type at the cut", "child.parent.test", Rtype::A,
         "NOERROR aa [] [child.parent.test SOA] []"},
        {"glue at the parent is not the answer", "ns.child.parent.test", Rtype::A,
         "NOERROR aa [ns.child.parent.test A] [] []"},
        {"below the cut", "none.child.parent.test", Rtype::A, "NXDOMAIN aa [] [child.parent.test SOA] []"},
        {"DS below the cut is the child's business", "www.child.parent.test", Rtype::Ds,
         "NOERROR aa [] [child.parent.test SOA] []"},
        {"DS at the parent's own apex, whose parent is not here", "parent.test", Rtype::Ds,
         "NOERROR aa [] [parent.test SOA] []"},
        {"DS where the parent served here forgot the cut: not NXDOMAIN", "orphan.parent.test", Rtype::Ds,
         "NOERROR aa [] [orphan.parent.test SOA] []"},
        {"DS where only the grandparent is here: the child, no referral", "a.b.grand.test", Rtype::Ds,
         "NOERROR aa [] [a.b.grand.test SOA] []"},
        {"DS where a wildcard CNAME above would match the child's apex", "x.star.grand.test", Rtype::Ds,
         "NOERROR aa [] [x.star.grand.test SOA] []"},
        {"a zone of one label", "www.solo", Rtype::A, "NOERROR aa [www.solo A] [] []"},
        {"its apex", "solo", Rtype::Ns, "NOERROR aa [solo NS] [] [ns.solo A]"},
        {"a sibling of it", "duo", Rtype::A, "REFUSED [] [] []"},
        {"the root", ".", Rtype::Ns, "REFUSED [] [] []"},
    };
    check(asker, rows);
    // The addresses of ns.child.parent.test are the child's, not the parent's glue (RFC 2181 5.4.1).
    const auto apex = asker.ask("parent.test", Rtype::Ns);
    CHECK(told(apex) ==
          "NOERROR aa [parent.test NS, parent.test NS, parent.test NS] [] [ns1.parent.test A, "
          "ns1.parent.test AAAA, ns.child.parent.test A]");
    CHECK(apex.section(Section::Additional)[2].rdata.back() == 2);
  }

  TEST_CASE("only the parent here: a referral, with the glue it needs first (RFC 9471)") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"NS at the cut", "lost.parent.test", Rtype::Ns,
         "NOERROR [] [lost.parent.test NS] [ns.lost.parent.test A]"},
        {"SOA at the cut", "lost.parent.test", Rtype::Soa,
         "NOERROR [] [lost.parent.test NS] [ns.lost.parent.test A]"},
        {"DS at the cut, without one: ours to deny", "lost.parent.test", Rtype::Ds,
         "NOERROR aa [] [parent.test SOA] []"},
        {"below it", "a.b.lost.parent.test", Rtype::A,
         "NOERROR [] [lost.parent.test NS] [ns.lost.parent.test A]"},
        {"its own glue before its sibling's and ours", "www.sib.parent.test", Rtype::A,
         "NOERROR [] [sib.parent.test NS, sib.parent.test NS, sib.parent.test NS] [ns.sib.parent.test AAAA, "
         "ns.lost.parent.test A, ns1.parent.test A, ns1.parent.test AAAA]"},
        {"servers elsewhere need none", "far.parent.test", Rtype::A, "NOERROR [] [far.parent.test NS] []"},
        {"ANY at the cut", "lost.parent.test", Rtype::Any,
         "NOERROR [] [lost.parent.test NS] [ns.lost.parent.test A]"},
    };
    check(asker, rows);
  }

  TEST_CASE("only the child here: its apex answers, DS says none") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"NS", "a.b.grand.test", Rtype::Ns, "NOERROR aa [a.b.grand.test NS] [] [ns.a.b.grand.test A]"},
        {"SOA", "a.b.grand.test", Rtype::Soa, "NOERROR aa [a.b.grand.test SOA] [] []"},
        {"DS", "solo", Rtype::Ds, "NOERROR aa [] [solo SOA] []"},
    };
    check(asker, rows);
  }

  TEST_CASE("CNAMEs are followed over our zones and no further (RFC 1034 3.6.2, 4.3.2)") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"into the child", "tochild.parent.test", Rtype::A,
         "NOERROR aa [tochild.parent.test CNAME, www.child.parent.test A] [] []"},
        {"out of the child and back into it", "back.child.parent.test", Rtype::A,
         "NOERROR aa [back.child.parent.test CNAME, tochild.parent.test CNAME, www.child.parent.test A] [] "
         "[]"},
        {"below a cut: the referral behind it (RFC 1034 4.3.2 3b), AA for the first name",
         "tolost.parent.test", Rtype::A,
         "NOERROR aa [tolost.parent.test CNAME] [lost.parent.test NS] [ns.lost.parent.test A]"},
        {"out of our zones: not chased", "toout.parent.test", Rtype::A,
         "NOERROR aa [toout.parent.test CNAME] [] []"},
        {"to nothing: NXDOMAIN is the last name's (RFC 6604 3)", "togone.parent.test", Rtype::A,
         "NXDOMAIN aa [togone.parent.test CNAME] [parent.test SOA] []"},
        {"to an empty non-terminal (RFC 8020)", "toent.parent.test", Rtype::A,
         "NOERROR aa [toent.parent.test CNAME] [parent.test SOA] []"},
        {"the type is the target's", "alias.parent.test", Rtype::Mx,
         "NOERROR aa [alias.parent.test CNAME] [parent.test SOA] []"},
        {"asked for itself", "alias.parent.test", Rtype::Cname, "NOERROR aa [alias.parent.test CNAME] [] []"},
        {"ANY: the CNAME is what is there", "alias.parent.test", Rtype::Any,
         "NOERROR aa [alias.parent.test CNAME] [] []"},
    };
    check(asker, rows);
  }

  TEST_CASE("a chain ends where a name comes twice, and no record does") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"two names", "round1.parent.test", Rtype::A,
         "NOERROR aa [round1.parent.test CNAME, round2.parent.test CNAME] [] []"},
        {"from outside the ring, letters in any case", "toorder.parent.test", Rtype::A,
         "NOERROR aa [toorder.parent.test CNAME, Round1.parent.test CNAME, round2.parent.test CNAME] [] []"},
        {"itself", "selfish.parent.test", Rtype::A, "NOERROR aa [selfish.parent.test CNAME] [] []"},
        {"a wildcard that leads to a name it matches", "b.star.parent.test", Rtype::A,
         "NOERROR aa [b.star.parent.test CNAME, a.star.parent.test CNAME] [] []"},
        {"two DNAMEs", "x.ring1.parent.test", Rtype::A,
         "NOERROR aa [ring1.parent.test DNAME, x.ring1.parent.test CNAME, ring2.parent.test DNAME, "
         "x.ring2.parent.test CNAME] [] []"},
    };
    const auto before = asker.counters().value(Counter::CnameLoops);
    check(asker, rows);
    CHECK(asker.counters().value(Counter::CnameLoops) == before + 5);
    CHECK(asker.counters().value(Counter::CnameChainTooLong) == 0);
  }

  TEST_CASE("a chain of 16 links is answered to its end, a longer one as far as that") {
    auto asker = semantics_asker();
    const auto whole = asker.ask("c4.parent.test", Rtype::A).section(Section::Answer);
    REQUIRE(whole.size() == 17);
    CHECK(whole.back().type == Rtype::A);
    CHECK(asker.counters().value(Counter::CnameChainTooLong) == 0);
    const auto cut = asker.ask("c3.parent.test", Rtype::A);
    CHECK(cut.rcode == Rcode::NoError);
    REQUIRE(cut.section(Section::Answer).size() == 16);
    CHECK(dns::to_string(cut.section(Section::Answer).back().owner) == "c18.parent.test");
    CHECK(asker.counters().value(Counter::CnameChainTooLong) == 1);
    CHECK(asker.counters().value(Counter::CnameLoops) == 0);
    // A DNAME below itself never comes to the same name, and is told once.
    const auto grown = asker.ask("x.grow.parent.test", Rtype::A).section(Section::Answer);
    CHECK(grown.size() == 17);
    CHECK(std::count_if(grown.begin(), grown.end(), [](const auto& r) { return r.type == Rtype::Dname; }) ==
          1);
    CHECK(asker.counters().value(Counter::CnameChainTooLong) == 2);
  }

  TEST_CASE("a DNAME redirects what is below it, by a CNAME it stands for (RFC 6672)") {
    auto asker = semantics_asker();
    const std::string label(60, 'q');
    const auto fits = "x.long.parent.test";
    const auto too_long = label + ".long.parent.test";
    const Row rows[] = {
        {"below: 3.1", "x.d.parent.test", Rtype::A,
         "NOERROR aa [d.parent.test DNAME, x.d.parent.test CNAME, x.target.parent.test A] [] []"},
        {"the owner is not redirected: 2.3", "d.parent.test", Rtype::A, "NOERROR aa [] [parent.test SOA] []"},
        {"the owner's other types", "d.parent.test", Rtype::Txt, "NOERROR aa [d.parent.test TXT] [] []"},
        {"the DNAME itself", "d.parent.test", Rtype::Dname, "NOERROR aa [d.parent.test DNAME] [] []"},
        {"used twice in a chain, told once", "y.d.parent.test", Rtype::A,
         "NOERROR aa [d.parent.test DNAME, y.d.parent.test CNAME, y.target.parent.test CNAME, "
         "x.d.parent.test "
         "CNAME, x.target.parent.test A] [] []"},
        {"to a wildcard", "a.w.d.parent.test", Rtype::Txt,
         "NOERROR aa [d.parent.test DNAME, a.w.d.parent.test CNAME, a.w.target.parent.test TXT] [] []"},
        {"to nothing", "no.d.parent.test", Rtype::A,
         "NXDOMAIN aa [d.parent.test DNAME, no.d.parent.test CNAME] [parent.test SOA] []"},
        {"type CNAME goes on as well: 3.2", "x.d.parent.test", Rtype::Cname,
         "NOERROR aa [d.parent.test DNAME, x.d.parent.test CNAME] [parent.test SOA] []"},
        {"a target that is too long: YXDOMAIN, 2.2", too_long.c_str(), Rtype::A,
         "YXDOMAIN aa [long.parent.test DNAME] [] []"},
    };
    check(asker, rows);
    CHECK(asker.ask(fits, Rtype::A).rcode == Rcode::NxDomain);
    CHECK(asker.counters().value(Counter::YxDomain) == 1);
    const auto records = asker.ask("x.d.parent.test", Rtype::A).section(Section::Answer);
    CHECK(records[1].ttl_s == records[0].ttl_s);
  }

  TEST_CASE("addresses of the hosts a record names come along, each once") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"MX (RFC 1035 3.3.9): not of aliases, absent names, foreign names, glue", "mail.parent.test",
         Rtype::Mx,
         "NOERROR aa [mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, "
         "mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, mail.parent.test MX] [] "
         "[www.parent.test A, www.parent.test AAAA, ns1.parent.test A, ns1.parent.test AAAA, "
         "any.wild.parent.test "
         "A]"},
        {"no mail (RFC 7505)", "nullmx.parent.test", Rtype::Mx, "NOERROR aa [nullmx.parent.test MX] [] []"},
        {"SRV (RFC 2782), two ports of one host", "_sip._tcp.parent.test", Rtype::Srv,
         "NOERROR aa [_sip._tcp.parent.test SRV, _sip._tcp.parent.test SRV] [] [www.parent.test A, "
         "www.parent.test AAAA]"},
        {"no service (RFC 2782)", "nosrv.parent.test", Rtype::Srv,
         "NOERROR aa [nosrv.parent.test SRV] [] []"},
        {"HTTPS, service mode at itself (RFC 9460 2.5.2)", "https.parent.test", Rtype::Https,
         "NOERROR aa [https.parent.test HTTPS] [] [https.parent.test A]"},
        {"HTTPS, alias mode: its target's HTTPS too (RFC 9460 4.1)", "svc.parent.test", Rtype::Https,
         "NOERROR aa [svc.parent.test HTTPS] [] [https.parent.test HTTPS, https.parent.test A]"},
        {"alias mode to no service (RFC 9460 2.5.1)", "noservice.parent.test", Rtype::Https,
         "NOERROR aa [noservice.parent.test HTTPS] [] []"},
        {"SVCB at itself in alias mode: its set is not told twice", "self.parent.test", Rtype::Svcb,
         "NOERROR aa [self.parent.test SVCB] [] [self.parent.test A]"},
        {"SVCB wants SVCB, not HTTPS", "bind.parent.test", Rtype::Svcb,
         "NOERROR aa [bind.parent.test SVCB] [] []"},
        {"HTTPS from a wildcard: '.' is the name asked for", "q.bound.parent.test", Rtype::Https,
         "NOERROR aa [q.bound.parent.test HTTPS] [] [q.bound.parent.test A]"},
        {"a steered host: left out, it would narrow the scope", "mx.example.com", Rtype::Mx,
         "NOERROR aa [mx.example.com MX] [] []"},
        {"ANY asks for no additional data", "mail.parent.test", Rtype::Any,
         "NOERROR aa [mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, "
         "mail.parent.test MX, mail.parent.test MX, mail.parent.test MX, mail.parent.test MX] [] []"},
    };
    check(asker, rows);
  }

  TEST_CASE("types a server need not know are answered as they stand (RFC 3597)") {
    auto asker = semantics_asker();
    const Row rows[] = {
        {"CAA", "caa.parent.test", Rtype::Caa, "NOERROR aa [caa.parent.test CAA] [] []"},
        {"NAPTR", "naptr.parent.test", Rtype::Naptr, "NOERROR aa [naptr.parent.test NAPTR] [] []"},
        {"TLSA", "tlsa.parent.test", Rtype::Tlsa, "NOERROR aa [tlsa.parent.test TLSA] [] []"},
        {"unknown", "unknown.parent.test", Rtype{65280}, "NOERROR aa [unknown.parent.test TYPE65280] [] []"},
        {"unknown and absent", "www.parent.test", Rtype{65281}, "NOERROR aa [] [parent.test SOA] []"},
        {"RRSIG in an unsigned zone", "www.parent.test", Rtype::Rrsig, "NOERROR aa [] [parent.test SOA] []"},
    };
    check(asker, rows);
    CHECK(asker.ask("unknown.parent.test", Rtype{65280}).section(Section::Answer)[0].rdata ==
          test::Bytes{1, 2, 3});
    // Names in rdata of later types are not compressed (RFC 3597 4): they come back as written in the zone.
    const auto srv = asker.ask("_sip._tcp.parent.test", Rtype::Srv).section(Section::Answer);
    CHECK(srv[0].rdata.size() == 6 + test::name_of("www.parent.test").view().size());
  }

  TEST_CASE("ANY: one set over UDP, all static ones over TCP (RFC 8482)") {
    auto asker = semantics_asker();
    const Row udp[] = {
        {"the lowest type", "www.parent.test", Rtype::Any, "NOERROR aa [www.parent.test A] [] []"},
        {"a steered name with static sets: one of them", "www.example.com", Rtype::Any,
         "NOERROR aa [www.example.com MX] [] []"},
        {"an empty non-terminal", "wild.parent.test", Rtype::Any, "NOERROR aa [] [parent.test SOA] []"},
        {"no such name", "gone.parent.test", Rtype::Any, "NXDOMAIN aa [] [parent.test SOA] []"},
    };
    check(asker, udp);
    const Row tcp[] = {
        {"all sets", "www.parent.test", Rtype::Any,
         "NOERROR aa [www.parent.test A, www.parent.test AAAA] [] []"},
        {"at a steered name the static ones", "www.example.com", Rtype::Any,
         "NOERROR aa [www.example.com MX, www.example.com TXT] [] []"},
        {"of a wildcard, by the name asked for", "q.bound.parent.test", Rtype::Any,
         "NOERROR aa [q.bound.parent.test A, q.bound.parent.test HTTPS] [] []"},
        {"an apex", "solo", Rtype::Any, "NOERROR aa [solo NS, solo SOA] [] []"},
    };
    check(asker, tcp, {*base::parse_ip_address("192.0.2.1"), true});
    CHECK(test::scope_of(asker.ask_from("8.8.8.0/24", "www.example.com", Rtype::Any)) == 0);
  }

  TEST_CASE("the root zone answers for every name, and its name servers' glue comes along (RFC 8109)") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("zones/@.zone",
                  "$TTL 60\n@ SOA a.nic. h. 1 2 3 4 30\n@ NS a.root.net.\n@ NS a.nic.\n@ MX 0 .\nnet NS "
                  "a.gtld.net.\na.gtld.net A 192.0.2.5\na.root.net A 192.0.2.6\na.nic A 192.0.2.7\n");
    test::Asker asker(fixture.must_compile());
    const Row rows[] = {
        {"priming", ".", Rtype::Ns, "NOERROR aa [. NS, . NS] [] [a.root.net A, a.nic A]"},
        {"its SOA", ".", Rtype::Soa, "NOERROR aa [. SOA] [] []"},
        {"'.' is no host even where it is ours", ".", Rtype::Mx, "NOERROR aa [. MX] [] []"},
        {"NODATA", ".", Rtype::Txt, "NOERROR aa [] [. SOA] []"},
        {"a top-level name that is not there", "nowhere", Rtype::A, "NXDOMAIN aa [] [. SOA] []"},
        {"an empty non-terminal", "nic", Rtype::A, "NOERROR aa [] [. SOA] []"},
        {"a referral, sibling glue and all", "www.net", Rtype::A, "NOERROR [] [net NS] [a.gtld.net A]"},
        {"DS of a zone served beside the root, which does not know the cut", "example.com", Rtype::Ds,
         "NOERROR aa [] [example.com SOA] []"},
        {"DS of the root", ".", Rtype::Ds, "NOERROR aa [] [. SOA] []"},
    };
    check(asker, rows);
  }

  TEST_CASE("optional data never truncates, needed data does") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    std::string zone = "$TTL 60\n@ SOA ns h 1 2 3 4 30\n@ NS ns\nns A 192.0.2.2\n";
    for (int i = 0; i < 20; ++i) {
      const auto host = "h" + std::to_string(i);
      zone += "mx MX 10 " + host + "\nin NS " + host + ".in\nmany NS " + host + "\n";
      for (int j = 0; j < 4; ++j) {
        const auto address = "2001:db8::" + std::to_string(i) + ":" + std::to_string(j) + "\n";
        zone += host + " AAAA " + address + host + ".in AAAA " + address;
      }
      zone += host + " A 192.0.2.100\n";
    }
    zone += "tomany CNAME www.many\ntoin CNAME www.in\n";
    fixture.write("zones/full.test.zone", zone);
    test::Asker asker(fixture.must_compile());
    struct FullRow {
      const char* why;
      const char* name;
      Rtype type;
      bool truncated;
    };
    const FullRow rows[] = {
        {"additional addresses (RFC 2181 9)", "mx.full.test", Rtype::Mx, false},
        {"glue inside the child (RFC 9471 3.1)", "www.in.full.test", Rtype::A, true},
        {"addresses of servers outside the child (RFC 9471 3.2)", "www.many.full.test", Rtype::A, false},
        {"a referral behind an alias", "toin.full.test", Rtype::A, false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto reply = asker.ask(row.name, row.type);
      CHECK(reply.is_truncated() == row.truncated);
      const auto additional = reply.section(Section::Additional);
      CHECK(additional.size() > 4);
      CHECK(additional.size() < 80);
      // Whole sets only: four AAAA a host, or none.
      std::size_t aaaa = 0;
      for (const auto& record : additional) aaaa += record.type == Rtype::Aaaa ? 1u : 0u;
      CHECK(aaaa % 4 == 0);
    }
    CHECK(asker.counters().value(Counter::Truncated) == 1);
  }

  TEST_CASE("no more than the limit of hosts is looked up unasked") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    std::string zone = "$TTL 60\n@ SOA ns h 1 2 3 4 30\n@ NS ns\nns A 192.0.2.2\n";
    for (int i = 0; i < 40; ++i) {
      const auto host = "h" + std::to_string(i);
      zone += "mx MX 10 " + host + "\n" + host + " A 192.0.2.100\n";
    }
    fixture.write("zones/full.test.zone", zone);
    test::Asker asker(fixture.must_compile());
    const auto reply = asker.ask("mx.full.test", Rtype::Mx, {}, {*base::parse_ip_address("192.0.2.1"), true});
    CHECK(reply.section(Section::Answer).size() == 40);
    CHECK(reply.section(Section::Additional).size() == base::limits::kAdditionalHostsMax);
  }

  TEST_CASE("the summary says what a chain ended in") {
    auto asker = semantics_asker();
    struct SummaryRow {
      const char* name;
      Rtype type;
      AnswerKind kind;
      Rcode rcode;
      const char* zone;
    };
    const SummaryRow rows[] = {
        {"tochild.parent.test", Rtype::A, AnswerKind::Static, Rcode::NoError, "child.parent.test"},
        {"tolost.parent.test", Rtype::A, AnswerKind::Referral, Rcode::NoError, "parent.test"},
        {"toout.parent.test", Rtype::A, AnswerKind::Static, Rcode::NoError, "parent.test"},
        {"togone.parent.test", Rtype::A, AnswerKind::NxDomain, Rcode::NxDomain, "parent.test"},
        {"toent.parent.test", Rtype::A, AnswerKind::NoData, Rcode::NoError, "parent.test"},
        {"round1.parent.test", Rtype::A, AnswerKind::Static, Rcode::NoError, "parent.test"},
        {"a.b.grand.test", Rtype::Ds, AnswerKind::NoData, Rcode::NoError, "a.b.grand.test"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.name);
      static_cast<void>(asker.ask(row.name, row.type));
      const auto& summary = asker.worker().summary;
      CHECK(summary.kind == row.kind);
      CHECK(summary.rcode == row.rcode);
      REQUIRE(summary.zone != nullptr);
      CHECK(dns::to_string(summary.zone->apex()) == row.zone);
      CHECK(summary.service == base::kNoService);
      CHECK(summary.pool == base::kNoPool);
    }
  }
}

}  // namespace meridian::query
