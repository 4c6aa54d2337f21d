#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <array>
#include <string_view>

namespace meridian::config {

bool parse_switch(const YamlValue& value) {
  // YAML 1.1 takes on and true for the same word, and people do so too.
  static constexpr std::array<std::string_view, 4> kWords{"off", "on", "false", "true"};
  const auto word = value.read_choice(kWords);
  return word && *word % 2 == 1;
}

void parse_site_watch(const YamlValue& value, Watch& watch) {
  if (!value.is_mapping()) {
    watch.on = parse_switch(value);
    return;
  }
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Watch));
  if (!mapping) return;
  watch.on = true;
  if (const auto settle = mapping->find("settle")) {
    watch.settle_s = settle->read_seconds(ranges::kSettleSecondsMax).value_or(watch.settle_s);
  }
}

void parse_geoip_gate(const YamlValue& value, GeoipGate& gate) {
  if (!value.is_mapping()) {
    gate.on = parse_switch(value);
    return;
  }
  const auto mapping = value.read_mapping(object_spec(ObjectKind::GeoipGate));
  if (!mapping) return;
  if (const auto moved = mapping->find("max_moved"))
    gate.max_moved = moved->read_share().value_or(gate.max_moved);
  if (const auto demand = mapping->find("demand")) gate.demand = demand->read_text().value_or(Word{}).text;
}

}  // namespace meridian::config
