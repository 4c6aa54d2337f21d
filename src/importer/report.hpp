// What an import did not carry over, and where it stands in the source: nothing is dropped without a line
// here.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace meridian::importer {

struct Finding {
  enum class Kind {
    Gap,   ///< written there, and not in the map: it needs somebody's decision
    Note,  ///< carried over, or without effect there; worth knowing
  };
  Kind kind = Kind::Gap;
  base::Location where;
  std::string what;  ///< "what it is: why, and what to do", no final full stop
};

class Report {
 public:
  void gap(base::Location where, std::string what) {
    add(Finding::Kind::Gap, std::move(where), std::move(what));
  }
  void note(base::Location where, std::string what) {
    add(Finding::Kind::Note, std::move(where), std::move(what));
  }

  [[nodiscard]] std::size_t count(Finding::Kind kind) const noexcept;
  /// By file and line, in the order they were found on one line.
  [[nodiscard]] std::vector<Finding> sorted() const;

  /// "config:12:5: not imported: …", "config:12:5: note: …", a line each.
  [[nodiscard]] std::string to_text() const;

 private:
  /// The same thing twice at one place is one finding.
  void add(Finding::Kind kind, base::Location where, std::string what);

  std::vector<Finding> findings_;
  std::set<std::tuple<Finding::Kind, base::Location, std::string>> known_;
};

/// What was imported, for the last line of the report.
struct Counts {
  std::size_t datacenters = 0;
  std::size_t maps = 0;
  std::size_t rules = 0;
  std::size_t services = 0;
  std::size_t zones = 0;
};

/// One JSON object: `directory`, `imported`, and `gaps` and `notes` with file, line, column and what.
[[nodiscard]] std::string to_json(const Report& report, const Counts& counts, const std::string& directory);

}  // namespace meridian::importer
