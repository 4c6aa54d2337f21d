// Text inside an XML document.
#pragma once

#include <string>
#include <string_view>

namespace meridian::picture {

/// For an element's content and for an attribute in double quotes alike. Bytes that no XML document may have
/// (control characters, and what is no UTF-8) become U+FFFD.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace meridian::picture
