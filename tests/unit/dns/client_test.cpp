#include "dns/client.hpp"

#include "dns/header.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <set>

namespace meridian::dns {
namespace {

using test::Bytes;

/// The query as a server gives it back, with the QR bit.
Bytes echo(Bytes query) {
  query[2] |= 0x80;
  return query;
}

}  // namespace

TEST_SUITE("dns/client") {
  TEST_CASE("a reply has the id and the question of its query, letter for letter") {
    const auto query = test::build_query("wWw.example.com", Rtype::A, {.id = 0x4711});
    CHECK(is_reply_to(query, echo(query)));
    CHECK_FALSE(is_reply_to(query, query));
    CHECK_FALSE(is_reply_to(query, echo(test::build_query("wWw.example.com", Rtype::A, {.id = 0x4712}))));
    CHECK_FALSE(is_reply_to(query, echo(test::build_query("www.example.com", Rtype::A, {.id = 0x4711}))));
    CHECK_FALSE(is_reply_to(query, echo(test::build_query("wWw.example.com", Rtype::Aaaa, {.id = 0x4711}))));
    CHECK_FALSE(is_reply_to(query, echo(test::build_query("www.example.net", Rtype::A, {.id = 0x4711}))));
  }

  TEST_CASE("what is cut off before its question ends, or has two, is no reply") {
    const auto query = test::build_query("www.example.com", Rtype::A);
    const auto whole = echo(query);
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
      CHECK_FALSE(is_reply_to(query, std::span{whole}.first(bytes)));
    auto two = whole;
    two[5] = 2;
    CHECK_FALSE(is_reply_to(query, two));
  }

  TEST_CASE("ids are not the same one again and again") {
    std::set<std::uint16_t> ids;
    for (int i = 0; i < 64; ++i) ids.insert(draw_query_id());
    CHECK(ids.size() > 32);
  }
}

}  // namespace meridian::dns
