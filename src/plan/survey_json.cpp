#include "plan/amount_json.hpp"
#include "plan/survey_text.hpp"

#include <boost/json.hpp>

namespace meridian::plan {
namespace {

namespace json = boost::json;

json::object order_json(const Order& order) {
  json::array first;
  for (const auto& share : order.first)
    first.push_back(json::object{{"name", share.end}, {"share", share.share}});
  json::array then;
  for (const auto& name : order.then) then.push_back(json::string(name));
  return {{"first", std::move(first)}, {"then", std::move(then)}};
}

json::array parts_json(const Survey& survey, const std::vector<OrderPart>& parts, bool has_demand) {
  json::array array;
  for (const auto& part : parts) {
    auto object = order_json(survey.orders[part.order]);
    object["amount"] = amount_json(part.amount, has_demand);
    array.push_back(std::move(object));
  }
  return array;
}

json::array datacenters_json(const Survey& survey) {
  json::array array;
  for (const auto& datacenter : survey.datacenters) {
    json::object object{{"name", datacenter.name},
                        {"amount", amount_json(datacenter.amount, survey.has_demand)}};
    if (datacenter.capacity) object["capacity"] = *datacenter.capacity;
    array.push_back(std::move(object));
  }
  return array;
}

json::array rules_json(const Survey& survey) {
  json::array array;
  for (const auto& rule : survey.rules) {
    json::object object{{"place", rule.place},
                        {"for_resolvers", rule.for_resolvers},
                        {"amount", amount_json(rule.amount, survey.has_demand)}};
    if (rule.where.line != 0) {
      object["file"] = rule.where.file;
      object["line"] = rule.where.line;
      object["column"] = rule.where.column;
    }
    if (!rule.note.empty()) object["note"] = rule.note;
    array.push_back(std::move(object));
  }
  return array;
}

json::object survey_json(const Survey& survey) {
  json::array countries;
  for (const auto& country : survey.countries) {
    countries.push_back(json::object{{"code", country.code},
                                     {"name", country.name},
                                     {"amount", amount_json(country.amount, survey.has_demand)},
                                     {"parts", parts_json(survey, country.parts, survey.has_demand)}});
  }
  return {{"map", survey.map},
          {"service", survey.service.empty() ? json::value(nullptr) : json::value(survey.service)},
          {"without_client_subnet", survey.as_resolvers},
          {"resolver_rules", survey.resolver_rules},
          {"known", amount_json(survey.known, survey.has_demand)},
          {"unknown", amount_json(survey.unknown, false)},
          {"unknown_parts", parts_json(survey, survey.unknown_parts, false)},
          {"datacenters", datacenters_json(survey)},
          {"countries", std::move(countries)},
          {"rules", rules_json(survey)}};
}

}  // namespace

std::string to_json(std::span<const Survey> surveys) {
  json::array maps;
  for (const auto& survey : surveys) maps.push_back(survey_json(survey));
  return json::serialize(json::object{{"maps", std::move(maps)}});
}

}  // namespace meridian::plan
