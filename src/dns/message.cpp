#include "dns/message.hpp"

#include "dns/edns.hpp"
#include "dns/rdata.hpp"
#include "dns/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::dns {
namespace {

/// What is wrong, or "" when nothing is.
using Complaint = std::string;

/// A record as it stands in the packet; `rdata` starts at `rdata_at`.
struct RawRecord {
  Name owner;
  Rtype type{};
  std::uint16_t rclass = 0;
  std::uint32_t ttl = 0;
  std::size_t rdata_at = 0;
  std::size_t rdata_bytes = 0;
};

class MessageReader {
 public:
  explicit MessageReader(std::span<const std::uint8_t> packet) : packet_(packet) {}

  base::Expected<Message, std::string> read() {
    if (packet_.size() < kHeaderBytes) return base::unexpected(Complaint{"the header is cut off"});
    message_.header = read_header(packet_.first<kHeaderBytes>());
    message_.rcode = static_cast<Rcode>(message_.header.bits & header_bits::kRcodeMask);
    at_ = kHeaderBytes;
    if (auto complaint = read_question(); !complaint.empty()) return base::unexpected(std::move(complaint));
    const std::pair<Section, std::size_t> sections[] = {
        {Section::Answer, message_.header.answer_count},
        {Section::Authority, message_.header.authority_count},
        {Section::Additional, message_.header.additional_count}};
    for (const auto& [section, count] : sections) {
      for (std::size_t left = count; left > 0; --left) {
        ++record_number_;
        const auto complaint = read_record(section);
        if (!complaint.empty())
          return base::unexpected(fmt::format("record {} {}", record_number_, complaint));
      }
    }
    if (at_ != packet_.size())
      return base::unexpected(fmt::format("{} bytes follow the last record", packet_.size() - at_));
    return std::move(message_);
  }

 private:
  Complaint read_question() {
    if (message_.header.question_count == 0) return {};
    if (message_.header.question_count > 1) return "more than one question";
    Question question;
    const std::size_t name_end = question.name.read(packet_, at_);
    if (name_end == 0) return "the question's name is malformed";
    Reader reader{packet_, name_end};
    if (!reader.has(kQuestionFixedBytes)) return "the question is cut off";
    question.type = static_cast<Rtype>(reader.u16());
    question.rclass = static_cast<Rclass>(reader.u16());
    message_.question = question;
    at_ = reader.at();
    return {};
  }

  Complaint read_record(Section section) {
    RawRecord raw;
    const std::size_t owner_end = raw.owner.read(packet_, at_);
    if (owner_end == 0) return "has a malformed owner";
    Reader reader{packet_, owner_end};
    if (!reader.has(kRecordFixedBytes)) return "is cut off";
    raw.type = static_cast<Rtype>(reader.u16());
    raw.rclass = reader.u16();
    raw.ttl = reader.u32();
    raw.rdata_bytes = reader.u16();
    raw.rdata_at = reader.at();
    if (!reader.skip(raw.rdata_bytes)) return "is cut off";
    at_ = reader.at();
    if (raw.type == Rtype::Opt) return read_opt(section, raw);

    Record record{section, raw.owner, raw.type, static_cast<Rclass>(raw.rclass), raw.ttl, {}};
    if (!copy_rdata(raw, record.rdata)) return "has a malformed name in its rdata";
    message_.records.push_back(std::move(record));
    return {};
  }

  bool copy_rdata(const RawRecord& raw, std::vector<std::uint8_t>& rdata) const {
    const RdataNames names = compressible_names(raw.type);
    const std::size_t end = raw.rdata_at + raw.rdata_bytes;
    std::size_t at = raw.rdata_at;
    const auto copy_until = [&](std::size_t to) {
      const auto bytes = packet_.subspan(at, to - at);
      rdata.insert(rdata.end(), bytes.begin(), bytes.end());
      at = to;
    };
    if (names.name_count != 0) {
      if (raw.rdata_bytes < names.fixed_bytes) return false;
      copy_until(at + names.fixed_bytes);
    }
    for (std::size_t left = names.name_count; left > 0; --left) {
      Name name;
      const std::size_t name_end = name.read(packet_, at);
      if (name_end == 0 || name_end > end) return false;
      const auto wire = name.view().wire();
      rdata.insert(rdata.end(), wire.begin(), wire.end());
      at = name_end;
    }
    copy_until(end);
    return true;
  }

  Complaint read_opt(Section section, const RawRecord& raw) {
    if (section != Section::Additional) return "is an OPT record outside the additional section";
    if (!raw.owner.view().is_root()) return "is an OPT record whose owner is not the root";
    if (message_.edns) return "is a second OPT record";
    auto& edns = message_.edns.emplace();
    edns.udp_size = raw.rclass;
    edns.version = static_cast<std::uint8_t>(raw.ttl >> 16);
    edns.dnssec_ok = (raw.ttl & kDnssecOkBit) != 0;
    message_.rcode = static_cast<Rcode>((raw.ttl >> 24) << 4 | static_cast<std::uint32_t>(message_.rcode));
    return read_options(packet_.subspan(raw.rdata_at, raw.rdata_bytes), edns);
  }

  Complaint read_options(std::span<const std::uint8_t> rdata, MessageEdns& edns) const {
    Reader options{rdata};
    while (!options.is_at_end()) {
      if (!options.has(kOptionHeadBytes)) return "has an option that is cut off";
      const auto code = static_cast<EdnsOption>(options.u16());
      const std::size_t length = options.u16();
      if (!options.has(length)) return "has an option that is cut off";
      const auto payload = options.take(length);
      edns.options.push_back({code, {payload.begin(), payload.end()}});
      if (code != EdnsOption::ClientSubnet) continue;
      const auto subnet = parse_client_subnet_reply(payload);
      if (!subnet) return "has a malformed client subnet option";
      edns.client_subnet = *subnet;
    }
    return {};
  }

  std::span<const std::uint8_t> packet_;
  std::size_t at_ = 0;
  std::size_t record_number_ = 0;
  Message message_;
};

}  // namespace

const Option* MessageEdns::find_option(EdnsOption code) const noexcept {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [code](const Option& option) { return option.code == code; });
  return found == options.end() ? nullptr : &*found;
}

std::vector<Record> Message::section(Section section) const {
  std::vector<Record> chosen;
  std::copy_if(records.begin(), records.end(), std::back_inserter(chosen),
               [section](const Record& record) { return record.section == section; });
  return chosen;
}

base::Expected<Message, std::string> read_message(std::span<const std::uint8_t> packet) {
  return MessageReader{packet}.read();
}

}  // namespace meridian::dns
