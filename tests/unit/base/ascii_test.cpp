#include "base/ascii.hpp"

#include <doctest/doctest.h>

using namespace meridian;

TEST_SUITE("base/ascii") {
  TEST_CASE("only the letters of ASCII change their case") {
    CHECK(base::to_upper("@AZ[`az{\x80\xff") == "@AZ[`AZ{\x80\xff");
    CHECK(base::to_lower("@AZ[`az{\x80\xff") == "@az[`az{\x80\xff");
    CHECK(base::to_upper("").empty());
    CHECK(base::to_lower("").empty());
  }
}
