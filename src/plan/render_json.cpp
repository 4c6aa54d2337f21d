#include "plan/amount_json.hpp"
#include "plan/render.hpp"

#include <boost/json.hpp>

namespace meridian::plan {
namespace {

namespace json = boost::json;

json::array to_json(std::span<const std::string> texts) {
  json::array array;
  for (const auto& text : texts) array.push_back(json::string(text));
  return array;
}

json::array to_json(const std::vector<Flow>& flows, bool has_demand) {
  json::array array;
  for (const auto& flow : flows) {
    array.push_back(
        json::object{{"from", flow.from}, {"to", flow.to}, {"moved", amount_json(flow.amount, has_demand)}});
  }
  return array;
}

json::object to_json(const Movement& movement, bool has_demand) {
  return {{"total", amount_json(movement.total, has_demand)},
          {"moved", amount_json(movement.moved, has_demand)},
          {"unknown_moved", amount_json(movement.unknown_moved, false)},
          {"fallback_moved", amount_json(movement.fallback_moved, has_demand)},
          {"flows", to_json(movement.flows, has_demand)}};
}

json::value to_json(const std::optional<Movement>& movement, bool has_demand) {
  return movement ? json::value(to_json(*movement, has_demand)) : json::value(nullptr);
}

json::array to_json(const std::vector<PlaceMovement>& places, bool has_demand) {
  json::array array;
  for (const auto& place : places) {
    array.push_back(json::object{
        {"code", place.code}, {"name", place.name}, {"moved", amount_json(place.moved, has_demand)}});
  }
  return array;
}

json::array to_json(const std::vector<DatacenterLoad>& datacenters, bool has_demand) {
  json::array array;
  for (const auto& datacenter : datacenters) {
    json::object object{{"name", datacenter.name},
                        {"before", amount_json(datacenter.before, has_demand)},
                        {"after", amount_json(datacenter.after, has_demand)}};
    if (datacenter.capacity) object["capacity"] = *datacenter.capacity;
    array.push_back(std::move(object));
  }
  return array;
}

json::array to_json(const std::vector<Overload>& overloads) {
  json::array array;
  for (const auto& overload : overloads) {
    json::object object{{"datacenter", overload.datacenter},
                        {"before", overload.before},
                        {"after", overload.after},
                        {"capacity", overload.capacity},
                        {"was_before", overload.was_before}};
    if (!overload.lost.empty()) object["lost"] = overload.lost;
    array.push_back(std::move(object));
  }
  return array;
}

json::array to_json(const std::vector<MapLeaves>& leaves) {
  json::array array;
  for (const auto& map : leaves) {
    array.push_back(json::object{{"map", map.map},
                                 {"ipv4_before", map.v4_before},
                                 {"ipv4_after", map.v4_after},
                                 {"ipv6_before", map.v6_before},
                                 {"ipv6_after", map.v6_after}});
  }
  return array;
}

json::array to_json(const base::Diagnostics& broken) {
  json::array array;
  for (const auto& problem : broken.sorted()) {
    if (problem.severity != base::Severity::Error) continue;
    array.push_back(json::object{{"file", problem.where.file},
                                 {"line", problem.where.line},
                                 {"column", problem.where.column},
                                 {"message", problem.message}});
  }
  return array;
}

}  // namespace

std::string to_json(const Comparison& comparison, std::span<const std::string> failed_gates) {
  const bool has_demand = comparison.has_demand;
  json::array services;
  for (const auto& service : comparison.services) {
    auto object = to_json(service.movement, has_demand);
    object["names"] = to_json(service.names);
    object["without_client_subnet"] = to_json(service.without_subnet, has_demand);
    services.push_back(std::move(object));
  }
  const json::object object{{"changed", comparison.has_changes()},
                            {"gates_failed", to_json(failed_gates)},
                            {"expectations_broken", to_json(comparison.broken)},
                            {"emptied", to_json(comparison.emptied)},
                            {"removed", to_json(comparison.removed)},
                            {"added", to_json(comparison.added)},
                            {"compared", comparison.compared},
                            {"max_moved", max_moved(comparison)},
                            {"max_moved_demand", max_moved_demand(comparison)},
                            {"all", to_json(comparison.all, has_demand)},
                            {"all_without_client_subnet", to_json(comparison.all_without_subnet, has_demand)},
                            {"overloads", to_json(comparison.overloads)},
                            {"datacenters", to_json(comparison.datacenters, has_demand)},
                            {"places", to_json(comparison.places, has_demand)},
                            {"systems", to_json(comparison.systems, has_demand)},
                            {"services", std::move(services)},
                            {"leaves", to_json(comparison.leaves)}};
  return json::serialize(object);
}

}  // namespace meridian::plan
