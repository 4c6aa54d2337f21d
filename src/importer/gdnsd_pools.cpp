#include "importer/gdnsd_pools.hpp"

#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace meridian::importer {
namespace {

constexpr double kDefaultThreshold = 0.5;

/// Keys of a resource that are no label of an address.
bool is_parameter(std::string_view key) {
  return key == "service_types" || key == "up_thresh" || key == "ignore_health" || key == "multi" ||
         key == "plugin";
}

bool is_family(std::string_view key) { return key == "addrs_v4" || key == "addrs_v6"; }

GdnsdScopes inner(const VscfNode& node, const GdnsdScopes& scopes) {
  GdnsdScopes all{&node};
  all.insert(all.end(), scopes.begin(), scopes.end());
  return all;
}

/// What the monitors of a resource come to here: nothing, or that it is down on purpose.
void read_service_types(const GdnsdScopes& scopes, GdnsdPool& pool, GdnsdContext& context) {
  const auto* types = find_inherited(scopes, "service_types");
  if (types == nullptr) return;
  for (const auto* type : types->values()) {
    if (type->text == "up") continue;
    if (type->text == "down") {
      pool.pool.force_down = true;
      continue;
    }
    context.report.gap(type->where,
                       fmt::format("service_types '{}': give the service a 'check'; without one these "
                                   "addresses count as up",
                                   type->text));
  }
}

double read_threshold(const GdnsdScopes& scopes, GdnsdContext& context) {
  const auto* value = find_inherited(scopes, "up_thresh");
  if (value == nullptr) return kDefaultThreshold;
  const auto threshold = read_number(*value, context.errors);
  if (threshold && *threshold > 0 && *threshold <= 1) return *threshold;
  if (threshold) context.errors.error(value->where, "up_thresh goes from above 0 to 1");
  return kDefaultThreshold;
}

/// Reads one pool's addresses; a class because nearly every step may have something to tell.
class PoolReader {
 public:
  explicit PoolReader(GdnsdContext& context) : context_(context) {}

  void add_address(const VscfNode& value, std::uint32_t weight) {
    const auto address = value.is_text() ? base::parse_ip_address(value.text) : std::nullopt;
    if (!address) {
      context_.errors.error(value.where, fmt::format("'{}' is no IP address", value.text));
      return;
    }
    auto& endpoints = result_.pool.endpoints;
    const auto known = std::ranges::find(endpoints, *address, &config::PoolEndpoint::address);
    if (known == endpoints.end()) {
      endpoints.push_back({*address, weight, value.where});
      return;
    }
    context_.report.note(value.where,
                         fmt::format("{} stands twice in this resource; it is one endpoint here, with the "
                                     "weight of both",
                                     base::to_string(*address)));
    known->weight += weight;
  }

  /// The threshold of a part of the pool; parts that differ get the lowest one.
  void set_threshold(double threshold, const base::Location& where) {
    auto& at_least = result_.pool.at_least;
    if (at_least != 0 && at_least != threshold) {
      context_.report.gap(
          where, "up_thresh differs between IPv4 and IPv6: a pool has one for both; the lower is taken");
    }
    at_least = at_least == 0 ? threshold : std::min(at_least, threshold);
  }

  /// Weights go up to 2^20 there, to 65535 here: all are divided alike.
  void fit_weights(const base::Location& where) {
    std::uint32_t largest = 1;
    for (const auto& endpoint : result_.pool.endpoints) largest = std::max(largest, endpoint.weight);
    if (largest <= config::ranges::kWeightMax) return;
    const auto divisor = (largest + config::ranges::kWeightMax - 1) / config::ranges::kWeightMax;
    for (auto& endpoint : result_.pool.endpoints) endpoint.weight = std::max(1u, endpoint.weight / divisor);
    context_.report.note(where, fmt::format("weights above {}: all of the pool are divided by {}",
                                            config::ranges::kWeightMax, divisor));
  }

  [[nodiscard]] GdnsdPool take() {
    // One endpoint is up or down; a share of it says nothing.
    if (result_.pool.endpoints.size() < 2) result_.pool.at_least = 0;
    return std::move(result_);
  }

  GdnsdContext& context_;
  GdnsdPool result_;
};

void read_multifo_part(const VscfNode& node, const GdnsdScopes& scopes, PoolReader& reader) {
  auto& context = reader.context_;
  if (!node.is_hash()) {
    for (const auto* item : node.values()) reader.add_address(*item, 1);
    read_service_types(scopes, reader.result_, context);
    return reader.set_threshold(read_threshold(scopes, context), node.where);
  }
  const auto all = inner(node, scopes);
  bool has_own = false;
  for (const auto& [key, where, value] : node.entries) {
    if (is_parameter(key)) continue;
    if (is_family(key)) {
      read_multifo_part(value, all, reader);
    } else {
      reader.add_address(value, 1);
      has_own = true;
    }
  }
  if (const auto* ignore = find_inherited(all, "ignore_health");
      ignore != nullptr && read_bool(*ignore, context.errors))
    context.report.gap(ignore->where, "ignore_health: addresses that are down are left out of answers here");
  if (!has_own) return;
  read_service_types(all, reader.result_, context);
  reader.set_threshold(read_threshold(all, context), node.where);
}

/// One `label = [ address-or-name, weight ]`.
struct WeightedItem {
  const VscfNode* target = nullptr;
  std::uint32_t weight = 1;
};

std::optional<WeightedItem> read_weighted_item(const VscfEntry& entry, GdnsdContext& context) {
  const auto values = entry.value.values();
  const auto weight =
      values.size() == 2 && values[0]->is_text() ? read_number(*values[1], context.errors) : std::nullopt;
  if (weight && *weight >= 1 && *weight < 1 << 20 && std::floor(*weight) == *weight)
    return WeightedItem{values[0], static_cast<std::uint32_t>(*weight)};
  context.errors.error(
      entry.value.where,
      fmt::format("'{}': write [ address, weight ] with a weight from 1 to 1048575", entry.key));
  return std::nullopt;
}

/// What of one family's stanza matters besides its addresses.
struct WeightedPart {
  std::size_t items = 0;
  std::size_t groups = 0;
  std::size_t largest_group = 0;
  std::uint32_t weight_min = 0;
  std::uint32_t weight_max = 0;
  std::vector<const VscfNode*> cnames;
};

void add_weighted(const VscfEntry& entry, PoolReader& reader, WeightedPart& part) {
  const auto item = read_weighted_item(entry, reader.context_);
  if (!item) return;
  if (base::parse_ip_address(item->target->text)) {
    reader.add_address(*item->target, item->weight);
  } else {
    part.cnames.push_back(item->target);
  }
  part.weight_min = part.items == 0 ? item->weight : std::min(part.weight_min, item->weight);
  part.weight_max = std::max(part.weight_max, item->weight);
  ++part.items;
}

/// How many addresses gdnsd answers with: what comes nearest to it, told where it is not the same.
void read_weighted_answer(const WeightedPart& part, const VscfNode& node, const GdnsdScopes& scopes,
                          PoolReader& reader) {
  auto& context = reader.context_;
  const auto* multi_value = find_inherited(scopes, "multi");
  const bool multi = multi_value != nullptr && read_bool(*multi_value, context.errors);
  std::size_t answer = 1;
  if (part.groups > 0 && !multi) {
    answer = part.largest_group;
    context.report.gap(node.where,
                       "groups, of which gdnsd draws one for each answer: a pool has no groups; addresses "
                       "of several may come together here");
  } else if (part.groups > 0) {
    answer = part.groups;
    context.report.gap(node.where,
                       "groups, of which gdnsd answers one address each: a pool has no groups; an answer may "
                       "have two of one group here");
  } else if (multi) {
    answer = part.items;
    if (part.weight_min != part.weight_max) {
      context.report.gap(multi_value->where,
                         "multi = true with different weights, by which gdnsd leaves addresses out: "
                         "each answer has all of them here");
    }
  }
  if (reader.result_.answer != 0 && reader.result_.answer != answer)
    context.report.gap(node.where,
                       "IPv4 and IPv6 with different numbers of addresses in an answer: the larger is taken");
  reader.result_.answer = std::max(reader.result_.answer, static_cast<std::uint32_t>(answer));
}

void tell_cnames(const WeightedPart& part, PoolReader& reader) {
  if (part.cnames.size() == 1 && part.items == 1) {
    reader.result_.cname = part.cnames.front()->text;
    return;
  }
  for (const auto* cname : part.cnames) {
    reader.context_.report.gap(cname->where,
                               fmt::format("CNAME {}: pools of names are not in this version", cname->text));
  }
}

void read_weighted_part(const VscfNode& node, const GdnsdScopes& scopes, PoolReader& reader) {
  auto& context = reader.context_;
  const auto all = inner(node, scopes);
  WeightedPart part;
  for (const auto& entry : node.entries) {
    if (is_parameter(entry.key)) continue;
    if (is_family(entry.key)) {
      read_weighted_part(entry.value, all, reader);
    } else if (entry.value.is_hash()) {
      for (const auto& member : entry.value.entries) add_weighted(member, reader, part);
      ++part.groups;
      part.largest_group = std::max(part.largest_group, entry.value.entries.size());
    } else {
      add_weighted(entry, reader, part);
    }
  }
  tell_cnames(part, reader);
  if (part.items == 0) return;
  read_service_types(all, reader.result_, context);
  if (part.cnames.empty()) read_weighted_answer(part, node, all, reader);
  reader.set_threshold(read_threshold(all, context), node.where);
}

void read_simplefo_part(const VscfNode& node, const GdnsdScopes& scopes, PoolReader& reader,
                        PoolReader& secondary) {
  const auto all = inner(node, scopes);
  for (const auto& [key, where, value] : node.entries) {
    if (is_family(key)) {
      read_simplefo_part(value, all, reader, secondary);
    } else if (key == "primary") {
      reader.add_address(value, 1);
      read_service_types(all, reader.result_, reader.context_);
    } else if (key == "secondary") {
      secondary.add_address(value, 1);
    } else if (!is_parameter(key)) {
      reader.context_.errors.error(where, fmt::format("'{}': simplefo knows primary and secondary", key));
    }
  }
}

bool is_hash(const VscfNode& node, std::string_view plugin, GdnsdContext& context) {
  if (node.is_hash()) return true;
  context.errors.error(node.where, fmt::format("a resource of plugin {} must be a hash", plugin));
  return false;
}

}  // namespace

const VscfNode* find_inherited(const GdnsdScopes& scopes, std::string_view key) {
  for (const auto* scope : scopes) {
    if (const auto* value = scope->find(key)) return value;
  }
  return nullptr;
}

GdnsdPool read_multifo(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context) {
  PoolReader reader(context);
  read_multifo_part(node, scopes, reader);
  return reader.take();
}

GdnsdPool read_weighted(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context) {
  PoolReader reader(context);
  if (!is_hash(node, "weighted", context)) return {};
  read_weighted_part(node, scopes, reader);
  reader.fit_weights(node.where);
  return reader.take();
}

GdnsdPool read_simplefo(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context) {
  if (!is_hash(node, "simplefo", context)) return {};
  PoolReader reader(context);
  PoolReader secondary(context);
  read_simplefo_part(node, scopes, reader, secondary);
  auto pool = reader.take();
  pool.secondary = secondary.take().pool.endpoints;
  return pool;
}

}  // namespace meridian::importer
