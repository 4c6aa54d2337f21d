// Lookups in random zones against a slow reference that follows the text of RFC 1034 4.3.2 label by label.
#include "zone/zone.hpp"

#include "base/random.hpp"
#include "unit/zone/zone_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace meridian::test {
namespace {

using dns::Rtype;
using zone::Outcome;

using Path = std::vector<std::string>;  // labels below the apex, from the top down

std::string text_of(const Path& path) {
  std::string text = "example";
  for (const auto& label : path) text = label + "." + text;
  return text;
}

struct Reference {
  std::map<Path, std::set<Rtype>> data;
  std::map<Path, std::uint32_t> steered;

  [[nodiscard]] bool has(const Path& path, Rtype type) const {
    const auto it = data.find(path);
    return it != data.end() && it->second.contains(type);
  }
  /// RFC 4592 2.2.2: a name exists when it or a name below it has records.
  [[nodiscard]] bool exists(const Path& path) const {
    const auto under = [&](const Path& other) {
      return other.size() >= path.size() && std::equal(path.begin(), path.end(), other.begin());
    };
    return path.empty() || std::ranges::any_of(data, [&](const auto& entry) { return under(entry.first); }) ||
           std::ranges::any_of(steered, [&](const auto& entry) { return under(entry.first); });
  }
};

struct Expected {
  Outcome outcome = Outcome::NxDomain;
  Path owner;
  bool wildcard = false;
};

/// Step 3a of RFC 1034 4.3.2, with what RFC 8482 and steering add.
Expected answer_at(const Reference& zone, const Path& node, Rtype type, bool wildcard) {
  const auto types = zone.data.find(node);
  const bool no_records = types == zone.data.end();
  const bool address = type == Rtype::A || type == Rtype::Aaaa;
  if (zone.steered.contains(node) && (address || (type == Rtype::Any && no_records)))
    return {Outcome::Steered, node, wildcard};
  if (zone.has(node, type) || (type == Rtype::Any && !no_records)) return {Outcome::Answer, node, wildcard};
  if (zone.has(node, Rtype::Cname)) return {Outcome::Cname, node, wildcard};
  return {Outcome::NoData, node, wildcard};
}

Expected resolve(const Reference& zone, const Path& name, Rtype type) {
  Path node;
  for (std::size_t i = 0;; ++i) {
    // 3b: a match that takes us out of the authoritative data.
    const bool at_name = i == name.size();
    if (i > 0 && zone.has(node, Rtype::Ns) && !(at_name && type == Rtype::Ds))
      return {Outcome::Delegation, node, false};
    if (at_name) return answer_at(zone, node, type, false);
    if (zone.has(node, Rtype::Dname)) return {Outcome::Dname, node, false};
    Path next = node;
    next.push_back(name[i]);
    if (!zone.exists(next)) break;
    node = next;
  }
  // 3c: at this label a match is impossible; is there a "*" label?
  Path wildcard = node;
  wildcard.push_back("*");
  if (!zone.exists(wildcard)) return {Outcome::NxDomain, node, false};
  return answer_at(zone, wildcard, type, true);
}

std::vector<Path> all_paths(std::size_t depth) {
  std::vector<Path> paths{{}};
  for (std::size_t begin = 0, level = 0; level < depth; ++level) {
    const std::size_t end = paths.size();
    for (std::size_t i = begin; i < end; ++i) {
      for (const char* label : {"a", "b", "c", "*"}) {
        Path longer = paths[i];
        longer.push_back(label);
        paths.push_back(longer);
      }
    }
    begin = end;
  }
  return paths;
}

const char* rdata_of(Rtype type) {
  switch (type) {
    case Rtype::A:
      return "192.0.2.1";
    case Rtype::Aaaa:
      return "2001:db8::1";
    case Rtype::Txt:
      return "t";
    case Rtype::Ds:
      return "1 8 2 00";
    default:
      return "target.invalid.";
  }
}

/// A random zone that the builder must take: no CNAME beside data, no NS at a wildcard or beside a DNAME.
Reference random_zone(base::Random& random, const std::vector<Path>& paths) {
  constexpr Rtype kTypes[] = {Rtype::A,   Rtype::A,     Rtype::Aaaa, Rtype::Txt,
                              Rtype::Txt, Rtype::Cname, Rtype::Ns,   Rtype::Dname};
  Reference zone;
  zone.data[{}] = {Rtype::Soa, Rtype::Ns};
  const auto count = 1 + random.below(12);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& path = paths[random.below(static_cast<std::uint32_t>(paths.size()))];
    const auto type = kTypes[random.below(8)];
    auto& types = zone.data[path];
    const bool wildcard = !path.empty() && path.back() == "*";
    const bool refused = types.contains(Rtype::Cname) || (type == Rtype::Cname && !types.empty()) ||
                         (type == Rtype::Ns && (wildcard || path.empty() || types.contains(Rtype::Dname))) ||
                         (type == Rtype::Dname && !path.empty() && types.contains(Rtype::Ns));
    if (!refused) types.insert(type);
    if (!refused && type == Rtype::Ns && random.below(2) == 0) types.insert(Rtype::Ds);
    if (types.empty()) zone.data.erase(path);
  }
  // Steered names where the builder allows them: not at or below a cut or a DNAME, not beside A, AAAA or
  // CNAME.
  for (std::uint32_t i = 0; i < 2; ++i) {
    const auto& path = paths[random.below(static_cast<std::uint32_t>(paths.size()))];
    const auto outcome = resolve(zone, path, Rtype::A).outcome;
    const bool conflict =
        zone.has(path, Rtype::A) || zone.has(path, Rtype::Aaaa) || zone.has(path, Rtype::Cname);
    if (outcome != Outcome::Delegation && outcome != Outcome::Dname && !conflict) zone.steered[path] = i;
  }
  return zone;
}

std::string zone_text(const Reference& zone) {
  std::string text = "$TTL 60\nexample. SOA ns.invalid. h.invalid. 1 2 3 4 5\n";
  for (const auto& [path, types] : zone.data) {
    for (const auto type : types) {
      if (type != Rtype::Soa)
        text += fmt::format("{}. {} {}\n", text_of(path), dns::to_string(type), rdata_of(type));
    }
  }
  return text;
}

}  // namespace

TEST_SUITE("zone/zone_oracle") {
  TEST_CASE("random zones answer every name and type as the algorithm of the RFC does") {
    const auto paths = all_paths(4);
    const auto queries = all_paths(4);
    constexpr Rtype kAsked[] = {Rtype::A,     Rtype::Txt,   Rtype::Ns, Rtype::Ds,
                                Rtype::Cname, Rtype::Dname, Rtype::Any};
    std::vector<std::pair<Path, dns::Name>> names;
    for (const auto& query : queries) names.emplace_back(query, name_of(text_of(query)));
    std::map<Outcome, std::size_t> seen;
    std::size_t wrong = 0;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
      base::Random random(seed);
      const auto reference = random_zone(random, paths);
      const auto text = zone_text(reference);
      std::vector<std::string> steered_names;
      std::vector<Steer> steered;
      for (const auto& [path, service] : reference.steered) steered_names.push_back(text_of(path));
      for (std::size_t i = 0; i < steered_names.size(); ++i)
        steered.push_back({steered_names[i].c_str(), static_cast<std::uint32_t>(i)});
      const auto zone = zone_of(text, "example", steered);
      for (const auto& [path, name] : names) {
        const zone::HashedName hashed(name);
        for (const auto type : kAsked) {
          const auto expected = resolve(reference, path, type);
          const auto found = zone.lookup(hashed, type);
          ++seen[found.outcome];
          const bool same = found.outcome == expected.outcome && found.wildcard == expected.wildcard &&
                            dns::to_string(found.owner) == text_of(expected.owner);
          if (same || ++wrong > 5) continue;
          FAIL_CHECK(fmt::format("seed {}: {} {}: expected {} at {}, found {} at {}\n{}", seed, text_of(path),
                                 dns::to_string(type), static_cast<int>(expected.outcome),
                                 text_of(expected.owner), static_cast<int>(found.outcome),
                                 dns::to_string(found.owner), text));
        }
      }
    }
    CHECK(wrong == 0);
    // The zones must reach everything, or the comparison says little.
    for (int outcome = 0; outcome <= static_cast<int>(Outcome::NxDomain); ++outcome) {
      CAPTURE(outcome);
      CHECK(seen[static_cast<Outcome>(outcome)] > 1'000);
    }
  }
}

}  // namespace meridian::test
