#include "control/override_target.hpp"

#include "base/ascii.hpp"
#include "base/diagnostics.hpp"
#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::control {
namespace {

/// Digits, dots and colons, and a pattern between them: no datacenter is called so.
bool looks_like_address(std::string_view text) noexcept {
  return text.find_first_of(".:") != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF.:*?") == std::string_view::npos;
}

base::Expected<std::string, std::string> parse_address(std::string_view text) {
  if (is_pattern(text)) return base::to_lower(text);
  const auto address = base::parse_ip_address(text);
  if (!address)
    return base::unexpected(fmt::format("'{}' is no address; write 192.0.2.10 or 2001:db8::10", text));
  return base::to_string(*address);
}

template <typename Visit>
void for_each_endpoint(const query::Pool& pool, Visit visit) {
  for (const auto& range : {pool.v4, pool.v6}) {
    for (auto i = range.begin; i < range.end; ++i) visit(base::EndpointId{i});
  }
}

}  // namespace

bool is_pattern(std::string_view text) noexcept { return text.find_first_of("*?") != std::string_view::npos; }

/// Goes back to the last star only, so that its time is the product of the lengths at most.
bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && (pattern[at] == '?' || (pattern[at] == text[i] && pattern[at] != '*'))) {
      ++at;
      ++i;
    } else if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_text = i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

base::Expected<OverrideTarget, std::string> parse_target(std::string_view text) {
  const auto is_odd = [](char c) { return c <= ' ' || c == '\x7f'; };
  if (text.size() > base::limits::kOverrideTargetBytesMax || std::ranges::any_of(text, is_odd)) {
    return base::unexpected(
        fmt::format("a target has no spaces and at most {} bytes", base::limits::kOverrideTargetBytesMax));
  }
  OverrideTarget target;
  const auto at_sign = text.find('@');
  if (at_sign == std::string_view::npos && !looks_like_address(text)) {
    target.datacenter = text;
    return target;
  }
  auto address = text;
  target.kind = OverrideTarget::Kind::Endpoint;
  if (at_sign != std::string_view::npos) {
    auto service = text.substr(0, at_sign);
    if (service.size() > 1 && service.ends_with('.')) service.remove_suffix(1);
    target.service = base::to_lower(service);
    const auto rest = text.substr(at_sign + 1);
    const auto slash = rest.find('/');
    target.datacenter = rest.substr(0, slash);
    if (target.service.empty() || target.datacenter.empty()) {
      return base::unexpected(
          fmt::format("'{}' is no pool; write SERVICE@DATACENTER, as in www.example.com@ams", text));
    }
    if (slash == std::string_view::npos) {
      target.kind = OverrideTarget::Kind::Pool;
      return target;
    }
    address = rest.substr(slash + 1);
  }
  auto parsed = parse_address(address);
  if (!parsed) return base::unexpected(std::move(parsed.error()));
  target.address = std::move(*parsed);
  return target;
}

bool TargetMatches::is_empty(OverrideTarget::Kind kind) const noexcept {
  switch (kind) {
    case OverrideTarget::Kind::Datacenter:
      return datacenters.empty();
    case OverrideTarget::Kind::Pool:
      return pools.empty();
    case OverrideTarget::Kind::Endpoint:
      break;
  }
  return endpoints.empty();
}

TargetMatches find_matches(const OverrideTarget& target, const query::Snapshot& snapshot) {
  using Kind = OverrideTarget::Kind;
  TargetMatches matches;
  std::vector<bool> is_meant(snapshot.datacenters.size());
  for (std::size_t i = 0; i < snapshot.datacenters.size(); ++i) {
    is_meant[i] = matches_pattern(target.datacenter, snapshot.datacenters[i].name);
    if (is_meant[i] && target.kind == Kind::Datacenter)
      matches.datacenters.push_back(static_cast<base::DatacenterId>(i));
  }
  for (const auto& service : snapshot.services) {
    // A view answers with another service's pool.
    if (service.fixed_pool != base::kNoPool || !matches_pattern(target.service, base::to_lower(service.name)))
      continue;
    for (const auto id : service.pools) {
      if (id == base::kNoPool) continue;
      const auto& pool = snapshot.pools[base::index_of(id)];
      if (!is_meant[base::index_of(pool.datacenter)]) continue;
      if (target.kind == Kind::Pool) matches.pools.push_back(id);
      for_each_endpoint(pool, [&](base::EndpointId endpoint) {
        if (target.address != "*" &&
            !matches_pattern(target.address,
                             base::to_string(snapshot.endpoints[base::index_of(endpoint)].address)))
          return;
        matches.endpoints.push_back(endpoint);
      });
    }
  }
  return matches;
}

std::string no_match_message(std::string_view text, const OverrideTarget& target,
                             const query::Snapshot& snapshot) {
  std::vector<std::string> names;
  switch (target.kind) {
    case OverrideTarget::Kind::Datacenter:
      for (const auto& datacenter : snapshot.datacenters) names.push_back(datacenter.name);
      return fmt::format("the map has no datacenter '{}'{}", text, base::suggestion(text, names));
    case OverrideTarget::Kind::Pool:
      for (const auto& service : snapshot.services) {
        for (const auto id : service.pools) {
          if (id == base::kNoPool || service.fixed_pool != base::kNoPool) continue;
          const auto datacenter = snapshot.pools[base::index_of(id)].datacenter;
          names.push_back(service.name + "@" + snapshot.datacenters[base::index_of(datacenter)].name);
        }
      }
      return fmt::format("the map has no pool '{}'{}", text, base::suggestion(text, names));
    case OverrideTarget::Kind::Endpoint:
      break;
  }
  return fmt::format("the map has no endpoint '{}'", text);
}

}  // namespace meridian::control
