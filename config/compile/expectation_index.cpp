#include "config/compile/expectation_index.hpp"

#include "dns/types.hpp"
#include "query/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

namespace meridian::compile {
namespace {

std::vector<std::string> names_of(const auto& things) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.name.text);
  return names;
}

/// The position of `word` among `things`. `complete` false: their file has errors, so a missing one is not
/// told again.
std::optional<std::size_t> find_defined(const config::Word& word, std::string_view what, const auto& things,
                                        bool complete, base::Diagnostics& diagnostics) {
  const auto found = std::find_if(things.begin(), things.end(),
                                  [&](const auto& thing) { return thing.name.text == word.text; });
  if (found != things.end()) return static_cast<std::size_t>(found - things.begin());
  if (complete) {
    diagnostics.error(word.where, fmt::format("{} '{}' is not defined{}", what, word.text,
                                              base::suggestion(word.text, names_of(things))));
  }
  return std::nullopt;
}

/// The service that answers for a name; kNoService when it is answered without steering or not at all.
base::ServiceId find_service(const zone::ZoneSet& zones, const dns::Name& name) {
  query::Chain chain(zones, name.view(), dns::Rtype::A);
  while (chain.is_at_alias()) {
    if (chain.follow() != query::ChainStop::None) return base::kNoService;
  }
  if (chain.zone() == nullptr || chain.found().outcome != zone::Outcome::Steered) return base::kNoService;
  return chain.found().service;
}

}  // namespace

std::vector<Expectation> resolve_expectations(const config::LoadedMap& loaded,
                                              const config::MapDirectory& model, PlaceResolver& resolver,
                                              base::Diagnostics& diagnostics) {
  std::vector<Expectation> expectations;
  for (const auto& written : model.expectations) {
    Expectation expectation;
    expectation.written = &written;
    expectation.atoms = resolver.resolve(written.from);
    expectation.asks_map = !written.map.text.empty();
    if (expectation.asks_map) {
      const auto map = find_defined(written.map, "map", model.maps, loaded.maps_complete, diagnostics);
      if (map) expectation.map = static_cast<base::MapId>(*map);
    }
    const auto add = [&](const std::vector<config::Word>& words, std::vector<base::DatacenterId>& ids) {
      for (const auto& word : words) {
        const auto id =
            find_defined(word, "datacenter", model.datacenters, loaded.datacenters_complete, diagnostics);
        if (id) ids.push_back(static_cast<base::DatacenterId>(*id));
      }
    };
    add(written.first, expectation.first);
    add(written.never, expectation.never);
    expectations.push_back(std::move(expectation));
  }
  return expectations;
}

void find_asked_services(const zone::ZoneSet& zones, bool zones_complete, const config::MapDirectory& model,
                         std::vector<Expectation>& expectations, base::Diagnostics& diagnostics) {
  for (auto& expectation : expectations) {
    if (expectation.asks_map) continue;
    const auto& written = *expectation.written;
    expectation.service = find_service(zones, written.ask_owner);
    if (expectation.service != base::kNoService || !zones_complete) continue;
    diagnostics.error(written.ask.where,
                      fmt::format("'{}' is not a steered name{}", written.ask.text,
                                  base::suggestion(written.ask.text, names_of(model.services))));
  }
}

}  // namespace meridian::compile
