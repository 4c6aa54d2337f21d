// Lines of aligned cells, as plan and `map show` print them.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace meridian::plan {

/// The first column is aligned left, and so are as many of the last ones as `left_at_end`; the others right.
/// The width of a cell is its number of code points: names and figures are ASCII but for arrows and dashes.
class TextTable {
 public:
  explicit TextTable(std::size_t left_at_end = 0) : left_at_end_(left_at_end) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Each row a line, indented by two.
  [[nodiscard]] std::string text() const;

 private:
  std::size_t left_at_end_;
  std::vector<std::vector<std::string>> rows_;
};

/// "and 7 more" as a line below a table that was cut; empty where nothing is left out.
[[nodiscard]] std::string rest_line(std::size_t count, std::size_t listed_max);

}  // namespace meridian::plan
