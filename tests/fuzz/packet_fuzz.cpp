// Any packet: what parses is answered, what does not gets an error reply or silence; every reply is readable.
#include "base/assert.hpp"
#include "dns/error_reply.hpp"
#include "dns/message.hpp"
#include "dns/query.hpp"
#include "dns/writer.hpp"

#include <algorithm>
#include <array>

using namespace meridian;

namespace {

std::size_t answer(const dns::Query& query, std::span<const std::uint8_t> packet,
                   std::span<std::uint8_t> reply) {
  constexpr std::uint8_t kCname[] = {0, 5, 3, 'a', 'b', 'c', 0};
  const dns::EdnsReply edns = dns::echo_edns(query.edns);
  dns::MessageWriter writer{reply, dns::udp_reply_bytes_max(query)};
  writer.begin_reply(query, packet, dns::Rcode::NoError);
  MERIDIAN_ASSERT(!query.edns.present || writer.reserve(dns::opt_record_bytes(edns)));
  MERIDIAN_ASSERT(writer.add_rrset(dns::Section::Answer, query.name, dns::Rtype::Cname, 60, kCname));
  MERIDIAN_ASSERT(!query.edns.present || writer.write_opt(edns));
  const std::size_t size = writer.finish();
  MERIDIAN_ASSERT(std::equal(packet.begin() + 12, packet.begin() + query.question_end, reply.begin() + 12));
  return size;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span packet{data, size};
  std::array<std::uint8_t, base::limits::kUdpAnswerBytesMax> reply;
  const auto query = dns::parse_query(packet);
  const auto reply_bytes =
      query ? answer(*query, packet, reply) : dns::write_error_reply(packet, query.error(), reply);
  if (!query) MERIDIAN_ASSERT(reply_bytes <= size && query.error().is_silent() == (reply_bytes == 0));
  if (reply_bytes != 0) MERIDIAN_ASSERT(dns::read_message(std::span{reply}.first(reply_bytes)).has_value());
  static_cast<void>(dns::read_message(packet));
  return 0;
}
