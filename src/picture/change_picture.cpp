#include "picture/change_picture.hpp"

#include "picture/palette.hpp"
#include "picture/stripe_part.hpp"
#include "plan/amount_text.hpp"
#include "plan/survey_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace meridian::picture {
namespace {

using plan::parts_text;

/// How much of its colour a country keeps whose clients stay.
constexpr double kStayStrength = 0.22;
/// Flows in the legend and in a tooltip; `--json` has all.
constexpr std::size_t kFlowsMax = 12;

class ChangePicture {
 public:
  ChangePicture(const plan::Comparison& comparison, const Sites& sites) : c_(comparison), sites_(sites) {}

  WorldPicture run() {
    WorldPicture picture;
    picture.title = c_.all.flows.empty()
                        ? std::string{"Nothing moves"}
                        : fmt::format("{} moves", parts_text(c_.all.moved, c_.all.total, c_.has_demand));
    picture.description =
        "What moves of a country is in the colour of the datacenter that gets it; what stays is pale.";
    for (const auto& country : c_.countries) {
      if (country.code.size() == 2 && !country.flows.empty()) picture.areas.push_back(area_of(country));
    }
    picture.markers = sites_.markers();
    for (std::size_t i = 0; i < std::min(kFlowsMax, c_.all.flows.size()); ++i) {
      const auto& flow = c_.all.flows[i];
      picture.legend.push_back({{sites_.colour(flow.from), sites_.colour(flow.to)},
                                fmt::format("{} → {}  {}", flow.from, flow.to,
                                            parts_text(flow.amount, c_.all.total, c_.has_demand))});
    }
    if (c_.all.flows.size() > kFlowsMax)
      picture.legend.push_back({{}, fmt::format("and {} more flows", c_.all.flows.size() - kFlowsMax)});
    return picture;
  }

 private:
  /// Who loses to whom is told first, then how much of the country stays with whom.
  Area area_of(const plan::CountryFlows& country) const {
    Area area{country.code, plan::place_text(country.code, country.name), {}, {}};
    std::map<std::string, double> gains;
    std::map<std::string, double> stays;
    for (const auto& flow : country.flows) {
      const bool moves = flow.from != flow.to;
      (moves ? gains : stays)[flow.to] += stripe_part(flow.amount, country.amount);
      if (moves)
        area.title += fmt::format("\n{} → {}: {}", flow.from, flow.to,
                                  parts_text(flow.amount, country.amount, c_.has_demand));
    }
    for (const auto& [to, part] : gains) area.stripes.push_back({sites_.colour(to), part});
    const auto less = [](const auto& left, const auto& right) { return left.second < right.second; };
    double all_stay = 0;
    for (const auto& [end, part] : stays) all_stay += part;
    // In one colour: which of those who stay is where would hide what moves.
    if (!stays.empty()) {
      const auto keeper = std::max_element(stays.begin(), stays.end(), less)->first;
      area.stripes.push_back({pale(sites_.colour(keeper), kStayStrength), all_stay});
    }
    const auto& shown = gains.empty() ? stays : gains;
    area.first = std::max_element(shown.begin(), shown.end(), less)->first;
    if (gains.empty()) area.title += fmt::format("\nstays with {}", area.first);
    return area;
  }

  const plan::Comparison& c_;
  const Sites& sites_;
};

}  // namespace

WorldPicture picture_of(const plan::Comparison& comparison, const Sites& sites) {
  return ChangePicture(comparison, sites).run();
}

}  // namespace meridian::picture
