#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <utility>

namespace meridian::config {
namespace {

struct Destination {
  Word path;
  std::uint32_t sample = 1;
};

/// `{file: PATH, sample: N}` or `{unix: PATH, sample: N}`. nullopt after any error: nothing is logged then.
std::optional<Destination> parse_destination(const YamlValue& value, ObjectKind kind,
                                             std::string_view path_key) {
  const auto keys = value.read_mapping(object_spec(kind));
  if (!keys) return std::nullopt;
  const auto path_value = keys->find(path_key);
  const auto sample_value = keys->find("sample");
  auto path = path_value ? path_value->read_text() : std::nullopt;
  const auto sample = sample_value ? sample_value->read_integer(1, ranges::kSampleMax) : std::nullopt;
  if (!path || !sample) return std::nullopt;
  return Destination{std::move(*path), *sample};
}

/// `off`, `on` or `{sample: N}`; 0: off, also after an error.
std::uint32_t parse_demand(const YamlValue& value) {
  if (!value.is_mapping()) return parse_switch(value) ? base::limits::kDemandSampleDefault : 0;
  const auto keys = value.read_mapping(object_spec(ObjectKind::Demand));
  if (!keys) return 0;
  const auto sample = keys->find("sample");
  if (!sample) return base::limits::kDemandSampleDefault;
  return sample->read_integer(1, ranges::kSampleMax).value_or(0);
}

}  // namespace

void parse_query_log(const YamlMapping& site_keys, Site& site) {
  if (const auto value = site_keys.find("query_log")) {
    auto log = parse_destination(*value, ObjectKind::QueryLog, "file");
    if (log) site.query_log = QueryLog{std::move(log->path.text), log->sample};
  }
  if (const auto value = site_keys.find("dnstap")) {
    auto dnstap = parse_destination(*value, ObjectKind::Dnstap, "unix");
    if (dnstap) site.dnstap = Dnstap{std::move(dnstap->path), dnstap->sample};
  }
  if (const auto value = site_keys.find("demand")) site.demand_sample = parse_demand(*value);
}

}  // namespace meridian::config
