// Maps of gdnsd's plugin geoip → maps of ours.
//
// gdnsd walks its tree by what the database says of a client (continent, country, subdivisions from the outer
// to the inner) and takes the list where the walk ends, or the nearest `default` above. Ours takes the most
// specific place. Both agree wherever a place lies under what the database puts it in; what does not is told.
#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "config/place_ref.hpp"
#include "config/ranges.hpp"
#include "importer/gdnsd_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace meridian::importer {
namespace {

/// Where in the tree: what the keys on the way down were.
struct Scope {
  std::string continent;
  std::string country;
  std::string subdivision;  ///< the innermost
};

class GeoipMap {
 public:
  GeoipMap(const VscfEntry& entry, std::string config_folder, GdnsdContext& context)
      : node_(entry.value), theirs_(entry.key), folder_(std::move(config_folder)), context_(context) {
    map_.name = {context_.maps.find_or_add(entry.key), entry.where};
  }

  void read() {
    if (!node_.is_hash()) return fail(node_.where, fmt::format("map '{}' must be a hash", theirs_));
    read_datacenters();
    if (info_.datacenters.empty()) return;
    read_coordinates();
    for (const auto& entry : node_.entries) read_key(entry);
    if (!is_everyone_claimed_) add_default(map_.name.where);
    info_.name = map_.name.text;
    context_.geoip_maps.emplace(theirs_, std::move(info_));
    context_.out.model.maps.push_back(std::move(map_));
  }

 private:
  using Order = config::Rule::Order;

  void fail(const base::Location& where, std::string message) {
    context_.errors.error(where, std::move(message));
  }
  void gap(const base::Location& where, std::string what) { context_.report.gap(where, std::move(what)); }
  void note(const base::Location& where, std::string what) { context_.report.note(where, std::move(what)); }

  void read_datacenters() {
    const auto* list = node_.find("datacenters");
    if (list == nullptr) return fail(node_.where, fmt::format("map '{}' has no 'datacenters'", theirs_));
    for (const auto* item : list->values()) {
      if (!item->is_text()) {
        fail(item->where, "'datacenters' must be a list of names");
        continue;
      }
      if (std::ranges::find(info_.datacenters, item->text) != info_.datacenters.end()) {
        fail(item->where, fmt::format("datacenter '{}' stands twice", item->text));
        continue;
      }
      info_.datacenters.push_back(item->text);
      map_.datacenters.push_back({context_.datacenter(item->text, item->where), item->where});
    }
  }

  void read_coordinates() {
    const auto* hash = node_.find("auto_dc_coords");
    is_auto_ = hash != nullptr;
    if (!is_auto_) return;
    if (!hash->is_hash()) return fail(hash->where, "'auto_dc_coords' must be a hash");
    std::size_t count = 0;
    for (const auto& entry : hash->entries) {
      if (std::ranges::find(info_.datacenters, entry.key) == info_.datacenters.end()) {
        fail(entry.where, fmt::format("'{}' is not among the map's datacenters{}", entry.key,
                                      base::suggestion(entry.key, info_.datacenters)));
      } else if (read_position(entry)) {
        ++count;
      }
    }
    read_limit(count);
  }

  config::Datacenter& find_datacenter(const std::string& ours) {
    return *std::ranges::find(context_.out.model.datacenters, ours,
                              [](const config::Datacenter& datacenter) { return datacenter.name.text; });
  }

  bool read_position(const VscfEntry& entry) {
    const auto values = entry.value.values();
    std::optional<double> latitude;
    std::optional<double> longitude;
    if (values.size() == 2) {
      latitude = read_number(*values[0], context_.errors);
      longitude = read_number(*values[1], context_.errors);
    }
    if (!latitude || !longitude || *latitude < -90 || *latitude > 90 || *longitude < -180 ||
        *longitude > 180) {
      fail(entry.value.where, fmt::format("coordinates of '{}': write [ latitude, longitude ]", entry.key));
      return false;
    }
    auto& datacenter = find_datacenter(context_.datacenters.find_or_add(entry.key));
    const base::Coordinates at{*latitude, *longitude};
    if (datacenter.at &&
        (datacenter.at->latitude != at.latitude || datacenter.at->longitude != at.longitude)) {
      gap(entry.where,
          fmt::format("'{}' is at [{}, {}] in map '{}' and elsewhere in another map: a datacenter has "
                      "one place here, and keeps the first one",
                      entry.key, at.latitude, at.longitude, theirs_));
      return true;
    }
    datacenter.at = at;
    return true;
  }

  void read_limit(std::size_t placed) {
    const auto* limit = node_.find("auto_dc_limit");
    std::size_t wanted = 3;
    if (limit != nullptr) {
      const auto number = read_number(*limit, context_.errors);
      if (!number || *number < 0) return;
      wanted = static_cast<std::size_t>(*number);
    }
    const auto& where = limit != nullptr ? limit->where : node_.find("auto_dc_coords")->where;
    auto count = wanted == 0 ? placed : std::min(wanted, placed);
    if (count == 0) return fail(where, fmt::format("map '{}' places no datacenter", theirs_));
    if (count > config::ranges::kNearestMax) {
      gap(where,
          fmt::format("the {} nearest datacenters of map '{}': at most {} follow the client's distance here",
                      count, theirs_, config::ranges::kNearestMax));
      count = config::ranges::kNearestMax;
    }
    nearest_count_ = static_cast<std::uint32_t>(count);
    if (count < info_.datacenters.size()) {
      note(where,
           fmt::format("map '{}' gives up after the {} nearest datacenters; here the others follow, by their "
                       "distance from the first one",
                       theirs_, count));
    }
  }

  void read_key(const VscfEntry& entry) {
    const auto& [key, where, value] = entry;
    if (key == "datacenters" || key == "auto_dc_coords") return;
    if (key == "auto_dc_limit") {
      if (!is_auto_) note(where, "'auto_dc_limit' has no effect without 'auto_dc_coords'");
      return;
    }
    if (key == "map") return read_tree(value, 0, {});
    if (key == "nets") return read_nets(entry);
    if (key == "geoip2_db") return read_database(value);
    if (key == "ignore_ecs") {
      info_.ignore_client_subnet = read_bool(value, context_.errors);
      return;
    }
    gap(where, fmt::format("'{}' of map '{}': gdnsd 3.8 has no such key", key, theirs_));
  }

  void read_database(const VscfNode& value) {
    auto path = std::filesystem::path(value.text);
    if (path.is_relative()) path = std::filesystem::path(folder_) / "geoip" / path;
    gap(value.where, fmt::format("the database of map '{}' belongs into the site file: geoip: [{}]", theirs_,
                                 path.string()));
  }

  /// A list of datacenters as a rule; false when it is none.
  bool read_list(const VscfNode& value, config::Rule& rule, bool may_be_auto) {
    const auto items = value.values();
    rule.order = Order::Only;
    if (items.size() == 1 && items[0]->is_text() && items[0]->text == "auto" && may_be_auto && is_auto_) {
      rule.order = Order::Nearest;
      rule.nearest_count = nearest_count_;
      return true;
    }
    std::vector<std::string> names;
    for (const auto* item : items) {
      if (!item->is_text() || std::ranges::find(info_.datacenters, item->text) == info_.datacenters.end()) {
        fail(item->where, fmt::format("'{}' is not among the datacenters of map '{}'{}", item->text, theirs_,
                                      base::suggestion(item->text, info_.datacenters)));
        return false;
      }
      const auto& ours = context_.datacenters.find_or_add(item->text);
      if (std::ranges::find(names, ours) == names.end()) {
        names.push_back(ours);
      } else {
        note(item->where, fmt::format("'{}' stands twice in this list; once is enough", item->text));
      }
    }
    rule.tiers = tiers_of(names, value.where);
    return true;
  }

  void add_rule(std::string_view place, const VscfNode& list, const base::Location& where) {
    auto parsed = rule_for(place, where);
    if (!parsed) return gap(where, fmt::format("{}: {}", place, parsed.error()));
    auto& rule = *parsed;
    if (!read_list(list, rule, rule.place.kind != config::PlaceRef::Kind::Network)) return;
    if (!claimed_.insert(config::to_string(rule.place)).second) {
      return gap(where,
                 fmt::format("a second list for {} in map '{}': gdnsd uses one of them; the first is kept",
                             place, theirs_));
    }
    is_everyone_claimed_ = is_everyone_claimed_ || rule.place.kind == config::PlaceRef::Kind::Everyone;
    map_.rules.push_back(std::move(rule));
  }

  /// The list for clients that nothing names.
  void add_default(const base::Location& where) {
    config::Rule rule;
    rule.where = where;
    rule.order = is_auto_ ? Order::Nearest : Order::Only;
    rule.nearest_count = nearest_count_;
    std::vector<std::string> names;
    for (const auto& name : map_.datacenters) names.push_back(name.text);
    if (!is_auto_) rule.tiers = tiers_of(names, where);
    map_.rules.push_back(std::move(rule));
  }

  void read_tree(const VscfNode& hash, int level, const Scope& scope) {
    if (!hash.is_hash()) return fail(hash.where, "'map' must be a hash");
    for (const auto& entry : hash.entries) {
      if (entry.key == "default") {
        add_rule(place_of(scope), entry.value, entry.where);
      } else if (level == 0) {
        read_continent(entry);
      } else if (level == 1) {
        read_country(entry, scope);
      } else {
        read_subdivision(hash, entry, scope);
      }
    }
  }

  static std::string place_of(const Scope& scope) {
    if (!scope.subdivision.empty()) return scope.subdivision;
    if (!scope.country.empty()) return scope.country;
    return scope.continent.empty() ? "everyone" : "continent:" + scope.continent;
  }

  /// A list for a place, or a hash with lists for what lies in it.
  void read_place(const VscfEntry& entry, int level, const Scope& scope) {
    if (entry.value.is_hash()) return read_tree(entry.value, level + 1, scope);
    add_rule(place_of(scope), entry.value, entry.where);
  }

  void read_continent(const VscfEntry& entry) {
    Scope scope;
    scope.continent = base::to_upper(entry.key);
    if (!context_.places.is_continent(scope.continent)) {
      return fail(entry.where,
                  fmt::format("'{}' is no continent; there are AF, AN, AS, EU, NA, OC, SA", entry.key));
    }
    read_place(entry, 0, scope);
  }

  void read_country(const VscfEntry& entry, Scope scope) {
    scope.country = base::to_upper(entry.key);
    const auto* country = context_.places.find_country(scope.country);
    if (country == nullptr)
      return gap(entry.where, fmt::format("'{}' is no country that is known here", entry.key));
    if (country->continent != scope.continent) {
      return gap(
          entry.where,
          fmt::format("{} under {}: databases put it in {}, so gdnsd never comes here; a rule for {} would",
                      scope.country, scope.continent, country->continent, scope.country));
    }
    read_place(entry, 1, scope);
  }

  void read_subdivision(const VscfNode& siblings, const VscfEntry& entry, Scope scope) {
    const auto code = scope.country + "-" + base::to_upper(entry.key);
    const auto* subdivision = context_.places.find_subdivision(code);
    if (subdivision == nullptr) {
      return gap(entry.where,
                 fmt::format("'{}' in {} is no subdivision, so it is a city: places in a map go down to "
                             "subdivisions in this version",
                             entry.key, place_of(scope)));
    }
    if (!scope.subdivision.empty() && subdivision->outer != scope.subdivision) {
      return gap(entry.where, fmt::format("{} under {}: it does not lie there, so gdnsd never comes here",
                                          code, scope.subdivision));
    }
    // gdnsd tries the outer subdivision of a client before the inner one, and takes the first that it finds.
    if (!subdivision->outer.empty() && scope.subdivision != subdivision->outer) {
      const bool is_hidden = std::ranges::any_of(siblings.entries, [&](const VscfEntry& sibling) {
        return scope.country + "-" + base::to_upper(sibling.key) == subdivision->outer;
      });
      if (is_hidden) {
        return note(entry.where,
                    fmt::format("{} lies in {}, which stands beside it and which gdnsd tries first: this "
                                "list is never used",
                                code, subdivision->outer));
      }
    }
    scope.subdivision = code;
    read_place(entry, 2, scope);
  }

  void read_nets(const VscfEntry& entry) {
    if (entry.value.is_hash()) return read_networks(entry.value);
    auto path = std::filesystem::path(entry.value.text);
    if (path.is_relative()) path = std::filesystem::path(folder_) / "geoip" / path;
    const auto nets = load_vscf(path.string(), context_.errors);
    if (!nets) return;
    if (!nets->is_hash())
      return fail(entry.value.where, fmt::format("'{}' is an array of nets", path.string()));
    note(entry.value.where,
         fmt::format("gdnsd reads '{}' again when it changes; here its networks are rules of the map",
                     path.string()));
    read_networks(*nets);
  }

  void read_networks(const VscfNode& hash) {
    for (const auto& entry : hash.entries) read_network(entry);
  }

  void read_network(const VscfEntry& entry) {
    const auto slash = entry.key.find('/');
    const auto address = base::parse_ip_address(entry.key.substr(0, slash));
    const auto bits = slash == std::string::npos ? std::nullopt : parse_bits(entry.key.substr(slash + 1));
    if (!address || !bits || *bits > base::address_bits(address->family)) {
      return fail(entry.where, fmt::format("'{}' is no network; write address/bits", entry.key));
    }
    base::IpPrefix network{base::masked(*address, *bits), *bits};
    if (network.address != *address)
      note(entry.where, fmt::format("'{}' has bits past its length; gdnsd clears them too", entry.key));
    // gdnsd keeps IPv4 in ::/96, so a network there is an IPv4 one, and one around it holds all of IPv4 as
    // well.
    constexpr base::IpPrefix kCompatible{base::IpAddress{base::Family::V6, {}}, 96};
    if (network.address.family == base::Family::V6 && kCompatible.contains(network)) {
      network = {base::IpAddress::v4(std::span<const std::uint8_t, 4>{network.address.bytes.data() + 12, 4}),
                 static_cast<std::uint8_t>(network.bits - 96)};
    } else if (network.address.family == base::Family::V6 && network.contains(kCompatible)) {
      add_rule("0.0.0.0/0", entry.value, entry.where);
    }
    add_rule(base::to_string(network), entry.value, entry.where);
  }

  static std::optional<std::uint8_t> parse_bits(std::string_view text) {
    unsigned value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9' || value > 128) return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return text.empty() || value > 128 ? std::nullopt : std::optional{static_cast<std::uint8_t>(value)};
  }

  const VscfNode& node_;
  std::string theirs_;
  std::string folder_;
  GdnsdContext& context_;
  GdnsdMap info_;
  config::Map map_;
  bool is_auto_ = false;
  std::uint32_t nearest_count_ = 3;
  std::set<std::string> claimed_;
  bool is_everyone_claimed_ = false;
};

/// A datacenter that one map places and another one leaves out of its automatic lists on purpose.
void check_unplaced(const VscfEntry& map, GdnsdContext& context) {
  const auto* placed = map.value.find("auto_dc_coords");
  const auto* datacenters = map.value.find("datacenters");
  if (placed == nullptr || datacenters == nullptr) return;
  for (const auto* item : datacenters->values()) {
    const auto& ours = context.datacenters.find_or_add(item->text);
    const auto found =
        std::ranges::find(context.out.model.datacenters, ours,
                          [](const config::Datacenter& datacenter) { return datacenter.name.text; });
    if (found == context.out.model.datacenters.end() || !found->at || placed->find(item->text) != nullptr)
      continue;
    context.report.gap(
        item->where,
        fmt::format("'{}' has no coordinates in map '{}' and has some in another map: a datacenter has "
                    "one place here, so it can be near in this map too",
                    item->text, map.key));
  }
}

}  // namespace

void import_geoip_maps(const VscfNode& maps, const std::string& config_folder, GdnsdContext& context) {
  if (!maps.is_hash()) return context.errors.error(maps.where, "'maps' of plugin geoip must be a hash");
  for (const auto& entry : maps.entries) GeoipMap(entry, config_folder, context).read();
  for (const auto& entry : maps.entries) check_unplaced(entry, context);
}

}  // namespace meridian::importer
