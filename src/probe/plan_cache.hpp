// What a transport prepares of each check once, instead of for each probe.
//
// One thread. A plan is held by the probes that use it, so forgetting it disturbs none.
#pragma once

#include "config/check.hpp"

#include <memory>
#include <unordered_map>

namespace meridian::probe {

/// `Plan` is made of a `std::shared_ptr<const config::Check>`, and must keep that as `check`: a check's
/// address names it only while it lives.
template <typename Plan>
class PlanCache {
 public:
  [[nodiscard]] const std::shared_ptr<Plan>& of(const std::shared_ptr<const config::Check>& check) {
    auto& plan = plans_[check.get()];
    if (!plan) plan = std::make_shared<Plan>(check);
    return plan;
  }
  void clear() { plans_.clear(); }

 private:
  std::unordered_map<const config::Check*, std::shared_ptr<Plan>> plans_;
};

}  // namespace meridian::probe
