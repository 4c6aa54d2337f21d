// Adds up amounts by the rule that wins for them, of one map.
//
// The rules are asked as the compiler asked them (compile::RuleIndex), once for each combination of facts.
// Not for the query path; one thread.
#pragma once

#include "base/fact_memo.hpp"
#include "config/compile/compile.hpp"
#include "plan/amount.hpp"
#include "plan/lock_step.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meridian::plan {

class RuleTally {
 public:
  /// `as_resolvers`: the rules for resolvers come first. `map` must outlive the tally.
  RuleTally(const compile::MapRules& map, bool as_resolvers);

  /// What add() wants to know of the networks that rules name.
  [[nodiscard]] Trees trees(base::Family family) const;

  /// `records[i]` is an index into the places of the database's file i; `chains` is what trees() hold.
  void add(std::span<const std::uint32_t> records, std::span<const std::uint32_t> chains,
           const Amount& amount);

  /// By the number of the rule in the map's `rules`, and in its `resolvers`.
  [[nodiscard]] const std::vector<Amount>& of_rules() const noexcept { return of_rules_; }
  [[nodiscard]] const std::vector<Amount>& of_resolvers() const noexcept { return of_resolvers_; }
  /// Of a map without a rule for everyone: what no rule names.
  [[nodiscard]] const Amount& of_no_rule() const noexcept { return of_no_rule_; }

 private:
  [[nodiscard]] Amount& find_sum(std::span<const std::uint32_t> records,
                                 std::span<const std::uint32_t> chains);

  const compile::MapRules& map_;
  std::vector<const compile::RuleIndex*> indexes_;  // in the order they are asked
  std::vector<Amount> of_rules_;
  std::vector<Amount> of_resolvers_;
  Amount of_no_rule_;
  base::FactMemo<Amount*> sum_of_;
  std::vector<std::uint32_t> facts_;  // room for what sum_of_ is asked by
};

}  // namespace meridian::plan
