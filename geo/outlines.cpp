#include "geo/outlines.hpp"

#include "base/limits.hpp"
#include "base/regular_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace meridian::geo {
namespace {

/// The file's unit: hundredths of a degree.
constexpr double kUnitsPerDegree = 100;

std::optional<double> parse_degrees(std::string_view text, double limit) {
  int units = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), units);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const double degrees = units / kUnitsPerDegree;
  return degrees >= -limit && degrees <= limit ? std::optional{degrees} : std::nullopt;
}

/// "longitude,latitude".
std::optional<base::Coordinates> parse_point(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto longitude = parse_degrees(text.substr(0, comma), 180);
  const auto latitude = parse_degrees(text.substr(comma + 1), 90);
  if (!longitude || !latitude) return std::nullopt;
  return base::Coordinates{*latitude, *longitude};
}

bool is_country_code(std::string_view text) {
  return text.size() == 2 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

class OutlinesParser {
 public:
  explicit OutlinesParser(const std::string& file) : file_(file) {}

  base::Expected<Outlines, base::Diagnostics> parse(std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      ++line_;
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (outlines_.empty() && !diagnostics_.has_errors())
      diagnostics_.error({file_}, "no country has an outline");
    if (diagnostics_.has_errors()) return base::unexpected(std::move(diagnostics_));
    std::vector<Outline> outlines;
    for (auto& [country, rings] : outlines_) outlines.push_back({country, std::move(rings)});
    return Outlines(std::move(outlines));
  }

 private:
  void read_line(std::string_view line) {
    if (line.empty() || line.front() == '#') return;
    const auto country = line.substr(0, line.find(' '));
    if (!is_country_code(country))
      return error(0, fmt::format("'{}' is no country code; a line is 'DE longitude,latitude …'", country));
    Ring ring;
    for (std::size_t at = country.size(); at < line.size();) {
      const auto begin = at + 1;
      at = std::min(line.find(' ', begin), line.size());
      const auto point = parse_point(line.substr(begin, at - begin));
      if (!point) {
        return error(begin,
                     fmt::format("'{}' is no point; write longitude,latitude in hundredths of a degree",
                                 line.substr(begin, at - begin)));
      }
      ring.push_back(*point);
    }
    if (ring.size() < 3) return error(0, "an outline has at least three points");
    outlines_[std::string{country}].push_back(std::move(ring));
  }

  void error(std::size_t offset, std::string message) {
    diagnostics_.error({file_, line_, static_cast<int>(offset) + 1}, std::move(message));
  }

  const std::string& file_;
  int line_ = 0;
  std::map<std::string, std::vector<Ring>> outlines_;
  base::Diagnostics diagnostics_;
};

}  // namespace

const Outline* Outlines::find(std::string_view country) const noexcept {
  const auto found =
      std::lower_bound(outlines_.begin(), outlines_.end(), country,
                       [](const Outline& outline, std::string_view code) { return outline.country < code; });
  return found != outlines_.end() && found->country == country ? &*found : nullptr;
}

base::Expected<Outlines, base::Diagnostics> parse_outlines(std::string_view text, const std::string& file) {
  return OutlinesParser(file).parse(text);
}

base::Expected<Outlines, base::Diagnostics> load_outlines(const std::string& path) {
  const auto text = base::read_regular_file(path, base::limits::kOutlinesFileBytesMax);
  if (!text) {
    base::Diagnostics diagnostics;
    diagnostics.error({path}, fmt::format("cannot read the outlines of countries: {}", text.error().message));
    return base::unexpected(std::move(diagnostics));
  }
  return parse_outlines(*text, path);
}

}  // namespace meridian::geo
