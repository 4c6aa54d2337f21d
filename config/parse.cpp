#include "config/parse.hpp"

#include "base/limits.hpp"
#include "config/place_ref.hpp"

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

std::optional<PlaceRef> read_place(const YamlValue& value, std::string_view entry) {
  if (value.is_list()) {
    value.error(fmt::format(
        "'{}' takes one place; give several a name in regions.yaml and write that, or write {} for "
        "each",
        value.label(), entry));
    return std::nullopt;
  }
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  auto place = parse_place(text->text);
  if (!place) {
    value.error(place.error());
    return std::nullopt;
  }
  place->where = text->where;
  return *place;
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
