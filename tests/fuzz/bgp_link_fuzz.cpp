// Any bytes as a message of the agent, a saved state or a status: what is accepted is written again as the
// same bytes, and no command made of it has a word that ExaBGP would take for another one.
#include "base/assert.hpp"
#include "base/limits.hpp"
#include "bgp/link/exabgp_text.hpp"
#include "bgp/link/link.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace meridian;

namespace {

/// Digits, and letters only of the words of ours.
bool is_harmless(std::string command) {
  for (const std::string word : {"neighbor", "announce route", "withdraw route", "next-hop", "self", "med",
                                 "community", "large-community", "large-", "as-path"}) {
    for (auto at = command.find(word); at != std::string::npos; at = command.find(word))
      command.erase(at, word.size());
  }
  return command.find_first_not_of("0123456789abcdef:./[] ") == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto wanted = bgp::parse_wanted(text)) {
    MERIDIAN_ASSERT(bgp::format_wanted(*wanted) == text);
    for (const auto& route : wanted->routes) {
      std::vector<std::string> neighbors;
      if (route.key.neighbor) neighbors.push_back(to_string(*route.key.neighbor));
      const auto command = bgp::route_command(route, neighbors);
      MERIDIAN_ASSERT(is_harmless(command) && command.size() < base::limits::kBgpCommandBytesMax);
    }
  } else {
    MERIDIAN_ASSERT(wanted.error().where.line >= 1 && wanted.error().where.column >= 1);
  }
  if (const auto saved = bgp::parse_saved(text)) MERIDIAN_ASSERT(bgp::format_saved(*saved) == text);
  if (const auto status = bgp::parse_status(text)) MERIDIAN_ASSERT(bgp::format_status(*status) == text);
  return 0;
}
