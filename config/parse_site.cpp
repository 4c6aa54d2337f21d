#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return port;
}

/// `192.0.2.53`, `192.0.2.53:53`, `[2001:db8::53]`, `[2001:db8::53]:53`.
std::optional<ListenAddress> parse_host_and_port(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  const bool has_brackets = text.starts_with('[');
  const auto host_end = has_brackets ? text.find(']') : text.find(':');
  if (has_brackets && host_end == std::string_view::npos) return std::nullopt;
  if (host_end != std::string_view::npos) {
    host = text.substr(has_brackets ? 1 : 0, host_end - (has_brackets ? 1 : 0));
    port = text.substr(host_end + (has_brackets ? 1 : 0));
  }
  ListenAddress result;
  const auto address = base::parse_ip_address(host);
  if (!address || (address->family == base::Family::V6) != has_brackets) return std::nullopt;
  result.address = *address;
  if (port.empty()) return result;
  const auto number = port.starts_with(':') ? parse_port(port.substr(1)) : std::nullopt;
  if (!number) return std::nullopt;
  result.port = *number;
  return result;
}

bool is_multicast(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? (address.bytes[0] & 0xf0) == 0xe0 : address.bytes[0] == 0xff;
}

std::optional<ListenAddress> parse_listen_address(const YamlValue& value) {
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  const auto listen = parse_host_and_port(text->text);
  if (!listen && base::parse_ip_address(text->text)) {
    value.error(fmt::format("'{0}' needs brackets; write \"[{0}]:53\"", text->text));
  } else if (!listen) {
    value.error(fmt::format("{} is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\"",
                            quoted(text->text)));
  } else if (is_multicast(listen->address)) {
    value.error(fmt::format("'{}' is a multicast address", text->text));
  } else {
    return listen;
  }
  return std::nullopt;
}

std::vector<ListenAddress> parse_listen(const YamlValue& value) {
  std::vector<ListenAddress> addresses;
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Listen));
  const auto dns = mapping ? mapping->find("dns") : std::nullopt;
  const auto items = dns ? dns->read_list() : std::nullopt;
  if (!items) return addresses;
  if (items->empty()) dns->error("'dns' lists no address");
  if (items->size() > ranges::kListenAddressesMax) {
    dns->error(fmt::format("'dns' lists more than {} addresses", ranges::kListenAddressesMax));
    return addresses;
  }
  for (const auto& item : *items) {
    const auto address = parse_listen_address(item);
    if (!address) continue;
    const auto is_same = [&](const ListenAddress& other) {
      return other.address == address->address && other.port == address->port && address->port != 0;
    };
    if (std::any_of(addresses.begin(), addresses.end(), is_same)) {
      item.error(
          fmt::format("{} port {} stands twice here", base::to_string(address->address), address->port));
    } else {
      addresses.push_back(*address);
    }
  }
  return addresses;
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

}  // namespace

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
  if (const auto listen = mapping->find("listen")) site.listen = parse_listen(*listen);
  if (const auto control = mapping->find("control")) {
    const auto keys = control->read_mapping(object_spec(ObjectKind::Control));
    const auto path = keys ? keys->find("unix") : std::nullopt;
    const auto text = path ? path->read_text() : std::nullopt;
    if (text) site.control_unix = text->text;
  }
  if (const auto workers = mapping->find("workers")) parse_workers(*workers, site);
  if (const auto cookies = mapping->find("cookies")) site.cookies = parse_cookies(*cookies);
  if (const auto rate_limit = mapping->find("rate_limit")) site.rate_limit = parse_rate_limit(*rate_limit);
  if (const auto watch = mapping->find("watch")) parse_site_watch(*watch, site.watch);
  parse_query_log(*mapping, site);
  if (const auto identity = mapping->find("identity")) parse_identity(*identity, site);
}

}  // namespace meridian::config
