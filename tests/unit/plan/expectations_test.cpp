#include "plan/expectations.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::plan {
namespace {

/// The standard map with these expectations, proven; without the folder's name.
std::string proof(const test::MapFixture& fixture, const std::string& expectations) {
  fixture.write("expect.yaml", "expect:\n" + expectations);
  const auto compiled = fixture.must_compile();
  auto text = prove_expectations(*compiled.snapshot, *compiled.rulebook).to_text();
  const auto folder = fixture.map_folder() + "/";
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.erase(at, folder.size());
  return text;
}

struct World {
  World() { fixture.write_standard(); }
  std::string prove(const std::string& expectations) const { return proof(fixture, expectations); }
  test::MapFixture fixture{MERIDIAN_BINARY_DIR "/share/meridian"};
};

}  // namespace

TEST_SUITE("plan/expectations") {
  TEST_CASE("what holds is proven without a word") {
    const World world;
    for (const auto* line : {
             "- {from: 81.2.69.160, ask: www.example.com, first: ams}",
             "- {from: DE, map: web, first: ams}",
             "- {from: europe, map: web, first: [ams, sin], never: [sin]}",
             "- {from: JP, map: web, first: [iad, sin]}",
             "- {from: CN, map: web, never: [ams, iad], datacenters_at_least: 1}",
             "- {from: US, map: web, datacenters_at_least: 3}",
             "- {from: everyone, ask: one.example.com, first: ams, never: [iad, sin]}",
             "- {from: CN, ask: alias.example.com, first: sin}",    // through a CNAME
             "- {from: US, ask: a.b.cdn.example.com, first: iad}",  // under a wildcard
             "- {from: 8.8.8.0/24, ask: www.example.com, first: iad}",
         }) {
      CAPTURE(line);
      CHECK(world.prove(std::string{"  "} + line + "\n") == "");
    }
  }

  TEST_CASE("what does not hold is told with place, networks, what they get, and how much it is") {
    const World world;
    struct Row {
      const char* why;
      const char* line;
      const char* message;
    };
    const Row rows[] = {
        {"a first datacenter", "- {from: GB, ask: www.example.com, first: iad}",
         "clients from GB must get iad first (www.example.com), but 81.2.69.0/24 gets ams, 2a00::/12 gets "
         "ams; 256 IPv4 addresses and 68,719,476,736 IPv6 /48s in all"},
        {"one of a weighted tier", "- {from: JP, ask: www.example.com, first: sin, note: latency}",
         "clients from JP must get sin first (www.example.com), but 58.0.0.0/8 gets iad; 16,777,216 IPv4 "
         "addresses in all (note: latency)"},
        {"a map: every name of it", "- {from: CN, map: web, first: ams}",
         "clients from CN must get ams first (map web), but 59.0.0.0/8 gets sin for www.example.com and 1 "
         "more; 16,777,216 IPv4 addresses in all"},
        {"never, while all are up", "- {from: CN, ask: www.example.com, never: sin}",
         "clients from CN must never get sin (www.example.com), but 59.0.0.0/8 gets sin; 16,777,216 IPv4 "
         "addresses in all"},
        {"never, when one is lost", "- {from: US, ask: www.example.com, never: [ams]}",
         "clients from US must never get ams (www.example.com), but 8.0.0.0/8 gets ams when iad is lost, "
         "2600::/12 gets ams when iad is lost; 16,777,216 IPv4 addresses and 68,719,476,736 IPv6 /48s in "
         "all"},
        {"too few", "- {from: CN, ask: www.example.com, datacenters_at_least: 2}",
         "clients from CN must have at least 2 datacenters (www.example.com), but 59.0.0.0/8 has only sin; "
         "16,777,216 IPv4 addresses in all"},
        {"a single address", "- {from: 59.1.2.3, map: web, never: [sin]}",
         "clients from 59.1.2.3/32 must never get sin (map web), but 59.1.2.3/32 gets sin for "
         "www.example.com and 1 more; 1 IPv4 address in all"},
        {"a view is one datacenter", "- {from: 8.8.8.8, ask: one.example.com, datacenters_at_least: 2}",
         "clients from 8.8.8.8/32 must have at least 2 datacenters (one.example.com), but 8.8.8.8/32 has "
         "only "
         "ams; 1 IPv4 address in all"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(world.prove(std::string{"  "} + row.line + "\n") ==
            "expect.yaml:2:5: " + std::string{row.message} + "\n");
    }
  }

  TEST_CASE("each broken claim is told, and only those") {
    const World world;
    const auto text = world.prove(
        "  - {from: DE, map: web, first: ams}\n"
        "  - {from: CN, ask: www.example.com, first: ams, never: [sin], datacenters_at_least: 2}\n");
    CHECK(text.find("expect.yaml:2:") == std::string::npos);
    CHECK(text.find("expect.yaml:3:5: clients from CN must get ams first") != std::string::npos);
    CHECK(text.find("expect.yaml:3:5: clients from CN must never get sin") != std::string::npos);
    CHECK(text.find("expect.yaml:3:5: clients from CN must have at least 2") != std::string::npos);
  }

  TEST_CASE("a small hole in a large place is found, and told exactly") {
    const World world;
    world.fixture.write("maps.yaml",
                        "maps:\n  web:\n    rules:\n"
                        "      - {for: DE, prefer: [ams]}\n"
                        "      - {for: 82.7.7.7, prefer: [sin]}\n"
                        "      - {for: europe, prefer: [ams]}\n");
    CHECK(world.prove("  - {from: DE, map: web, first: ams}\n") ==
          "expect.yaml:2:5: clients from DE must get ams first (map web), but 82.7.7.7/32 gets sin for "
          "www.example.com and 1 more; 1 IPv4 address in all\n");
    CHECK(world.prove("  - {from: 82.7.7.6, map: web, first: ams}\n") == "");
  }

  TEST_CASE("a service without a pool in the first datacenter breaks what its map promises") {
    const World world;
    world.fixture.write("services.yaml",
                        "services:\n"
                        "  www.example.com: {map: web, pools: {ams: [192.0.2.1], sin: [192.0.2.3]}}\n"
                        "  api.example.com: {map: web, pools: {sin: [192.0.2.5], ams: {addresses: "
                        "[192.0.2.6], force: down}}}\n");
    CHECK(world.prove("  - {from: DE, ask: www.example.com, first: ams}\n") == "");
    CHECK(world.prove("  - {from: DE, map: web, first: ams}\n") ==
          "expect.yaml:2:5: clients from DE must get ams first (map web), but 82.0.0.0/8 gets sin for "
          "api.example.com; 16,777,216 IPv4 addresses in all\n");
  }

  TEST_CASE("a map that no name uses is proven by its rules") {
    const World world;
    world.fixture.write("maps.yaml",
                        "maps:\n"
                        "  web: {rules: [{for: europe, prefer: [ams]}]}\n"
                        "  spare: {rules: [{for: DE, prefer: [iad]}]}\n");
    CHECK(world.prove("  - {from: DE, map: spare, first: iad}\n") == "");
    CHECK(world.prove("  - {from: DE, map: spare, first: ams}\n")
              .starts_with(
                  "expect.yaml:2:5: clients from DE must get ams first (map spare), but 82.0.0.0/8 gets "
                  "iad; "));
  }

  TEST_CASE("where only: [] answers nobody, every first is broken and every never holds") {
    const World world;
    world.fixture.write("maps.yaml",
                        "maps:\n  web: {rules: [{for: CN, only: []}, {for: europe, prefer: [ams]}]}\n");
    CHECK(world.prove("  - {from: CN, ask: www.example.com, never: [ams, iad, sin]}\n") == "");
    CHECK(world.prove("  - {from: CN, ask: www.example.com, first: [ams, iad, sin]}\n")
              .find("59.0.0.0/8 gets no address; ") != std::string::npos);
    CHECK(world.prove("  - {from: CN, ask: www.example.com, datacenters_at_least: 1}\n")
              .find("59.0.0.0/8 has none; ") != std::string::npos);
  }

  TEST_CASE("private space that nothing names is held to what its clients get") {
    const World world;
    world.fixture.write(
        "maps.yaml",
        "maps:\n  web: {rules: [{for: europe, prefer: [ams]}, {for: everyone, prefer: [sin]}]}\n");
    CHECK(world.prove("  - {from: 10.1.2.3, map: web, first: sin}\n") == "");
  }

  TEST_CASE("rules for resolvers break never and datacenters_at_least, and first where all are resolvers") {
    const World world;
    world.fixture.write("maps.yaml",
                        "maps:\n"
                        "  web:\n"
                        "    rules: [{for: europe, prefer: [ams]}]\n"
                        "    resolvers: [{for: 82.7.0.0/16, only: [sin]}]\n");
    CHECK(world.prove("  - {from: DE, ask: www.example.com, first: ams}\n") == "");
    CHECK(world.prove("  - {from: DE, ask: www.example.com, never: sin}\n") ==
          "expect.yaml:2:5: clients from DE must never get sin (www.example.com), but 82.7.0.0/16 gets sin "
          "by a "
          "rule for resolvers; 65,536 IPv4 addresses in all\n");
    CHECK(world.prove("  - {from: DE, ask: www.example.com, datacenters_at_least: 2}\n") ==
          "expect.yaml:2:5: clients from DE must have at least 2 datacenters (www.example.com), but "
          "82.7.0.0/16 "
          "has only sin by a rule for resolvers; 65,536 IPv4 addresses in all\n");
    world.fixture.write(
        "services.yaml",
        "services: {www.example.com: {map: web, client_subnet: ignore, pools: {ams: [192.0.2.1], "
        "sin: [192.0.2.3]}}}\n");
    CHECK(world.prove("  - {from: DE, ask: www.example.com, first: ams}\n") ==
          "expect.yaml:2:5: clients from DE must get ams first (www.example.com), but 82.7.0.0/16 gets sin "
          "by a "
          "rule for resolvers; 65,536 IPv4 addresses in all\n");
    CHECK(world.prove("  - {from: 82.7.1.1, ask: www.example.com, first: sin}\n") == "");
  }

  TEST_CASE("an expectation about a networks file is about each of its lines") {
    const World world;
    world.fixture.write("feeds/partner.nets", "82.1.0.0/16\n59.1.0.0/16 sin\n");
    CHECK(world.prove("  - {from: \"file:feeds/partner.nets\", ask: www.example.com, first: [ams, sin]}\n") ==
          "");
    CHECK(world.prove("  - {from: \"file:feeds/partner.nets\", ask: www.example.com, first: ams}\n") ==
          "expect.yaml:2:5: clients from file:feeds/partner.nets must get ams first (www.example.com), but "
          "59.1.0.0/16 gets sin; 65,536 IPv4 addresses in all\n");
  }

  TEST_CASE("an expectation that is about nobody earns a warning") {
    const World world;
    CHECK(
        world.prove("  - {from: US-CA, map: web, first: iad}\n") ==
        "expect.yaml:2:12: warning: this expectation is about nobody: no address is known to be in US-CA\n");
    CHECK(world.prove("  - {from: AS3320, map: web, first: iad}\n")
              .find("no address is known to be in AS3320") != std::string::npos);
  }

  TEST_CASE("a region with a hole means what it means in a rule") {
    const World world;
    world.fixture.write("regions.yaml",
                        "regions:\n  europe: [continent:EU, not RU]\n  mainland: [europe, not GB]\n");
    CHECK(world.prove("  - {from: mainland, map: web, first: sin}\n").find("but 82.0.0.0/8 gets ams") !=
          std::string::npos);
    CHECK(world.prove("  - {from: mainland, map: web, first: sin}\n").find("81.2.69.0/24") ==
          std::string::npos);
  }

  TEST_CASE("names that are not there are told where they stand, with what is near") {
    const World world;
    world.fixture.write("expect.yaml",
                        "expect:\n"
                        "  - {from: europa, map: web, first: ams}\n"
                        "  - {from: DE, map: webb, first: amz}\n"
                        "  - {from: XQ, ask: ww.example.com, never: [sin, xyz]}\n"
                        "  - {from: DE, ask: static.example.com, first: ams}\n");
    CHECK(world.fixture.problems() ==
          "expect.yaml:2:12: region 'europa' is not defined; did you mean 'europe'?\n"
          "expect.yaml:3:21: map 'webb' is not defined; did you mean 'web'?\n"
          "expect.yaml:3:34: datacenter 'amz' is not defined; did you mean 'ams'?\n"
          "expect.yaml:4:12: 'XQ' is not a country code of ISO 3166-1; did you mean 'AQ'?\n"
          "expect.yaml:4:21: 'ww.example.com' is not a steered name; did you mean 'www.example.com'?\n"
          "expect.yaml:4:50: datacenter 'xyz' is not defined\n"
          "expect.yaml:5:21: 'static.example.com' is not a steered name; did you mean 'www.example.com'?\n");
  }

  TEST_CASE("a region that only an expectation uses is used") {
    const World world;
    world.fixture.write("regions.yaml", "regions:\n  europe: [continent:EU, not RU]\n  dach: [DE]\n");
    CHECK(world.fixture.problems() == "regions.yaml:3:3: warning: no rule uses region 'dach'\n");
    CHECK(world.prove("  - {from: dach, map: web, first: ams}\n") == "");
    CHECK(world.fixture.problems() == "");
  }

  TEST_CASE("expectations may stand in several files") {
    const World world;
    world.fixture.write("expect.d/a.yaml", "expect: [{from: DE, map: web, first: iad}]\n");
    CHECK(world.prove("  - {from: GB, map: web, first: ams}\n").starts_with("expect.d/a.yaml:1:10: "));
  }
}

}  // namespace meridian::plan
