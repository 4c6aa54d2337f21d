#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace meridian::config {
namespace {

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

/// The addresses of one site file so far, so that none stands twice. Port 0 is another one each time.
class Seen {
 public:
  /// False, with an error, when it stood there before.
  bool add(const YamlValue& value, const ListenAddress& address) {
    const auto is_same = [&](const ListenAddress& other) {
      return other.address == address.address && other.port == address.port && address.port != 0;
    };
    if (std::any_of(seen_.begin(), seen_.end(), is_same)) {
      value.error(
          fmt::format("{} port {} stands twice here", base::to_string(address.address), address.port));
      return false;
    }
    seen_.push_back(address);
    return true;
  }

 private:
  std::vector<ListenAddress> seen_;
};

/// The items of a list that is neither empty nor too long.
std::vector<YamlValue> read_some(const YamlValue& value, std::size_t max) {
  const auto items = value.read_list();
  if (!items) return {};
  if (items->empty()) value.error(fmt::format("{} lists no address", quoted(value.label())));
  if (items->size() <= max) return *items;
  value.error(fmt::format("{} lists more than {} addresses", quoted(value.label()), max));
  return {};
}

std::optional<ProxyListen> parse_proxy_listen(const YamlValue& value, Seen& seen) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::ProxyListen));
  if (!keys) return std::nullopt;
  const auto address = keys->find("address");
  const auto listen = address ? parse_listen_address(*address) : std::nullopt;
  const auto from = keys->find("from");
  if (!listen || !from || !seen.add(*address, *listen)) return std::nullopt;
  auto networks = parse_networks(*from, base::limits::kProxyNetworksMax);
  if (from->is_list() && networks.empty() && from->read_list()->empty()) {
    from->error("'from' lists no network; without a proxy nobody could ask here");
  }
  return ProxyListen{.address = *listen, .from = std::move(networks)};
}

}  // namespace

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

void parse_listen(const YamlValue& value, Site& site) {
  site.listen.clear();
  const auto keys = value.read_mapping(object_spec(ObjectKind::Listen));
  if (!keys) return;
  Seen seen;
  if (const auto dns = keys->find("dns")) {
    for (const auto& item : read_some(*dns, ranges::kListenAddressesMax)) {
      const auto address = parse_listen_address(item);
      if (address && seen.add(item, *address)) site.listen.push_back(*address);
    }
  }
  const auto proxy = keys->find("proxy");
  if (!proxy) return;
  for (const auto& item : read_some(*proxy, ranges::kListenAddressesMax)) {
    if (auto listen = parse_proxy_listen(item, seen)) site.proxy_listen.push_back(std::move(*listen));
  }
  if (site.listen.size() + site.proxy_listen.size() > ranges::kListenAddressesMax) {
    proxy->error(
        fmt::format("'dns' and 'proxy' together list more than {} addresses", ranges::kListenAddressesMax));
  }
}

TcpSettings parse_tcp(const YamlValue& value) {
  TcpSettings tcp;
  const auto keys = value.read_mapping(object_spec(ObjectKind::Tcp));
  if (!keys) return tcp;
  const auto read_time = [&](std::string_view key, std::uint32_t& into) {
    const auto time = keys->find(key);
    if (!time) return;
    into = time->read_seconds(ranges::kTcpSecondsMax).value_or(into);
    if (into == 0)
      time->error(fmt::format("{}: 0 seconds would end every connection; use 1 or more", quoted(key)));
  };
  read_time("idle", tcp.idle_s);
  read_time("transfer", tcp.transfer_s);
  read_time("lifetime", tcp.lifetime_s);
  const auto read_count = [&](std::string_view key, std::uint32_t& into) {
    const auto count = keys->find(key);
    if (count) into = count->read_integer(1, ranges::kTcpConnectionsMax).value_or(into);
  };
  read_count("connections", tcp.connections);
  read_count("per_client", tcp.per_client);
  return tcp;
}

}  // namespace meridian::config
