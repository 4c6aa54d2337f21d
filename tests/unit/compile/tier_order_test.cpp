#include "config/compile/tier_order.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>

namespace meridian::compile {
namespace {

using config::Rule;

std::vector<config::Datacenter> fleet() {
  const auto make = [](const char* name, std::optional<base::Coordinates> at) {
    config::Datacenter datacenter;
    datacenter.name.text = name;
    datacenter.at = at;
    return datacenter;
  };
  auto lab = make("lab", base::Coordinates{52, 4});
  lab.named_only = true;
  return {make("ams", base::Coordinates{52.31, 4.76}),
          make("fra", base::Coordinates{50.03, 8.57}),
          make("iad", base::Coordinates{38.94, -77.46}),
          make("sin", base::Coordinates{1.36, 103.99}),
          make("nowhere", std::nullopt),
          lab};
}

config::MapDirectory model_of_fleet() {
  config::MapDirectory model;
  model.datacenters = fleet();
  return model;
}

config::Word word(const char* text) { return {text, {"maps.yaml", 7, 3}}; }

Rule rule(Rule::Order order, std::vector<config::Tier> tiers, std::uint32_t nearest_count = 3) {
  Rule made;
  made.order = order;
  made.tiers = std::move(tiers);
  made.nearest_count = nearest_count;
  return made;
}

config::Tier one(const char* name) { return {{word(name), 1}}; }

/// "ams | fra iad*3": tiers by |, weights after *.
std::string to_text(const std::vector<steering::TierEntry>& tiers) {
  const auto names = fleet();
  std::string text;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    if (i > 0) text += tiers[i].tier == tiers[i - 1].tier ? " " : " | ";
    text += names[base::index_of(tiers[i].datacenter)].name.text;
    if (tiers[i].weight != 1) text += fmt::format("*{}", tiers[i].weight);
  }
  return text;
}

}  // namespace

TEST_SUITE("compile/tier_order") {
  TEST_CASE("what a rule says, then the rest by distance from its first datacenter") {
    const base::Coordinates tokyo{35.68, 139.69};
    struct Row {
      const char* why;
      Rule rule;
      std::optional<base::Coordinates> client;
      const char* expected;
    };
    const Row rows[] = {
        {"one preferred", rule(Rule::Order::Prefer, {one("sin")}), tokyo, "sin | fra | ams | iad | nowhere"},
        {"two preferred", rule(Rule::Order::Prefer, {one("iad"), one("sin")}), tokyo,
         "iad | sin | ams | fra | nowhere"},
        {"a weighted tier: the tail follows the heaviest",
         rule(Rule::Order::Prefer, {{{word("sin"), 30}, {word("iad"), 70}}}), tokyo,
         "sin*30 iad*70 | ams | fra | nowhere"},
        {"only is only", rule(Rule::Order::Only, {one("sin"), one("iad")}), tokyo, "sin | iad"},
        {"only nobody", rule(Rule::Order::Only, {}), tokyo, ""},
        {"nearest 3 to the client, the tail from the first of them", rule(Rule::Order::Nearest, {}), tokyo,
         "sin | ams | fra | iad | nowhere"},
        {"nearest 1, the tail from the first", rule(Rule::Order::Nearest, {}, 1),
         base::Coordinates{48.85, 2.35}, "ams | fra | iad | sin | nowhere"},
        {"nearest to a client nobody knows: the order of the file", rule(Rule::Order::Nearest, {}),
         std::nullopt, "ams | fra | iad | sin | nowhere"},
        {"a staged datacenter takes part where it is named", rule(Rule::Order::Prefer, {one("lab")}), tokyo,
         "lab | ams | fra | iad | sin | nowhere"},
        {"a preferred one without a position: the tail in the order of the file",
         rule(Rule::Order::Prefer, {one("nowhere")}), tokyo, "nowhere | ams | fra | iad | sin"},
    };
    const auto model = model_of_fleet();
    config::Map map;
    base::Diagnostics diagnostics;
    const TierOrder order(model, map, true, diagnostics);
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(to_text(order.tiers(row.rule, row.client)) == row.expected);
    }
    CHECK(diagnostics.empty());
  }

  TEST_CASE("a map's own list is all it may use, and the order for ties") {
    const auto model = model_of_fleet();
    config::Map map;
    map.datacenters = {word("sin"), word("fra")};
    base::Diagnostics diagnostics;
    const TierOrder order(model, map, true, diagnostics);
    CHECK(to_text(order.tiers(rule(Rule::Order::Nearest, {}), std::nullopt)) == "sin | fra");
    CHECK(to_text(order.tiers(rule(Rule::Order::Prefer, {one("fra")}), std::nullopt)) == "fra | sin");
  }

  TEST_CASE("a rule that takes datacenters as they are listed has them in that order, then the rest") {
    auto model = model_of_fleet();
    const std::vector<config::Word> line{word("sin"), word("lab")};
    config::Map map;
    base::Diagnostics diagnostics;
    const TierOrder order(model, map, true, diagnostics);
    const auto as_listed = rule(Rule::Order::AsListed, {});
    CHECK(to_text(order.tiers(as_listed, std::nullopt, line)) == "sin | lab | fra | ams | iad | nowhere");
    // Only such a rule looks at the line.
    CHECK(to_text(order.tiers(rule(Rule::Order::Only, {one("iad")}), std::nullopt, line)) == "iad");

    model.networks_files.push_back({"feed.nets", "map/feed.nets", {}, {{word("amz")}}});
    map.name = word("web");
    map.rules = {as_listed};
    map.rules[0].place.kind = config::PlaceRef::Kind::NetworksFile;
    map.rules[0].place.code = "feed.nets";
    base::Diagnostics unknown;
    const TierOrder with_file(model, map, true, unknown);
    CHECK(unknown.to_text() == "maps.yaml:7:3: datacenter 'amz' is not defined; did you mean 'ams'?\n");
  }

  TEST_CASE("a datacenter that is not there is told where it is named") {
    const auto model = model_of_fleet();
    config::Map map;
    map.name = word("web");
    map.rules = {rule(Rule::Order::Prefer, {one("amz")})};
    base::Diagnostics diagnostics;
    const TierOrder order(model, map, true, diagnostics);
    CHECK(diagnostics.to_text() == "maps.yaml:7:3: datacenter 'amz' is not defined; did you mean 'ams'?\n");
    base::Diagnostics quiet;
    const TierOrder incomplete(model, map, false, quiet);
    CHECK(quiet.empty());

    map.rules = {rule(Rule::Order::Prefer, {one("iad")})};
    map.datacenters = {word("sin")};
    base::Diagnostics outside;
    const TierOrder listed(model, map, true, outside);
    CHECK(outside.to_text() ==
          "maps.yaml:7:3: datacenter 'iad' is not in the 'datacenters' list of map 'web' (line 7); add it "
          "there\n");
  }
}

}  // namespace meridian::compile
