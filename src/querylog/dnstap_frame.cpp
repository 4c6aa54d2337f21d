#include "querylog/dnstap_frame.hpp"

#include "querylog/line.hpp"

#include <dnstap.pb-c.h>

#include <array>
#include <cstring>
#include <span>

namespace meridian::querylog {
namespace {

constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;

/// protobuf-c wants bytes it may change, and does not change what it packs.
ProtobufCBinaryData bytes_of(std::span<const std::uint8_t> bytes) noexcept {
  return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())};
}

ProtobufCBinaryData bytes_of(const std::string& text) noexcept {
  return bytes_of(std::span{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void set_client(Dnstap__Message& message, const Facts& facts) noexcept {
  const bool is_v4 = facts.client.family == base::Family::V4;
  message.has_socket_family = 1;
  message.socket_family = is_v4 ? DNSTAP__SOCKET_FAMILY__INET : DNSTAP__SOCKET_FAMILY__INET6;
  message.has_socket_protocol = 1;
  message.socket_protocol = facts.is_tcp ? DNSTAP__SOCKET_PROTOCOL__TCP : DNSTAP__SOCKET_PROTOCOL__UDP;
  message.has_query_address = 1;
  message.query_address = bytes_of(facts.client.span());
  message.has_query_port = 1;
  message.query_port = facts.port;
}

void set_query(Dnstap__Message& message, const Record& record) noexcept {
  const std::int64_t received = record.facts.received_ns;
  message.has_query_time_sec = 1;
  message.query_time_sec = static_cast<std::uint64_t>(received / kNanosecondsASecond);
  message.has_query_time_nsec = 1;
  message.query_time_nsec = static_cast<std::uint32_t>(received % kNanosecondsASecond);
  message.has_query_message = 1;
  message.query_message = bytes_of(record.query);
  if (record.zone.empty()) return;
  message.has_query_zone = 1;
  message.query_zone = bytes_of(record.zone);
}

void set_answer(Dnstap__Message& message, const Record& record) noexcept {
  const std::int64_t sent = record.facts.received_ns + static_cast<std::int64_t>(record.facts.took_ns);
  message.has_response_time_sec = 1;
  message.response_time_sec = static_cast<std::uint64_t>(sent / kNanosecondsASecond);
  message.has_response_time_nsec = 1;
  message.response_time_nsec = static_cast<std::uint32_t>(sent % kNanosecondsASecond);
  message.has_response_message = 1;
  message.response_message = bytes_of(record.answer);
}

}  // namespace

void append_dnstap_frame(std::vector<std::uint8_t>& out, const Record& record, const DnstapSender& sender) {
  Dnstap__Message message = DNSTAP__MESSAGE__INIT;
  const bool is_answered = !record.answer.empty();
  message.type = is_answered ? DNSTAP__MESSAGE__TYPE__AUTH_RESPONSE : DNSTAP__MESSAGE__TYPE__AUTH_QUERY;
  set_client(message, record.facts);
  set_query(message, record);
  if (is_answered) set_answer(message, record);

  std::string decision;
  append_decision(decision, record);
  Dnstap__Dnstap frame = DNSTAP__DNSTAP__INIT;
  frame.has_identity = 1;
  frame.identity = bytes_of(sender.identity);
  frame.has_version = 1;
  frame.version = bytes_of(sender.version);
  frame.has_extra = 1;
  frame.extra = bytes_of(decision);
  frame.type = DNSTAP__DNSTAP__TYPE__MESSAGE;
  frame.message = &message;

  const auto start = out.size();
  out.resize(start + dnstap__dnstap__get_packed_size(&frame));
  dnstap__dnstap__pack(&frame, out.data() + start);
}

}  // namespace meridian::querylog
