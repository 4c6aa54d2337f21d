#include "zone/zone.hpp"

#include "unit/zone/zone_fixture.hpp"

#include <set>

namespace meridian::test {
namespace {

using dns::Rtype;
using zone::Outcome;
using zone::Zone;
using zone::ZoneSet;

struct Row {
  const char* why;
  const char* name;
  Rtype type;
  Outcome outcome;
  const char* owner;
  bool wildcard = false;
};

template <std::size_t N>
void check_rows(const Zone& zone, const Row (&rows)[N]) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.name);
    const auto name = name_of(row.name);
    const auto found = zone.lookup(name, row.type);
    CHECK(found.outcome == row.outcome);
    CHECK(dns::to_string(found.owner) == row.owner);
    CHECK(found.wildcard == row.wildcard);
    switch (row.outcome) {
      case Outcome::Answer:
        CHECK((row.type == Rtype::Any || found.rrset.type == row.type));
        break;
      case Outcome::Cname:
        CHECK(found.rrset.type == Rtype::Cname);
        break;
      case Outcome::Dname:
        CHECK(found.rrset.type == Rtype::Dname);
        break;
      case Outcome::Delegation:
        CHECK(found.rrset.type == Rtype::Ns);
        break;
      default:
        CHECK(found.rrset.count == 0);
        break;
    }
    CHECK((found.service != base::kNoService) == (row.outcome == Outcome::Steered));
  }
}

constexpr const char* kHead = "$TTL 3600\n@ SOA ns hostmaster 1 2 3 4 600\n@ NS ns\nns A 192.0.2.53\n";

std::string with_head(std::string_view text) { return kHead + std::string{text}; }

}  // namespace

TEST_SUITE("zone/zone") {
  TEST_CASE("the example zone of RFC 4592 2.2.1 answers as the RFC says") {
    const auto zone = zone_of(
        "$ORIGIN example.\n"
        "example.                 3600 IN  SOA   ns.example.com. h.example.com. 1 2 3 4 5\n"
        "example.                 3600     NS    ns.example.com.\n"
        "example.                 3600     NS    ns.example.net.\n"
        "*.example.               3600     TXT   \"this is a wildcard\"\n"
        "*.example.               3600     MX    10 host1.example.\n"
        "sub.*.example.           3600     TXT   \"this is not a wildcard\"\n"
        "host1.example.           3600     A     192.0.2.1\n"
        "_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1.example.\n"
        "_ssh._tcp.host2.example. 3600     SRV   0 0 22 host2.example.\n"
        "subdel.example.          3600     NS    ns.example.com.\n"
        "subdel.example.          3600     NS    ns.example.net.\n",
        "example");
    const Row rows[] = {
        {"synthesised: host3 does not exist", "host3.example", Rtype::Mx, Outcome::Answer, "*.example", true},
        {"synthesised name, but no A at the wildcard", "host3.example", Rtype::A, Outcome::NoData,
         "*.example", true},
        {"a label of several may match", "foo.bar.example", Rtype::Txt, Outcome::Answer, "*.example", true},
        {"host1 exists", "host1.example", Rtype::Mx, Outcome::NoData, "host1.example"},
        {"a wildcard does not match itself: it is just there", "*.example", Rtype::Mx, Outcome::Answer,
         "*.example"},
        {"a name below the literal wildcard exists", "sub.*.example", Rtype::Mx, Outcome::NoData,
         "sub.*.example"},
        {"an empty non-terminal exists", "_tcp.host1.example", Rtype::Mx, Outcome::NoData,
         "_tcp.host1.example"},
        {"so its parent does", "host2.example", Rtype::Mx, Outcome::NoData, "host2.example"},
        {"the closest encloser is _tcp.host1, which has no wildcard", "_telnet._tcp.host1.example",
         Rtype::Srv, Outcome::NxDomain, "_tcp.host1.example"},
        {"a delegation stops the search", "host.subdel.example", Rtype::A, Outcome::Delegation,
         "subdel.example"},
        {"the closest encloser is the literal *", "ghost.*.example", Rtype::Mx, Outcome::NxDomain,
         "*.example"},
    };
    check_rows(zone, rows);
  }

  TEST_CASE("a wildcard matches at the closest encloser only") {
    const auto zone = zone_of(with_head("*.w A 192.0.2.1\n"
                                        "x.w TXT x\n"
                                        "a.b.w TXT deep\n"
                                        "*.alias CNAME target.example.net.\n"
                                        "x.*.ent TXT below\n"
                                        "*.*.twice A 192.0.2.2\n"),
                              "example.com");
    const Row rows[] = {
        {"plain", "y.w.example.com", Rtype::A, Outcome::Answer, "*.w.example.com", true},
        {"several labels", "z.y.w.example.com", Rtype::A, Outcome::Answer, "*.w.example.com", true},
        {"the wildcard's parent is no match", "w.example.com", Rtype::A, Outcome::NoData, "w.example.com"},
        {"an existing name blocks", "x.w.example.com", Rtype::A, Outcome::NoData, "x.w.example.com"},
        {"and what is below it", "y.x.w.example.com", Rtype::A, Outcome::NxDomain, "x.w.example.com"},
        {"an empty non-terminal blocks", "b.w.example.com", Rtype::A, Outcome::NoData, "b.w.example.com"},
        {"and what is below it", "c.b.w.example.com", Rtype::A, Outcome::NxDomain, "b.w.example.com"},
        {"wildcard CNAME", "q.alias.example.com", Rtype::A, Outcome::Cname, "*.alias.example.com", true},
        {"wildcard CNAME asked for", "q.alias.example.com", Rtype::Cname, Outcome::Answer,
         "*.alias.example.com", true},
        {"a wildcard without records is a match without data", "q.ent.example.com", Rtype::A, Outcome::NoData,
         "*.ent.example.com", true},
        {"a literal * below a wildcard's parent", "*.ent.example.com", Rtype::A, Outcome::NoData,
         "*.ent.example.com"},
        {"*.*: the inner * is a literal node without data", "q.twice.example.com", Rtype::A, Outcome::NoData,
         "*.twice.example.com", true},
        {"*.*: below the literal *", "q.*.twice.example.com", Rtype::A, Outcome::Answer,
         "*.*.twice.example.com", true},
        {"a label that only starts with *", "*x.w.example.com", Rtype::A, Outcome::Answer, "*.w.example.com",
         true},
        {"no wildcard at the apex", "nope.example.com", Rtype::A, Outcome::NxDomain, "example.com"},
        {"127 labels deep", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.w.example.com", Rtype::A, Outcome::Answer,
         "*.w.example.com", true},
    };
    check_rows(zone, rows);
  }

  TEST_CASE("everything at and below a cut is a referral, but DS at the cut is the parent's") {
    const auto zone = zone_of(with_head("sub NS ns.sub\n"
                                        "sub DS 1 8 2 00\n"
                                        "ns.sub A 192.0.2.9\n"
                                        "plain NS ns.example.net.\n"
                                        "inner.sub NS ns.example.net.\n"
                                        "inner.sub DS 1 8 2 00\n"
                                        "*.sub A 192.0.2.8\n"
                                        "x.y.sub TXT occluded\n"),
                              "example.com");
    const Row rows[] = {
        {"the cut", "sub.example.com", Rtype::A, Outcome::Delegation, "sub.example.com"},
        {"NS at the cut is a referral too", "sub.example.com", Rtype::Ns, Outcome::Delegation,
         "sub.example.com"},
        {"ANY at the cut", "sub.example.com", Rtype::Any, Outcome::Delegation, "sub.example.com"},
        {"DS at the cut", "sub.example.com", Rtype::Ds, Outcome::Answer, "sub.example.com"},
        {"no DS at the cut", "plain.example.com", Rtype::Ds, Outcome::NoData, "plain.example.com"},
        {"glue is not an answer", "ns.sub.example.com", Rtype::A, Outcome::Delegation, "sub.example.com"},
        {"an absent name below", "no.sub.example.com", Rtype::A, Outcome::Delegation, "sub.example.com"},
        {"DS below the cut", "no.sub.example.com", Rtype::Ds, Outcome::Delegation, "sub.example.com"},
        {"an empty non-terminal below", "y.sub.example.com", Rtype::A, Outcome::Delegation,
         "sub.example.com"},
        {"a cut below a cut: the upper one wins", "a.inner.sub.example.com", Rtype::A, Outcome::Delegation,
         "sub.example.com"},
        {"its DS is not ours", "inner.sub.example.com", Rtype::Ds, Outcome::Delegation, "sub.example.com"},
        {"a wildcard below a cut", "*.sub.example.com", Rtype::A, Outcome::Delegation, "sub.example.com"},
        {"the apex is no cut", "example.com", Rtype::Ns, Outcome::Answer, "example.com"},
        {"DS at the apex", "example.com", Rtype::Ds, Outcome::NoData, "example.com"},
    };
    check_rows(zone, rows);
    const auto glue = zone.find_rrset(name_of("ns.sub.example.com"), Rtype::A);
    REQUIRE(glue.has_value());
    CHECK(hex_records(*glue) == "0004c0000209");
    CHECK_FALSE(zone.find_rrset(name_of("ns.sub.example.com"), Rtype::Aaaa).has_value());
    CHECK_FALSE(zone.find_rrset(name_of("absent.example.com"), Rtype::A).has_value());
  }

  TEST_CASE("a DNAME redirects what is below its owner and not the owner") {
    const auto zone = zone_of(with_head("d DNAME target.example.net.\n"
                                        "d TXT beside\n"
                                        "x.d A 192.0.2.1\n"
                                        "cut.d NS ns.example.net.\n"
                                        "deep.a DNAME other.example.net.\n"),
                              "example.com");
    const Row rows[] = {
        {"below", "a.d.example.com", Rtype::A, Outcome::Dname, "d.example.com"},
        {"far below", "c.b.a.d.example.com", Rtype::A, Outcome::Dname, "d.example.com"},
        {"an occluded name", "x.d.example.com", Rtype::A, Outcome::Dname, "d.example.com"},
        {"a cut below a DNAME", "cut.d.example.com", Rtype::Ds, Outcome::Dname, "d.example.com"},
        {"the owner's other types", "d.example.com", Rtype::Txt, Outcome::Answer, "d.example.com"},
        {"the owner's missing types", "d.example.com", Rtype::A, Outcome::NoData, "d.example.com"},
        {"the DNAME itself", "d.example.com", Rtype::Dname, Outcome::Answer, "d.example.com"},
        {"type DNAME below", "a.d.example.com", Rtype::Dname, Outcome::Dname, "d.example.com"},
        {"an empty non-terminal above", "a.example.com", Rtype::A, Outcome::NoData, "a.example.com"},
        {"deeper", "q.deep.a.example.com", Rtype::A, Outcome::Dname, "deep.a.example.com"},
    };
    check_rows(zone, rows);
    const auto apex_dname = zone_of(with_head("@ DNAME example.net.\n"), "example.com");
    const Row apex_rows[] = {
        {"the apex itself", "example.com", Rtype::Soa, Outcome::Answer, "example.com"},
        {"below the apex", "www.example.com", Rtype::A, Outcome::Dname, "example.com"},
        {"even an existing name", "ns.example.com", Rtype::A, Outcome::Dname, "example.com"},
    };
    check_rows(apex_dname, apex_rows);
  }

  TEST_CASE("a CNAME answers every type but itself, and ANY gets one rrset") {
    const auto zone =
        zone_of(with_head("alias CNAME www\nwww TXT t\nwww A 192.0.2.1\nwww AAAA 2001:db8::1\na.ent TXT t\n"),
                "example.com");
    const Row rows[] = {
        {"A", "alias.example.com", Rtype::A, Outcome::Cname, "alias.example.com"},
        {"a type nobody has", "alias.example.com", Rtype{65280}, Outcome::Cname, "alias.example.com"},
        {"DS", "alias.example.com", Rtype::Ds, Outcome::Cname, "alias.example.com"},
        {"itself", "alias.example.com", Rtype::Cname, Outcome::Answer, "alias.example.com"},
        {"ANY at a CNAME", "alias.example.com", Rtype::Any, Outcome::Answer, "alias.example.com"},
        {"ANY", "www.example.com", Rtype::Any, Outcome::Answer, "www.example.com"},
        {"ANY without records", "ent.example.com", Rtype::Any, Outcome::NoData, "ent.example.com"},
        {"below a CNAME", "a.alias.example.com", Rtype::A, Outcome::NxDomain, "alias.example.com"},
    };
    check_rows(zone, rows);
    CHECK(zone.lookup(name_of("www.example.com"), Rtype::Any).rrset.type == Rtype::A);
  }

  TEST_CASE("a steered name answers A and AAAA by its service and has static types beside") {
    const auto zone = zone_of(
        with_head("@ MX 10 mail\nmail A 192.0.2.25\nwww TXT t\nx.pop.cdn TXT t\n"), "example.com",
        {{"example.com", 7}, {"WWW.example.com", 0}, {"*.cdn.example.com", 9}, {"a.b.example.com", 3}});
    const Row rows[] = {
        {"the apex A", "example.com", Rtype::A, Outcome::Steered, "example.com"},
        {"the apex AAAA", "example.com", Rtype::Aaaa, Outcome::Steered, "example.com"},
        {"the apex MX", "example.com", Rtype::Mx, Outcome::Answer, "example.com"},
        {"the apex SOA", "example.com", Rtype::Soa, Outcome::Answer, "example.com"},
        {"the apex TXT", "example.com", Rtype::Txt, Outcome::NoData, "example.com"},
        {"ANY with static records", "www.example.com", Rtype::Any, Outcome::Answer, "www.example.com"},
        {"ANY without", "a.b.example.com", Rtype::Any, Outcome::Steered, "a.b.example.com"},
        {"HTTPS without a record", "www.example.com", Rtype::Https, Outcome::NoData, "www.example.com"},
        {"wildcard", "any.cdn.example.com", Rtype::A, Outcome::Steered, "*.cdn.example.com", true},
        {"wildcard, other type", "any.cdn.example.com", Rtype::Txt, Outcome::NoData, "*.cdn.example.com",
         true},
        {"wildcard asked for", "*.cdn.example.com", Rtype::A, Outcome::Steered, "*.cdn.example.com"},
        {"a static name blocks the wildcard", "pop.cdn.example.com", Rtype::A, Outcome::NoData,
         "pop.cdn.example.com"},
        {"and what is below it", "y.pop.cdn.example.com", Rtype::A, Outcome::NxDomain, "pop.cdn.example.com"},
        {"a steered name makes empty non-terminals", "b.example.com", Rtype::A, Outcome::NoData,
         "b.example.com"},
    };
    check_rows(zone, rows);
    CHECK(zone.lookup(name_of("example.com"), Rtype::A).service == base::ServiceId{7});
    CHECK(zone.lookup(name_of("www.example.com"), Rtype::Aaaa).service == base::ServiceId{0});
    CHECK(zone.lookup(name_of("q.cdn.example.com"), Rtype::A).service == base::ServiceId{9});
  }

  TEST_CASE("the negative TTL is the smaller of the SOA's TTL and its minimum") {
    struct SoaRow {
      const char* why;
      const char* soa;
      std::uint32_t expected;
    };
    const SoaRow rows[] = {
        {"minimum smaller", "@ 3600 SOA ns h 1 2 3 4 600\n", 600},
        {"TTL smaller", "@ 60 SOA ns h 1 2 3 4 600\n", 60},
        {"minimum 0", "@ 60 SOA ns h 1 2 3 4 0\n", 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto zone = zone_of(std::string{row.soa} + "@ 60 NS ns.example.net.\n", "example.com");
      CHECK(zone.negative_ttl_s() == row.expected);
      CHECK(zone.soa().type == Rtype::Soa);
      CHECK(zone.ns().type == Rtype::Ns);
      CHECK(dns::to_string(zone.apex()) == "example.com");
    }
  }

  TEST_CASE("a zone keeps its answers when it moves") {
    auto first = zone_of(with_head("www A 192.0.2.1\nwww A 192.0.2.2\n"), "example.com");
    const Zone second = std::move(first);
    const auto found = second.lookup(name_of("www.example.com"), Rtype::A);
    CHECK(found.outcome == Outcome::Answer);
    CHECK(found.rrset.count == 2);
    CHECK(hex_records(found.rrset) == "0004c00002010004c0000202");
    CHECK(second.record_count() == 5);
    CHECK(second.name_count() == 3);
    CHECK(second.memory_bytes() > 0);
  }

  TEST_CASE("every rrset is visited once, glue and occluded ones too") {
    const auto zone =
        zone_of(with_head("www A 192.0.2.1\nwww A 192.0.2.2\nsub NS ns.sub\nns.sub A 192.0.2.3\na.b TXT t\n"),
                "example.com");
    std::multiset<std::string> seen;
    zone.for_each_rrset([&](dns::NameView name, const zone::Rrset& rrset) {
      seen.insert(dns::to_string(name) + " " + dns::to_string(rrset.type));
    });
    CHECK(seen == std::multiset<std::string>{"a.b.example.com TXT", "example.com NS", "example.com SOA",
                                             "ns.example.com A", "ns.sub.example.com A", "sub.example.com NS",
                                             "www.example.com A"});
  }

  TEST_CASE("the root and a single label are zones like any other") {
    const auto root = zone_of(
        "@ 60 SOA a.nic. b.nic. 1 2 3 4 5\n@ 60 NS a.nic.\ncom 60 NS a.gtld.com.\na.gtld.com 60 A 192.0.2.1\n"
        "arpa 60 TXT t\na.nic 60 A 192.0.2.2\n",
        ".");
    const Row rows[] = {
        {"the apex", ".", Rtype::Soa, Outcome::Answer, "."},
        {"a delegation", "www.example.com", Rtype::A, Outcome::Delegation, "com"},
        {"an absent top-level name", "nope", Rtype::A, Outcome::NxDomain, "."},
        {"a present one", "arpa", Rtype::Txt, Outcome::Answer, "arpa"},
    };
    check_rows(root, rows);
  }

  TEST_CASE("the zone with the longest apex answers, but the parent answers DS") {
    const auto minimal = [](const char* apex) {
      return zone_of("@ 60 SOA ns.invalid. h.invalid. 1 2 3 4 5\n@ 60 NS ns.invalid.\n", apex);
    };
    std::vector<Zone> zones;
    for (const char* apex : {"example.com", "a.b.example.com", "net", "sub.net", "example.com"})
      zones.push_back(minimal(apex));
    const ZoneSet set(std::move(zones));
    CHECK(set.size() == 4);  // one apex twice counts once
    CHECK(set.record_count() == 8);
    CHECK(set.memory_bytes() > 0);
    struct FindRow {
      const char* why;
      const char* name;
      Rtype type;
      const char* apex;
    };
    const FindRow rows[] = {
        {"an apex", "example.com", Rtype::A, "example.com"},
        {"below it", "www.example.com", Rtype::A, "example.com"},
        {"between two apexes", "b.example.com", Rtype::A, "example.com"},
        {"the child", "a.b.example.com", Rtype::A, "a.b.example.com"},
        {"below the child", "x.a.b.example.com", Rtype::A, "a.b.example.com"},
        {"DS at the child's apex: the parent", "a.b.example.com", Rtype::Ds, "example.com"},
        {"DS below the child's apex: the child", "x.a.b.example.com", Rtype::Ds, "a.b.example.com"},
        {"DS where the parent is not here", "example.com", Rtype::Ds, "example.com"},
        {"a zone of one label", "www.net", Rtype::A, "net"},
        {"and its child", "q.sub.net", Rtype::A, "sub.net"},
        {"not ours", "com", Rtype::A, nullptr},
        {"not ours, similar", "xample.com", Rtype::A, nullptr},
        {"the root is not ours", ".", Rtype::Ns, nullptr},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto name = name_of(row.name);
      const auto* found = set.find(name, row.type);
      REQUIRE((found != nullptr) == (row.apex != nullptr));
      if (found != nullptr) CHECK(dns::to_string(found->apex()) == row.apex);
      if (row.type != Rtype::Ds) CHECK(set.find(name) == found);
    }
    const ZoneSet empty;
    CHECK(empty.find(name_of("example.com")) == nullptr);
    CHECK(empty.find(name_of("."), Rtype::Ds) == nullptr);
    CHECK(empty.record_count() == 0);
  }

  TEST_CASE("the root zone is the parent of all") {
    std::vector<Zone> zones;
    for (const char* apex : {".", "example.com"}) {
      zones.push_back(zone_of("@ 60 SOA ns.invalid. h.invalid. 1 2 3 4 5\n@ 60 NS ns.invalid.\n", apex));
    }
    const ZoneSet set(std::move(zones));
    CHECK(set.find(name_of("org"))->apex().is_root());
    CHECK(set.find(name_of("example.com"), Rtype::Ds)->apex().is_root());
    CHECK(set.find(name_of("."), Rtype::Ds)->apex().is_root());
    CHECK(dns::to_string(set.find(name_of("www.example.com"))->apex()) == "example.com");
  }

  TEST_CASE("hashes of suffixes do not depend on what stands before them") {
    const auto longer = name_of("a.bcdefgh.ijklmnopqrstuvwxyz.example");
    const auto shorter = name_of("ijklmnopqrstuvwxyz.example");
    const zone::HashedName a(longer);
    const zone::HashedName b(shorter);
    CHECK(a.label_count() == 4);
    for (std::size_t labels = 0; labels <= 2; ++labels) CHECK(a.hash(labels) == b.hash(labels));
    CHECK(dns::to_string(a.suffix(2)) == "ijklmnopqrstuvwxyz.example");
    CHECK(a.suffix(0).is_root());
    std::set<std::uint64_t> seen;
    std::string label;
    for (char c = 'a'; c <= 'z'; ++c) {
      label += c;
      for (const auto& text : {label, label + ".x", "x." + label, std::string(1, c) + "aaaaaaaaaaaa"}) {
        const auto name = name_of(text);
        seen.insert(zone::HashedName(name).hash(zone::HashedName(name).label_count()));
      }
    }
    CHECK(seen.size() == 26 * 4);
  }
}

}  // namespace meridian::test
