#include "plan/amount_text.hpp"

#include <doctest/doctest.h>

namespace meridian::plan {

TEST_SUITE("plan/amount_text") {
  TEST_CASE("counts are grouped by three, and a part of one is no zero") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(0.2) == "<1");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1'000) == "1,000");
    CHECK(grouped(4'294'967'296.0) == "4,294,967,296");
  }

  TEST_CASE("a share is never rounded to nothing or to all") {
    CHECK(percent(0) == "0.0 %");
    CHECK(percent(0.0001) == "<0.1 %");
    CHECK(percent(0.0414) == "4.1 %");
    CHECK(percent(0.99999) == ">99.9 %");
    CHECK(percent(1) == "100.0 %");
  }

  TEST_CASE("space leaves out the family that has none") {
    CHECK(space_text({1, 0, 0}) == "1 IPv4 address");
    CHECK(space_text({256, 16, 0}) == "256 IPv4 addresses and 16 IPv6 /48s");
    CHECK(space_text({0, 1, 0}) == "1 IPv6 /48");
    CHECK(space_text({0, 0, 0}) == "0 IPv4 addresses");
  }
}

}  // namespace meridian::plan
