#include "base/diagnostics.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace meridian::base {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment): what fingers do.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before(right.size() + 1);  // two rows up
  std::vector<std::size_t> above(right.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::vector<std::size_t> row(right.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool is_swap = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(above);
    above = std::move(row);
  }
  return above.back();
}

}  // namespace

std::string to_string(const Location& location) {
  if (location.line == 0) return location.file;
  const std::string line = location.file + ":" + std::to_string(location.line);
  return location.column == 0 ? line : line + ":" + std::to_string(location.column);
}

std::string to_string(const Diagnostic& diagnostic) {
  const char* severity = diagnostic.severity == Severity::Warning ? "warning: " : "";
  return to_string(diagnostic.where) + ": " + severity + diagnostic.message;
}

void Diagnostics::add(Severity severity, Location where, std::string message) {
  if (severity == Severity::Error) {
    ++error_count_;
  } else {
    ++warning_count_;
  }
  if (items_.size() < limits::kDiagnosticsMax) {
    items_.push_back({severity, std::move(where), std::move(message)});
  }
}

void Diagnostics::error(Location where, std::string message) {
  add(Severity::Error, std::move(where), std::move(message));
}

void Diagnostics::warning(Location where, std::string message) {
  add(Severity::Warning, std::move(where), std::move(message));
}

void Diagnostics::append(const Diagnostics& other) {
  const std::size_t unlisted_errors =
      other.error_count_ - static_cast<std::size_t>(std::count_if(
                               other.items_.begin(), other.items_.end(),
                               [](const Diagnostic& d) { return d.severity == Severity::Error; }));
  for (const auto& item : other.items_) add(item.severity, item.where, item.message);
  error_count_ += unlisted_errors;
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  auto sorted = items_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Diagnostic& left, const Diagnostic& right) { return left.where < right.where; });
  return sorted;
}

std::string Diagnostics::to_text() const {
  std::string text;
  for (const auto& item : sorted()) {
    text += to_string(item);
    text += '\n';
  }
  const std::size_t total = error_count_ + warning_count_;
  if (total > items_.size()) text += "… and " + std::to_string(total - items_.size()) + " more\n";
  return text;
}

std::string_view find_nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string_view best;
  // A third wrong still reads like a slip of the fingers; more is another word.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearest = find_nearest(word, candidates);
  return nearest.empty() ? std::string{} : "; did you mean '" + std::string(nearest) + "'?";
}

}  // namespace meridian::base
