// Anything ExaBGP may write, in pieces of any size, to a bridge that has something to say: it never says two
// commands at a time without an answer or a time-out in between, and what it tells the agent can be read.
#include "base/assert.hpp"
#include "base/limits.hpp"
#include "bgp/bridge/bridge.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace meridian;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  if (size < 1) return 0;
  bgp::Bridge::Time now{1h};
  bgp::Bridge bridge(1, [](const std::string&) {});
  bridge.hear_agent(
      "meridian-bgp wanted 1\nsent 3600000\nroute * 198.51.100.0/24 announce next-hop self\n"
      "route 192.0.2.1 203.0.113.0/24 announce next-hop self med 1\n",
      now);
  const std::size_t piece = 1 + data[0] % 64;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  bgp::LineSplitter splitter;
  bool goes_on = true;
  while (goes_on && !rest.empty()) {
    splitter.feed(rest.substr(0, piece), [&](std::string_view line) {
      MERIDIAN_ASSERT(line.size() <= base::limits::kBgpReplyBytesMax &&
                      line.find('\n') == std::string_view::npos);
      goes_on = bridge.hear_exabgp(line, now) && goes_on;
    });
    rest.remove_prefix(std::min(piece, rest.size()));
    if (!bridge.next_command(now).empty()) {
      bridge.written(now);
      MERIDIAN_ASSERT(bridge.next_command(now).empty());
    }
    MERIDIAN_ASSERT(bridge.next_deadline(now) > now);
    now += 10ms;
  }
  MERIDIAN_ASSERT(bgp::parse_status(bgp::format_status(bridge.status(now))).has_value());
  MERIDIAN_ASSERT(bgp::parse_saved(bgp::format_saved(bridge.saved(now))).has_value());
  return 0;
}
