#include "bgp/agent/vip_presence.hpp"

#include "unit/agent/agent_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using policy::Vip;

const auto kHere = *base::parse_ip_address("198.51.100.53");
const auto kElsewhere = *base::parse_ip_address("203.0.113.53");

}  // namespace

TEST_SUITE("agent/vip_presence") {
  TEST_CASE("this host has a loopback address, and not one for documentation") {
    const auto addresses = read_own_addresses();
    REQUIRE(addresses);
    const auto loopback = *base::parse_ip_address("127.0.0.1");
    CHECK(std::binary_search(addresses->begin(), addresses->end(), loopback));
    CHECK(!std::binary_search(addresses->begin(), addresses->end(), kElsewhere));
  }

  TEST_CASE("a VIP is there or missing as the list says, and a change is news") {
    boost::asio::io_context context;
    std::vector<base::IpAddress> list{kHere};
    int news = 0;
    VipPresence presence(
        context, [&] { ++news; },
        [&]() -> base::Expected<std::vector<base::IpAddress>, std::string> { return list; }, 5ms);
    CHECK(presence.find(kHere) == Vip::Unknown);
    presence.start();
    CHECK(news == 1);
    CHECK(presence.find(kHere) == Vip::Present);
    CHECK(presence.find(kElsewhere) == Vip::Missing);
    list.clear();
    test::run_until(context, [&] { return news == 2; });
    CHECK(presence.find(kHere) == Vip::Missing);
  }

  TEST_CASE("a list that cannot be read changes nothing but the fault") {
    boost::asio::io_context context;
    bool fails = true;
    int news = 0;
    VipPresence presence(
        context, [&] { ++news; },
        [&]() -> base::Expected<std::vector<base::IpAddress>, std::string> {
          if (fails) return base::unexpected(std::string("no memory"));
          return std::vector{kHere};
        },
        5ms);
    presence.start();
    CHECK(presence.find(kHere) == Vip::Unknown);
    CHECK(presence.fault() == "no memory");
    fails = false;
    test::run_until(context, [&] { return presence.find(kHere) == Vip::Present; });
    CHECK(presence.fault().empty());
    fails = true;
    test::run_until(context, [&] { return !presence.fault().empty(); });
    CHECK(presence.find(kHere) == Vip::Present);
    CHECK(news == 3);
  }
}

}  // namespace meridian::agent
