#include "meridianctl/draw.hpp"

#include "geo/outlines.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace meridian::meridianctl {
namespace {

/// The whole file or an error; a device or a pipe is fine (`--svg /dev/stdout`).
base::Expected<void, base::Diagnostics> write_file(const std::string& path, const std::string& text) {
  const auto fail = [&] {
    base::Diagnostics diagnostics;
    diagnostics.error({path}, fmt::format("cannot write it: {}", std::generic_category().message(errno)));
    return base::unexpected(std::move(diagnostics));
  };
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail();
  const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  // A full disk may be told only here.
  if (std::fclose(file) != 0 || !is_written) return fail();
  return {};
}

}  // namespace

base::Expected<void, base::Diagnostics> draw(const std::string& path, const picture::WorldPicture& picture,
                                             const compile::Sources& sources, const geo::Places& places) {
  const auto outlines = geo::load_outlines(sources.data_folder + "/outlines.txt");
  if (!outlines) return base::unexpected(outlines.error());
  return write_file(path, picture::to_svg(picture, *outlines, places));
}

}  // namespace meridian::meridianctl
