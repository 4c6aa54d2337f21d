#include "config/compile/settings_compiler.hpp"

#include "query/identity.hpp"

#include <utility>
#include <vector>

namespace meridian::compile {
namespace {

geo::PrefixTree tree_of(base::Family family, const std::vector<base::IpPrefix>& networks) {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> marked;
  for (const auto& network : networks) {
    if (network.address.family == family) marked.emplace_back(network, 1);
  }
  return geo::build_prefix_tree(family, marked, 0);
}

query::RateLimits compile_rate_limits(const config::RateLimit& limit) {
  query::RateLimits limits;
  limits.enabled = limit.enabled;
  limits.log_only = limit.log_only;
  limits.v4_bits = static_cast<std::uint8_t>(limit.v4_bits);
  limits.v6_bits = static_cast<std::uint8_t>(limit.v6_bits);
  limits.slip = limit.slip;
  limits.entries = limit.entries;
  const auto set = [&](query::RateClass rate_class, std::uint32_t per_second) {
    limits.classes[static_cast<std::size_t>(rate_class)] = rate::make_rate(per_second, limit.window_s);
  };
  set(query::RateClass::Responses, limit.responses);
  set(query::RateClass::NoData, limit.nodata);
  set(query::RateClass::NxDomain, limit.nxdomain);
  set(query::RateClass::Referrals, limit.referrals);
  set(query::RateClass::Errors, limit.errors);
  limits.all = rate::make_rate(limit.all, limit.window_s);
  limits.exempt_v4 = tree_of(base::Family::V4, limit.exempt);
  limits.exempt_v6 = tree_of(base::Family::V6, limit.exempt);
  return limits;
}

}  // namespace

query::Settings compile_settings(const config::Site& site, const dns::CookieSecret& own_secret) {
  query::Settings settings;
  settings.nsid.assign(site.site.begin(), site.site.end());
  settings.rate_limits = compile_rate_limits(site.rate_limit);
  const auto name = site.identity_name.value_or(site.site);
  if (!name.empty()) settings.identity_name = query::identity_record(name);
  const auto version = site.identity_version.value_or("Meridian " MERIDIAN_VERSION);
  if (!version.empty()) settings.identity_version = query::identity_record(version);
  settings.answer_cache = site.answer_cache;
  settings.tcp_idle_ms = site.tcp.idle_s * 1'000;
  if (site.cookies.mode == config::Cookies::Mode::Off) return settings;
  settings.cookies_required = site.cookies.mode == config::Cookies::Mode::Require;
  for (const auto& source : site.cookies.secrets) settings.cookie_secrets.add(source.secret);
  if (site.cookies.secrets.empty()) settings.cookie_secrets.add(own_secret);
  return settings;
}

}  // namespace meridian::compile
