#include "config/cookie_secrets.hpp"
#include "config/parse.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace meridian::config {
namespace {

/// The digits themselves, or `{file: PATH}`.
std::optional<CookieSecretSource> parse_secret(const YamlValue& value) {
  CookieSecretSource source;
  source.where = value.where();
  if (value.is_mapping()) {
    const auto keys = value.read_mapping(object_spec(ObjectKind::CookieSecret));
    const auto file = keys ? keys->find("file") : std::nullopt;
    const auto path = file ? file->read_text() : std::nullopt;
    if (!path) return std::nullopt;
    source.file = path->text;
    return source;
  }
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  const auto secret = parse_cookie_secret(text->text);
  if (!secret) {  // what was written is not repeated: it may be most of a secret
    value.error(
        "is no secret: write 32 hexadecimal digits, as `meridianctl cookie-secret` makes them, or {file: …}");
    return std::nullopt;
  }
  source.secret = *secret;
  return source;
}

}  // namespace

Cookies parse_cookies(const YamlValue& value) {
  constexpr std::array<std::string_view, 3> kModes{"on", "off", "require"};  // in the order of Cookies::Mode
  Cookies cookies;
  const auto keys = value.read_mapping(object_spec(ObjectKind::Cookies));
  if (!keys) return cookies;
  if (const auto mode = keys->find("mode")) {
    if (const auto choice = mode->read_choice(kModes)) cookies.mode = static_cast<Cookies::Mode>(*choice);
  }
  const auto secrets = keys->find("secrets");
  const auto items = secrets ? secrets->read_list() : std::nullopt;
  if (!items) return cookies;
  if (items->empty()) secrets->error("'secrets' lists none; leave the key out for one made at the start");
  if (items->size() > base::limits::kCookieSecretsMax) {
    secrets->error(fmt::format("'secrets' lists {}; at most {} are taken", items->size(),
                               base::limits::kCookieSecretsMax));
    return cookies;
  }
  for (const auto& item : *items) {
    if (auto source = parse_secret(item)) cookies.secrets.push_back(std::move(*source));
  }
  return cookies;
}

}  // namespace meridian::config
