#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace meridian::base {

void assertion_failed(std::string_view expression, std::string_view file, int line) noexcept {
  std::fprintf(stderr, "meridian: bug: %.*s is false at %.*s:%d\n", static_cast<int>(expression.size()),
               expression.data(), static_cast<int>(file.size()), file.data(), line);
  std::abort();
}

}  // namespace meridian::base
