#include "plan/expectations.hpp"

#include "base/fact_memo.hpp"
#include "config/place_ref.hpp"
#include "plan/amount.hpp"
#include "plan/amount_text.hpp"
#include "plan/claims.hpp"
#include "plan/lock_step.hpp"
#include "plan/overlay.hpp"
#include "plan/place_sets.hpp"
#include "plan/shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

/// Networks named in one message; what more there is shows in the size of them all.
constexpr std::size_t kExamplesMax = 3;

struct Example {
  base::IpPrefix network;
  std::string text;  ///< what it gets
};

/// How one claim of one expectation is broken.
struct Break {
  Amount space;
  std::vector<Example> examples;
};

/// Proves the expectations about one map.
class MapProof {
 public:
  MapProof(const query::Snapshot& snapshot, const compile::Rulebook& rulebook, base::MapId map,
           const std::vector<Shape>& shapes)
      : snapshot_(snapshot), rulebook_(rulebook), map_(map), service_shapes_(shapes) {
    for (std::size_t i = 0; i < rulebook.expectations.size(); ++i) {
      if (map_of(rulebook.expectations[i]) == map) subjects_.push_back(make_subject(i));
    }
  }

  void run(base::Diagnostics& problems) {
    if (subjects_.empty()) return;
    for (const auto family : {base::Family::V4, base::Family::V6}) walk_family(family);
    for (auto& subject : subjects_) tell(subject, problems);
  }

 private:
  struct Subject {
    const compile::Expectation* expectation = nullptr;
    std::vector<Shape> shapes;
    std::vector<std::vector<std::string>> names;  ///< by shape: the services that have it
    bool is_about_somebody = false;
    std::array<Break, kClaimCount> breaks;
  };
  /// What clients of a block get.
  struct ClientTiers {
    base::TiersId with_subnet{};
    std::uint32_t resolver_value = query::kNoResolverRule;  ///< of SteeringMap::resolver_tree
  };
  struct Finding {
    std::size_t subject = 0;
    Claim claim{};
    std::string text;
  };

  base::MapId map_of(const compile::Expectation& expectation) const {
    if (expectation.asks_map) return expectation.map;
    return snapshot_.services[base::index_of(expectation.service)].map;
  }

  Subject make_subject(std::size_t index) {
    Subject subject;
    subject.expectation = &rulebook_.expectations[index];
    const auto add = [&](std::size_t service) {
      const auto& shape = service_shapes_[service];
      const auto known = std::find(subject.shapes.begin(), subject.shapes.end(), shape);
      const auto at = static_cast<std::size_t>(known - subject.shapes.begin());
      if (known == subject.shapes.end()) {
        subject.shapes.push_back(shape);
        subject.names.emplace_back();
      }
      subject.names[at].push_back(snapshot_.services[service].name);
    };
    if (!subject.expectation->asks_map) {
      add(base::index_of(subject.expectation->service));
      return subject;
    }
    for (std::size_t i = 0; i < service_shapes_.size(); ++i) {
      if (service_shapes_[i].map == map_ && !service_shapes_[i].fixed) add(i);
    }
    if (subject.shapes.empty()) {  // no name uses the map yet: its rules alone
      subject.shapes.push_back(shape_everywhere(snapshot_, map_));
      subject.names.emplace_back();
    }
    return subject;
  }

  void walk_family(base::Family family) {
    const MapView view{&snapshot_.maps[base::index_of(map_)], &rulebook_.maps[base::index_of(map_)]};
    const auto overlay = mark_overlay(family, view, view);
    std::vector<const std::vector<compile::Atom>*> atoms;
    for (const auto& subject : subjects_) atoms.push_back(&subject.expectation->atoms);
    PlaceSets places(atoms, family, rulebook_.model->networks_files, view.rules->database,
                     *rulebook_.geography.places);

    Trees trees{&view.map->tree(family), &view.map->resolver_tree(family), &overlay};
    places.append_trees(trees);
    base::FactMemo<std::vector<Finding>> findings;
    walk(trees, [&](std::span<const std::uint32_t> values, const base::IpPrefix& block) {
      if ((values[2] & kCarrier) != 0) return;
      const std::uint32_t set = places.find(values.subspan(3));
      if (set == 0) return;
      const bool is_private = (values[2] & kOldPrivate) != 0;
      const ClientTiers tiers{is_private ? view.map->unknown : static_cast<base::TiersId>(values[0]),
                              values[1]};
      const std::uint32_t facts[] = {set, static_cast<std::uint32_t>(base::index_of(tiers.with_subnet)),
                                     values[1]};
      const auto& found = findings.find(facts, [&] { return find_breaches(places.members(set), tiers); });
      for (const auto& finding : found) note(finding, block);
    });
  }

  /// What these clients break, of the expectations that are about them.
  std::vector<Finding> find_breaches(std::span<const std::uint32_t> subjects, const ClientTiers& tiers) {
    std::vector<Finding> findings;
    for (const auto index : subjects) {
      auto& subject = subjects_[index];
      subject.is_about_somebody = true;
      for (const auto claim : kClaims) {
        if (auto text = find_breach(subject, claim, tiers); !text.empty())
          findings.push_back({index, claim, std::move(text)});
      }
    }
    return findings;
  }

  /// What one service does to a client with a subnet, or to a resolver; empty when the claim holds.
  std::string find_breach(const compile::Expectation& expectation, Claim claim, const Shape& shape,
                          const ClientTiers& tiers) const {
    const auto breach_of = [&](base::TiersId id) {
      return plan::find_breach(claim, expectation, shape, snapshot_.tiers.list(id));
    };
    const bool has_resolver_rule = tiers.resolver_value != query::kNoResolverRule && !shape.fixed;
    if (shape.use_client_subnet || !has_resolver_rule) {
      const auto breach = breach_of(tiers.with_subnet);
      if (breach) return breach_text(*breach, snapshot_);
    }
    // Who should be first is what rules for resolvers are there to say otherwise.
    if (!has_resolver_rule || (shape.use_client_subnet && claim == Claim::First)) return {};
    const auto breach = breach_of(static_cast<base::TiersId>(tiers.resolver_value - 1));
    return breach ? breach_text(*breach, snapshot_) + " by a rule for resolvers" : std::string{};
  }

  /// What the first service that breaks the claim does, and how many do; empty when it holds for all.
  std::string find_breach(const Subject& subject, Claim claim, const ClientTiers& tiers) const {
    std::string text;
    std::string name;
    std::size_t count = 0;
    for (std::size_t i = 0; i < subject.shapes.size(); ++i) {
      auto breach = find_breach(*subject.expectation, claim, subject.shapes[i], tiers);
      if (breach.empty()) continue;
      if (text.empty()) {
        text = std::move(breach);
        if (!subject.names[i].empty()) name = subject.names[i].front();
      }
      count += subject.names[i].size();
    }
    // Where one name was asked for it needn't be said again.
    if (text.empty() || name.empty() || !subject.expectation->asks_map) return text;
    return text + fmt::format(" for {}{}", name, count > 1 ? fmt::format(" and {} more", count - 1) : "");
  }

  void note(const Finding& finding, const base::IpPrefix& block) {
    auto& broken = subjects_[finding.subject].breaks[static_cast<std::size_t>(finding.claim)];
    broken.space += amount_of(block.address.family, block.bits);
    if (broken.examples.size() < kExamplesMax) broken.examples.push_back({block, finding.text});
  }

  void tell(Subject& subject, base::Diagnostics& problems) const {
    const auto& written = *subject.expectation->written;
    if (!subject.is_about_somebody) {
      problems.warning(written.from.where,
                       fmt::format("this expectation is about nobody: no address is known to be in {}",
                                   config::to_string(written.from)));
    }
    for (const auto claim : kClaims) {
      const auto& broken = subject.breaks[static_cast<std::size_t>(claim)];
      if (!broken.examples.empty()) problems.error(written.where, message(subject, claim, broken));
    }
  }

  static std::string message(const Subject& subject, Claim claim, const Break& broken) {
    const auto& written = *subject.expectation->written;
    std::vector<std::string> examples;
    for (const auto& example : broken.examples)
      examples.push_back(base::to_string(example.network) + " " + example.text);
    auto text = fmt::format("clients from {} must {}, but {}; {} in all", config::to_string(written.from),
                            claim_text(claim, *subject.expectation->written), fmt::join(examples, ", "),
                            space_text(broken.space));
    if (!written.note.empty()) text += fmt::format(" (note: {})", written.note);
    return text;
  }

  const query::Snapshot& snapshot_;
  const compile::Rulebook& rulebook_;
  base::MapId map_;
  const std::vector<Shape>& service_shapes_;
  std::vector<Subject> subjects_;
};

}  // namespace

base::Diagnostics prove_expectations(const query::Snapshot& snapshot, const compile::Rulebook& rulebook) {
  base::Diagnostics problems;
  if (rulebook.expectations.empty()) return problems;
  const auto shapes = shapes_of(snapshot);
  for (std::size_t map = 0; map < snapshot.maps.size(); ++map)
    MapProof(snapshot, rulebook, static_cast<base::MapId>(map), shapes).run(problems);
  return problems;
}

}  // namespace meridian::plan
