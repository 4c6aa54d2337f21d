// Any packet as the reply to a DNS probe: the first byte chooses the question, the rest is the packet. Its id
// and question are made those of the query half of the time, or nothing would get further.
#include "base/assert.hpp"
#include "dns/header.hpp"
#include "probe/dns_reply.hpp"

#include <algorithm>
#include <array>

using namespace meridian;

namespace {

probe::DnsQuestion make_question(const char* type, const char* answer) {
  config::DnsCheck check;
  check.name = *dns::Name::parse("www.example.com");
  check.type = type;
  check.answer = answer;
  auto question = probe::DnsQuestion::make(check);
  MERIDIAN_ASSERT(question.has_value());
  return *question;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array kQuestions = {make_question("A", ""),
                                        make_question("A", "192.0.2.1"),
                                        make_question("MX", "10 mail.example.com."),
                                        make_question("SOA", "ns.example.com. host.example.com. 1 2 3 4 5"),
                                        make_question("SRV", "1 2 3 target.example.com."),
                                        make_question("TXT", "\"ok\"")};
  if (size == 0) return 0;
  const auto& question = kQuestions[data[0] / 2 % kQuestions.size()];
  std::vector<std::uint8_t> packet(data + 1, data + size);
  const auto query = question.write_query(7);
  if (data[0] % 2 == 0 && packet.size() >= query.size()) {
    std::copy(query.begin(), query.begin() + 2, packet.begin());
    std::copy(query.begin() + dns::kHeaderBytes, query.end(), packet.begin() + dns::kHeaderBytes);
  }
  if (question.is_reply(7, packet)) MERIDIAN_ASSERT((packet[2] & 0x80) != 0);
  static_cast<void>(question.find_fault(packet));
  return 0;
}
