// Any text as a networks file: what is taken is sorted, each network once, and stands on a line that has it.
#include "base/assert.hpp"
#include "config/networks_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  config::NetworksFile file;
  file.path = file.file = "feed.nets";
  base::Diagnostics diagnostics;
  config::parse_networks({reinterpret_cast<const char*>(data), size}, 1'000, file, diagnostics);
  static_cast<void>(diagnostics.to_text());
  for (std::size_t i = 0; i < file.entries.size(); ++i) {
    const auto& entry = file.entries[i];
    MERIDIAN_ASSERT(i == 0 || file.entries[i - 1].network < entry.network);
    MERIDIAN_ASSERT(base::masked(entry.network.address, entry.network.bits) == entry.network.address);
    MERIDIAN_ASSERT(entry.line >= 1 && entry.line <= size);
    MERIDIAN_ASSERT(entry.list == config::NetworksFile::kNoList || entry.list < file.lists.size());
  }
  return 0;
}
