// Records as text, in one form whatever the way they were written, so that they can be compared.
#pragma once

#include "base/expected.hpp"
#include "dns/message.hpp"

#include <string>

namespace meridian::test {

/// `owner TTL TYPE data` in the form to_text gives.
[[nodiscard]] base::Expected<std::string, std::string> canonical_record(const std::string& text);

[[nodiscard]] std::string to_text(const dns::Record& record);

/// The address in an A or AAAA record; "" for others.
[[nodiscard]] std::string address_of(const dns::Record& record);

}  // namespace meridian::test
