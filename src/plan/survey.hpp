// What of the world goes where: one compiled map, walked over all addresses, told by country, by order of
// datacenters, by datacenter and by rule. `map show` prints and draws it.
//
// The shares come from the functions that answer queries, as in a plan; what plan says of a change of the map
// is the difference of two of these. Immutable results; slow and off line.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ids.hpp"
#include "config/compile/compile.hpp"
#include "plan/amount.hpp"
#include "plan/demand.hpp"
#include "plan/shape.hpp"

#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

/// What a survey is of.
struct Subject {
  base::MapId map{};
  const query::Service* service = nullptr;  ///< absent: of a service with a pool in every datacenter
};

/// The map of this name, or the service of this name on its map; nothing named: every map. The error names
/// what there is.
[[nodiscard]] base::Expected<std::vector<Subject>, std::string> find_subjects(const query::Snapshot& snapshot,
                                                                              const std::string& map,
                                                                              const std::string& service);

struct FirstShare {
  std::string end;   ///< a datacenter, or kNoAddress and the like
  double share = 0;  ///< above 0; they sum to 1

  friend auto operator<=>(const FirstShare&, const FirstShare&) = default;
};

/// An order of datacenters: who serves, and who would one after the other as those before are lost.
struct Order {
  std::vector<FirstShare> first;  ///< the largest share first
  std::vector<std::string> then;

  friend auto operator<=>(const Order&, const Order&) = default;
};

/// A part of a country, or all of it, that has one order.
struct OrderPart {
  std::size_t order = 0;  ///< index into Survey::orders
  Amount amount;
};

struct CountryOrders {
  std::string code;  ///< "DE"; "continent:EU" where no more is known; empty: known to rules alone
  std::string name;
  Amount amount;                 ///< the sum of `parts`
  std::vector<OrderPart> parts;  ///< largest first
};

struct DatacenterAmount {
  std::string name;
  Amount amount;
  std::optional<double> capacity;
};

/// What a rule wins.
struct RuleAmount {
  std::string place;  ///< as the map has it: "dach", "203.0.113.0/24"; empty: what no rule names
  base::Location where;
  std::string note;
  bool for_resolvers = false;
  Amount amount;
};

struct Survey {
  std::string map;
  std::string service;        ///< empty: as a service with a pool in every datacenter
  bool as_resolvers = false;  ///< the service does not use client subnets
  bool has_demand = false;
  std::size_t resolver_rules = 0;  ///< rules that only queries without a client subnet meet
  Amount known;                    ///< all there is, of which a database or a rule says something
  Amount unknown;                  ///< the rest; no demand, which is all in `known`
  std::vector<Order> orders;
  std::vector<Amount> order_amounts;          ///< by index into `orders`; they sum to `known`
  std::vector<OrderPart> unknown_parts;       ///< largest first; they sum to `unknown`
  std::vector<CountryOrders> countries;       ///< largest first
  std::vector<DatacenterAmount> datacenters;  ///< as the map lists them, then ends that are none; sum `known`
  std::vector<RuleAmount> rules;              ///< in the order of the map
};

/// `states` are by DatacenterId, empty: all up; `demand` may be nullptr.
[[nodiscard]] Survey survey(const compile::Compiled& compiled, const Subject& subject,
                            std::span<const AssumedState> states, const Demand* demand);

}  // namespace meridian::plan
