#include "net/address.hpp"

#include "net_support.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using net_test::at;

TEST_SUITE("net/address") {
  TEST_CASE("a listen address prints as operators write it") {
    CHECK(net::to_string(at("192.0.2.53", 53)) == "192.0.2.53:53");
    CHECK(net::to_string(at("2001:db8::53", 5353)) == "[2001:db8::53]:5353");
  }

  TEST_CASE("only the unspecified address is a wildcard") {
    CHECK(net::is_wildcard(at("0.0.0.0").address));
    CHECK(net::is_wildcard(at("::").address));
    CHECK_FALSE(net::is_wildcard(at("0.0.0.1").address));
    CHECK_FALSE(net::is_wildcard(at("::1").address));
  }

  TEST_CASE("an address survives the way through the kernel's form") {
    for (const auto& listen : {at("192.0.2.53", 53), at("0.0.0.0", 0), at("2001:db8::1:53", 65'535)}) {
      CAPTURE(net::to_string(listen));
      CHECK(net::from_socket_address(net::to_socket_address(listen).storage) == listen);
    }
  }
}
