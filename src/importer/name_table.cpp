#include "importer/name_table.hpp"

#include "config/ranges.hpp"

#include <fmt/format.h>

namespace meridian::importer {
namespace {

std::string to_name(std::string_view text, std::string_view prefix) {
  std::string name;
  for (const char c : text) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    name += is_upper ? static_cast<char>(c - 'A' + 'a') : is_kept ? c : '-';
  }
  if (name.empty() || name.front() < 'a' || name.front() > 'z') name.insert(0, prefix);
  // Room for a number that tells two long names apart.
  if (name.size() > config::ranges::kNameBytesMax - 8) name.resize(config::ranges::kNameBytesMax - 8);
  return name;
}

}  // namespace

std::string NameTable::take(std::string_view wanted) {
  const auto name = to_name(wanted, prefix_);
  auto candidate = name;
  for (int number = 2; !taken_.insert(candidate).second; ++number)
    candidate = fmt::format("{}-{}", name, number);
  return candidate;
}

const std::string& NameTable::find_or_add(std::string_view theirs) {
  const auto found = ours_.find(theirs);
  if (found != ours_.end()) return found->second;
  return ours_.emplace(theirs, take(theirs)).first->second;
}

}  // namespace meridian::importer
