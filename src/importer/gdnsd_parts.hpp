// What the parts of the import of gdnsd share; only gdnsd*.cpp include this.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"
#include "importer/import_context.hpp"
#include "importer/vscf.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::importer {

/// A map of plugin geoip, or the one that stands for a metafo resource's list.
struct GdnsdMap {
  std::string name;  ///< ours
  /// In their order; names of theirs, because a dcmap uses those.
  std::vector<std::string> datacenters;
  bool ignore_client_subnet = false;  ///< ignore_ecs
};

/// The addresses of one datacenter of one resource, or of a resource without datacenters.
struct GdnsdPool {
  config::Pool pool;  ///< its datacenter is not set
  /// Addresses of one family that gdnsd puts into one answer; more than the pool has: all.
  std::uint32_t answer = 0;
  /// simplefo: the address that counts only while the first one is down.
  std::vector<config::PoolEndpoint> secondary;
  std::string cname;  ///< set instead of endpoints; as written there, with its final dot
};

/// What a DYNA or DYNC record gets, as far as a service can say it.
struct GdnsdResource {
  std::string map;  ///< ours; empty: nothing of it can be imported (and that was told)
  std::vector<config::Pool> pools;
  std::uint32_t answer = base::limits::kAnswerAddressesDefault;
  bool ignore_client_subnet = false;
  /// Plugin static: plain records instead of a service.
  std::optional<base::IpAddress> address;
  std::string cname;
};

struct GdnsdContext : ImportContext {
  using ImportContext::ImportContext;

  std::map<std::string, GdnsdMap, std::less<>> geoip_maps;  ///< by their name
  std::map<std::string, std::string> list_maps;  ///< maps that are one list of datacenters for everyone
  const VscfNode* plugins = nullptr;
  std::set<std::string> used;  ///< resources that something has asked for: "multifo!web"

  /// Our datacenter for theirs, defined on the way.
  const std::string& datacenter(std::string_view theirs, const base::Location& where);
  /// A map with one rule, everyone gets these datacenters of ours in this order. `wanted` is its name if it
  /// is new.
  const std::string& list_map(std::string_view wanted, const std::vector<std::string>& datacenters,
                              const base::Location& where);
  config::Map* find_map(std::string_view ours);
};

/// `true` or `false` in any case; anything else is an error.
[[nodiscard]] bool read_bool(const VscfNode& node, base::Diagnostics& errors);
/// A number that is whole text; nullopt and an error for anything else.
[[nodiscard]] std::optional<double> read_number(const VscfNode& node, base::Diagnostics& errors);

/// A list of datacenters as a rule's tiers, one each.
[[nodiscard]] std::vector<config::Tier> tiers_of(const std::vector<std::string>& datacenters,
                                                 const base::Location& where);

/// `plugins => { geoip => { maps => { … } } }`. `config_folder` is where gdnsd's files lie.
void import_geoip_maps(const VscfNode& maps, const std::string& config_folder, GdnsdContext& context);

/// Resources by the plugin's and their own name: "geoip", "prod_www/dc-01".
class GdnsdResources {
 public:
  explicit GdnsdResources(GdnsdContext& context) : context_(&context) {}

  /// `dc` chooses one datacenter of a geoip or metafo resource. nullptr when there is no such resource.
  [[nodiscard]] const GdnsdResource* find(std::string_view plugin, std::string_view name);

  /// Tells of resources that no record used.
  void note_unused() const;

 private:
  GdnsdContext* context_;
  std::map<std::string, GdnsdResource, std::less<>> built_;
};

/// Reads the zones of a folder, and makes a service of each DYNA and DYNC.
void import_gdnsd_zones(const std::string& folder, std::uint32_t default_ttl_s, bool split_text,
                        GdnsdResources& resources, GdnsdContext& context);

}  // namespace meridian::importer
