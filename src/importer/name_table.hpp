// Names of another server as names of a map: lower-case letters, digits, '-' and '_', a letter first, each
// name of theirs another one of ours.
//
// Off the hot path; one thread a table.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace meridian::importer {

class NameTable {
 public:
  /// `prefix` goes before what does not begin with a letter: "dc-".
  explicit NameTable(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Our name for theirs: the same each time it is asked.
  [[nodiscard]] const std::string& find_or_add(std::string_view theirs);

  /// A name that nothing has yet, near to `wanted`.
  [[nodiscard]] std::string take(std::string_view wanted);

 private:
  std::string prefix_;
  std::map<std::string, std::string, std::less<>> ours_;
  std::set<std::string, std::less<>> taken_;
};

}  // namespace meridian::importer
