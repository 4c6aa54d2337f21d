#include "query/identity.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "dns/header.hpp"

#include <algorithm>
#include <string_view>

namespace meridian::query {
namespace {

using namespace std::string_view_literals;

// Wire form: each label with its length in front, the root's 0 at the end.
constexpr std::string_view kIdServer = "\x02id\x06server\0"sv;
constexpr std::string_view kHostnameBind =
    "\x08hostname\x04"
    "bind\0"sv;
constexpr std::string_view kVersionServer = "\x07version\x06server\0"sv;
constexpr std::string_view kVersionBind =
    "\x07version\x04"
    "bind\0"sv;

}  // namespace

std::span<const std::uint8_t> find_identity(const Settings& settings, const dns::Query& query) noexcept {
  if (query.rclass != dns::Rclass::Ch) return {};
  if (query.type != dns::Rtype::Txt && query.type != dns::Rtype::Any) return {};
  const auto name = query.name.view();
  const auto is = [&](std::string_view wire) {
    return std::equal(name.wire().begin(), name.wire().end(), wire.begin(), wire.end(),
                      [](std::uint8_t left, char right) { return left == static_cast<std::uint8_t>(right); });
  };
  if (is(kIdServer) || is(kHostnameBind)) return settings.identity_name;
  if (is(kVersionServer) || is(kVersionBind)) return settings.identity_version;
  return {};
}

std::vector<std::uint8_t> identity_record(std::string_view text) {
  MERIDIAN_ASSERT(text.size() <= base::limits::kCharacterStringBytesMax);
  const auto size = static_cast<std::uint8_t>(text.size());
  std::vector<std::uint8_t> record(3 + text.size());
  dns::store_u16(record.data(), static_cast<std::uint16_t>(size + 1));
  record[2] = size;
  std::copy(text.begin(), text.end(), record.begin() + 3);
  return record;
}

}  // namespace meridian::query
