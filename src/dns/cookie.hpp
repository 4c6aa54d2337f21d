// DNS cookies (RFC 7873) as RFC 9018 builds them, so that servers of several makers behind one address take
// each other's: the bytes, and whether a client proved its address. What follows from that is query/'s
// business.
//
// Only server cookies; a server has no client cookies. Immutable once filled. HOT: nothing here allocates,
// throws or logs.
#pragma once

#include "base/ip.hpp"
#include "base/limits.hpp"
#include "base/siphash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::dns {

inline constexpr std::size_t kClientCookieBytes = 8;
inline constexpr std::size_t kServerCookieBytes = 16;  ///< Of ours; others have 8 to 32 (RFC 7873 4.2).
inline constexpr std::size_t kCookieBytes = kClientCookieBytes + kServerCookieBytes;

/// RFC 7873 5.2.2: a client cookie alone, or with a server cookie of 8 to 32 bytes.
[[nodiscard]] constexpr bool is_cookie_size(std::size_t bytes) noexcept {
  return bytes == kClientCookieBytes || (bytes >= 16 && bytes <= 40);
}

/// An option's payload as we send it: the client's cookie and ours.
using CookiePayload = std::array<std::uint8_t, kCookieBytes>;

using CookieSecret = base::SipKey;

/// The first one signs, all are accepted. None: cookies are off.
class CookieSecrets {
 public:
  /// At most limits::kCookieSecretsMax in all.
  void add(const CookieSecret& secret) noexcept;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::span<const CookieSecret> all() const noexcept { return {secrets_.data(), count_}; }

 private:
  std::array<CookieSecret, base::limits::kCookieSecretsMax> secrets_{};
  std::size_t count_ = 0;
};

enum class CookieState : std::uint8_t {
  None,        ///< the query has no cookie option
  ClientOnly,  ///< the client has none of ours yet
  Invalid,     ///< not made by us for this address, too old, or from the future
  Valid,       ///< the client receives what is sent to its address
};

struct CookieCheck {
  CookieState state = CookieState::None;
  bool is_fresh = false;  ///< Valid, and good enough to be sent back as it is.
};

/// Looks at an option's payload, which is empty or is_cookie_size(). `now_s` is seconds since 1970 modulo
/// 2^32.
[[nodiscard]] CookieCheck check_cookie(std::span<const std::uint8_t> payload, const base::IpAddress& client,
                                       std::uint32_t now_s, const CookieSecrets& secrets) noexcept;

/// A cookie for the reply to a query whose option starts with `client_cookie`.
[[nodiscard]] CookiePayload make_cookie(std::span<const std::uint8_t, kClientCookieBytes> client_cookie,
                                        const base::IpAddress& client, std::uint32_t now_s,
                                        const CookieSecret& secret) noexcept;

}  // namespace meridian::dns
