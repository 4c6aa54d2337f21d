#include "probe/cause.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace meridian::probe {

std::string clean_text(std::string_view text) {
  std::string clean{text.substr(0, base::limits::kProbeCauseBytesMax)};
  std::ranges::replace_if(
      clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

std::string error_words(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "refused";
    case ECONNRESET:
      return "reset by the endpoint";
    case EPIPE:
      return "closed by the endpoint";
    case ETIMEDOUT:
      return "timed out";
    case EHOSTUNREACH:
      return "no route to the host";
    case ENETUNREACH:
      return "no route to the network";
    case EADDRNOTAVAIL:
      return "the source address is not on this machine, or its ports are used up";
    case EMFILE:
    case ENFILE:
      return "no descriptors left on this machine";
    default:
      return std::generic_category().message(error);
  }
}

std::string connect_cause(int error) { return "connect: " + error_words(error); }

std::string timeout_cause(std::string_view phase, std::chrono::milliseconds timeout) {
  return fmt::format("{}: timed out after {} ms", phase, timeout.count());
}

health::ProbeResult success() {
  health::ProbeResult result;
  result.is_ok = true;
  return result;
}

health::ProbeResult failure(std::string_view cause) {
  health::ProbeResult result;
  result.cause = clean_text(cause);
  return result;
}

}  // namespace meridian::probe
