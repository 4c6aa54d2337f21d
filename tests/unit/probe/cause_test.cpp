#include "probe/cause.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace meridian;

TEST_SUITE("probe/cause") {
  TEST_CASE("foreign text becomes one short line of printable characters") {
    CHECK(probe::clean_text("a\r\nb\x1b[2J\xc3\xa4") == "a??b?[2J??");
    CHECK(probe::clean_text(std::string(5'000, 'x')).size() == base::limits::kProbeCauseBytesMax);
  }

  TEST_CASE("errors are told in few words") {
    CHECK(probe::connect_cause(ECONNREFUSED) == "connect: refused");
    CHECK(probe::connect_cause(EHOSTUNREACH) == "connect: no route to the host");
    CHECK(probe::timeout_cause("TLS", std::chrono::milliseconds{250}) == "TLS: timed out after 250 ms");
  }
}
