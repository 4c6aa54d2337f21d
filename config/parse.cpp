#include "config/parse.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

namespace meridian::config {
namespace {

/// Every byte of a name may be written in four characters; longer text is no name and not worth echoing.
constexpr std::size_t kNameTextBytesMax = 4 * base::limits::kNameBytesMax;

}  // namespace

std::optional<dns::Name> parse_dns_name(const YamlValue& value, const std::string& text) {
  if (text.size() > kNameTextBytesMax) {
    value.error(fmt::format("{} is longer than {} bytes", quoted(text), base::limits::kNameBytesMax));
    return std::nullopt;
  }
  auto name = dns::Name::parse(text);
  if (!name) {
    value.error(name.error());
    return std::nullopt;
  }
  name->make_lower();
  return *name;
}

bool DefinedNames::add(const std::string& key, const Word& name, base::Diagnostics& diagnostics) {
  const auto [entry, is_new] = first_.emplace(key, name.where);
  if (!is_new) {
    diagnostics.error(name.where, printable(fmt::format("{} {} is defined twice; the first is at {}", what_,
                                                        quoted(name.text), base::to_string(entry->second))));
  }
  return is_new;
}

}  // namespace meridian::config
