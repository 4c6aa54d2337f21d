#include "config/compile/zone_family.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

namespace meridian::compile {

TEST_SUITE("compile/zone_family") {
  TEST_CASE("what is odd between two zones is told at the file of the one that says it") {
    struct Row {
      const char* why;
      const char* parent;
      const char* child;
      const char* expected;
    };
    constexpr const char* kCut = "kid NS ns.kid\nns.kid A 192.0.2.2\n";
    const Row rows[] = {
        {"both right", "", "www A 192.0.2.3\n@ MX 10 ns1.up.test.\nx CNAME ns1.up.test.\n", ""},
        {"a mail host that is not there", "@ MX 10 gone.kid\n", "",
         "zones/up.test.zone: warning: the MX target 'gone.kid.up.test' of 'up.test' does not exist in "
         "'kid.up.test'; add its records there\n"},
        {"a mail host that is an alias there", "@ MX 10 www.kid\n", "www CNAME ns\n",
         "zones/up.test.zone: warning: the MX target 'www.kid.up.test' of 'up.test' is an alias; name a host "
         "with "
         "addresses of its own (RFC 2181 10.3)\n"},
        {"a CNAME to nothing", "", "www CNAME gone.up.test.\n",
         "zones/kid.up.test.zone: warning: the CNAME target 'gone.up.test' of 'www.kid.up.test' does not "
         "exist in "
         "'up.test'; add its records there\n"},
        {"a ring over both, told at each", "a CNAME a.kid\n", "a CNAME a.up.test.\n",
         "zones/kid.up.test.zone: warning: the CNAME target 'a.up.test' of 'a.kid.up.test' leads back to a "
         "name "
         "before it; point it at a name with records\n"
         "zones/up.test.zone: warning: the CNAME target 'a.kid.up.test' of 'a.up.test' leads back to a name "
         "before "
         "it; point it at a name with records\n"},
    };
    const std::string head = "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n";
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
      fixture.write_standard();
      fixture.write("zones/example.com.zone", head + "@ NS ns1\nns1 A 192.0.2.1\n");
      fixture.write("zones/up.test.zone", head + "@ NS ns1\nns1 A 192.0.2.1\n" + kCut + row.parent);
      fixture.write("zones/kid.up.test.zone", head + "@ NS ns\nns A 192.0.2.2\n" + row.child);
      CHECK(fixture.problems() == row.expected);
    }
  }

  TEST_CASE("a child that its parent does not delegate is told, a grandchild of a zone elsewhere is not") {
    const test::MapFixture fixture(MERIDIAN_BINARY_DIR "/share/meridian");
    fixture.write_standard();
    const std::string apex = "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n";
    fixture.write("zones/example.com.zone", apex);
    fixture.write("zones/up.test.zone", apex + "away NS ns.example.net.\n");
    fixture.write("zones/kid.up.test.zone", apex);
    fixture.write("zones/kid.away.up.test.zone", apex);
    CHECK(fixture.problems() ==
          "zones/kid.up.test.zone: warning: zone 'kid.up.test' is served here, but the zone 'up.test' above "
          "it has no "
          "NS for 'kid.up.test', so that resolvers do not find it; add them to 'up.test'\n");
  }
}

}  // namespace meridian::compile
