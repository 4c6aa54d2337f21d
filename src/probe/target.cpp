#include "probe/target.hpp"

#include <concepts>
#include <string_view>

namespace meridian::probe {
namespace {

/// Fields one after the other, each with its length, so that no two lists of fields read alike.
class KeyWriter {
 public:
  KeyWriter& text(std::string_view value) {
    number(value.size());
    key_ += value;
    return *this;
  }
  KeyWriter& number(std::integral auto value) {
    key_ += std::to_string(value);
    key_ += ',';
    return *this;
  }
  KeyWriter& address(const std::optional<base::IpAddress>& value) {
    return text(value ? base::to_string(*value) : std::string{});
  }

  [[nodiscard]] std::string take() { return std::move(key_); }

 private:
  std::string key_;
};

void write_http(KeyWriter& key, const config::HttpCheck& http) {
  key.text(http.method).text(http.path).text(http.host).number(http.headers.size());
  for (const auto& [name, value] : http.headers) key.text(name).text(value);
  key.number(http.status.size());
  for (const auto& range : http.status) key.number(range.first).number(range.last);
  key.text(http.body).text(http.body_regex).number(http.redirects).number(static_cast<int>(http.http2));
  key.text(http.weight_header).text(http.weight_key);
}

void write_tls(KeyWriter& key, const config::TlsCheck& tls) {
  key.number(static_cast<int>(tls.verify)).text(tls.sni).text(tls.ca_file);
  key.number(tls.certificate_warn_d).number(tls.certificate_fail_d);
}

}  // namespace

std::uint16_t port_of(const config::Check& check) noexcept {
  using enum config::Check::Type;
  if (check.port != 0) return check.port;
  switch (check.type) {
    case Http:
      return 80;
    case Https:
      return 443;
    case Dns:
      return 53;
    case Tcp:
    case Icmp:
    case Grpc:
    case Exec:
    case Push:
      break;
  }
  return 0;
}

const std::optional<base::IpAddress>& source_of(const config::Check& check, base::Family family) noexcept {
  return family == base::Family::V4 ? check.source_v4 : check.source_v6;
}

std::string key_of(const config::Check& check) {
  KeyWriter key;
  key.number(static_cast<int>(check.type)).number(port_of(check));
  key.number(check.every_ms).number(check.timeout_ms).number(check.jitter_percent);
  key.address(check.source_v4).address(check.source_v6);
  write_http(key, check.http);
  write_tls(key, check.tls);
  key.text(check.tcp.send).text(check.tcp.expect).number(static_cast<int>(check.tcp.tls));
  key.text(dns::to_string(check.dns.name)).text(check.dns.type).text(check.dns.answer);
  key.number(static_cast<int>(check.dns.tcp)).text(check.grpc_service).number(check.command.size());
  for (const auto& word : check.command) key.text(word);
  return key.take();
}

std::string key_of(const Target& target) { return key_of(*target.check) + base::to_string(target.address); }

}  // namespace meridian::probe
