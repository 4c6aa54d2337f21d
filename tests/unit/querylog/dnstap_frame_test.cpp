#include "querylog/dnstap_frame.hpp"

#include "unit/querylog/records.hpp"

#include <dnstap.pb-c.h>
#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace meridian::querylog {
namespace {

using test::Bytes;

struct Free {
  void operator()(Dnstap__Dnstap* frame) const { dnstap__dnstap__free_unpacked(frame, nullptr); }
};
using Frame = std::unique_ptr<Dnstap__Dnstap, Free>;

Frame frame_of(const Facts& facts, const query::Summary& summary, const Bytes& query, const Bytes& answer) {
  const auto bytes = test::record_of(facts, summary, query, answer);
  Bytes packed{0xaa};  // frames are appended
  append_dnstap_frame(packed, read_record(bytes), {.identity = "ams1", .version = "meridian 9.9"});
  Frame frame(dnstap__dnstap__unpack(nullptr, packed.size() - 1, packed.data() + 1));
  REQUIRE(frame != nullptr);
  REQUIRE(frame->message != nullptr);
  return frame;
}

std::string text_of(const ProtobufCBinaryData& data) {
  return {reinterpret_cast<const char*>(data.data), data.len};
}

Bytes bytes_of(const ProtobufCBinaryData& data) { return {data.data, data.data + data.len}; }

TEST_SUITE_BEGIN("querylog/dnstap_frame");

TEST_CASE("an answer is AUTH_RESPONSE with its query, both times and the decision") {
  const Bytes query{1, 2, 3};
  const Bytes answer{4, 5, 6, 7};
  const auto frame = frame_of(test::some_facts(), test::steered_summary(), query, answer);
  CHECK(text_of(frame->identity) == "ams1");
  CHECK(text_of(frame->version) == "meridian 9.9");
  CHECK(text_of(frame->extra) ==
        "kind=steered zone=- service=www.example.com datacenter=fra reason=fallback tier=1 scope=18 rate=- "
        "epoch=7 "
        "sample=100");
  const auto& message = *frame->message;
  CHECK(message.type == DNSTAP__MESSAGE__TYPE__AUTH_RESPONSE);
  CHECK(message.socket_family == DNSTAP__SOCKET_FAMILY__INET);
  CHECK(message.socket_protocol == DNSTAP__SOCKET_PROTOCOL__UDP);
  CHECK(bytes_of(message.query_address) == Bytes{198, 51, 100, 7});
  CHECK(message.query_port == 4'711);
  CHECK(message.query_time_sec == 1'795'270'643);
  CHECK(message.query_time_nsec == 123'456'789);
  CHECK(message.response_time_sec == 1'795'270'643);
  CHECK(message.response_time_nsec == 123'456'789 + 12'345);
  CHECK(bytes_of(message.query_message) == query);
  CHECK(bytes_of(message.response_message) == answer);
  CHECK_FALSE(message.has_query_zone);
}

TEST_CASE("a query without an answer is AUTH_QUERY") {
  const auto frame = frame_of(test::some_facts(), {}, {1}, {});
  CHECK(frame->message->type == DNSTAP__MESSAGE__TYPE__AUTH_QUERY);
  CHECK_FALSE(frame->message->has_response_message);
  CHECK_FALSE(frame->message->has_response_time_sec);
}

TEST_CASE("an IPv6 client over TCP") {
  auto facts = test::some_facts();
  facts.client = *base::parse_ip_address("2001:db8::1");
  facts.is_tcp = true;
  const auto frame = frame_of(facts, {}, {1}, {2});
  CHECK(frame->message->socket_family == DNSTAP__SOCKET_FAMILY__INET6);
  CHECK(frame->message->socket_protocol == DNSTAP__SOCKET_PROTOCOL__TCP);
  CHECK(frame->message->query_address.len == 16);
}

TEST_CASE("a second that ends while the query is answered") {
  auto facts = test::some_facts();
  facts.received_ns = 1'999'999'999;
  facts.took_ns = 2;
  const auto frame = frame_of(facts, {}, {1}, {2});
  CHECK(frame->message->query_time_sec == 1);
  CHECK(frame->message->response_time_sec == 2);
  CHECK(frame->message->response_time_nsec == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
