// EDNS(0), RFC 6891: what a query's OPT record asks for, and the OPT record of a reply.
//
// Only the options that Meridian serves: client subnet (RFC 7871), cookies (RFC 7873), NSID (RFC 5001), the
// TCP keepalive (RFC 7828), extended errors (RFC 8914). Padding (RFC 7830) is ignored like any option unknown
// to us, because without encryption it hides nothing. HOT: nothing here allocates, throws or logs.
#pragma once

#include "base/limits.hpp"
#include "dns/client_subnet.hpp"
#include "dns/cookie.hpp"
#include "dns/header.hpp"
#include "dns/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace meridian::dns {

/// DNSSEC OK, in the low half of an OPT record's TTL field (RFC 3225).
inline constexpr std::uint32_t kDnssecOkBit = 0x8000;
/// Code and length before an option's payload.
inline constexpr std::size_t kOptionHeadBytes = 4;

/// RFC 7828: a query asks with an empty option.
enum class KeepaliveRequest : std::uint8_t { Absent, Asked, Malformed };

/// What a query said. All defaults when it had no OPT record.
struct Edns {
  bool present = false;
  bool dnssec_ok = false;
  bool nsid_requested = false;
  KeepaliveRequest tcp_keepalive = KeepaliveRequest::Absent;
  std::uint8_t version = 0;
  std::uint16_t udp_size = base::limits::kUdpPlainAnswerBytes;  ///< At least 512 (RFC 6891 6.2.5).
  std::optional<ClientSubnet> client_subnet;                    ///< Absent for family 0.
  /// The first cookie option's payload, inside the packet: is_cookie_size() bytes, or none.
  std::span<const std::uint8_t> cookie;
};

/// RFC 8914: what the response code alone does not say.
struct ExtendedErrorNote {
  ExtendedError code{};
  std::string_view text = {};  ///< At most limits::kExtendedErrorTextBytesMax; not kept.
};

/// What a reply says. `nsid` is left out when empty; its bytes are only looked at, not kept. Past
/// limits::kNsidBytesMax it may not fit.
/// The initialisers let designated ones leave fields out; `= {}` of an optional would clear its room first.
struct EdnsReply {
  bool dnssec_ok = false;
  std::uint16_t udp_size = base::limits::kUdpAnswerBytesMax;
  std::optional<ClientSubnet> client_subnet = std::nullopt;
  std::span<const std::uint8_t> nsid = {};
  std::optional<CookiePayload> cookie = std::nullopt;
  std::optional<std::uint16_t> tcp_idle_ds = std::nullopt;  ///< How long a connection may idle, in 100 ms.
  std::optional<ExtendedErrorNote> extended_error = std::nullopt;
};

/// The OPT record with every option of a reply, each as long as it can be.
inline constexpr std::size_t kOptFixedBytes = 1 + kRecordFixedBytes;
inline constexpr std::size_t kExtendedErrorCodeBytes = 2;
inline constexpr std::size_t kTcpKeepaliveBytes = 2;
inline constexpr std::size_t kOptBytesMax =
    kOptFixedBytes + 5 * kOptionHeadBytes + kClientSubnetBytesMax + base::limits::kNsidBytesMax +
    kCookieBytes + kTcpKeepaliveBytes + kExtendedErrorCodeBytes + base::limits::kExtendedErrorTextBytesMax;
static_assert(kHeaderBytes + base::limits::kNameBytesMax + kQuestionFixedBytes + kOptBytesMax <=
                  base::limits::kUdpPlainAnswerBytes,
              "a reply to any question has room for its OPT record");

/// The reply that echoes what must be echoed: DO, and the client subnet with scope 0.
[[nodiscard]] EdnsReply echo_edns(const Edns& query) noexcept;

/// Bytes that write_opt_record needs; at least 11.
[[nodiscard]] std::size_t opt_record_bytes(const EdnsReply& edns) noexcept;

/// Writes the OPT record with the upper bits of `rcode`. `out` must have opt_record_bytes(); returns that
/// number.
std::size_t write_opt_record(std::span<std::uint8_t> out, Rcode rcode, const EdnsReply& edns) noexcept;

}  // namespace meridian::dns
