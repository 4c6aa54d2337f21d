#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::config {
namespace {

/// Answers a second, or `none`.
std::uint32_t parse_rate(const YamlValue& value) {
  const auto word = value.is_text() ? value.read_text() : std::nullopt;
  if (word && word->text == "none") return 0;
  return value.read_integer(1, base::limits::kRateMax, "none").value_or(0);
}

}  // namespace

std::vector<base::IpPrefix> parse_networks(const YamlValue& value, std::size_t max) {
  std::vector<base::IpPrefix> networks;
  const auto items = value.read_list();
  if (!items) return networks;
  if (items->size() > max) {
    value.error(fmt::format("{} lists more than {} networks", quoted(value.label()), max));
    return networks;
  }
  for (const auto& item : *items) {
    const auto text = item.read_text();
    if (!text) continue;
    if (const auto network = base::parse_ip_prefix(text->text)) {
      networks.push_back(*network);
    } else {
      item.error(network.error());
    }
  }
  return networks;
}

RateLimit parse_rate_limit(const YamlValue& value) {
  RateLimit limit;
  if (value.is_text()) {
    const auto word = value.read_text();
    if (word && word->text != "off") value.error_expected("`off`, or a mapping with `responses`");
    return limit;
  }
  const auto keys = value.read_mapping(object_spec(ObjectKind::RateLimit));
  if (!keys) return limit;
  limit.enabled = true;
  if (const auto rate = keys->find("responses")) limit.responses = parse_rate(*rate);
  const auto read_rate = [&](std::string_view key, std::uint32_t otherwise) {
    const auto rate = keys->find(key);
    return rate ? parse_rate(*rate) : otherwise;
  };
  limit.nodata = read_rate("nodata", limit.responses);
  limit.nxdomain = read_rate("nxdomain", limit.responses);
  limit.referrals = read_rate("referrals", limit.responses);
  limit.errors = read_rate("errors", limit.responses);
  limit.all = read_rate("all", 0);
  const auto read_integer = [&](std::string_view key, std::uint32_t min, std::uint32_t max,
                                std::uint32_t& into) {
    if (const auto number = keys->find(key)) into = number->read_integer(min, max).value_or(into);
  };
  if (const auto window = keys->find("window")) {
    limit.window_s = window->read_seconds(base::limits::kRateWindowSecondsMax).value_or(limit.window_s);
    if (limit.window_s == 0)
      window->error("'window': a window of 0 seconds remembers nothing; use 1 or more");
  }
  read_integer("slip", 0, ranges::kSlipMax, limit.slip);
  read_integer("ipv4_prefix", 1, 32, limit.v4_bits);
  read_integer("ipv6_prefix", 1, 64, limit.v6_bits);
  read_integer("table", ranges::kRateEntriesMin, base::limits::kRateEntriesMax, limit.entries);
  if (const auto exempt = keys->find("exempt"))
    limit.exempt = parse_networks(*exempt, base::limits::kRateExemptMax);
  if (const auto log_only = keys->find("log_only")) limit.log_only = log_only->read_boolean().value_or(false);
  return limit;
}

}  // namespace meridian::config
