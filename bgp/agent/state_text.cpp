// The state's text: JSON, times as milliseconds of the machine's monotonic clock.
#include "bgp/agent/state_folder.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include <array>

namespace meridian::agent {
namespace {

namespace json = boost::json;
using policy::Level;
using std::chrono::milliseconds;

constexpr std::int64_t kVersion = 1;

base::MonotonicTime from_ms(std::int64_t ms) { return base::MonotonicTime(milliseconds(ms)); }

json::object to_json(const SavedVip& vip) {
  const auto& history = vip.history;
  json::array changes;
  for (const auto at : history.changes.times()) changes.push_back(to_ms(at));
  return {{"name", vip.name},
          {"address", base::to_string(vip.address)},
          {"prefix", base::to_string(vip.prefix)},
          {"level", policy::to_string(history.level)},
          {"reason", policy::to_string(history.reason)},
          {"since_ms", to_ms(history.since)},
          {"hold_down_ms", history.hold_down.length().count()},
          {"fell_at_ms", to_ms(history.hold_down.fell_at())},
          {"changes_ms", std::move(changes)}};
}

std::string text_of(const json::object& object, std::string_view key) {
  return std::string(std::string_view(object.at(key).as_string()));
}

template <typename Value>
Value find_by_word(std::string_view word, Value last) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (policy::to_string(static_cast<Value>(i)) == word) return static_cast<Value>(i);
  }
  throw std::invalid_argument(fmt::format("'{}' is no word of ours", word));
}

SavedVip vip_of(const json::object& object) {
  SavedVip vip;
  vip.name = text_of(object, "name");
  const auto address = base::parse_ip_address(text_of(object, "address"));
  const auto prefix = base::parse_ip_prefix(text_of(object, "prefix"));
  if (!address || !prefix) throw std::invalid_argument(fmt::format("'{}' has no address", vip.name));
  vip.address = *address;
  vip.prefix = *prefix;
  vip.history.level = find_by_word(text_of(object, "level"), Level::Announce);
  vip.history.reason = find_by_word(text_of(object, "reason"), policy::Reason::OperatorAnnounces);
  vip.history.since = from_ms(object.at("since_ms").as_int64());
  vip.history.hold_down = policy::HoldDown(milliseconds(object.at("hold_down_ms").as_int64()),
                                           from_ms(object.at("fell_at_ms").as_int64()));
  std::vector<base::MonotonicTime> changes;
  for (const auto& at : object.at("changes_ms").as_array()) changes.push_back(from_ms(at.as_int64()));
  vip.history.changes = policy::ChangeLimit(std::move(changes));
  return vip;
}

SavedState state_of(const json::object& object) {
  SavedState state;
  for (const auto& item : object.at("vips").as_array()) state.vips.push_back(vip_of(item.as_object()));
  for (const auto& item : object.at("zones").as_array()) {
    const auto name = dns::Name::parse(std::string_view(item.as_string()));
    if (!name) throw std::invalid_argument(name.error());
    state.zones.push_back(*name);
  }
  return state;
}

}  // namespace

std::string format_state(const SavedState& state, const std::string& boot_id) {
  json::array vips;
  for (const auto& vip : state.vips) vips.push_back(to_json(vip));
  json::array zones;
  for (const auto& zone : state.zones) zones.push_back(json::value(dns::to_string(zone)));
  return json::serialize(json::object{
      {"version", kVersion}, {"boot_id", boot_id}, {"vips", std::move(vips)}, {"zones", std::move(zones)}});
}

base::Expected<std::optional<SavedState>, std::string> parse_state(std::string_view text,
                                                                   const std::string& boot_id) {
  // What the library throws for a value of another kind than wanted is an answer like any other.
  try {
    const auto value = json::parse(text);
    const auto& object = value.as_object();
    if (object.at("version").as_int64() != kVersion)
      return base::unexpected(std::string("it is of another version"));
    if (text_of(object, "boot_id") != boot_id) return std::optional<SavedState>{};
    return std::optional{state_of(object)};
  } catch (const std::exception& error) {
    return base::unexpected(std::string(error.what()));
  }
}

}  // namespace meridian::agent
