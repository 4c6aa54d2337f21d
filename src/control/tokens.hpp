// Who may ask the control API over HTTP: bearer tokens and their roles, from a file.
//
//   # name  role     SHA-256 of the token
//   grafana read     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//   deploy  operate  60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
//
// The tokens themselves are nowhere. Immutable once loaded.
#pragma once

#include "base/expected.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

enum class Role : std::uint8_t { Read, Operate };

struct Token {
  std::string name;
  Role role = Role::Read;
  std::string digest;  ///< 64 digits, lower case
};

class TokenBook {
 public:
  /// The error is one line: "tokens:3: …". A file that others may read is one.
  [[nodiscard]] static base::Expected<TokenBook, std::string> load(const std::string& path);

  /// Takes as long whichever token it is, and when it is none. nullptr: none.
  [[nodiscard]] const Token* find(std::string_view secret) const;

  [[nodiscard]] std::size_t size() const noexcept { return tokens_.size(); }

 private:
  std::vector<Token> tokens_;
};

}  // namespace meridian::control
