#include "bgp/agent/liveness_report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include <stdexcept>

namespace meridian::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;

/// Ends the reading; caught in parse_liveness and nowhere else.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const json::value& find(const json::object& object, std::string_view key) {
  const auto* const value = object.if_contains(key);
  if (value == nullptr) throw Refusal(fmt::format("'{}' is missing", key));
  return *value;
}

std::uint64_t read_number(const json::object& object, std::string_view key) {
  boost::system::error_code error;
  const auto number = find(object, key).to_number<std::uint64_t>(error);
  if (error) throw Refusal(fmt::format("'{}' is no number", key));
  return number;
}

std::vector<dns::Name> read_zones(const json::object& object) {
  const auto* const list = find(object, "zones").if_array();
  if (list == nullptr) throw Refusal("'zones' is no list");
  std::vector<dns::Name> zones;
  for (const auto& item : *list) {
    const auto* const text = item.if_string();
    const auto name = text == nullptr ? base::unexpected(std::string("'zones' lists what is no text"))
                                      : dns::Name::parse(std::string_view(*text));
    if (!name) throw Refusal(name.error());
    zones.push_back(*name);
  }
  return zones;
}

std::map<std::string, std::uint64_t, std::less<>> read_queries_by_address(const json::object& object) {
  std::map<std::string, std::uint64_t, std::less<>> queries;
  const auto* const told = object.if_contains("queries_by_address");
  if (told == nullptr) return queries;
  const auto* const addresses = told->if_object();
  if (addresses == nullptr) throw Refusal("'queries_by_address' is no object");
  for (const auto& [address, count] : *addresses)
    queries.emplace(std::string_view(address), read_number(*addresses, address));
  return queries;
}

LivenessReport read_report(const json::object& object) {
  if (read_number(object, "version") != kVersion) throw Refusal("'version' is not 1");
  const auto* const ready = find(object, "ready").if_bool();
  if (ready == nullptr) throw Refusal("'ready' is neither true nor false");
  const auto* const site = find(object, "site").if_string();
  if (site == nullptr) throw Refusal("'site' is no text");
  LivenessReport report{.is_ready = *ready,
                        .epoch = read_number(object, "epoch"),
                        .site = std::string(std::string_view(*site)),
                        .zones = read_zones(object),
                        .oldest_input = {},
                        .queries = read_number(object, "queries"),
                        .queries_by_address = read_queries_by_address(object),
                        .drops = read_number(object, "drops")};
  if (!find(object, "oldest_input_s").is_null())
    report.oldest_input = std::chrono::seconds(read_number(object, "oldest_input_s"));
  return report;
}

}  // namespace

base::Expected<LivenessReport, std::string> parse_liveness(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return base::unexpected("no JSON: " + error.message());
  if (!value.is_object()) return base::unexpected(std::string("no JSON object"));
  try {
    return read_report(value.get_object());
  } catch (const Refusal& refusal) {
    return base::unexpected(std::string(refusal.what()));
  }
}

}  // namespace meridian::agent
