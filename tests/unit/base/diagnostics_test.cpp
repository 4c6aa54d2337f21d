#include "base/diagnostics.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

namespace meridian::base {

TEST_SUITE("base/diagnostics") {
  TEST_CASE("a location leaves out what is not known") {
    CHECK(to_string(Location{"maps.yaml", 4, 7}) == "maps.yaml:4:7");
    CHECK(to_string(Location{"maps.yaml", 4, 0}) == "maps.yaml:4");
    CHECK(to_string(Location{"maps.yaml", 0, 0}) == "maps.yaml");
  }

  TEST_CASE("problems are told in the order of the files, whatever the order they were found in") {
    Diagnostics diagnostics;
    diagnostics.error({"b.yaml", 2, 1}, "second");
    diagnostics.warning({"a.yaml", 9, 1}, "first");
    diagnostics.error({"b.yaml", 10, 1}, "third");
    CHECK(diagnostics.to_text() == "a.yaml:9:1: warning: first\nb.yaml:2:1: second\nb.yaml:10:1: third\n");
    CHECK(diagnostics.error_count() == 2);
    CHECK(diagnostics.warning_count() == 1);
  }

  TEST_CASE("past the limit only the count grows, also through append") {
    Diagnostics many;
    for (std::size_t i = 0; i < limits::kDiagnosticsMax + 5; ++i) many.error({"a.yaml", 1, 1}, "again");
    CHECK(many.error_count() == limits::kDiagnosticsMax + 5);
    CHECK(many.sorted().size() == limits::kDiagnosticsMax);
    CHECK(many.to_text().ends_with("… and 5 more\n"));
    Diagnostics all;
    all.append(many);
    CHECK(all.error_count() == limits::kDiagnosticsMax + 5);
  }

  TEST_CASE("a suggestion is made only for a word that is nearly right") {
    struct Row {
      const char* why;
      const char* word;
      const char* expected;
    };
    const Row rows[] = {
        {"one letter missing", "pefer", "prefer"},
        {"two letters swapped", "noet", "note"},
        {"exactly another word", "weight", ""},
        {"a third wrong in a long word", "datacentre", "datacenter"},
        {"one letter of a short word", "fro", "for"},
    };
    const std::vector<std::string> known{"for", "prefer", "only", "note", "datacenter"};
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(find_nearest(row.word, known) == row.expected);
    }
    CHECK(suggestion("pefer", known) == "; did you mean 'prefer'?");
    CHECK(suggestion("weight", known).empty());
  }
}

}  // namespace meridian::base
