#include "control/override.hpp"

#include "base/limits.hpp"
#include "journal/audit.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr std::array<std::pair<OverrideKind, std::string_view>, 4> kWords{{
    {OverrideKind::Drain, "drain"},
    {OverrideKind::Shed, "shed"},
    {OverrideKind::ForceUp, "force_up"},
    {OverrideKind::ForceDown, "force_down"},
}};

std::int64_t to_seconds(base::WallTime time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

base::WallTime to_time(std::int64_t since_1970) { return base::WallTime{seconds{since_1970}}; }

std::optional<std::int64_t> find_integer(const json::object& object, std::string_view key, std::int64_t least,
                                         std::int64_t most) {
  const auto* const value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const auto number = value->as_int64();
  return number < least || number > most ? std::nullopt : std::optional{number};
}

std::string find_text(const json::object& object, std::string_view key) {
  const auto* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

/// What both ways in from outside have in common.
bool complete(Override& it) {
  auto target = parse_target(it.target_text);
  const bool is_share = it.share > 0 && it.share <= steering::kFull;
  if (!target || !is_share || !journal::is_sound_reason(it.reason) ||
      it.author.size() > base::limits::kOverrideAuthorBytesMax || (it.ends_at && *it.ends_at <= it.begins_at))
    return false;
  it.target = std::move(*target);
  return true;
}

}  // namespace

std::string_view word_of(OverrideKind kind) noexcept { return kWords[static_cast<std::size_t>(kind)].second; }

std::optional<OverrideKind> find_kind(std::string_view word) noexcept {
  const auto* const found =
      std::ranges::find(kWords, word, &std::pair<OverrideKind, std::string_view>::second);
  return found == kWords.end() ? std::nullopt : std::optional{found->first};
}

double fraction_of(steering::Share share) noexcept {
  // A unit is 0.0015 %, so hundredths of a percent come back as they were written.
  constexpr double kDigits = 1e4;
  return std::round(static_cast<double>(share) * kDigits / steering::kFull) / kDigits;
}

/// Goes into logs and status lines: no control characters. What is no UTF-8 could be written into a message
/// for another process, but not read from it.
std::string describe(const Override& it) {
  switch (it.kind) {
    case OverrideKind::Drain:
      return "drain " + it.target_text;
    case OverrideKind::Shed:
      return fmt::format("shed {:.4g}% of {}", static_cast<double>(it.share) * 100 / steering::kFull,
                         it.target_text);
    case OverrideKind::ForceUp:
      return "force up " + it.target_text;
    case OverrideKind::ForceDown:
      break;
  }
  return "force down " + it.target_text;
}

journal::OverrideRow to_row(const Override& it) {
  return {.id = it.id,
          .kind = std::string{word_of(it.kind)},
          .target = it.target_text,
          .share_percent = std::round(static_cast<double>(it.share) * 1e5 / steering::kFull) / 1e3,
          .reason = it.reason,
          .author = it.author,
          .created_at = it.created_at,
          .begins_at = it.begins_at,
          .ends_at = it.ends_at};
}

std::optional<Override> from_row(const journal::OverrideRow& row) {
  const auto kind = find_kind(row.kind);
  if (!kind || !(row.share_percent >= 0 && row.share_percent <= 100)) return std::nullopt;
  Override it{.id = row.id,
              .kind = *kind,
              .target_text = row.target,
              .share = static_cast<steering::Share>(std::lround(row.share_percent / 100 * steering::kFull)),
              .reason = row.reason,
              .author = row.author,
              .created_at = row.created_at,
              .begins_at = row.begins_at,
              .ends_at = row.ends_at};
  return complete(it) ? std::optional{std::move(it)} : std::nullopt;
}

json::object to_json(const Override& it) {
  json::object object{{"id", it.id},
                      {"kind", word_of(it.kind)},
                      {"target", it.target_text},
                      {"share", static_cast<std::int64_t>(it.share)},
                      {"reason", it.reason},
                      {"author", it.author},
                      {"created", to_seconds(it.created_at)},
                      {"begins", to_seconds(it.begins_at)}};
  if (it.ends_at) object["ends"] = to_seconds(*it.ends_at);
  return object;
}

std::optional<Override> from_json(const json::object& object) {
  constexpr std::int64_t kTimeMax = std::int64_t{1} << 36;  // the year 4147
  const auto kind = find_kind(find_text(object, "kind"));
  const auto id = find_integer(object, "id", 1, std::int64_t{1} << 62);
  const auto share = find_integer(object, "share", 1, steering::kFull);
  const auto created = find_integer(object, "created", 0, kTimeMax);
  const auto begins = find_integer(object, "begins", 0, kTimeMax);
  if (!kind || !id || !share || !created || !begins) return std::nullopt;
  Override it{.id = *id,
              .kind = *kind,
              .target_text = find_text(object, "target"),
              .share = static_cast<steering::Share>(*share),
              .reason = find_text(object, "reason"),
              .author = find_text(object, "author"),
              .created_at = to_time(*created),
              .begins_at = to_time(*begins)};
  if (const auto ends = find_integer(object, "ends", 0, kTimeMax)) it.ends_at = to_time(*ends);
  return complete(it) ? std::optional{std::move(it)} : std::nullopt;
}

}  // namespace meridian::control
