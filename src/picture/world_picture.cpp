#include "picture/world_picture.hpp"

#include "picture/palette.hpp"
#include "picture/projection.hpp"
#include "picture/svg_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace meridian::picture {
namespace {

// The page, in its own units (pixels, where it is shown as large as it is).
constexpr double kWidth = 1'200;
constexpr double kMargin = 20;
constexpr double kMapTop = 72;
/// Half the equator in radii: project({0, 180}).x.
constexpr double kHalfEquator = 0.8707 * 3.14159265358979;
constexpr double kScale = (kWidth - 2 * kMargin) / (2 * kHalfEquator);
/// North of it is ice and sea, south of it Antarctica.
constexpr double kNorth = 84;
constexpr double kSouth = -60;
/// Countries whose largest island covers less are drawn as a dot, which can be seen and pointed at.
constexpr double kSquareMin = 10;
constexpr double kDotRadius = 2.6;
constexpr double kStripesWidth = 9;

constexpr double kLegendLineHeight = 22;
constexpr std::size_t kLegendColumns = 3;

struct Point {
  double x = 0;
  double y = 0;
};

double map_bottom() { return kMapTop + (project({kNorth, 0}).y - project({kSouth, 0}).y) * kScale; }

/// What lies past the edges is moved to the edge.
Point place_on_page(const base::Coordinates& at) {
  const auto projected = project({std::clamp(at.latitude, kSouth, kNorth), at.longitude});
  return {kWidth / 2 + projected.x * kScale, kMapTop + (project({kNorth, 0}).y - projected.y) * kScale};
}

/// Tenths of a unit, as SVG writes numbers: "12", "0.5".
std::string tenths(long value) {
  const char* sign = value < 0 ? "-" : "";
  const long size = std::labs(value);
  return size % 10 == 0 ? fmt::format("{}{}", sign, size / 10)
                        : fmt::format("{}{}.{}", sign, size / 10, size % 10);
}

std::string number(double value) { return tenths(std::lround(value * 10)); }

/// A closed line in steps of tenths, which halves the file; no error adds up, as the steps are those between
/// rounded points.
std::string path_of(const geo::Ring& ring) {
  std::string path;
  long x = 0;
  long y = 0;
  for (const auto& at : ring) {
    const auto point = place_on_page(at);
    const long next_x = std::lround(point.x * 10);
    const long next_y = std::lround(point.y * 10);
    if (!path.empty() && next_x == x && next_y == y) continue;
    path += path.empty()
                ? fmt::format("M{} {}l", tenths(next_x), tenths(next_y))
                : fmt::format("{}{}{}", tenths(next_x - x), next_y < y ? "" : " ", tenths(next_y - y)) + ' ';
    x = next_x;
    y = next_y;
  }
  if (path.ends_with(' ') || path.ends_with('l')) path.pop_back();
  return path + 'z';
}

double square_of(const geo::Ring& ring) {
  double sum = 0;
  auto last = place_on_page(ring.back());
  for (const auto& at : ring) {
    const auto point = place_on_page(at);
    sum += last.x * point.y - point.x * last.y;
    last = point;
  }
  return std::abs(sum) / 2;
}

class SvgWriter {
 public:
  SvgWriter(const WorldPicture& picture, const geo::Outlines& outlines, const geo::Places& places)
      : picture_(picture), outlines_(outlines), places_(places) {
    for (const auto& area : picture.areas) areas_[area.country] = &area;
  }

  std::string run() {
    const std::size_t rows = (picture_.legend.size() + kLegendColumns - 1) / kLegendColumns;
    const double height = map_bottom() + 34 + static_cast<double>(rows) * kLegendLineHeight;
    add_head(height);
    add_sea();
    std::string countries;
    std::string dots;
    for (const auto& country : places_.countries()) add_country(country, countries, dots);
    svg_ += "<g stroke=\"#ffffff\" stroke-width=\"0.5\" stroke-linejoin=\"round\" fill-rule=\"evenodd\">\n" +
            countries + "</g>\n<g stroke=\"#ffffff\" stroke-width=\"0.6\">\n" + dots + "</g>\n";
    add_markers();
    add_legend();
    // Patterns may stand after what uses them: they are found by their id.
    return svg_ + "<defs>\n" + patterns_ + "</defs>\n</svg>\n";
  }

 private:
  void add_head(double height) {
    svg_ += fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "role=\"img\" "
        "aria-labelledby=\"picture-title picture-description\" font-family=\"system-ui, 'DejaVu Sans', "
        "Arial, sans-serif\">\n"
        "<title id=\"picture-title\">{2}</title>\n<desc id=\"picture-description\">{3}</desc>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n"
        "<text x=\"{4}\" y=\"34\" font-size=\"22\" font-weight=\"600\" fill=\"#1d2430\">{2}</text>\n"
        "<text x=\"{4}\" y=\"56\" font-size=\"13\" fill=\"#5b6472\">{3}</text>\n",
        number(kWidth), number(height), escaped(picture_.title), escaped(picture_.description),
        number(kMargin));
  }

  /// The part of the globe that is drawn, with every 30th line of it.
  void add_sea() {
    const auto meridian = [](double longitude) {
      geo::Ring line;
      for (double latitude = kSouth; latitude <= kNorth; latitude += 4) line.push_back({latitude, longitude});
      return line;
    };
    auto edge = meridian(-180);
    auto east = meridian(180);
    edge.insert(edge.end(), east.rbegin(), east.rend());
    svg_ += fmt::format(
        "<path d=\"{}\" fill=\"#eef3f8\"/>\n<g fill=\"none\" stroke=\"#dde6ee\" stroke-width=\"0.7\">\n",
        path_of(edge));
    for (double longitude = -150; longitude <= 150; longitude += 30) {
      auto line = path_of(meridian(longitude));
      line.pop_back();  // not closed
      svg_ += fmt::format("<path d=\"{}\"/>\n", line);
    }
    for (double latitude = -30; latitude <= 60; latitude += 30) {
      const auto west = place_on_page({latitude, -180});
      svg_ += fmt::format("<path d=\"M{} {}h{}\"/>\n", number(west.x), number(west.y),
                          number(kWidth - 2 * west.x));
    }
    svg_ += "</g>\n";
  }

  void add_country(const geo::Country& country, std::string& countries, std::string& dots) {
    const auto found = areas_.find(country.code);
    const Area* area = found == areas_.end() ? nullptr : found->second;
    const auto* outline = outlines_.find(country.code);
    const bool is_dot = outline == nullptr || square_of(outline->rings.front()) < kSquareMin;
    if (is_dot && area == nullptr) return;  // a dot of land would say nothing
    const auto attributes = fmt::format("id=\"country-{}\" class=\"country\" data-first=\"{}\" fill=\"{}\"",
                                        country.code, escaped(area == nullptr ? "" : area->first),
                                        area == nullptr ? std::string{kLand} : fill_of(area->stripes));
    const auto title =
        escaped(area == nullptr ? fmt::format("{} {}", country.code, country.name) : area->title);
    if (is_dot) {
      const auto at = place_on_page(country.at);
      dots += fmt::format("<circle {} cx=\"{}\" cy=\"{}\" r=\"{}\"><title>{}</title></circle>\n", attributes,
                          number(at.x), number(at.y), number(kDotRadius), title);
      return;
    }
    std::string path;
    for (const auto& ring : outline->rings) path += path_of(ring);
    countries += fmt::format("<path {} d=\"{}\"><title>{}</title></path>\n", attributes, path, title);
  }

  /// A colour, or a pattern of stripes as wide as their parts.
  std::string fill_of(const std::vector<Stripe>& stripes) {
    std::vector<Stripe> seen;
    double sum = 0;
    for (const auto& stripe : stripes) {
      if (stripe.part < kStripePartMin) continue;
      seen.push_back(stripe);
      sum += stripe.part;
    }
    if (seen.empty()) return std::string{kLand};
    if (seen.size() == 1) return seen.front().colour;
    std::string rectangles;
    double at = 0;
    for (const auto& stripe : seen) {
      const double width = kStripesWidth * stripe.part / sum;
      // A little wider than it is, or the page shows through between two stripes.
      rectangles += fmt::format("<rect x=\"{:.2f}\" width=\"{:.2f}\" height=\"{}\" fill=\"{}\"/>", at,
                                width + 0.05, number(kStripesWidth), stripe.colour);
      at += width;
    }
    const auto [known, is_new] = pattern_ids_.try_emplace(rectangles, pattern_ids_.size());
    if (is_new) {
      patterns_ += fmt::format(
          "<pattern id=\"stripes-{0}\" width=\"{1}\" height=\"{1}\" patternUnits=\"userSpaceOnUse\" "
          "patternTransform=\"rotate(45)\">{2}</pattern>\n",
          known->second, number(kStripesWidth), rectangles);
    }
    return fmt::format("url(#stripes-{})", known->second);
  }

  struct Box {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;

    [[nodiscard]] bool meets(const Box& other) const noexcept {
      return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
  };

  /// Beside its marker, where no other name or marker stands; below it where all sides are taken.
  Point find_label(const Point& at, double width, std::vector<Box>& taken) const {
    const Point sides[] = {{at.x + 9, at.y + 5},          {at.x - 9 - width, at.y + 5},
                           {at.x - width / 2, at.y - 11}, {at.x - width / 2, at.y + 21},
                           {at.x + 7, at.y - 9},          {at.x + 7, at.y + 17}};
    const auto box_of = [&](const Point& corner) {
      return Box{corner.x, corner.y - 11, corner.x + width, corner.y + 3};
    };
    for (const auto& side : sides) {
      const auto box = box_of(side);
      if (std::any_of(taken.begin(), taken.end(), [&](const Box& other) { return other.meets(box); }))
        continue;
      taken.push_back(box);
      return side;
    }
    return sides[3];
  }

  void add_markers() {
    std::vector<Box> taken;
    for (const auto& marker : picture_.markers) {
      const auto at = place_on_page(marker.at);
      taken.push_back({at.x - 6, at.y - 6, at.x + 6, at.y + 6});
    }
    svg_ += "<g font-size=\"14\" font-weight=\"600\">\n";
    for (const auto& marker : picture_.markers) {
      const auto at = place_on_page(marker.at);
      const auto label = find_label(at, 8.5 * static_cast<double>(marker.name.size()), taken);
      const auto name = escaped(marker.name);
      svg_ += fmt::format(
          "<g class=\"datacenter\"><title>{0}</title>"
          "<circle cx=\"{1}\" cy=\"{2}\" r=\"5.5\" fill=\"{3}\" stroke=\"#ffffff\" stroke-width=\"3.2\"/>"
          "<circle cx=\"{1}\" cy=\"{2}\" r=\"5.5\" fill=\"{3}\" stroke=\"#1d2430\" stroke-width=\"1.5\"/>"
          "<text x=\"{4}\" y=\"{5}\" fill=\"#ffffff\" stroke=\"#ffffff\" stroke-width=\"3.5\" "
          "stroke-linejoin=\"round\" "
          "aria-hidden=\"true\">{0}</text>"
          "<text x=\"{4}\" y=\"{5}\" fill=\"#1d2430\">{0}</text></g>\n",
          name, number(at.x), number(at.y), marker.colour, number(label.x), number(label.y));
    }
    svg_ += "</g>\n";
  }

  /// Down the columns, as one reads a list.
  void add_legend() {
    const std::size_t rows = (picture_.legend.size() + kLegendColumns - 1) / kLegendColumns;
    const double column_width = (kWidth - 2 * kMargin) / kLegendColumns;
    svg_ += "<g class=\"legend\" font-size=\"13\" fill=\"#1d2430\">\n";
    for (std::size_t i = 0; i < picture_.legend.size(); ++i) {
      const auto& line = picture_.legend[i];
      const double x = kMargin + static_cast<double>(i / rows) * column_width;
      const double y = map_bottom() + 24 + static_cast<double>(i % rows) * kLegendLineHeight;
      const double width = 26.0 / static_cast<double>(std::max<std::size_t>(1, line.colours.size()));
      for (std::size_t j = 0; j < line.colours.size(); ++j) {
        svg_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\" fill=\"{}\"/>",
                            number(x + static_cast<double>(j) * width), number(y), number(width),
                            line.colours[j]);
      }
      svg_ += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", number(line.colours.empty() ? x : x + 34),
                          number(y + 11.5), escaped(line.text));
    }
    svg_ += "</g>\n";
  }

  const WorldPicture& picture_;
  const geo::Outlines& outlines_;
  const geo::Places& places_;
  std::map<std::string, const Area*> areas_;
  std::string svg_;
  std::string patterns_;
  std::map<std::string, std::size_t> pattern_ids_;
};

}  // namespace

std::string to_svg(const WorldPicture& picture, const geo::Outlines& outlines, const geo::Places& places) {
  return SvgWriter(picture, outlines, places).run();
}

}  // namespace meridian::picture
