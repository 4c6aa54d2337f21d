#include "query/query_key.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rtype;

constexpr std::uint64_t kSeed = 7;

struct Made {
  QueryKey key;
  bool is_made = false;

  explicit Made(const test::Bytes& packet, bool is_tcp = false) {
    // Exactly as long as the packet, so that a sanitizer sees a read past its end.
    const std::vector<std::uint8_t> copy(packet);
    is_made = key.read(copy, is_tcp, kSeed);
  }

  std::vector<std::uint64_t> words() const { return {key.words().begin(), key.words().end()}; }
};

test::Bytes subnet_query(std::string_view name, std::string_view subnet, std::uint16_t id = 1) {
  return test::build_query(name, Rtype::A,
                           {.id = id, .udp_size = 1232, .client_subnet = *base::parse_ip_prefix(subnet)});
}

}  // namespace

TEST_SUITE("query/query_key") {
  TEST_CASE("id, letter case and the subnet's address do not count") {
    const Made one(subnet_query("www.example.com", "198.51.100.0/24", 1));
    const Made other(subnet_query("WwW.eXample.COM", "203.0.113.0/24", 0xffff));
    REQUIRE(one.is_made);
    REQUIRE(other.is_made);
    CHECK(one.words() == other.words());
    CHECK(one.key.hash() == other.key.hash());
    CHECK(base::to_string(*one.key.client_subnet()) == "198.51.100.0/24");
    CHECK(base::to_string(*other.key.client_subnet()) == "203.0.113.0/24");
  }

  TEST_CASE("the address is where the key says") {
    const auto packet = subnet_query("www.example.com", "2001:db8:1::/48");
    const Made made(packet);
    REQUIRE(made.is_made);
    const auto at = made.key.subnet_address();
    CHECK(at.count == 6);
    CHECK(at.first + at.count == packet.size());
    CHECK(packet[at.first] == 0x20);
    CHECK(packet[at.first + 5] == 0x01);
  }

  TEST_CASE("every other bit counts, or there is no key") {
    const auto packet = subnet_query("ab.example", "198.51.96.0/20");
    const Made whole(packet);
    REQUIRE(whole.is_made);
    const auto address = whole.key.subnet_address();
    for (std::size_t bit = 16; bit < packet.size() * 8; ++bit) {
      CAPTURE(bit);
      const std::size_t at = bit / 8;
      auto changed = packet;
      changed[at] ^= static_cast<std::uint8_t>(1u << bit % 8);
      const Made made(changed);
      const bool is_letter =
          at >= 12 && at < whole.key.name_end() && (packet[at] | 0x20) >= 'a' && (packet[at] | 0x20) <= 'z';
      const bool is_case = is_letter && (packet[at] ^ changed[at]) == 0x20;
      const bool is_address = at >= address.first && at < std::size_t{address.first} + address.count;
      if (is_case) CHECK(made.is_made);
      if (is_case || (is_address && made.is_made)) {
        CHECK(made.words() == whole.words());
      } else if (made.is_made) {
        CHECK(made.words() != whole.words());
        CHECK(made.key.hash() != whole.key.hash());
      }
    }
  }

  TEST_CASE("the transport counts") {
    const auto packet = test::build_query("www.example.com", Rtype::A);
    CHECK(Made(packet, false).words() != Made(packet, true).words());
  }

  TEST_CASE("only the form that most send has a key") {
    const auto plain = test::build_query("www.example.com", Rtype::A);
    const auto with_opt = test::build_query("www.example.com", Rtype::A, {.udp_size = 1232});
    const auto subnet = *base::parse_ip_prefix("198.51.100.0/24");
    CHECK(Made(plain).is_made);
    CHECK(Made(with_opt).is_made);
    CHECK(Made(test::build_query(".", Rtype::Ns)).is_made);
    CHECK(Made(test::build_query("a.b", Rtype::A, {.udp_size = 512, .dnssec_ok = true})).is_made);
    const test::Bytes nsid{};
    CHECK(Made(test::build_query("a.b", Rtype::A,
                                 {.client_subnet = subnet, .options = {{dns::EdnsOption::Nsid, nsid}}}))
              .is_made);

    const auto has_key = [](test::Bytes packet, auto&& change) {
      change(packet);
      return Made(packet).is_made;
    };
    CHECK_FALSE(has_key(plain, [](auto& p) { p.resize(11); }));
    CHECK_FALSE(has_key(plain, [](auto& p) { p.clear(); }));
    CHECK_FALSE(has_key(plain, [](auto& p) { p[2] |= 0x80; }));             // a response
    CHECK_FALSE(has_key(plain, [](auto& p) { p[2] |= 0x20; }));             // another opcode
    CHECK_FALSE(has_key(plain, [](auto& p) { p[5] = 2; }));                 // two questions
    CHECK_FALSE(has_key(plain, [](auto& p) { p[7] = 1; }));                 // an answer
    CHECK_FALSE(has_key(plain, [](auto& p) { p[11] = 1; }));                // no such record
    CHECK_FALSE(has_key(plain, [](auto& p) { p.push_back(0); }));           // more bytes
    CHECK_FALSE(has_key(plain, [](auto& p) { p.pop_back(); }));             // less
    CHECK_FALSE(has_key(plain, [](auto& p) { p[12] = 0xc0; }));             // a compressed name
    CHECK_FALSE(has_key(with_opt, [](auto& p) { p.push_back(0); }));        // behind the OPT record
    CHECK_FALSE(has_key(with_opt, [](auto& p) { p[p.size() - 11] = 1; }));  // its owner
    CHECK_FALSE(has_key(with_opt, [](auto& p) { p[p.size() - 9] = 16; }));  // its type
    CHECK_FALSE(has_key(with_opt, [](auto& p) { p.back() = 4; }));          // its length
    CHECK_FALSE(Made(test::build_query(std::string(60, 'a') + "." + std::string(60, 'b'), Rtype::A)).is_made);
  }

  TEST_CASE("cookies and what is wrong with a client subnet are parse_query's business") {
    const auto query = [](std::vector<dns::Option> options) {
      return Made(test::build_query("a.b", Rtype::A, {.udp_size = 1232, .options = std::move(options)}))
          .is_made;
    };
    using dns::EdnsOption;
    const dns::Option good{EdnsOption::ClientSubnet, {0, 1, 24, 0, 198, 51, 100}};
    CHECK(query({good}));
    CHECK(query({{EdnsOption::ClientSubnet, {0, 1, 0, 0}}}));
    CHECK(query({{EdnsOption::ClientSubnet, {0, 0, 0, 0}}}));
    CHECK_FALSE(query({good, good}));
    CHECK_FALSE(query({{EdnsOption::ClientSubnet, {0, 1, 24, 1, 198, 51, 100}}}));
    CHECK_FALSE(query({{EdnsOption::ClientSubnet, {0, 1, 23, 0, 198, 51, 101}}}));
    CHECK_FALSE(query({{EdnsOption::ClientSubnet, {0, 1}}}));
    CHECK_FALSE(query({{EdnsOption::ClientSubnet, {0, 3, 8, 0, 1}}}));
    CHECK_FALSE(query({{EdnsOption::Cookie, test::Bytes(8, 1)}}));
    CHECK_FALSE(query({good, {EdnsOption::Cookie, test::Bytes(24, 1)}}));
  }

  TEST_CASE("what the object read before leaves nothing behind") {
    const auto longer = subnet_query("a-rather-long-name-to-begin-with.example.com", "2001:db8:1::/48");
    for (const char* name : {"a.example", "ab.example", "abcdefg.example", "abcdefghijklmnop.example"}) {
      const auto packet = test::build_query(name, Rtype::A);
      QueryKey reused;
      REQUIRE(reused.read(longer, false, kSeed));
      REQUIRE(reused.read(packet, false, kSeed));
      const Made fresh(packet);
      CHECK(reused.hash() == fresh.key.hash());
      CHECK(std::vector(reused.words().begin(), reused.words().end()) == fresh.words());
      CHECK_FALSE(reused.client_subnet());
    }
  }

  TEST_CASE("another seed, another hash") {
    const auto packet = test::build_query("www.example.com", Rtype::A);
    QueryKey one;
    QueryKey other;
    REQUIRE(one.read(packet, false, 1));
    REQUIRE(other.read(packet, false, 2));
    CHECK(one.hash() != other.hash());
  }
}

}  // namespace meridian::query
