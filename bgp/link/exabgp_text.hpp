// What is said to ExaBGP 4.2 and what it says, as lines of its text API.
//
// Only the part of the grammar that 4.2 and 5 share. Knows no state: which line answers which is the bridge's
// business. Values; no I/O, any thread.
#pragma once

#include "bgp/link/link.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace meridian::bgp {

/// `neighbor 192.0.2.1 , neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self …`, without a
/// newline; to every neighbor when `neighbors` is empty. They are given as ExaBGP spells them, which compares
/// them as text.
[[nodiscard]] std::string route_command(const Route& route, std::span<const std::string> neighbors);

/// Sends again all that is announced to this neighbor.
[[nodiscard]] std::string flush_command(const std::string& neighbor);

/// Asks for a line ExaBgpLine::Version, which nothing else causes: what was said before it has then been
/// read.
inline constexpr std::string_view kVersionCommand = "version";
/// Asks for a line ExaBgpLine::Established for each session that is up.
inline constexpr std::string_view kSessionsCommand = "show neighbor summary";

struct ExaBgpLine {
  enum class Kind : std::uint8_t { Done, Error, Shutdown, Version, Up, Down, Established, Other };
  Kind kind = Kind::Other;
  base::IpAddress neighbor;  ///< For Up, Down, Established.
  std::string spelling;  ///< Of the neighbor, as in ExaBGP's configuration: digits, letters, dots and colons.
  std::string text;      ///< Printable: the version, or why a session is down.
  bool is_fresh = false;  ///< Of Established: for less than 3 s.
  friend bool operator==(const ExaBgpLine&, const ExaBgpLine&) = default;
};

/// Never fails: what is not known is Other, and blank lines are.
[[nodiscard]] ExaBgpLine read_exabgp_line(std::string_view line);

/// Cuts what a pipe gives into lines. Of a line longer than limits::kBgpReplyBytesMax the rest is dropped.
class LineSplitter {
 public:
  /// Calls `take_line` for each line that `bytes` complete, without its newline.
  void feed(std::string_view bytes, const std::function<void(std::string_view)>& take_line);
  [[nodiscard]] std::size_t held_bytes() const noexcept { return part_.size(); }

 private:
  std::string part_;
};

}  // namespace meridian::bgp
