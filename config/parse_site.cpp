#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace meridian::config {
namespace {

/// As a host's name: it goes into NSID, logs and labels unquoted.
bool is_site_name(std::string_view text) noexcept {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return text.size() <= ranges::kSiteBytesMax && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<std::string> parse_paths(const YamlValue& value) {
  std::vector<std::string> paths;
  const auto items = value.read_list();
  if (!items) return paths;
  if (items->empty()) value.error(fmt::format("{} lists no file", quoted(value.label())));
  for (const auto& item : *items) {
    if (const auto path = item.read_text()) paths.push_back(path->text);
  }
  return paths;
}

/// A list of files, or under each name one file or a list.
std::vector<GeoipDatabase> parse_databases(const YamlValue& value) {
  if (!value.is_mapping()) return {GeoipDatabase{"default", parse_paths(value), value.where()}};
  const auto entries = value.read_entries();
  if (entries->empty()) value.error("'geoip' names no database; leave the key out for the shipped one");
  std::vector<GeoipDatabase> databases;
  for (const auto& entry : *entries) {
    const auto name = read_name(entry.key, "database");
    GeoipDatabase database;
    database.where = entry.key.where();
    if (entry.value.is_text()) {
      if (const auto path = entry.value.read_text()) database.files.push_back(path->text);
    } else {
      database.files = parse_paths(entry.value);
    }
    if (!name) continue;
    database.name = name->text;
    databases.push_back(std::move(database));
  }
  return databases;
}

void parse_workers(const YamlValue& value, Site& site) {
  const auto word = value.is_text() ? value.read_text() : std::nullopt;
  if (!word || word->text != "auto")
    site.workers = value.read_integer(1, ranges::kWorkersMax, "auto").value_or(0);
}

bool is_loopback(const base::IpAddress& address) noexcept {
  if (address.family == base::Family::V4) return address.bytes[0] == 127;
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::ranges::equal(address.bytes, kLoopback);
}

/// The address to answer HTTP on. Beyond loopback only who says that he means it, and has tokens.
std::optional<ListenAddress> parse_http(const YamlValue& value, bool is_loopback_only, bool has_tokens) {
  const auto listen = parse_listen_address(value);
  if (!listen || is_loopback(listen->address)) return listen;
  const auto address = base::to_string(listen->address);
  if (is_loopback_only) {
    value.error(
        fmt::format("{} is no loopback address; tokens would cross the network in the clear. Write "
                    "\"127.0.0.1:8053\" and put a proxy with TLS before it, or 'loopback_only: off' where "
                    "that network is yours alone",
                    address));
    return std::nullopt;
  }
  if (has_tokens) return listen;
  value.error(
      fmt::format("{} is no loopback address, and without 'tokens: FILE' anybody could read there", address));
  return std::nullopt;
}

void parse_control(const YamlValue& value, Site& site) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::Control));
  if (!keys) return;
  if (const auto path = keys->find("unix")) {
    if (const auto text = path->read_text()) site.control_unix = text->text;
  }
  if (const auto tokens = keys->find("tokens")) {
    if (const auto text = tokens->read_text()) site.control_tokens = text->text;
  }
  const auto loopback_only = keys->find("loopback_only");
  const bool is_loopback_only = !loopback_only || parse_switch(*loopback_only);
  if (const auto http = keys->find("http"))
    site.control_http = parse_http(*http, is_loopback_only, !site.control_tokens.empty());
}

}  // namespace

std::optional<ListenAddress> parse_loopback_http(const YamlValue& value) {
  const auto listen = parse_listen_address(value);
  if (!listen || is_loopback(listen->address)) return listen;
  value.error(
      fmt::format("{} is no loopback address; write \"127.0.0.1:8054\"", base::to_string(listen->address)));
  return std::nullopt;
}

void parse_site(const YamlValue& root, Site& site) {
  const auto mapping = root.read_mapping(object_spec(ObjectKind::SiteFile));
  if (!mapping) return;
  if (const auto map = mapping->find("map")) site.map = map->read_text().value_or(Word{}).text;
  if (const auto name = mapping->find("site")) {
    const auto text = name->read_text();
    if (text && is_site_name(text->text)) site.site = text->text;
    if (text && !is_site_name(text->text)) {
      name->error(fmt::format("{} is no site name; use letters, digits, '-', '_' and '.', at most {}",
                              quoted(text->text), ranges::kSiteBytesMax));
    }
  }
  if (const auto geoip = mapping->find("geoip")) site.geoip = parse_databases(*geoip);
  if (const auto listen = mapping->find("listen")) parse_listen(*listen, site);
  if (const auto tcp = mapping->find("tcp")) site.tcp = parse_tcp(*tcp);
  if (const auto control = mapping->find("control")) parse_control(*control, site);
  if (const auto workers = mapping->find("workers")) parse_workers(*workers, site);
  if (const auto cookies = mapping->find("cookies")) site.cookies = parse_cookies(*cookies);
  if (const auto rate_limit = mapping->find("rate_limit")) site.rate_limit = parse_rate_limit(*rate_limit);
  if (const auto watch = mapping->find("watch")) parse_site_watch(*watch, site.watch);
  if (const auto state = mapping->find("state")) site.state = state->read_text().value_or(Word{}).text;
  if (const auto gate = mapping->find("geoip_gate")) parse_geoip_gate(*gate, site.geoip_gate);
  if (const auto cache = mapping->find("answer_cache")) site.answer_cache = parse_switch(*cache);
  parse_query_log(*mapping, site);
  if (const auto identity = mapping->find("identity")) parse_identity(*identity, site);
  if (const auto anycast = mapping->find("anycast")) parse_anycast(*anycast, site);
}

}  // namespace meridian::config
