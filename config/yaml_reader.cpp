#include "config/yaml_reader.hpp"

#include "base/limits.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace meridian::config {
namespace {

/// Past this many keys a list of all of them is harder to read than the reference.
constexpr std::size_t kListedKeysMax = 8;

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "nothing";
    case YamlNode::Kind::Scalar:
      return quoted(node.text);
    case YamlNode::Kind::List:
      return "a list";
    case YamlNode::Kind::Mapping:
      return "a mapping";
  }
  return {};
}

/// Decimal digits only: no sign, no 0x, no exponent, and no leading zero, which YAML 1.1 reads as octal.
std::optional<std::uint32_t> parse_digits(std::string_view text) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The same with zeros in front, as in dates.
std::optional<std::uint32_t> parse_padded(std::string_view text) noexcept {
  const auto first = text.find_first_not_of('0');
  return parse_digits(first == std::string_view::npos ? "0" : text.substr(first));
}

std::optional<double> parse_real(std::string_view text) noexcept {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::uint32_t unit_seconds(char unit) noexcept {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    default:
      return 0;
  }
}

/// Worth a suggestion, which costs the product of the lengths.
bool is_short(std::string_view name) noexcept { return name.size() <= ranges::kNameBytesMax; }

const KeySpec* find_key(const ObjectSpec& object, std::string_view name) noexcept {
  const auto found = std::find_if(object.keys.begin(), object.keys.end(),
                                  [&](const KeySpec& key) { return key.name == name; });
  return found == object.keys.end() ? nullptr : &*found;
}

std::vector<std::string> usable_keys(const ObjectSpec& object) {
  std::vector<std::string> names;
  for (const auto& key : object.keys) {
    if (key.refusal.empty()) names.emplace_back(key.name);
  }
  return names;
}

std::string unknown_key(std::string_view name, const ObjectSpec& object) {
  if (name == "<<")
    return "merge keys ('<<') are not supported; write the keys out, or give a whole value by its alias";
  const auto names = usable_keys(object);
  auto hint = is_short(name) ? base::suggestion(name, names) : std::string{};
  if (hint.empty() && names.size() <= kListedKeysMax) {
    hint = fmt::format("; {} {}", names.size() == 1 ? "the only key here is" : "the keys here are",
                       fmt::join(names, ", "));
  }
  return fmt::format("unknown key {}{}", quoted(name), hint);
}

}  // namespace

bool YamlValue::has_key(std::string_view key) const noexcept {
  if (!is_mapping()) return false;
  for (std::size_t i = 0; i < node_->items.size(); i += 2) {
    if (node_->items[i]->text == key) return true;
  }
  return false;
}

void YamlValue::error(std::string_view message) const {
  file_->diagnostics.error(where(), printable(message));
}

void YamlValue::error_expected(std::string_view wanted) const {
  const auto found = fmt::format("expected {}, found {}", wanted, describe(*node_));
  error(label_.empty() ? found : fmt::format("{}: {}", quoted(label_), found));
}

std::optional<Word> YamlValue::read_text() const {
  if (is_text() && !node_->text.empty()) return Word{node_->text, where()};
  error_expected("text");
  return std::nullopt;
}

std::optional<std::size_t> YamlValue::read_choice(std::span<const std::string_view> choices) const {
  const auto found =
      std::find(choices.begin(), choices.end(), is_text() ? std::string_view{node_->text} : "");
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  error_expected(fmt::format("{}", fmt::join(choices, " or ")));
  return std::nullopt;
}

std::optional<bool> YamlValue::read_boolean() const {
  if (is_text() && node_->text == "true") return true;
  if (is_text() && node_->text == "false") return false;
  error_expected("true or false");
  return std::nullopt;
}

std::optional<std::uint32_t> YamlValue::read_integer(std::uint32_t min, std::uint32_t max,
                                                     std::string_view alternative) const {
  const auto number = is_text() ? parse_digits(node_->text) : std::nullopt;
  if (number && *number >= min && *number <= max) return number;
  error_expected(fmt::format("{}{}a whole number from {} to {}", alternative,
                             alternative.empty() ? "" : " or ", min, max));
  return std::nullopt;
}

std::optional<double> YamlValue::read_real(double min, double max) const {
  const auto number = is_text() ? parse_real(node_->text) : std::nullopt;
  if (number && *number >= min && *number <= max) return number;
  error_expected(fmt::format("a number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<double> YamlValue::read_positive() const {
  const auto number = is_text() ? parse_real(node_->text) : std::nullopt;
  if (number && *number > 0) return number;
  error_expected("a number above 0");
  return std::nullopt;
}

std::optional<double> parse_share(std::string_view text) noexcept {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  const auto number = parse_real(text);
  const double share = number ? *number / (is_percent ? 100 : 1) : -1;
  return share >= 0 && share <= 1 ? std::optional{share} : std::nullopt;
}

std::optional<std::uint32_t> parse_seconds(std::string_view text, std::uint32_t max) noexcept {
  std::uint32_t unit = text.empty() ? 0 : unit_seconds(text.back());
  if (unit != 0) {
    text.remove_suffix(1);
  } else {
    unit = 1;
  }
  const auto number = parse_digits(text);
  return number && *number <= max / unit ? std::optional{*number * unit} : std::nullopt;
}

std::optional<double> YamlValue::read_share() const {
  if (const auto share = is_text() ? parse_share(node_->text) : std::nullopt) return share;
  error_expected("a share from 0% to 100%, such as 50% or 0.5");
  return std::nullopt;
}

std::optional<std::uint32_t> YamlValue::read_seconds(std::uint32_t max) const {
  if (const auto seconds = is_text() ? parse_seconds(node_->text, max) : std::nullopt) return seconds;
  error_expected(fmt::format("seconds from 0 to {}, or a time such as 30s, 5m, 1h, 1d", max));
  return std::nullopt;
}

std::optional<std::uint32_t> YamlValue::read_milliseconds(std::uint32_t min, std::uint32_t max) const {
  std::string_view text = is_text() ? std::string_view{node_->text} : "";
  std::optional<std::uint32_t> number;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
    number = parse_digits(text);
  } else if (const auto seconds = parse_seconds(text, max / 1'000)) {
    number = *seconds * 1'000;
  }
  if (number && *number >= min && *number <= max) return number;
  const auto words = [](std::uint32_t ms) {
    return ms % 1'000 == 0 ? fmt::format("{}s", ms / 1'000) : fmt::format("{}ms", ms);
  };
  error_expected(fmt::format("a time from {} to {}, such as 500ms, 5s or 1m", words(min), words(max)));
  return std::nullopt;
}

std::optional<std::chrono::sys_days> YamlValue::read_date() const {
  const std::string_view text = is_text() ? std::string_view{node_->text} : "";
  const bool has_form = text.size() == 10 && text[4] == '-' && text[7] == '-';
  const auto year = has_form ? parse_padded(text.substr(0, 4)) : std::nullopt;
  const auto month = has_form ? parse_padded(text.substr(5, 2)) : std::nullopt;
  const auto day = has_form ? parse_padded(text.substr(8, 2)) : std::nullopt;
  if (year && month && day) {
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{*month}, std::chrono::day{*day}};
    if (date.ok()) return std::chrono::sys_days{date};
  }
  error_expected("a day of the calendar, such as 2027-03-01");
  return std::nullopt;
}

std::optional<std::vector<YamlValue>> YamlValue::read_list() const {
  if (!is_list()) {
    // Quotes, because `[2001:db8::]` alone is no YAML.
    const bool needs_quotes = is_text() && node_->text.find(':') != std::string::npos;
    const char* const quote = needs_quotes ? "\"" : "";
    error_expected(is_text() && is_short(node_->text)
                       ? fmt::format("a list ([{}{}{}])", quote, node_->text, quote)
                       : "a list");
    return std::nullopt;
  }
  std::vector<YamlValue> items;
  for (const YamlNode* item : node_->items) items.emplace_back(*item, label_, *file_);
  return items;
}

std::optional<std::vector<YamlEntry>> YamlValue::read_entries() const {
  const bool is_empty_file = node_->kind == YamlNode::Kind::Null && label_.empty();
  if (!is_mapping() && !is_empty_file) {
    error_expected("a mapping");
    return std::nullopt;
  }
  std::vector<YamlEntry> entries;
  for (std::size_t i = 0; i < node_->items.size(); i += 2) {
    const YamlNode& key = *node_->items[i];
    entries.push_back({{key, label_, *file_}, {*node_->items[i + 1], key.text, *file_}});
  }
  return entries;
}

std::optional<YamlMapping> YamlValue::read_mapping(const ObjectSpec& object) const {
  const auto entries = read_entries();
  if (!entries) return std::nullopt;
  std::vector<YamlEntry> known;
  std::vector<std::string> misspelt;
  bool has_refused = false;
  for (const auto& entry : *entries) {
    const auto name = entry.value.label();
    const KeySpec* const key = find_key(object, name);
    if (key == nullptr) {
      entry.key.error(unknown_key(name, object));
      if (is_short(name)) misspelt.emplace_back(name);
    } else if (!key->refusal.empty()) {
      entry.key.error(fmt::format("'{}' {}", name, key->refusal));
      has_refused = true;
    } else {
      known.push_back(entry);
    }
  }
  // A key that is there under another name, or that a refused one stands for, is not missing as well.
  const auto is_explained = [&](const KeySpec& key) {
    return has_refused || std::any_of(misspelt.begin(), misspelt.end(), [&](const std::string& word) {
             return base::find_nearest(word, usable_keys(object)) == key.name;
           });
  };
  YamlMapping mapping(std::move(known));
  for (const auto& key : object.keys) {
    if (!key.required || mapping.find(key.name) || is_explained(key)) continue;
    const auto missing = fmt::format("the key '{}' is missing", key.name);
    error(label_.empty() ? missing : fmt::format("{}: {}", quoted(label_), missing));
  }
  return mapping;
}

std::optional<YamlValue> YamlMapping::find(std::string_view key) const noexcept {
  for (const auto& entry : known_) {
    if (entry.value.label() == key) return entry.value;
  }
  return std::nullopt;
}

bool is_name(std::string_view text) noexcept {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (text.empty() || text.size() > ranges::kNameBytesMax || !is_lower(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

std::optional<Word> read_name(const YamlValue& value, std::string_view what) {
  auto word = value.read_text();
  if (!word) return std::nullopt;
  if (is_name(word->text)) return word;
  value.error(fmt::format(
      "{} is no name for a {}; use lower-case letters, digits, '-' and '_', a letter first, at most {}",
      quoted(word->text), what, ranges::kNameBytesMax));
  return std::nullopt;
}

std::vector<Word> read_names(const YamlValue& value, std::string_view what) {
  std::vector<Word> names;
  const auto items = value.read_list();
  if (!items) return names;
  if (items->empty())
    value.error(fmt::format("{} names no {}; leave the key out for all", quoted(value.label()), what));
  if (items->size() > base::limits::kDatacentersMax) {
    value.error(
        fmt::format("{} has more than {} items", quoted(value.label()), base::limits::kDatacentersMax));
    return names;
  }
  for (const auto& item : *items) {
    auto name = read_name(item, what);
    if (!name) continue;
    const auto first =
        std::find_if(names.begin(), names.end(), [&](const Word& other) { return other.text == name->text; });
    if (first == names.end()) {
      names.push_back(std::move(*name));
    } else {
      item.error(fmt::format("{} '{}' stands twice here; the first is in line {}", what, name->text,
                             first->where.line));
    }
  }
  return names;
}

}  // namespace meridian::config
