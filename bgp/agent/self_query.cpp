#include "bgp/agent/self_query.hpp"

#include "base/limits.hpp"
#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::agent {
namespace {

using Bytes = std::span<const std::uint8_t>;

void append_u16(std::vector<std::uint8_t>& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

std::vector<std::uint8_t> write_options(const SelfQuery& query) {
  std::vector<std::uint8_t> options;
  append_u16(options, static_cast<std::uint16_t>(dns::EdnsOption::Nsid));
  append_u16(options, 0);
  if (query.client_subnet) {
    const dns::ClientSubnet subnet{.source = *query.client_subnet, .scope_bits = 0};
    std::vector<std::uint8_t> payload(dns::client_subnet_bytes(subnet));
    dns::write_client_subnet(payload, subnet);
    append_u16(options, static_cast<std::uint16_t>(dns::EdnsOption::ClientSubnet));
    append_u16(options, payload.size());
    options.insert(options.end(), payload.begin(), payload.end());
  }
  return options;
}

std::string nsid_of(const dns::Message& message) {
  if (!message.edns) return {};
  const auto* const option = message.edns->find_option(dns::EdnsOption::Nsid);
  return option == nullptr ? std::string{} : std::string(option->payload.begin(), option->payload.end());
}

std::optional<base::IpAddress> address_of(const dns::Record& record) {
  const bool v4 = record.type == dns::Rtype::A && record.rdata.size() == 4;
  const bool v6 = record.type == dns::Rtype::Aaaa && record.rdata.size() == 16;
  if (!v4 && !v6) return std::nullopt;
  base::IpAddress address{v4 ? base::Family::V4 : base::Family::V6, {}};
  std::copy(record.rdata.begin(), record.rdata.end(), address.bytes.begin());
  return address;
}

/// What is wrong with the content of an authoritative answer.
std::string find_fault(const SelfQuery& query, const dns::Message& message) {
  if (query.expect == SelfQuery::Expect::NoAddress)
    return message.rcode == dns::Rcode::NxDomain ? ""
                                                 : dns::to_string(message.rcode) + " where NXDOMAIN is right";
  if (message.rcode != dns::Rcode::NoError) return dns::to_string(message.rcode);
  const auto records = message.section(dns::Section::Answer);
  const bool has_answer = std::any_of(records.begin(), records.end(), [&](const auto& record) {
    return record.type == query.type || record.type == dns::Rtype::Cname;
  });
  // Over UDP a long answer may be cut; over TCP it is asked for as well.
  if (!has_answer) return message.is_truncated() ? "" : "an answer without records";
  if (query.addresses.empty()) return {};
  for (const auto& record : records) {
    const auto address = address_of(record);
    if (address &&
        std::find(query.addresses.begin(), query.addresses.end(), *address) == query.addresses.end())
      return "an address that is none of those expected: " + base::to_string(*address);
  }
  return {};
}

}  // namespace

std::string to_string(const SelfQuery& query) {
  auto text = fmt::format("{} {}", dns::to_string(query.type), dns::to_string(query.name.view()));
  if (query.client_subnet) text += " for " + base::to_string(*query.client_subnet);
  return text;
}

std::vector<std::uint8_t> write_query(const SelfQuery& query, std::uint16_t id) {
  const auto name = query.name.view().wire();
  std::vector<std::uint8_t> packet(dns::kHeaderBytes + name.size());
  dns::write_header(std::span{packet}.first<dns::kHeaderBytes>(),
                    {.id = id, .question_count = 1, .additional_count = 1});
  std::copy(name.begin(), name.end(), packet.begin() + dns::kHeaderBytes);
  append_u16(packet, static_cast<std::uint16_t>(query.type));
  append_u16(packet, static_cast<std::uint16_t>(dns::Rclass::In));
  const auto options = write_options(query);
  packet.push_back(0);  // the root: an OPT record's owner (RFC 6891 6.1.2)
  append_u16(packet, static_cast<std::uint16_t>(dns::Rtype::Opt));
  append_u16(packet, base::limits::kUdpAnswerBytesMax);
  append_u16(packet, 0);  // extended rcode and version
  append_u16(packet, 0);  // flags
  append_u16(packet, options.size());
  packet.insert(packet.end(), options.begin(), options.end());
  return packet;
}

Judgement judge_reply(const SelfQuery& query, std::string_view site, Bytes reply) {
  const auto message = dns::read_message(reply);
  if (!message) return {Verdict::Wrong, "a malformed reply: " + message.error()};
  const auto nsid = nsid_of(*message);
  if (!nsid.empty() && nsid != site) return {Verdict::Foreign, "answered by site " + nsid};
  if (nsid.empty()) return {Verdict::Wrong, "an answer that names no site"};
  if (!message->is_authoritative() && message->rcode == dns::Rcode::NoError)
    return {Verdict::Wrong, "an answer without authority"};
  auto fault = find_fault(query, *message);
  return fault.empty() ? Judgement{} : Judgement{Verdict::Wrong, std::move(fault)};
}

void RoundTally::add(Transport transport, Verdict verdict) noexcept {
  ++of_[static_cast<std::size_t>(transport)].answered;
  switch (verdict) {
    case Verdict::Right:
      ++sum_.right;
      break;
    case Verdict::Wrong:
      ++sum_.wrong;
      break;
    case Verdict::Foreign:
      ++sum_.foreign;
      break;
  }
}

void RoundTally::add_silence(Transport transport) noexcept {
  ++of_[static_cast<std::size_t>(transport)].silent;
  ++sum_.silent;
}

policy::Round RoundTally::round() const noexcept {
  auto round = sum_;
  const bool somebody_answered = of_[0].answered + of_[1].answered > 0;
  const auto is_silent = [](const Count& count) { return count.silent > 0 && count.answered == 0; };
  round.has_silent_transport = somebody_answered && (is_silent(of_[0]) || is_silent(of_[1]));
  return round;
}

}  // namespace meridian::agent
