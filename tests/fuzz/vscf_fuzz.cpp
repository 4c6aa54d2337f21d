// Any bytes as a file in gdnsd's syntax: what is no such file has an error with its place, and what is one
// has none.
#include "importer/vscf.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  base::Diagnostics problems;
  const auto node = importer::parse_vscf({reinterpret_cast<const char*>(data), size}, "config", problems);
  if (node.has_value() == problems.has_errors()) std::abort();
  for (const auto& problem : problems.sorted()) {
    if (problem.where.line == 0) std::abort();
  }
  return 0;
}
