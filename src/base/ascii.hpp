// Letter case of ASCII text, whatever the locale: codes, types and keywords in files. Domain names have
// dns::lower.
#pragma once

#include <string>
#include <string_view>

namespace meridian::base {

/// a–z to A–Z, any other byte as it is.
[[nodiscard]] std::string to_upper(std::string_view text);
/// A–Z to a–z, any other byte as it is.
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace meridian::base
