#include "probe/dns_reply.hpp"

#include "base/diagnostics.hpp"
#include "dns/client.hpp"
#include "dns/rdata.hpp"
#include "zone/rdata_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::probe {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// The rdata of a record as it would stand in a zone file.
base::Expected<std::vector<std::uint8_t>, std::string> parse_rdata(const config::DnsCheck& check,
                                                                   dns::Rtype type) {
  base::Diagnostics problems;
  zone::ZoneLexer lexer{check.answer, "answer"};
  zone::Entry entry;
  if (!lexer.next(entry, problems))
    return base::unexpected(fmt::format("dns: '{}' is no rdata", check.answer));
  zone::RdataParser parser{dns::Name{}};
  const auto rdata = parser.parse(type, check.type, entry.tokens);
  if (!rdata) return base::unexpected("dns: " + rdata.error().message);
  return std::vector<std::uint8_t>(rdata->begin(), rdata->end());
}

/// Names that stand in the rdata of this type, and how much stands before them. Also for types whose names
/// are never compressed.
dns::RdataNames names_in(dns::Rtype type) noexcept {
  if (type == dns::Rtype::Srv) return {.fixed_bytes = 6, .name_count = 1};
  if (type == dns::Rtype::Dname) return {.fixed_bytes = 0, .name_count = 1};
  return dns::compressible_names(type);
}

/// Equal but for the letter case of names (RFC 4343).
bool is_same_rdata(dns::Rtype type, Bytes left, Bytes right) {
  if (left.size() != right.size()) return false;
  const auto names = names_in(type);
  std::size_t at = std::min(names.fixed_bytes, left.size());
  if (!std::ranges::equal(left.first(at), right.first(at))) return false;
  for (std::size_t i = 0; i < names.name_count; ++i) {
    const std::size_t end = dns::find_name_end(left, at);
    if (end == 0 || dns::find_name_end(right, at) != end) return false;
    if (!(dns::NameView{left.subspan(at, end - at)} == dns::NameView{right.subspan(at, end - at)}))
      return false;
    at = end;
  }
  return std::ranges::equal(left.subspan(at), right.subspan(at));
}

}  // namespace

base::Expected<DnsQuestion, std::string> DnsQuestion::make(const config::DnsCheck& check) {
  DnsQuestion question;
  question.name_ = check.name;
  const auto type = zone::parse_type_word(check.type);
  if (!type) return base::unexpected(fmt::format("dns: unknown type '{}'", check.type));
  question.type_ = *type;
  question.type_text_ = check.type;
  question.answer_text_ = check.answer;
  if (check.answer.empty()) return question;
  auto rdata = parse_rdata(check, *type);
  if (!rdata) return base::unexpected(rdata.error());
  question.answer_ = std::move(*rdata);
  return question;
}

std::vector<std::uint8_t> DnsQuestion::write_query(std::uint16_t id) const {
  const auto name = name_.view().wire();
  std::vector<std::uint8_t> query(dns::kHeaderBytes + name.size() + dns::kQuestionFixedBytes);
  dns::write_header(std::span{query}.first<dns::kHeaderBytes>(),
                    {.id = id, .bits = dns::header_bits::kRecursionDesired, .question_count = 1});
  std::ranges::copy(name, query.begin() + dns::kHeaderBytes);
  std::uint8_t* const fixed = query.data() + dns::kHeaderBytes + name.size();
  dns::store_u16(fixed, static_cast<std::uint16_t>(type_));
  dns::store_u16(fixed + 2, static_cast<std::uint16_t>(dns::Rclass::In));
  return query;
}

bool DnsQuestion::is_reply(std::uint16_t id, Bytes packet) const {
  if (dns::is_reply_to(write_query(id), packet)) return true;
  if (packet.size() < dns::kHeaderBytes) return false;
  const auto header = dns::read_header(packet.first<dns::kHeaderBytes>());
  return header.id == id && header.has(dns::header_bits::kResponse) && header.question_count == 0 &&
         (header.bits & dns::header_bits::kRcodeMask) != 0;
}

std::string DnsQuestion::find_fault(Bytes reply) const {
  const auto message = dns::read_message(reply);
  if (!message) return "dns: malformed reply: " + message.error();
  if (message->rcode != dns::Rcode::NoError) return "dns: " + dns::to_string(message->rcode);
  const auto records = message->section(dns::Section::Answer);
  const auto is_wanted = [&](const dns::Record& record) {
    return !answer_ || (record.type == type_ && is_same_rdata(type_, record.rdata, *answer_));
  };
  if (std::ranges::any_of(records, is_wanted)) return {};
  if (message->is_truncated()) return "dns: the answer is truncated; probe over TCP";
  if (records.empty()) return "dns: an answer without records";
  return fmt::format("dns: {} records, none of them {} {}", records.size(), type_text_, answer_text_);
}

}  // namespace meridian::probe
