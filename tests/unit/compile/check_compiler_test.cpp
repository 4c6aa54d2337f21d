#include "config/compile/check_compiler.hpp"

#include "config/check.hpp"
#include "config/compile/compile.hpp"
#include "config/compile/stored_maps.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace meridian::compile {
namespace {

struct Fixture : test::MapFixture {
  explicit Fixture(const std::string& services) : MapFixture(MERIDIAN_BINARY_DIR "/share/meridian") {
    write_standard();
    write("maps.yaml", "maps: {web: {}}\n");
    write("regions.yaml", "regions: {}\n");
    write("zones/example.com.zone", "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n");
    write("services.yaml", services);
  }
};

/// "front 192.0.2.10: www.example.com/ams a.example.com/ams", a line a target.
std::string targets_of(const query::Snapshot& snapshot) {
  std::string text;
  for (const auto& target : snapshot.probe_targets) {
    text += snapshot.checks[target.check]->name + " " + base::to_string(target.address) + ":";
    for (const auto& feed : target.feeds) {
      CHECK(snapshot.endpoints[base::index_of(feed.endpoint)].address == target.address);
      text += " " + snapshot.services[base::index_of(feed.service)].name + "/" +
              snapshot.datacenters[base::index_of(feed.datacenter)].name + (feed.in_use ? "" : "(staged)");
    }
    text += "\n";
  }
  return text;
}

const std::string kTwoServices =
    "checks:\n"
    "  front: {type: http}\n"
    "  same: {type: http, path: /}\n"
    "  mail: {type: tcp, port: 25}\n"
    "services:\n"
    "  www.example.com:\n"
    "    {map: web, check: front, pools: {ams: [192.0.2.10, \"2001:db8::10\"], sin: {addresses: "
    "[203.0.113.10], "
    "force: down}}, on_all_down: {addresses: [192.0.2.99]}}\n"
    "  a.example.com: {map: web, check: same, pools: {iad: [192.0.2.10]}}\n"
    "  b.example.com: {map: web, check: mail, pools: {ams: [192.0.2.10], iad: {cname: b.example.net}}}\n"
    "  c.example.com: {map: web, check: none, pools: {ams: [192.0.2.30]}}\n"
    "  one.example.com: {datacenter: ams, of: www.example.com}\n";

}  // namespace

TEST_SUITE("compile/check_compiler") {
  TEST_CASE("each check and address is probed once, with all endpoints that the result is about") {
    const Fixture fixture(kTwoServices);
    CHECK(fixture.problems() == "");
    const auto snapshot = fixture.must_compile().snapshot;
    CHECK(snapshot->checks.size() == 2);
    CHECK(targets_of(*snapshot) ==
          "front 192.0.2.10: www.example.com/ams a.example.com/iad\n"
          "front 2001:db8::10: www.example.com/ams\n"
          "front 203.0.113.10: www.example.com/sin(staged)\n"
          "mail 192.0.2.10: b.example.com/ams\n");
    for (std::size_t i = 0; i < snapshot->services.size(); ++i)
      CHECK(base::index_of(snapshot->services[i].id) == i);
  }

  TEST_CASE("a start from stored maps knows the same targets") {
    const Fixture fixture(kTwoServices);
    const auto snapshot = fixture.must_compile().snapshot;
    auto stored = read_stored_maps(write_stored_maps(*snapshot), snapshot->datacenters.size());
    REQUIRE(stored.has_value());
    const auto again =
        compile_stored(config::load_map_directory(fixture.map_folder()), std::move(*stored), 2, {});
    REQUIRE(again.has_value());
    CHECK(targets_of(*again->snapshot) == targets_of(*snapshot));
    CHECK(again->snapshot->checks.size() == 2);
  }

  TEST_CASE("what a check lacks or a service lacks is told where it stands") {
    struct Row {
      const char* why;
      std::string services;
      std::string problems;
    };
    const std::string pools = ", pools: {ams: [192.0.2.10]}}\n";
    const Row rows[] = {
        {"a check nobody defined",
         "checks: {front: {type: http}}\nservices:\n  a.example.com: {map: web, check: frnt" + pools,
         "services.yaml:3:36: check 'frnt' is not defined; did you mean 'front'?\n"},
        {"no check beside others",
         "checks: {front: {type: http}}\nservices:\n  a.example.com: {map: web, check: front" + pools +
             "  b.example.com: {map: web" + pools,
         "services.yaml:4:3: warning: 'b.example.com' has no check, so its addresses count as up whatever "
         "happens; "
         "add 'check: front', or 'check: none' if that is meant\n"},
        {"none on purpose",
         "checks: {front: {type: http}}\nservices:\n  a.example.com: {map: web, check: front" + pools +
             "  b.example.com: {map: web, check: none" + pools,
         ""},
        {"a map without any", "services:\n  b.example.com: {map: web" + pools, ""},
        {"a check without a service", "checks: {front: {type: http}}\nservices: {}\n",
         "services.yaml:1:10: warning: no service uses check 'front'\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(Fixture(row.services).problems() == row.problems);
    }
  }

  TEST_CASE("a service has its shortest TTL and its least capacity, which a cname pool in use switches off") {
    const Fixture fixture(
        "services:\n"
        "  a.example.com: {map: web, ttl: 3, pools: {ams: [192.0.2.10]}}\n"
        "  b.example.com: {map: web, ttl_min: 10, min_serving_capacity: 75%, pools: {ams: [192.0.2.10]}}\n"
        "  c.example.com: {map: web, pools: {ams: [192.0.2.10], iad: {cname: c.example.net}}}\n"
        "  d.example.com: {map: web, pools: {ams: [192.0.2.10], iad: {cname: c.example.net, force: "
        "down}}}\n");
    const auto snapshot = fixture.must_compile().snapshot;
    const auto& services = snapshot->services;
    CHECK(services[0].ttl_min_s == 3);
    CHECK(services[0].min_capacity == steering::Share{26'214});  // 40 % of 65536
    CHECK(services[1].ttl_min_s == 10);
    CHECK(services[1].min_capacity == steering::kFull * 3 / 4);
    CHECK(services[2].min_capacity == 0);
    CHECK(services[3].min_capacity != 0);
  }
}

}  // namespace meridian::compile
