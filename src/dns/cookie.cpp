#include "dns/cookie.hpp"

#include "base/assert.hpp"
#include "dns/header.hpp"

#include <algorithm>

namespace meridian::dns {
namespace {

//  0               8         9          12          16     24
//  | client cookie | version | reserved | timestamp | hash |      (RFC 9018 section 4)
constexpr std::size_t kVersionAt = kClientCookieBytes;
constexpr std::size_t kTimestampAt = kVersionAt + 4;
constexpr std::size_t kHashAt = kTimestampAt + 4;
constexpr std::uint8_t kVersion = 1;

// RFC 9018 4.3: older ones MUST NOT be taken, those of clocks that go ahead by at most 5 minutes may be, and
// past half an hour the client gets a new one.
constexpr std::int32_t kAgeMaxS = 3'600;
constexpr std::int32_t kFutureMaxS = 300;
constexpr std::int32_t kRenewAgeS = 1'800;

/// RFC 9018 4.4: over everything before the hash, reserved bytes as they came, and the client's address.
base::SipTag hash_of(std::span<const std::uint8_t, kHashAt> head, const base::IpAddress& client,
                     const CookieSecret& secret) noexcept {
  std::array<std::uint8_t, kHashAt + 16> message;
  std::copy(head.begin(), head.end(), message.begin());
  const auto address = client.span();
  std::copy(address.begin(), address.end(), message.begin() + kHashAt);
  return base::siphash_2_4(secret, std::span{message}.first(kHashAt + address.size()));
}

/// Takes the same time wherever they differ: a forger must not find a hash byte by byte.
bool is_same(std::span<const std::uint8_t> given, const base::SipTag& right) noexcept {
  unsigned difference = 0;
  for (std::size_t i = 0; i < right.size(); ++i) difference |= static_cast<unsigned>(given[i] ^ right[i]);
  return difference == 0;
}

}  // namespace

void CookieSecrets::add(const CookieSecret& secret) noexcept {
  MERIDIAN_ASSERT(count_ < secrets_.size());
  secrets_[count_++] = secret;
}

CookieCheck check_cookie(std::span<const std::uint8_t> payload, const base::IpAddress& client,
                         std::uint32_t now_s, const CookieSecrets& secrets) noexcept {
  if (payload.empty()) return {CookieState::None};
  if (payload.size() == kClientCookieBytes) return {CookieState::ClientOnly};
  if (payload.size() != kCookieBytes || payload[kVersionAt] != kVersion) return {CookieState::Invalid};
  // Serial number arithmetic (RFC 1982), so that 2106 is a year like any other.
  const auto age_s = static_cast<std::int32_t>(now_s - load_u32(payload.data() + kTimestampAt));
  if (age_s > kAgeMaxS || age_s < -kFutureMaxS) return {CookieState::Invalid};
  for (const auto& secret : secrets.all()) {
    if (!is_same(payload.subspan<kHashAt>(), hash_of(payload.first<kHashAt>(), client, secret))) continue;
    // One signed by a secret that is on its way out is replaced at once.
    const bool signs = &secret == &secrets.all().front();
    return {CookieState::Valid, signs && age_s <= kRenewAgeS};
  }
  return {CookieState::Invalid};
}

CookiePayload make_cookie(std::span<const std::uint8_t, kClientCookieBytes> client_cookie,
                          const base::IpAddress& client, std::uint32_t now_s,
                          const CookieSecret& secret) noexcept {
  CookiePayload cookie{};
  std::copy(client_cookie.begin(), client_cookie.end(), cookie.begin());
  cookie[kVersionAt] = kVersion;
  store_u32(cookie.data() + kTimestampAt, now_s);
  const auto hash = hash_of(std::span{cookie}.first<kHashAt>(), client, secret);
  std::copy(hash.begin(), hash.end(), cookie.begin() + kHashAt);
  return cookie;
}

}  // namespace meridian::dns
