#include "query/query_form.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rtype;

constexpr std::uint64_t kSeed = 7;

/// Exactly as long as the packet, so that a sanitizer sees a read past its end.
class Exact {
 public:
  explicit Exact(const test::Bytes& packet) : bytes_(packet) { bytes_.shrink_to_fit(); }
  operator std::span<const std::uint8_t>() const { return bytes_; }

 private:
  test::Bytes bytes_;
};

std::optional<QueryForm> form_of(const test::Bytes& packet, bool is_tcp = false) {
  return QueryForm::make(Exact(packet), is_tcp);
}
std::uint64_t hash_of(const test::Bytes& packet, bool is_tcp = false) {
  return hash_form(Exact(packet), is_tcp, kSeed);
}

test::Bytes subnet_query(std::string_view name, std::string_view subnet, std::uint16_t id = 1) {
  return test::build_query(name, Rtype::A,
                           {.id = id, .udp_size = 1232, .client_subnet = *base::parse_ip_prefix(subnet)});
}

}  // namespace

TEST_SUITE("query/query_form") {
  TEST_CASE("id, letter case and the subnet's address do not count") {
    const auto one = subnet_query("www.example.com", "198.51.100.0/24", 1);
    const auto other = subnet_query("WwW.eXample.COM", "203.0.113.0/24", 0xffff);
    const auto form = form_of(one);
    REQUIRE(form);
    CHECK(form->is_of(Exact(one), false));
    CHECK(form->is_of(Exact(other), false));
    CHECK(hash_of(one) == hash_of(other));
    CHECK(hash_of(one) != 0);
  }

  TEST_CASE("the client subnet is that of each packet") {
    for (const char* text :
         {"198.51.100.0/24", "0.0.0.0/0", "128.0.0.0/1", "198.51.100.7/32", "10.0.0.0/9", "::/0",
          "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2:8000::/65", "2001:db8:1:2:3::/80",
          "2001:db8::1/128", "2001:db8:0:0:8000::/72", "fe80::/10"}) {
      CAPTURE(text);
      const auto packet = subnet_query("www.example.com", text);
      const auto form = form_of(packet);
      REQUIRE(form);
      REQUIRE(form->has_client_subnet());
      base::IpPrefix subnet;
      REQUIRE(form->read_client_subnet(Exact(packet), subnet));
      CHECK(base::to_string(subnet) == text);
      CHECK(form->address_at() + form->address_count() == packet.size());
      CHECK(form->address_count() == (subnet.bits + 7u) / 8u);
    }
    CHECK_FALSE(form_of(test::build_query("www.example.com", Rtype::A))->has_client_subnet());
  }

  TEST_CASE("bits behind the prefix are seen in every packet") {
    for (const char* text : {"198.51.96.0/20", "128.0.0.0/1", "2001:db8:4000::/34", "2001:db8::/65",
                             "2001:db8:0:1:2::/127", "10.0.0.0/9"}) {
      CAPTURE(text);
      auto packet = subnet_query("www.example.com", text);
      const auto form = form_of(packet);
      REQUIRE(form);
      packet.back() |= 1;
      base::IpPrefix subnet;
      CHECK(form->is_of(Exact(packet), false));
      CHECK_FALSE(form->read_client_subnet(Exact(packet), subnet));
      CHECK_FALSE(form_of(packet));
    }
  }

  TEST_CASE("every other bit counts") {
    for (const auto& packet : {subnet_query("ab.example", "198.51.96.0/20"),
                               subnet_query("a-longer-name.in.the.example", "2001:db8:1::/48"),
                               test::build_query("abc.example", Rtype::Srv)}) {
      const auto form = form_of(packet);
      REQUIRE(form);
      for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
        CAPTURE(bit);
        const std::size_t at = bit / 8;
        auto changed = packet;
        changed[at] ^= static_cast<std::uint8_t>(1u << bit % 8);
        const bool is_letter = at >= 12 && at + 4 < form->question_end() && (packet[at] | 0x20) >= 'a' &&
                               (packet[at] | 0x20) <= 'z';
        const bool is_case = is_letter && (packet[at] ^ changed[at]) == 0x20;
        const bool is_address = form->has_client_subnet() && at >= form->address_at();
        const bool is_left_out = at < 2 || is_case || is_address;
        CHECK(form->is_of(Exact(changed), false) == is_left_out);
        if (is_left_out) CHECK(hash_of(changed) == hash_of(packet));
      }
      auto longer = packet;
      longer.push_back(0);
      CHECK_FALSE(form->is_of(Exact(longer), false));
      longer.resize(packet.size() - 1);
      CHECK_FALSE(form->is_of(Exact(longer), false));
      CHECK_FALSE(form->is_of(Exact({}), false));
    }
  }

  TEST_CASE("what queries differ in shows in the hash") {
    const auto subnet = *base::parse_ip_prefix("198.51.100.0/24");
    const auto packet = subnet_query("www.example.com", "198.51.100.0/24");
    for (const auto& other :
         {subnet_query("wwx.example.com", "198.51.100.0/24"),
          subnet_query("ww.wexample.com", "198.51.100.0/24"),
          subnet_query("www.example.com", "198.51.0.0/16"),
          subnet_query("www.example.com", "2001:db8:1::/48"),
          test::build_query("www.example.com", Rtype::Aaaa, {.udp_size = 1232, .client_subnet = subnet}),
          test::build_query("www.example.com", Rtype::Srv, {.udp_size = 1232, .client_subnet = subnet}),
          test::build_query("www.example.com", Rtype::A, {.udp_size = 512, .client_subnet = subnet}),
          test::build_query("www.example.com", Rtype::A,
                            {.udp_size = 1232, .dnssec_ok = true, .client_subnet = subnet}),
          test::build_query("www.example.com", Rtype::A,
                            {.recursion_desired = true, .udp_size = 1232, .client_subnet = subnet})})
      CHECK(hash_of(other) != hash_of(packet));
  }

  TEST_CASE("the transport counts") {
    const auto packet = test::build_query("www.example.com", Rtype::A);
    CHECK(hash_of(packet, false) != hash_of(packet, true));
    CHECK_FALSE(form_of(packet)->is_of(Exact(packet), true));
    CHECK(form_of(packet, true)->is_of(Exact(packet), true));
  }

  TEST_CASE("only what most send has a form, and its hash is not 0") {
    const auto plain = test::build_query("www.example.com", Rtype::A);
    const auto with_opt = test::build_query("www.example.com", Rtype::A, {.udp_size = 1232});
    const auto subnet = *base::parse_ip_prefix("198.51.100.0/24");
    const test::Bytes nsid{};
    for (const auto& packet :
         {plain, with_opt, test::build_query(".", Rtype::Ns), test::build_query("a", Rtype::A),
          test::build_query("a.b", Rtype::A, {.udp_size = 512, .dnssec_ok = true}),
          test::build_query("a.b", Rtype::A,
                            {.client_subnet = subnet, .options = {{dns::EdnsOption::Nsid, nsid}}})}) {
      CHECK(form_of(packet));
      CHECK(hash_of(packet) != 0);
    }
    const auto has_form = [](test::Bytes packet, auto&& change) {
      change(packet);
      static_cast<void>(hash_of(packet));  // for the sanitizers
      return form_of(packet).has_value();
    };
    CHECK_FALSE(has_form(plain, [](auto& p) { p.resize(11); }));
    CHECK_FALSE(has_form(plain, [](auto& p) { p.clear(); }));
    CHECK_FALSE(has_form(plain, [](auto& p) { p[2] |= 0x80; }));             // a response
    CHECK_FALSE(has_form(plain, [](auto& p) { p[2] |= 0x20; }));             // another opcode
    CHECK_FALSE(has_form(plain, [](auto& p) { p[5] = 2; }));                 // two questions
    CHECK_FALSE(has_form(plain, [](auto& p) { p[7] = 1; }));                 // an answer
    CHECK_FALSE(has_form(plain, [](auto& p) { p[11] = 1; }));                // no such record
    CHECK_FALSE(has_form(plain, [](auto& p) { p.push_back(0); }));           // more bytes
    CHECK_FALSE(has_form(plain, [](auto& p) { p.pop_back(); }));             // less
    CHECK_FALSE(has_form(plain, [](auto& p) { p[12] = 0xc0; }));             // a compressed name
    CHECK_FALSE(has_form(with_opt, [](auto& p) { p.push_back(0); }));        // behind the OPT record
    CHECK_FALSE(has_form(with_opt, [](auto& p) { p[p.size() - 11] = 1; }));  // its owner
    CHECK_FALSE(has_form(with_opt, [](auto& p) { p[p.size() - 9] = 16; }));  // its type
    CHECK_FALSE(has_form(with_opt, [](auto& p) { p.back() = 4; }));          // its length
    const auto long_name = test::build_query(std::string(60, 'a') + "." + std::string(60, 'b'), Rtype::A);
    CHECK_FALSE(form_of(long_name));
    CHECK(hash_of(long_name) == 0);
  }

  TEST_CASE("packets of every length are read to their end and no further") {
    const auto whole = subnet_query("some.name.of.the.example", "2001:db8:1::/48");
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const test::Bytes packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK((hash_of(packet) != 0) == (size >= 12 + 26 + 4));
      CHECK(form_of(packet).has_value() == (size == whole.size()));
    }
  }

  TEST_CASE("cookies and what is wrong with a client subnet are parse_query's business") {
    const auto build = [](std::vector<dns::Option> options) {
      return test::build_query("a.b", Rtype::A, {.udp_size = 1232, .options = std::move(options)});
    };
    using dns::EdnsOption;
    const dns::Option good{EdnsOption::ClientSubnet, {0, 1, 24, 0, 198, 51, 100}};
    CHECK(form_of(build({good})));
    CHECK(form_of(build({{EdnsOption::ClientSubnet, {0, 1, 0, 0}}})));
    CHECK(form_of(build({{EdnsOption::ClientSubnet, {0, 0, 0, 0}}})));
    for (const auto& packet :
         {build({good, good}), build({{EdnsOption::ClientSubnet, {0, 0, 0, 0}}, good}),
          build({{EdnsOption::ClientSubnet, {0, 1, 24, 1, 198, 51, 100}}}),
          build({{EdnsOption::ClientSubnet, {0, 1, 23, 0, 198, 51, 101}}}),
          build({{EdnsOption::ClientSubnet, {0, 1}}}), build({{EdnsOption::ClientSubnet, {0, 3, 8, 0, 1}}}),
          build({good, {EdnsOption::Cookie, test::Bytes(24, 1)}})})
      CHECK_FALSE(form_of(packet));
    const auto cookie = build({{EdnsOption::Cookie, test::Bytes(8, 1)}});
    CHECK_FALSE(form_of(cookie));
    CHECK(hash_of(cookie) == 0);  // common enough to be left out at once
  }

  TEST_CASE("another seed, another hash") {
    const auto packet = test::build_query("www.example.com", Rtype::A);
    CHECK(hash_form(packet, false, 1) != hash_form(packet, false, 2));
  }

  TEST_CASE("a form of no packet is that of none") {
    CHECK_FALSE(QueryForm().is_of(Exact({}), true));
    CHECK_FALSE(QueryForm().is_of(Exact(test::build_query("a", Rtype::A)), false));
  }
}

}  // namespace meridian::query
