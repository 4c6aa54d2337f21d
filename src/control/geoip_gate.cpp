#include "control/geoip_gate.hpp"

#include "plan/compare.hpp"
#include "plan/demand.hpp"
#include "plan/gates.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <utility>

namespace meridian::control {
namespace {

/// A file that was cut off, or is another product, is rarely of the size of the one before; a month's update
/// changes some per cent.
constexpr double kSizeRatioMax = 2;

std::string day_of(std::uint64_t build_epoch) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(build_epoch)));
}

void probe_size(const char* family, std::size_t in_use, std::size_t fresh, const std::string& path,
                std::vector<std::string>& problems) {
  const auto before = static_cast<double>(in_use);
  const auto after = static_cast<double>(fresh);
  if (after <= before * kSizeRatioMax && before <= after * kSizeRatioMax) return;
  problems.push_back(
      fmt::format("{}: has {} {} networks, and the file in use {}", path, fresh, family, in_use));
}

void probe_fields(const geo::KnownFields& in_use, const geo::KnownFields& fresh, const std::string& path,
                  std::vector<std::string>& problems) {
  const std::array<std::pair<const char*, bool geo::KnownFields::*>, 6> fields{{
      {"a country", &geo::KnownFields::country},
      {"a subdivision", &geo::KnownFields::subdivision},
      {"a city", &geo::KnownFields::city},
      {"a GeoNames id", &geo::KnownFields::geoname_id},
      {"coordinates", &geo::KnownFields::coordinates},
      {"an AS number", &geo::KnownFields::as_number},
  }};
  for (const auto& [name, field] : fields) {
    if (in_use.*field && !(fresh.*field))
      problems.push_back(fmt::format("{}: no record has {}, and the file in use knows it", path, name));
  }
}

void probe_file(const geo::GeoFile& in_use, const geo::GeoFile& fresh, std::vector<std::string>& problems) {
  if (fresh.database_type != in_use.database_type) {
    problems.push_back(fmt::format("{}: its type is '{}', and that of the file in use '{}'", fresh.path,
                                   fresh.database_type, in_use.database_type));
  }
  if (fresh.build_epoch < in_use.build_epoch) {
    problems.push_back(fmt::format("{}: was built on {}, before the file in use ({})", fresh.path,
                                   day_of(fresh.build_epoch), day_of(in_use.build_epoch)));
  }
  probe_size("IPv4", in_use.v4.leaf_count(), fresh.v4.leaf_count(), fresh.path, problems);
  probe_size("IPv6", in_use.v6.leaf_count(), fresh.v6.leaf_count(), fresh.path, problems);
  probe_fields(in_use.known, fresh.known, fresh.path, problems);
}

}  // namespace

std::vector<DatabaseFacts> facts_of(const compile::Geography& geography) {
  std::vector<DatabaseFacts> facts;
  for (const auto& database : geography.databases) {
    for (const auto& file : database.files) {
      facts.push_back({database.name, file->path, file->database_type, file->build_epoch});
    }
  }
  return facts;
}

std::shared_ptr<const geo::GeoFile> find_file(const compile::Geography& geography, const std::string& name,
                                              const std::string& path) {
  for (const auto& database : geography.databases) {
    if (database.name != name) continue;
    for (const auto& file : database.files) {
      if (file->path == path) return file;
    }
  }
  return nullptr;
}

std::vector<std::string> probe_databases(const compile::Geography& in_use, const compile::Geography& fresh) {
  std::vector<std::string> problems;
  for (const auto& database : fresh.databases) {
    for (const auto& file : database.files) {
      const auto used = find_file(in_use, database.name, file->path);
      if (used && used != file) probe_file(*used, *file, problems);
    }
  }
  return problems;
}

std::vector<std::string> judge_movement(const compile::Compiled& old, const compile::Compiled& now,
                                        const config::GeoipGate& gate, base::Diagnostics& warnings) {
  std::vector<plan::Gate> gates{{plan::Gate::Kind::MaxMoved, gate.max_moved}};
  std::optional<plan::Demand> demand;
  plan::Options options;
  if (!gate.demand.empty()) {
    auto loaded = plan::load_demand(gate.demand);
    if (loaded) {
      demand = std::move(*loaded);
      options.demand = &*demand;
      gates.push_back({plan::Gate::Kind::MaxMovedDemand, gate.max_moved});
    } else {
      warnings.warning({gate.demand, 0, 0}, "only address space was held against the gate: " +
                                                base::to_string(loaded.error().sorted().front()));
    }
  }
  return plan::failed_gates(gates, plan::compare(old, now, options));
}

std::string to_text(const HeldUpdate& held) {
  return fmt::format("{} held: {}", fmt::join(held.files, ", "), fmt::join(held.reasons, "; "));
}

}  // namespace meridian::control
