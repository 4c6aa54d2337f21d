#include "plan/text_table.hpp"

#include <doctest/doctest.h>

namespace meridian::plan {

TEST_SUITE("plan/text_table") {
  TEST_CASE("the first column and the last ones are aligned left, those between right") {
    TextTable table(1);
    table.add({"a", "1", "x"});
    table.add({"bcd → e", "200", "yy"});
    table.add({"short"});
    CHECK(table.text() ==
          "  a          1  x\n"
          "  bcd → e  200  yy\n"
          "  short\n");
    CHECK(TextTable{}.text().empty());
  }

  TEST_CASE("what was cut is counted") {
    CHECK(rest_line(20, 20).empty());
    CHECK(rest_line(27, 20) == "    and 7 more\n");
  }
}

}  // namespace meridian::plan
