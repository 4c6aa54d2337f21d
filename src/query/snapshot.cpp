#include "query/snapshot.hpp"

#include "base/random.hpp"

namespace meridian::query {

std::uint64_t stable_hash(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
  }
  return base::mix(hash);
}

}  // namespace meridian::query
