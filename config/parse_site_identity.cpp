#include "config/parse.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

namespace meridian::config {
namespace {

std::optional<std::string> parse_identity_text(const YamlValue& value) {
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  if (text->text == "none") return std::string{};
  if (text->text.size() <= base::limits::kCharacterStringBytesMax) return text->text;
  value.error(fmt::format("the text has {} bytes; write at most {}, or none to answer REFUSED",
                          text->text.size(), base::limits::kCharacterStringBytesMax));
  return std::nullopt;
}

}  // namespace

void parse_identity(const YamlValue& value, Site& site) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Identity));
  if (!mapping) return;
  if (const auto name = mapping->find("name")) site.identity_name = parse_identity_text(*name);
  if (const auto version = mapping->find("version")) site.identity_version = parse_identity_text(*version);
}

}  // namespace meridian::config
