#include "querylog/line.hpp"

#include "dns/query.hpp"
#include "steering/reason_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

namespace meridian::querylog {
namespace {

/// No line tells more of an address than this, whoever sent it: the network, not the person.
constexpr std::uint8_t kV4Bits = 24;
constexpr std::uint8_t kV6Bits = 48;

constexpr std::string_view kNone = "-";

std::string network(const base::IpAddress& address, std::uint8_t bits) {
  const auto most = address.family == base::Family::V4 ? kV4Bits : kV6Bits;
  const auto kept = std::min(bits, most);
  return base::to_string(base::IpPrefix{base::masked(address, kept), kept});
}

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view{"-_.*/\\:@+"}.find(c) != std::string_view::npos;
}

/// Presentation form (RFC 1035 5.1) in which every byte that could end a value is written \DDD.
void append_label(std::string& out, std::span<const std::uint8_t> label) {
  for (const std::uint8_t byte : label) {
    const char c = static_cast<char>(byte);
    if (c == '.' || c == '\\') {
      out += '\\';
      out += c;
    } else if (is_plain(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\{:03}", byte);
    }
  }
}

void append_name(std::string& out, dns::NameView name) {
  if (name.is_root()) out += '.';
  for (; !name.is_root(); name = name.parent()) {
    append_label(out, name.first_label());
    if (!name.parent().is_root()) out += '.';
  }
}

/// A name of the map: text already, and harmless unless somebody writes the strangest of names there.
void append_word(std::string& out, std::string_view word) {
  if (word.empty()) out += kNone;
  for (const char c : word) {
    if (is_plain(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\{:03}", static_cast<std::uint8_t>(c));
    }
  }
}

/// 2026-11-21T14:17:23.123456Z
void append_time(std::string& out, std::int64_t ns) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds{ns}};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds).count();
  fmt::format_to(std::back_inserter(out), "{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                 fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), micros);
}

std::string class_text(dns::Rclass rclass) {
  switch (rclass) {
    case dns::Rclass::In:
      return "IN";
    case dns::Rclass::Ch:
      return "CH";
    default:
      return fmt::format("CLASS{}", static_cast<unsigned>(rclass));
  }
}

std::string_view to_word(query::AnswerKind kind) noexcept {
  switch (kind) {
    case query::AnswerKind::Dropped:
      return "dropped";
    case query::AnswerKind::Malformed:
      return "malformed";
    case query::AnswerKind::Refused:
      return "refused";
    case query::AnswerKind::Static:
      return "static";
    case query::AnswerKind::Steered:
      return "steered";
    case query::AnswerKind::Referral:
      return "referral";
    case query::AnswerKind::NoData:
      return "nodata";
    case query::AnswerKind::NxDomain:
      return "nxdomain";
    case query::AnswerKind::ServFail:
      return "servfail";
    case query::AnswerKind::Cookie:
      return "cookie";
  }
  return kNone;
}

std::string_view to_word(query::RateAction action) noexcept {
  switch (action) {
    case query::RateAction::None:
      return kNone;
    case query::RateAction::LoggedOnly:
      return "log_only";
    case query::RateAction::Slipped:
      return "slipped";
    case query::RateAction::Dropped:
      return "dropped";
  }
  return kNone;
}

/// What was asked, as far as it could be read.
void append_question(std::string& out, const Record& record) {
  const auto query = dns::parse_query(record.query);
  if (!query) {
    out += " subnet=- name=- class=- type=-";
    return;
  }
  const auto& subnet = query->edns.client_subnet;
  const auto text = subnet ? network(subnet->source.address, subnet->source.bits) : std::string{kNone};
  fmt::format_to(std::back_inserter(out), " subnet={} name=", text);
  append_name(out, query->name);
  fmt::format_to(std::back_inserter(out), " class={} type={}", class_text(query->rclass),
                 dns::to_string(query->type));
}

}  // namespace

void append_decision(std::string& out, const Record& record) {
  const auto& facts = record.facts;
  const bool is_steered = facts.kind == query::AnswerKind::Steered;
  fmt::format_to(std::back_inserter(out), "kind={} zone=", to_word(facts.kind));
  if (record.zone.empty()) {
    out += kNone;
  } else {
    append_name(out, dns::NameView{record.zone});
  }
  out += " service=";
  append_word(out, record.service);
  out += " datacenter=";
  append_word(out, record.datacenter);
  fmt::format_to(std::back_inserter(out), " reason={} tier={} scope={} rate={} epoch={} sample={}",
                 is_steered ? steering::to_string(facts.reason) : kNone,
                 is_steered ? std::to_string(facts.tier) : std::string{kNone}, facts.scope_bits,
                 to_word(facts.rate), facts.epoch, facts.sample);
}

void append_line(std::string& out, const Record& record) {
  const auto& facts = record.facts;
  out += "time=";
  append_time(out, facts.received_ns);
  fmt::format_to(std::back_inserter(out), " client={} transport={}",
                 network(facts.client, base::address_bits(facts.client.family)),
                 facts.is_tcp ? "tcp" : "udp");
  append_question(out, record);
  const bool is_answered = facts.answer_bytes > 0;
  fmt::format_to(std::back_inserter(out), " rcode={} tc={} bytes={} took_us={}.{} ",
                 is_answered ? dns::to_string(facts.rcode) : std::string{kNone}, facts.is_truncated ? 1 : 0,
                 facts.answer_bytes, facts.took_ns / 1'000, facts.took_ns / 100 % 10);
  append_decision(out, record);
  out += '\n';
}

}  // namespace meridian::querylog
