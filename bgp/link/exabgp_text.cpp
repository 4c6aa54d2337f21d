#include "bgp/link/exabgp_text.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace meridian::bgp {
namespace {

constexpr ListStyle kExaBgpLists{"[", " ", "]"};

/// ExaBGP's words go into logs and into the status, which is lines of printable text.
std::string printable(std::string_view text) {
  std::string clean(text.substr(0, base::limits::kBgpTextBytesMax));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

/// What an address parses from holds no spaces and no words, and may go into commands.
ExaBgpLine about_neighbor(ExaBgpLine::Kind kind, std::string_view spelling, std::string_view text) {
  const auto neighbor = base::parse_ip_address(spelling);
  if (!neighbor) return {};
  return {kind, *neighbor, std::string(spelling), printable(text), false};
}

/// `neighbor 192.0.2.1 up` and `neighbor 192.0.2.1 down - peer reset, …`; the other events tell nothing we
/// need.
ExaBgpLine read_event(std::string_view rest) {
  const auto spelling = take_word(rest);
  if (rest == "up") return about_neighbor(ExaBgpLine::Kind::Up, spelling, "");
  if (take_word(rest) != "down") return {};
  if (rest.starts_with("- ")) rest.remove_prefix(2);
  return about_neighbor(ExaBgpLine::Kind::Down, spelling, rest);
}

/// `192.0.2.1  65000  0:00:12  established  3  1`: a row of the summary. ExaBGP 4 lists no others, 5 does; in
/// its first second the time of a session is `down`.
ExaBgpLine read_summary_row(std::string_view line) {
  const auto state = line.find(" established ");
  if (state == std::string_view::npos) return {};
  auto row = about_neighbor(ExaBgpLine::Kind::Established, line.substr(0, line.find(' ')), "");
  const auto before = line.substr(0, state);
  const auto time = before.substr(before.rfind(' ') + 1);
  row.is_fresh =
      time == "down" || (time >= "0:00:00" && time < "0:00:03" && before.find(" day") == before.npos);
  return row;
}

}  // namespace

std::string route_command(const Route& route, std::span<const std::string> neighbors) {
  std::string command;
  for (const auto& neighbor : neighbors)
    command += (command.empty() ? "neighbor " : ", neighbor ") + neighbor + " ";
  return command + (route.level == Level::Announce ? "announce route " : "withdraw route ") +
         to_string(route.key.prefix) + " " + attributes_text(route.attributes, kExaBgpLists);
}

std::string flush_command(const std::string& neighbor) {
  return "neighbor " + neighbor + " flush adj-rib out";
}

ExaBgpLine read_exabgp_line(std::string_view line) {
  using Kind = ExaBgpLine::Kind;
  if (line == "done") return {Kind::Done, {}, {}, {}, {}};
  if (line == "error") return {Kind::Error, {}, {}, {}, {}};
  auto rest = line;
  const auto first = take_word(rest);
  if (first == "exabgp" && !rest.empty()) return {Kind::Version, {}, {}, printable(rest), {}};
  if (first == "neighbor") return read_event(rest);
  // `shutdown 4711 1` is ExaBGP's last word; `shutdown in progress` only answers an operator.
  const bool numbers = !rest.empty() && rest.find_first_not_of("0123456789 ") == std::string_view::npos;
  if (first == "shutdown" && numbers) return {Kind::Shutdown, {}, {}, {}, {}};
  return read_summary_row(line);
}

void LineSplitter::feed(std::string_view bytes, const std::function<void(std::string_view)>& take_line) {
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    part_ += bytes.substr(0, end);
    take_line(std::string_view(part_).substr(0, base::limits::kBgpReplyBytesMax));
    part_.clear();
    bytes.remove_prefix(end + 1);
  }
  part_ += bytes.substr(
      0, base::limits::kBgpReplyBytesMax - std::min(part_.size(), base::limits::kBgpReplyBytesMax));
}

}  // namespace meridian::bgp
