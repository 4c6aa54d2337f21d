#include "control/tokens.hpp"

#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "control/sha256.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace meridian::control {
namespace {

namespace limits = base::limits;

constexpr std::size_t kDigestDigits = 64;

bool is_name(std::string_view text) noexcept {
  constexpr std::string_view kOf = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return text.size() <= limits::kOverrideAuthorBytesMax &&
         text.find_first_not_of(kOf) == std::string_view::npos;
}

/// What is wrong with the line, or "".
std::string read_line(const std::string& line, std::vector<Token>& tokens) {
  std::istringstream words(line);
  Token token;
  std::string role;
  std::string more;
  words >> token.name >> role >> token.digest;
  if (token.name.empty() || token.name.starts_with('#')) return {};
  if (token.digest.empty() || words >> more)
    return "write a name, read or operate, and the SHA-256 of the token";
  if (!is_name(token.name)) {
    return fmt::format("a name has letters, digits, '.', '-' and '_', at most {}",
                       limits::kOverrideAuthorBytesMax);
  }
  if (role != "read" && role != "operate") return fmt::format("the role is read or operate, not '{}'", role);
  token.role = role == "operate" ? Role::Operate : Role::Read;
  token.digest = base::to_lower(token.digest);
  if (token.digest.size() != kDigestDigits ||
      token.digest.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fmt::format("the SHA-256 of a token has {} hexadecimal digits", kDigestDigits);
  const auto is_same = [&](const Token& other) {
    return other.name == token.name || other.digest == token.digest;
  };
  if (std::ranges::any_of(tokens, is_same)) return fmt::format("'{}' or its token stands before", token.name);
  if (tokens.size() == limits::kControlTokensMax)
    return fmt::format("more than {} tokens", limits::kControlTokensMax);
  tokens.push_back(std::move(token));
  return {};
}

}  // namespace

base::Expected<TokenBook, std::string> TokenBook::load(const std::string& path) {
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  if (is_there && status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return base::unexpected(fmt::format("{0}: it belongs to another user (uid {1}); chown {2} {0}", path,
                                        status.st_uid, ::geteuid()));
  }
  if (is_there && (status.st_mode & 077) != 0) {
    return base::unexpected(
        fmt::format("{0}: others may read or write it; chmod 600 {0}, and make new tokens", path));
  }
  const auto text = base::read_regular_file(path, limits::kControlTokenFileBytesMax);
  if (!text) return base::unexpected(fmt::format("{}: {}", path, text.error().message));
  TokenBook book;
  std::istringstream lines(*text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (auto problem = read_line(line, book.tokens_); !problem.empty())
      return base::unexpected(fmt::format("{}:{}: {}", path, number, problem));
  }
  return book;
}

const Token* TokenBook::find(std::string_view secret) const {
  Sha256 hash;
  hash.add(secret);
  const auto digest = std::move(hash).finish();
  const Token* found = nullptr;
  for (const auto& token : tokens_) {
    if (CRYPTO_memcmp(token.digest.data(), digest.data(), kDigestDigits) == 0) found = &token;
  }
  return found;
}

}  // namespace meridian::control
