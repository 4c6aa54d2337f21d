#include "picture/survey_picture.hpp"

#include "picture/palette.hpp"
#include "picture/stripe_part.hpp"
#include "plan/amount_text.hpp"
#include "plan/survey_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace meridian::picture {
namespace {

using plan::percent;

class SurveyPicture {
 public:
  SurveyPicture(const plan::Survey& survey, const Sites& sites) : s_(survey), sites_(sites) {}

  WorldPicture run() {
    WorldPicture picture;
    picture.title =
        s_.service.empty() ? fmt::format("Map {}", s_.map) : fmt::format("{} (map {})", s_.service, s_.map);
    picture.description =
        "Countries in the colour of the datacenter that their clients go to first; stripes where "
        "it depends on the client.";
    for (const auto& country : s_.countries) {
      if (country.code.size() == 2 && !country.parts.empty()) picture.areas.push_back(area_of(country));
    }
    picture.markers = sites_.markers();
    for (const auto& datacenter : s_.datacenters) {
      picture.legend.push_back({{sites_.colour(datacenter.name)},
                                fmt::format("{}  {}", datacenter.name,
                                            plan::parts_text(datacenter.amount, s_.known, s_.has_demand))});
    }
    picture.legend.push_back({{std::string{kLand}}, "no known clients"});
    return picture;
  }

 private:
  Area area_of(const plan::CountryOrders& country) const {
    Area area{country.code, plan::place_text(country.code, country.name), {}, {}};
    std::map<std::string, double> by_end;
    for (const auto& part : country.parts) {
      const auto& order = s_.orders[part.order];
      const double weight = stripe_part(part.amount, country.amount);
      for (const auto& share : order.first) by_end[share.end] += weight * share.share;
      area.title += '\n' + (country.parts.size() == 1 ? std::string{} : percent(weight) + "  ") +
                    plan::first_text(order) +
                    (order.then.empty() ? std::string{} : ", then " + plan::then_text(order));
    }
    area.title += '\n' + plan::parts_text(country.amount, s_.known, s_.has_demand);
    const auto largest =
        std::max_element(by_end.begin(), by_end.end(),
                         [](const auto& left, const auto& right) { return left.second < right.second; });
    area.first = largest->first;
    for (const auto& [end, part] : by_end) area.stripes.push_back({sites_.colour(end), part});
    return area;
  }

  const plan::Survey& s_;
  const Sites& sites_;
};

}  // namespace

WorldPicture picture_of(const plan::Survey& survey, const Sites& sites) {
  return SurveyPicture(survey, sites).run();
}

}  // namespace meridian::picture
