// The outlines of countries, from geo/data/outlines.txt: for pictures, and for nothing that decides.
//
// Immutable once loaded, so any thread may read it.
#pragma once

#include "base/coordinates.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meridian::geo {

/// A closed line of at least three points; the last one is joined to the first.
using Ring = std::vector<base::Coordinates>;

struct Outline {
  std::string country;      ///< code: "DE"
  std::vector<Ring> rings;  ///< holes are rings as well: inside is what an odd number of rings holds
};

class Outlines {
 public:
  /// Sorted by country, each once.
  explicit Outlines(std::vector<Outline> outlines) : outlines_(std::move(outlines)) {}

  [[nodiscard]] const std::vector<Outline>& all() const noexcept { return outlines_; }
  /// nullptr: the country is too small to have one.
  [[nodiscard]] const Outline* find(std::string_view country) const noexcept;

 private:
  std::vector<Outline> outlines_;
};

/// `file` is how the errors name the text.
[[nodiscard]] base::Expected<Outlines, base::Diagnostics> parse_outlines(std::string_view text,
                                                                         const std::string& file);

[[nodiscard]] base::Expected<Outlines, base::Diagnostics> load_outlines(const std::string& path);

}  // namespace meridian::geo
