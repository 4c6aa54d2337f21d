// Templates of PowerDNS's geoip backend: "%cc.service.example.com" and the places it can mean.
//
// Off the hot path; any thread. Everything is lower case here, as PowerDNS makes it.
#pragma once

#include "base/expected.hpp"
#include "geo/places.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::importer {

/// Values of placeholders by their names without the sign: {"cc", "de"}.
using PdnsFacts = std::map<std::string, std::string, std::less<>>;

class PdnsTemplate {
 public:
  explicit PdnsTemplate(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// A placeholder that no place of a map stands for, such as "%ci"; "" when there is none.
  [[nodiscard]] const std::string& foreign() const noexcept { return foreign_; }
  [[nodiscard]] bool has(std::string_view placeholder) const noexcept;
  [[nodiscard]] bool is_literal() const noexcept { return is_literal_; }

  /// The text with each placeholder replaced by its fact; nullopt when one is missing.
  [[nodiscard]] std::optional<std::string> expand(const PdnsFacts& facts) const;

  /// The facts with which the template expands to `text`; nullopt when there are none.
  [[nodiscard]] std::optional<PdnsFacts> match(std::string_view text) const;

 private:
  struct Piece {
    bool is_placeholder = false;
    std::string text;  ///< literal text, or the placeholder's name
  };

  [[nodiscard]] bool match_from(std::size_t piece, std::string_view text, PdnsFacts& facts) const;

  std::string text_;
  std::vector<Piece> pieces_;
  std::string foreign_;
  bool is_literal_ = true;
};

/// The place that facts name, as a map writes it: "everyone", "continent:EU", "DE", "US-CA", "AS3320". The
/// error says why there is none.
[[nodiscard]] base::Expected<std::string, std::string> place_of(const PdnsFacts& facts,
                                                                const geo::Places& places);

/// What PowerDNS would know of a client there; the reverse of place_of.
[[nodiscard]] PdnsFacts facts_of(std::string_view place, const geo::Places& places);

}  // namespace meridian::importer
