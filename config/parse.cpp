#include "config/parse.hpp"

#include <fmt/format.h>

namespace meridian::config {

bool DefinedNames::add(const std::string& key, const Word& name, base::Diagnostics& diagnostics) {
  const auto [entry, is_new] = first_.emplace(key, name.where);
  if (!is_new) {
    diagnostics.error(name.where, printable(fmt::format("{} {} is defined twice; the first is at {}", what_,
                                                        quoted(name.text), base::to_string(entry->second))));
  }
  return is_new;
}

}  // namespace meridian::config
