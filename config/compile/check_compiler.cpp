#include "config/compile/check_compiler.hpp"

#include "config/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace meridian::compile {
namespace {

class CheckCompiler {
 public:
  CheckCompiler(const config::LoadedMap& loaded, const config::MapDirectory& model, query::Snapshot& snapshot,
                base::Diagnostics& diagnostics)
      : loaded_(loaded), model_(model), snapshot_(snapshot), diagnostics_(diagnostics) {
    used_.resize(model.checks.size());
  }

  void run(const std::vector<OwnPool>& pools) {
    std::map<const config::Service*, std::optional<std::uint32_t>> checks;
    for (const auto& service : model_.services) {
      if (!service.check.text.empty()) checks.emplace(&service, find_check(service));
    }
    for (const auto& own : pools) {
      const auto check = checks.find(own.service);
      if (check != checks.end() && check->second) add_pool(own, *check->second);
    }
    warn_of_unchecked();
    warn_of_unused();
  }

 private:
  /// The service's check, in Snapshot::checks.
  std::optional<std::uint32_t> find_check(const config::Service& service) {
    const auto found =
        std::find_if(model_.checks.begin(), model_.checks.end(),
                     [&](const config::Check& check) { return check.name == service.check.text; });
    if (found != model_.checks.end()) {
      used_[static_cast<std::size_t>(found - model_.checks.begin())] = true;
      return intern(*found);
    }
    is_misspelt_ = true;
    if (!loaded_.services_complete) return std::nullopt;
    std::vector<std::string> names;
    for (const auto& check : model_.checks) names.push_back(check.name);
    diagnostics_.error(service.check.where, fmt::format("check '{}' is not defined{}", service.check.text,
                                                        base::suggestion(service.check.text, names)));
    return std::nullopt;
  }

  std::uint32_t intern(const config::Check& check) {
    auto& checks = snapshot_.checks;
    const auto same = std::find_if(checks.begin(), checks.end(),
                                   [&](const auto& other) { return probes_alike(*other, check); });
    const auto index = static_cast<std::uint32_t>(same - checks.begin());
    if (same == checks.end()) checks.push_back(std::make_shared<const config::Check>(check));
    return index;
  }

  void add_pool(const OwnPool& own, std::uint32_t check) {
    const auto& pool = snapshot_.pools[base::index_of(own.id)];
    const auto service = static_cast<base::ServiceId>(own.service - model_.services.data());
    for (const auto& range : {pool.v4, pool.v6}) {
      for (auto i = range.begin; i < range.end; ++i) {
        const auto& address = snapshot_.endpoints[i].address;
        const auto [found, is_new] = targets_.try_emplace({check, address}, snapshot_.probe_targets.size());
        if (is_new) snapshot_.probe_targets.push_back({check, address, {}});
        snapshot_.probe_targets[found->second].feeds.push_back(
            {base::EndpointId{i}, service, pool.datacenter, !own.pool->force_down});
      }
    }
  }

  void warn_of_unchecked() const {
    const auto is_unchecked = [](const config::Service& service) {
      const bool has_addresses =
          std::any_of(service.pools.begin(), service.pools.end(),
                      [](const config::Pool& pool) { return !pool.endpoints.empty(); });
      return has_addresses && service.check.text.empty() && !service.unchecked_on_purpose;
    };
    // A map that knows no checks at all wants none, and would hear the same for every name.
    if (model_.checks.empty()) return;
    for (const auto& service : model_.services) {
      if (!is_unchecked(service)) continue;
      diagnostics_.warning(
          service.name.where,
          fmt::format("'{}' has no check, so its addresses count as up whatever happens; add "
                      "'check: {}', or 'check: none' if that is meant",
                      service.name.text, model_.checks.front().name));
    }
  }

  void warn_of_unused() const {
    // A misspelt name may be the very one that is missing here.
    if (!loaded_.services_complete || is_misspelt_) return;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (used_[i]) continue;
      diagnostics_.warning(model_.checks[i].where,
                           fmt::format("no service uses check '{}'", model_.checks[i].name));
    }
  }

  const config::LoadedMap& loaded_;
  const config::MapDirectory& model_;
  query::Snapshot& snapshot_;
  base::Diagnostics& diagnostics_;
  std::map<std::pair<std::uint32_t, base::IpAddress>, std::size_t> targets_;
  std::vector<bool> used_;
  bool is_misspelt_ = false;  ///< a service names a check that is not there
};

}  // namespace

void compile_checks(const config::LoadedMap& loaded, const config::MapDirectory& model,
                    const std::vector<OwnPool>& pools, query::Snapshot& snapshot,
                    base::Diagnostics& diagnostics) {
  CheckCompiler(loaded, model, snapshot, diagnostics).run(pools);
}

}  // namespace meridian::compile
