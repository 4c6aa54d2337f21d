// The secrets of DNS cookies: their text form, and the files they may stand in.
//
// No message, log line or reply may show a secret. Off line.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"
#include "dns/cookie.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace meridian::config {

/// 32 hexadecimal digits; nullopt for anything else.
[[nodiscard]] std::optional<dns::CookieSecret> parse_cookie_secret(std::string_view text) noexcept;

/// The reverse, for whoever makes a new one.
[[nodiscard]] std::string to_hex(const dns::CookieSecret& secret);

/// Reads the files that `cookies.secrets` names. An error where one can't be read, holds no secret, is
/// readable by everyone, or holds what another holds; a warning where the site file itself gives its secrets
/// to everyone.
void load_cookie_secrets(Site& site, base::Diagnostics& diagnostics);

}  // namespace meridian::config
