// What a change of the map moves: two compiled maps, walked in lock-step and held against each other service
// by service. Every block of addresses counts; none is a sample for others.
//
// A block moves by the part of its clients that get another datacenter (plan/joint.hpp). Immutable results;
// slow and off line.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/compile.hpp"
#include "plan/amount.hpp"
#include "plan/demand.hpp"
#include "plan/shape.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace meridian::plan {

struct Options {
  const Demand* demand = nullptr;        ///< absent: nothing is weighed by queries
  std::vector<AssumedState> old_states;  ///< by DatacenterId of the map before; empty: all up
  std::vector<AssumedState> new_states;
  bool by_country = false;  ///< fill Comparison::countries, which takes another walk over everything
};

/// Ends of a flow that are no datacenter; in parentheses, as no datacenter's name can be.
inline constexpr const char* kNoAddress = "(no address)";
inline constexpr const char* kServfail = "(servfail)";
inline constexpr const char* kSorryPage = "(sorry page)";

struct Flow {
  std::string from;
  std::string to;
  Amount amount;
};

/// What moves, of the address space that a database or a rule of either map knows.
struct Movement {
  Amount total;             ///< all there is
  Amount moved;             ///< the sum of `flows`
  Amount unknown_moved;     ///< besides, of the space that neither knows; its demand is in `moved`
  Amount fallback_moved;    ///< goes where it went, but would go elsewhere once that is lost
  std::vector<Flow> flows;  ///< largest first

  [[nodiscard]] bool is_still() const noexcept {
    return moved.is_zero() && unknown_moved.is_zero() && fallback_moved.is_zero();
  }
};

/// Services that go the same ways.
struct ServiceMovement {
  std::vector<std::string> names;
  Movement movement;
  /// What moves of queries that bring no client subnet, if each address were a resolver's. Absent where rules
  /// for resolvers say nothing of it, and where `movement` is just that (`client_subnet: ignore`).
  std::optional<Movement> without_subnet;

  [[nodiscard]] bool is_still() const noexcept {
    return movement.is_still() && (!without_subnet || without_subnet->is_still());
  }
};

struct PlaceMovement {
  std::string code;  ///< "US-CA", "DE", "AS3320"; empty: a place nobody knows
  std::string name;
  Amount moved;
};

/// Where the clients of a country are and go; a flow to where it comes from is what stays.
struct CountryFlows {
  std::string code;
  std::string name;
  Amount amount;            ///< the sum of `flows`
  std::vector<Flow> flows;  ///< largest first
};

/// What one datacenter has of everything; together they have Movement::total.
struct DatacenterLoad {
  std::string name;
  Amount before;
  Amount after;
  std::optional<double> capacity;  ///< of the map after, in the unit of demand
};

/// More demand than capacity.
struct Overload {
  std::string datacenter;
  std::string lost;  ///< the single datacenter that is lost; empty: all are up
  double before = 0;
  double after = 0;
  double capacity = 0;
  bool was_before = false;  ///< over the capacity it had before, too
};

struct MapLeaves {
  std::string map;
  std::size_t v4_before = 0;
  std::size_t v4_after = 0;
  std::size_t v6_before = 0;
  std::size_t v6_after = 0;
};

struct Comparison {
  bool has_demand = false;
  std::size_t compared = 0;  ///< services that both maps have
  Movement all;              ///< the mean over them
  /// The same of queries that bring no client subnet; absent: no map has rules for resolvers, so it is `all`.
  std::optional<Movement> all_without_subnet;
  std::vector<ServiceMovement> services;    ///< of which something changes, most moved first
  std::vector<PlaceMovement> places;        ///< of `all`, most moved first
  std::vector<PlaceMovement> systems;       ///< the same by autonomous system
  std::vector<CountryFlows> countries;      ///< of `all`, largest first; only with Options::by_country
  std::vector<DatacenterLoad> datacenters;  ///< of `all`
  std::vector<Overload> overloads;
  std::vector<MapLeaves> leaves;  ///< of which the number changes
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> emptied;  ///< names that answered somebody and would answer nobody
  base::Diagnostics broken;          ///< expectations that the map after breaks

  /// Anything at all that is worth a word.
  [[nodiscard]] bool has_changes() const noexcept {
    return !services.empty() || !leaves.empty() || !added.empty() || !removed.empty() || !emptied.empty() ||
           broken.has_errors();
  }
};

/// The largest part of any one service's space that moves, over both families; 0 to 1.
[[nodiscard]] double max_moved(const Comparison& comparison) noexcept;
/// The same by demand.
[[nodiscard]] double max_moved_demand(const Comparison& comparison) noexcept;

[[nodiscard]] Comparison compare(const compile::Compiled& old, const compile::Compiled& now,
                                 const Options& options = {});

}  // namespace meridian::plan
