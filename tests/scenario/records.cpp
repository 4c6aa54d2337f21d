#include "scenario/records.hpp"

#include "base/ip.hpp"

#include <fmt/format.h>
#include <ldns/ldns.h>

#include <memory>
#include <sstream>

namespace meridian::test {
namespace {

using Rr = std::unique_ptr<ldns_rr, decltype(&ldns_rr_free)>;

std::string lower_owner(std::string text) {
  for (char& c : text) {
    if (c == ' ') break;
    c = static_cast<char>(dns::lower(static_cast<std::uint8_t>(c)));
  }
  return text;
}

std::string print(const ldns_rr* rr) {
  const std::unique_ptr<char, decltype(&free)> text(ldns_rr2str(rr), &free);
  // owner TTL IN TYPE data, tabs to spaces, without the final newline
  std::istringstream in(text.get());
  std::string line;
  for (std::string word; in >> word;) line += line.empty() ? word : " " + word;
  return lower_owner(line);
}

}  // namespace

base::Expected<std::string, std::string> canonical_record(const std::string& text) {
  std::istringstream in(text);
  std::string owner;
  std::string ttl;
  std::string rest;
  in >> owner >> ttl >> std::ws;
  std::getline(in, rest);
  ldns_rr* parsed = nullptr;
  ldns_rdf* root = ldns_dname_new_frm_str(".");
  const auto line = fmt::format("{} {} IN {}", owner, ttl, rest);
  const auto status = ldns_rr_new_frm_str(&parsed, line.c_str(), 0, root, nullptr);
  ldns_rdf_deep_free(root);
  if (status != LDNS_STATUS_OK)
    return base::unexpected(fmt::format("'{}': {}", text, ldns_get_errorstr_by_id(status)));
  return print(Rr(parsed, &ldns_rr_free).get());
}

std::string to_text(const dns::Record& record) {
  // owner · type · class · TTL · RDLENGTH · rdata, without compression, as ldns reads it
  const auto owner = record.owner.view().wire();
  std::vector<std::uint8_t> wire(owner.begin(), owner.end());
  const auto put_16 = [&](std::size_t value) {
    wire.push_back(static_cast<std::uint8_t>(value >> 8));
    wire.push_back(static_cast<std::uint8_t>(value));
  };
  put_16(static_cast<std::size_t>(record.type));
  put_16(static_cast<std::size_t>(record.rclass));
  put_16(record.ttl_s >> 16);
  put_16(record.ttl_s & 0xffff);
  put_16(record.rdata.size());
  wire.insert(wire.end(), record.rdata.begin(), record.rdata.end());
  ldns_rr* parsed = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
    return "(unreadable record)";
  return print(Rr(parsed, &ldns_rr_free).get());
}

std::string address_of(const dns::Record& record) {
  if (record.type == dns::Rtype::A && record.rdata.size() == 4) {
    return base::to_string(base::IpAddress::v4(std::span<const std::uint8_t, 4>{record.rdata.data(), 4}));
  }
  if (record.type == dns::Rtype::Aaaa && record.rdata.size() == 16) {
    return base::to_string(base::IpAddress::v6(std::span<const std::uint8_t, 16>{record.rdata.data(), 16}));
  }
  return {};
}

}  // namespace meridian::test
