// A check as operators wrote it: how the endpoints of services are probed (`checks:` in services.yaml).
//
// Plain values with their defaults, as the rest of the model; src/probe turns them into probes.
#pragma once

#include "base/diagnostics.hpp"
#include "base/ip.hpp"
#include "dns/name.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace meridian::config {

/// `http` and `https`; `grpc` uses what stands under "TLS" and the port.
struct HttpCheck {
  std::string method = "GET";
  std::string path = "/";
  std::string host;  ///< Host header and SNI; empty: the endpoint's address
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent besides
  struct StatusRange {
    std::uint16_t first = 200;
    std::uint16_t last = 299;

    friend bool operator==(const StatusRange&, const StatusRange&) = default;
  };
  std::vector<StatusRange> status{{200, 299}};
  std::string body;             ///< text that the body must hold; empty: any body
  std::string body_regex;       ///< or a POSIX extended regular expression
  std::uint32_t redirects = 0;  ///< followed, at most; 0: a redirect is an answer like any other
  bool http2 = false;           ///< asks for HTTP/2 and fails without it
  /// A header or, for JSON bodies, a top-level key with the share (0 to 100) of its weight that the endpoint
  /// wants; empty: none.
  std::string weight_header;
  std::string weight_key;

  friend bool operator==(const HttpCheck&, const HttpCheck&) = default;
};

/// What TLS asks of an endpoint's certificate.
struct TlsCheck {
  bool verify = true;
  std::string sni;                        ///< empty: as `host`
  std::string ca_file;                    ///< empty: the system's
  std::uint32_t certificate_warn_d = 14;  ///< a warning when it ends in less than so many days
  std::uint32_t certificate_fail_d = 0;   ///< a failure when it does

  friend bool operator==(const TlsCheck&, const TlsCheck&) = default;
};

/// `tls` stands for grpc as well.
struct TcpCheck {
  std::string send;    ///< bytes; empty: nothing is sent
  std::string expect;  ///< bytes that must come; empty: the connection is enough
  bool tls = false;

  friend bool operator==(const TcpCheck&, const TcpCheck&) = default;
};

struct DnsCheck {
  dns::Name name;
  std::string type = "A";
  std::string answer;  ///< rdata as text that the answer must hold; empty: any NOERROR answer with a record
  bool tcp = false;

  friend bool operator==(const DnsCheck&, const DnsCheck&) = default;
};

/// What stands for no check, and is no name of one.
inline constexpr std::string_view kNoCheck = "none";
/// Where HTTP checks look for a weight unless told otherwise.
inline constexpr std::string_view kWeightHeader = "X-Meridian-Weight";

struct Check {
  enum class Type : std::uint8_t { Http, Https, Tcp, Icmp, Dns, Grpc, Exec, Push };

  std::string name;
  Type type = Type::Tcp;
  std::uint16_t port = 0;             ///< 0: the type's own (80, 443, 53); tcp and grpc need one
  std::uint32_t every_ms = 5'000;     ///< start to start
  std::uint32_t timeout_ms = 2'000;   ///< of one probe, whole; less than every_ms
  std::uint32_t jitter_percent = 10;  ///< of every_ms, by which each start may move
  std::uint32_t up_after = 5;         ///< successes in a row
  std::uint32_t down_after = 3;       ///< failures in a row
  std::optional<base::IpAddress> source_v4;
  std::optional<base::IpAddress> source_v6;
  HttpCheck http;
  TlsCheck tls;
  TcpCheck tcp;
  DnsCheck dns;
  std::string grpc_service;          ///< of grpc.health.v1; empty: the whole server
  std::vector<std::string> command;  ///< exec: program and arguments; `{address}` and `{port}` are filled in
  std::uint32_t lease_s = 30;        ///< push: what an endpoint reported holds for so long
  base::Location where;

  /// What it is called and where it stands does not count: equal checks are one.
  [[nodiscard]] friend bool probes_alike(const Check& left, const Check& right) {
    const auto judged = [](const Check& check) {
      return std::tie(check.type, check.port, check.every_ms, check.timeout_ms, check.jitter_percent,
                      check.up_after, check.down_after, check.source_v4, check.source_v6, check.http,
                      check.tls, check.tcp, check.dns, check.grpc_service, check.command, check.lease_s);
    };
    return judged(left) == judged(right);
  }
};

/// As operators write them, in the order of Check::Type.
inline constexpr std::string_view kCheckTypes[] = {"http", "https", "tcp",  "icmp",
                                                   "dns",  "grpc",  "exec", "push"};

[[nodiscard]] constexpr std::string_view to_string(Check::Type type) noexcept {
  return kCheckTypes[static_cast<std::size_t>(type)];
}

}  // namespace meridian::config
