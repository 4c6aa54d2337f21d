#include "explain/explain.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace meridian::explain {
namespace {

Explanation explain_from(test::Asker& asker, const std::string& name, const std::string& type,
                         const std::string& from) {
  const auto question = parse_question(name, type, from, "192.0.2.1");
  REQUIRE_MESSAGE(question.has_value(), (question ? "" : question.error()));
  return explain(*question, asker.snapshot(), asker.tables(), asker.rulebook());
}

}  // namespace

TEST_SUITE("explain/explain") {
  TEST_CASE("each step of a steered answer is told") {
    auto asker = test::standard_asker();
    const auto text = to_text(explain_from(asker, "WWW.example.com", "A", "81.2.69.160"));
    for (const auto* line :
         {"query     www.example.com A · epoch 1\n",
          "zone      example.com · steered by service www.example.com\n",
          "client    81.2.69.0/24 (client subnet)\n", "/test.mmdb 81.2.69.0/24\n",
          "GB, EU at 52.67, -1.53 (population centre of the country)\n",
          "rule      map web · continent:EU in region europe (", "leaf      /24\n",
          "tiers     ams up 3/3 share 100% → iad up 1/1 share 100% → sin up 2/2 share 100%\n",
          "choice    ams · preferred, tier 1\n",
          "answer    192.0.2.10, 192.0.2.11 · at most 8 at once · TTL 30 s\n", "scope     /24\n"}) {
      CHECK_MESSAGE(text.find(line) != std::string::npos, line, " is not in\n", text);
    }
  }

  TEST_CASE("the rule is told with its file and line") {
    auto asker = test::standard_asker();
    CHECK(explain_from(asker, "www.example.com", "A", "81.2.69.160").rule.rule_at.line == 4);
    CHECK(explain_from(asker, "www.example.com", "A", "8.8.8.8").rule.rule_at.line == 5);
    CHECK(explain_from(asker, "www.example.com", "A", "192.0.2.9").rule.place == "everyone");
  }

  TEST_CASE("what is not steered is told in a line") {
    auto asker = test::standard_asker();
    struct Row {
      const char* name;
      const char* outcome;
    };
    const Row rows[] = {{"static.example.com", "static"},    {"away.example.com", "cname"},
                        {"x.sub.example.com", "delegation"}, {"none.example.com", "nxdomain"},
                        {"b.ent.example.com", "nodata"},     {"example.org", "refused"}};
    for (const auto& row : rows) {
      CAPTURE(row.name);
      CHECK(explain_from(asker, row.name, "A", "8.8.8.8").outcome == row.outcome);
    }
  }

  TEST_CASE("chains are told as they are answered, DNAMEs and early ends too") {
    struct Row {
      const char* why;
      const char* name;
      const char* outcome;
      const char* zone;
      std::vector<std::string> chain;
    };
    const Row rows[] = {
        {"a DNAME", "x.old.example.com", "static", "example.com", {"x.new.example.com"}},
        {"a DNAME to nothing", "y.old.example.com", "nxdomain", "example.com", {"y.new.example.com"}},
        {"it leaves our zones", "away.example.com", "cname", "", {"www.example.net"}},
        {"a loop", "loop1.loop.test", "loop", "loop.test", {"loop2.loop.test", "loop1.loop.test"}},
        {"not ours at all", "www.example.net", "refused", "", {}},
    };
    auto asker = test::standard_asker();
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto told = explain_from(asker, row.name, "A", "8.8.8.8");
      CHECK(told.outcome == row.outcome);
      CHECK(told.zone == row.zone);
      CHECK(told.chain == row.chain);
    }
  }

  TEST_CASE("a CNAME into a steered name is followed as the answer follows it") {
    auto asker = test::standard_asker();
    const auto told = explain_from(asker, "deep.example.com", "A", "8.8.8.8");
    CHECK(told.outcome == "steered");
    CHECK(told.chain == std::vector<std::string>{"alias.example.com", "www.example.com"});
    CHECK(told.datacenter == "iad");
    CHECK(to_text(told).find("cname     → alias.example.com → www.example.com\n") != std::string::npos);
  }

  TEST_CASE("health shows in tiers and choice") {
    auto asker = test::standard_asker();
    asker.set_health("198.51.100.10", health::EndpointState::Down);
    const auto told = explain_from(asker, "www.example.com", "A", "8.8.8.8");
    CHECK(told.datacenter == "ams");
    CHECK(told.decision.choice.reason == steering::Reason::Fallback);
    CHECK(to_text(told).find("iad up 0/1 share 0%") != std::string::npos);
  }

  TEST_CASE("what rules, feeds and operators added is told where it stands") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("regions.yaml", "regions: {partner: [\"file:feeds/a.nets\"]}\n");
    fixture.write("feeds/a.nets", "# a feed\n8.8.8.0/24\n");
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n"
                  "      - {for: partner, prefer: [{ams: 70, sin: 30}], until: 2027-03-01, note: moves}\n"
                  "      - {for: everyone, prefer: [iad]}\n"
                  "    resolvers:\n      - {for: 192.0.2.1, prefer: [sin]}\n");
    fixture.write(
        "services.yaml",
        "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.10], iad: [192.0.2.20], sin: "
        "{cname: {a.test: 1, static.example.com: 1}}}}\n"
        "  one.example.com: {datacenter: iad, of: www.example.com}\n");
    test::Asker asker(fixture.must_compile());
    asker.tables().health.set_kept(base::DatacenterId{0}, 0);
    asker.tables().health.set_kept(base::DatacenterId{1}, health::kKeepsAll * 7 / 10);
    const auto told = explain_from(asker, "www.example.com", "A", "8.8.8.8");
    CHECK(told.agrees);
    const auto text = to_text(told);
    CAPTURE(text);
    CHECK(text.find("rule      map web · 8.8.8.0/24 in " + fixture.map_folder() +
                    "/feeds/a.nets:2 in region partner · " + fixture.map_folder() +
                    "/maps.yaml:4:9 · until 2027-03-01 · note: moves\n") != std::string::npos);
    CHECK(text.find("ams weight 70 up 1/1 drained") != std::string::npos);
    const auto object = boost::json::parse(to_json(told)).as_object();
    CHECK(object.at("rule").at("file").as_string() == "feeds/a.nets");
    CHECK(object.at("rule").at("until").as_string() == "2027-03-01");

    const auto by_rule = explain_from(asker, "www.example.com", "A", "");
    CHECK(by_rule.rule.is_resolvers);
    CHECK(by_rule.agrees);
    CHECK(by_rule.rule.place == "192.0.2.1/32");
    const auto rule_text = to_text(by_rule);
    CAPTURE(rule_text);
    CHECK(rule_text.find("for resolvers, ") != std::string::npos);
    CHECK(rule_text.find(" of a.test weight 1, static.example.com weight 1 · TTL 60 s\n") !=
          std::string::npos);
    CHECK(rule_text.find("sin cname sheds 30%") != std::string::npos);
    CHECK(by_rule.alias_outcome == (by_rule.alias == "a.test" ? "outside" : "static"));
  }

  TEST_CASE("words that make no question are refused with what would be right") {
    CHECK(parse_question("a..b", "A", "", "").error() == "'a..b' has an empty label");
    CHECK(parse_question("a.b", "AXX", "", "").error() ==
          "'AXX' is not a record type; write A, AAAA, TXT, TYPE65280 …");
    CHECK(parse_question("a.b", "A", "8.8.8", "").error().starts_with("'8.8.8' is not an IP network"));
    CHECK(parse_question("a.b", "A", "8.8.8.8/24", "").error() ==
          "'8.8.8.8/24' has host bits set; the network is 8.8.8.0/24");
    CHECK(parse_question("a.b", "A", "", "x").error() == "'x' is not an IP address");
    CHECK(parse_question("a.b", "", "2001:db8:1:2ff::1", "")->client_subnet ==
          *base::parse_ip_prefix("2001:db8:1:200::/56"));
  }

  TEST_CASE("a thousand random clients are told what they are answered") {
    auto asker = test::standard_asker();
    base::Random random(77);
    for (int i = 0; i < 1'000; ++i) {
      // Half of them where the database knows something.
      static constexpr std::uint32_t kKnown[] = {0x5102'4500, 0x5200'0000, 0x0800'0000,
                                                 0x1b00'0000, 0x3a00'0000, 0x3b00'0000};
      const auto any = static_cast<std::uint32_t>(random.next());
      const auto word = i % 2 == 0 ? any : kKnown[random.below(6)] | (any & 0x00ff'ff00);
      const base::IpPrefix client{base::masked(base::IpAddress::v4(word), 24), 24};
      const auto from = base::to_string(client);
      const auto told = explain_from(asker, "www.example.com", "A", from);
      const auto reply = asker.ask_from(from, "www.example.com", dns::Rtype::A);
      CAPTURE(from);
      REQUIRE(told.agrees);
      REQUIRE(test::scope_of(reply) == told.decision.scope_bits);
      const auto address = test::first_address(reply);
      REQUIRE(std::find(told.addresses.begin(), told.addresses.end(), address) != told.addresses.end());
    }
  }

  TEST_CASE("the JSON says the same") {
    auto asker = test::standard_asker();
    const auto told = explain_from(asker, "www.example.com", "AAAA", "2600::1");
    const auto object = boost::json::parse(to_json(told)).as_object();
    CHECK(object.at("outcome").as_string() == "steered");
    CHECK(object.at("client_subnet").as_string() == "2600::/56");
    CHECK(object.at("datacenter").as_string() == "iad");
    CHECK(object.at("addresses").as_array().empty());
    CHECK(object.at("scope_bits").as_int64() == 12);
    CHECK(object.at("rule").at("place").as_string() == "US");
    CHECK(object.at("tiers").as_array().size() == 3);
    CHECK(object.at("agrees").as_bool());
  }
}

}  // namespace meridian::explain
