// SHA-256 of what comes in pieces, as hexadecimal text. OpenSSL's; a thin shell.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace meridian::control {

class Sha256 {
 public:
  Sha256();
  void add(std::span<const std::uint8_t> bytes);
  void add(std::string_view text);
  /// 64 digits; the end of it.
  [[nodiscard]] std::string finish() &&;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace meridian::control
