#include "plan/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace meridian::plan {
namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool is_left = i == 0 || i + left_at_end_ >= widths.size();
      line += i == 0 ? "" : "  ";
      line += is_left ? row[i] + padding : padding + row[i];
    }
    text += "  " + line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string rest_line(std::size_t count, std::size_t listed_max) {
  return count > listed_max ? fmt::format("    and {} more\n", count - listed_max) : std::string{};
}

}  // namespace meridian::plan
