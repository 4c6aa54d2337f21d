// Steered names that a change would leave without an answer: what nobody means to do, and a reload refuses.
//
// With all endpoints up. Quick beside a whole comparison, since only tier lists are looked at and no address.
#pragma once

#include "query/snapshot.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace meridian::plan {

/// Names that gave somebody an address, or led to another name, and would answer nobody: their pools are
/// gone, no rule leads to them, or they are steered no more and have no records of their own. Sorted.
[[nodiscard]] std::vector<std::string> find_emptied(const query::Snapshot& old, const query::Snapshot& now);

/// True when `name` is answered by records of a zone, or by a steered name that they lead to.
[[nodiscard]] bool answers_statically(const query::Snapshot& snapshot, std::string_view name);

}  // namespace meridian::plan
