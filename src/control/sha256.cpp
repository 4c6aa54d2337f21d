#include "control/sha256.hpp"

#include "base/assert.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace meridian::control {

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

// OpenSSL fails here only without memory, and then the process ends anyway.
Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  MERIDIAN_ASSERT(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::span<const std::uint8_t> bytes) {
  MERIDIAN_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

void Sha256::add(std::string_view text) {
  MERIDIAN_ASSERT(EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1);
}

std::string Sha256::finish() && {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  MERIDIAN_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  return fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace meridian::control
