#include "config/cookie_secrets.hpp"

#include "base/regular_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace meridian::config {
namespace {

constexpr std::size_t kSecretDigits = 2 * sizeof(dns::CookieSecret);

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// What is wrong with the file, or "".
std::string read_secret(CookieSecretSource& source) {
  if (base::is_readable_by_everyone(source.file))
    return fmt::format("everyone can read {0}; chmod o-r {0}, and make a new secret", source.file);
  std::ifstream stream(source.file, std::ios::binary);
  if (!stream)
    return fmt::format("{} can't be opened: {}", source.file, std::generic_category().message(errno));
  std::array<char, kSecretDigits + 3>
      bytes{};  // the digits, an end of line, and one to see that more follows
  stream.read(bytes.data(), bytes.size());
  std::string_view text{bytes.data(), static_cast<std::size_t>(stream.gcount())};
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const auto secret = parse_cookie_secret(text);
  if (!secret)
    return fmt::format(
        "{} must hold {} hexadecimal digits and an end of line; `meridianctl cookie-secret` makes them",
        source.file, kSecretDigits);
  source.secret = *secret;
  return {};
}

}  // namespace

std::optional<dns::CookieSecret> parse_cookie_secret(std::string_view text) noexcept {
  if (text.size() != kSecretDigits) return std::nullopt;
  dns::CookieSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    secret[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return secret;
}

std::string to_hex(const dns::CookieSecret& secret) {
  std::string text;
  for (const auto byte : secret) text += fmt::format("{:02x}", byte);
  return text;
}

void load_cookie_secrets(Site& site, base::Diagnostics& diagnostics) {
  auto& secrets = site.cookies.secrets;
  bool is_in_site_file = false;
  for (auto it = secrets.begin(); it != secrets.end(); ++it) {
    is_in_site_file = is_in_site_file || it->file.empty();
    if (const auto problem = it->file.empty() ? std::string{} : read_secret(*it); !problem.empty()) {
      diagnostics.error(it->where, problem);
      continue;
    }
    const auto is_same = [&](const CookieSecretSource& other) { return other.secret == it->secret; };
    if (std::any_of(secrets.begin(), it, is_same))
      diagnostics.error(it->where, "the same secret stands before; a second one must differ");
  }
  if (is_in_site_file && base::is_readable_by_everyone(site.path)) {
    diagnostics.warning(
        secrets.front().where,
        fmt::format("everyone can read the secrets here; chmod o-r {}, or put them into files", site.path));
  }
}

}  // namespace meridian::config
