// Any text as any of the files operators write: the first byte says which.
#include "config/load.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  if (size == 0) return 0;
  const auto kind = config::kFileKinds[data[0] % config::kFileKinds.size()];
  const std::string_view text{reinterpret_cast<const char*>(data + 1), size - 1};
  if (kind == config::FileKind::Site) {
    static_cast<void>(config::parse_site_text(text, "meridian.yaml").diagnostics.to_text());
    return 0;
  }
  config::MapBuilder builder("map");
  builder.add_text(kind, text, "file.yaml");
  static_cast<void>(builder.take().diagnostics.to_text());
  return 0;
}
