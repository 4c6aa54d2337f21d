#include "bgp/link/link.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <span>
#include <utility>

namespace meridian::bgp {
namespace {

namespace limits = base::limits;

/// Ends the reading of a message; caught in `read` and nowhere else.
struct Refusal {
  std::size_t offset;
  std::string message;
};

/// Takes a message apart into words. It need not look for odd spaces, zeros in front or capitals: `read`
/// compares what was understood, written again, with what was read.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }

  std::string_view next(std::string_view separators = " \n") {
    if (line_ended_) refuse("the line ends here, and more is to come");
    const auto end = text_.find_first_of(separators, at_);
    if (end == std::string_view::npos) start_ = at_, refuse("the last line does not end");
    line_ended_ = text_[end] == '\n';
    start_ = std::exchange(at_, end + 1);
    return text_.substr(start_, end - start_);
  }

  /// The rest of the line; `-` stands for nothing.
  std::string text() {
    const auto text = next("\n");
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!printable || text.empty() || text.size() > limits::kBgpTextBytesMax)
      refuse_as_no("a short printable text");
    return text == "-" ? std::string() : std::string(text);
  }

  void next_line() {
    if (!line_ended_)
      start_ = at_, refuse("the line is to end before this, or its words stand in another order");
    line_ended_ = false;
  }

  /// Takes the next word of the line if it is this one.
  bool take(std::string_view expected) {
    const bool found = !line_ended_ && text_.substr(at_, text_.find_first_of(" \n", at_) - at_) == expected;
    if (found) next();
    return found;
  }
  void expect(std::string_view expected) {
    if (take(expected)) return;
    start_ = line_ended_ ? at_ - 1 : at_;
    refuse("here is to stand '" + std::string(expected) + "'");
  }

  template <std::unsigned_integral T>
  T number(std::string_view text, std::string_view what) const {
    T value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stop != end) refuse_as_no(what);
    return value;
  }
  template <std::unsigned_integral T>
  T next_number(std::string_view what) {
    return number<T>(next(), what);
  }

  template <typename T>
  T parsed(const std::optional<T>& value, std::string_view what) const {
    if (!value) refuse_as_no(what);
    return *value;
  }

  /// `a,b,c`, each of them read by `read_one`.
  template <typename T>
  std::vector<T> list(auto read_one) {
    std::vector<T> values;
    auto text = next();
    for (auto end = text.find(','); end != std::string_view::npos; end = text.find(',')) {
      values.push_back(read_one(text.substr(0, end)));
      text.remove_prefix(end + 1);
    }
    values.push_back(read_one(text));
    if (values.size() > limits::kBgpAttributeValuesMax)
      refuse("a list has at most " + std::to_string(limits::kBgpAttributeValuesMax) + " values");
    return values;
  }

  base::IpAddress next_address(std::string_view what) { return parsed(base::parse_ip_address(next()), what); }

  /// Of the word taken last.
  [[noreturn]] void refuse(std::string message) const { throw Refusal{start_, std::move(message)}; }

 private:
  [[noreturn]] void refuse_as_no(std::string_view what) const { refuse("this is not " + std::string(what)); }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  bool line_ended_ = false;
};

base::Diagnostic diagnostic_of(std::string_view text, const Refusal& refusal) {
  const auto before = text.substr(0, refusal.offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;
  return {
      base::Severity::Error, {"message", static_cast<int>(line), static_cast<int>(column)}, refusal.message};
}

/// `parse` on a text of bounded size, accepted only if `format` gives the very same text.
template <typename T>
base::Expected<T, base::Diagnostic> read(std::string_view text, std::size_t bytes_max, T (*parse)(Words&),
                                         std::string (*format)(const T&)) {
  try {
    if (text.size() > bytes_max)
      throw Refusal{0, "a message has at most " + std::to_string(bytes_max) + " bytes"};
    Words words(text);
    T value = parse(words);
    const auto again = format(value);
    const auto differs =
        std::mismatch(again.begin(), again.end(), text.begin(), text.end()).second - text.begin();
    if (again != text)
      throw Refusal{static_cast<std::size_t>(differs), "this is not written in its one right form"};
    return value;
  } catch (const Refusal& refusal) {
    return base::unexpected(diagnostic_of(text, refusal));
  }
}

std::uint64_t read_line_number(Words& in, std::string_view name) {
  in.expect(name);
  const auto value = in.next_number<std::uint64_t>("a number");
  in.next_line();
  return value;
}

Attributes read_attributes(Words& in, base::Family family) {
  Attributes read;
  in.expect("next-hop");
  if (!in.take("self")) {
    read.next_hop = in.next_address("an address or 'self'");
    if (read.next_hop->family != family) in.refuse("the next hop is of another family than the network");
  }
  if (in.take("med")) read.med = in.next_number<std::uint32_t>("a number");
  if (in.take("community")) {
    read.communities = in.list<base::Community>([&in](std::string_view text) {
      return in.parsed(base::parse_community(text), "a community like 65535:0, numbers only");
    });
  }
  if (in.take("large-community")) {
    read.large_communities = in.list<base::LargeCommunity>([&in](std::string_view text) {
      return in.parsed(base::parse_large_community(text), "a large community like 65101:1:2");
    });
  }
  if (in.take("as-path")) {
    read.as_path = in.list<std::uint32_t>([&in](std::string_view text) {
      return in.number<std::uint32_t>(text, "the number of an autonomous system");
    });
  }
  return read;
}

RouteKey read_key(Words& in) {
  RouteKey key;
  if (!in.take("*")) key.neighbor = in.next_address("the address of a neighbor, or '*'");
  const auto prefix = base::parse_ip_prefix(in.next());
  if (!prefix) in.refuse(prefix.error());
  if (prefix->bits == 0) in.refuse("this is the default route, which no site may announce");
  key.prefix = *prefix;
  return key;
}

Level read_level(Words& in) {
  if (in.take("withdraw")) return Level::Withdraw;
  in.expect("announce");
  return Level::Announce;
}

/// The first two lines: what message this is, in which version, and when it was sent.
std::uint64_t read_head(Words& in, std::string_view kind) {
  in.expect("meridian-bgp");
  in.expect(kind);
  in.expect("1");
  in.next_line();
  return read_line_number(in, "sent");
}

void check_count(const Words& in, std::size_t count, std::size_t count_max) {
  if (count == count_max) in.refuse("there are more than " + std::to_string(count_max) + " of these");
}

void add_route(Words& in, std::vector<Route>& routes, std::size_t count_max, bool may_overlap) {
  Route route;
  in.expect("route");
  check_count(in, routes.size(), count_max);
  route.key = read_key(in);
  const auto contradicts = [&](const Route& other) { return overlap(other.key, route.key); };
  if (!may_overlap && std::any_of(routes.begin(), routes.end(), contradicts))
    in.refuse("a line above is for the same network and neighbor, or '*'");
  route.level = read_level(in);
  route.attributes = read_attributes(in, route.key.prefix.address.family);
  in.next_line();
  routes.push_back(std::move(route));
}

Wanted read_wanted(Words& in) {
  Wanted read;
  read.sent_ms = read_head(in, "wanted");
  while (!in.at_end()) add_route(in, read.routes, limits::kBgpRoutesMax, false);
  return read;
}

Saved read_saved(Words& in) {
  Saved read;
  read.sent_ms = read_head(in, "saved");
  read.exabgp_process = read_line_number(in, "exabgp");
  while (!in.at_end()) add_route(in, read.routes, 2 * limits::kBgpRoutesMax, true);
  return read;
}

SessionStatus read_session_status(Words& in) {
  SessionStatus read;
  read.neighbor = in.next_address("the address of a neighbor");
  read.up = in.take("up");
  if (!read.up) in.expect("down");
  read.reason = in.text();
  return read;
}

RouteStatus read_route_status(Words& in) {
  RouteStatus read;
  read.key = read_key(in);
  if (!in.take("unknown")) read.in_force = read_level(in);
  read.pending = in.take("pending");
  if (!read.pending) in.expect("settled");
  if (!in.take("never")) read.acked_ms_ago = in.next_number<std::uint64_t>("milliseconds, or 'never'");
  read.attributes = read_attributes(in, read.key.prefix.address.family);
  return read;
}

std::string read_line_text(Words& in, std::string_view name) {
  in.expect(name);
  auto text = in.text();
  in.next_line();
  return text;
}

Status read_status(Words& in) {
  Status read;
  read.sent_ms = read_head(in, "status");
  read.exabgp_version = read_line_text(in, "exabgp");
  read.acks = read_line_number(in, "acks");
  read.ack_timeouts = read_line_number(in, "ack-timeouts");
  read.errors = read_line_number(in, "errors");
  read.refused = read_line_number(in, "refused");
  read.refusal = read_line_text(in, "refusal");
  for (; !in.at_end(); in.next_line()) {
    if (in.take("neighbor")) {
      check_count(in, read.sessions.size(), limits::kBgpNeighborsMax);
      read.sessions.push_back(read_session_status(in));
    } else {
      in.expect("route");
      check_count(in, read.routes.size(), 2 * limits::kBgpRoutesMax);
      read.routes.push_back(read_route_status(in));
    }
  }
  return read;
}

std::string text_of(std::uint32_t value) { return std::to_string(value); }
std::string text_of(const base::Community& value) { return to_string(value); }
std::string text_of(const base::LargeCommunity& value) { return to_string(value); }

std::string key_text(const RouteKey& key) {
  return (key.neighbor ? to_string(*key.neighbor) : "*") + " " + to_string(key.prefix);
}

std::string level_text(Level level) { return level == Level::Announce ? "announce" : "withdraw"; }

std::string line(std::string_view name, const std::string& value) {
  return std::string(name) + " " + (value.empty() ? "-" : value) + "\n";
}

std::string head(std::string_view kind, std::uint64_t sent_ms) {
  return "meridian-bgp " + std::string(kind) + " 1\n" + line("sent", std::to_string(sent_ms));
}

std::string routes_text(const std::vector<Route>& routes) {
  std::string text;
  for (const auto& route : routes) {
    text += line("route", key_text(route.key) + " " + level_text(route.level) + " " +
                              attributes_text(route.attributes, kLinkLists));
  }
  return text;
}

}  // namespace

std::string attributes_text(const Attributes& attributes, ListStyle style) {
  std::string text = "next-hop " + (attributes.next_hop ? to_string(*attributes.next_hop) : "self");
  const auto add_list = [&](const char* name, const auto& values) {
    if (values.empty()) return;
    const char* before = style.open;
    text += std::string(" ") + name + " ";
    for (const auto& value : values) text += std::exchange(before, style.between) + text_of(value);
    text += style.close;
  };
  if (attributes.med) text += " med " + text_of(*attributes.med);
  add_list("community", attributes.communities);
  add_list("large-community", attributes.large_communities);
  add_list("as-path", attributes.as_path);
  return text;
}

std::string format_wanted(const Wanted& wanted) {
  return head("wanted", wanted.sent_ms) + routes_text(wanted.routes);
}

std::string format_saved(const Saved& saved) {
  return head("saved", saved.sent_ms) + line("exabgp", std::to_string(saved.exabgp_process)) +
         routes_text(saved.routes);
}

std::string format_status(const Status& status) {
  std::string text = head("status", status.sent_ms) + line("exabgp", status.exabgp_version) +
                     line("acks", std::to_string(status.acks)) +
                     line("ack-timeouts", std::to_string(status.ack_timeouts)) +
                     line("errors", std::to_string(status.errors)) +
                     line("refused", std::to_string(status.refused)) + line("refusal", status.refusal);
  for (const auto& session : status.sessions) {
    text += line("neighbor " + to_string(session.neighbor) + (session.up ? " up" : " down"), session.reason);
  }
  for (const auto& route : status.routes) {
    text +=
        line("route", key_text(route.key) + " " + (route.in_force ? level_text(*route.in_force) : "unknown") +
                          (route.pending ? " pending " : " settled ") +
                          (route.acked_ms_ago ? std::to_string(*route.acked_ms_ago) : "never") + " " +
                          attributes_text(route.attributes, kLinkLists));
  }
  return text;
}

base::Expected<Wanted, base::Diagnostic> parse_wanted(std::string_view text) {
  return read<Wanted>(text, limits::kBgpWantedBytesMax, read_wanted, format_wanted);
}

base::Expected<Saved, base::Diagnostic> parse_saved(std::string_view text) {
  return read<Saved>(text, limits::kBgpStatusBytesMax, read_saved, format_saved);
}

base::Expected<Status, base::Diagnostic> parse_status(std::string_view text) {
  return read<Status>(text, limits::kBgpStatusBytesMax, read_status, format_status);
}

bool overlap(const RouteKey& left, const RouteKey& right) noexcept {
  return left.prefix == right.prefix &&
         (!left.neighbor || !right.neighbor || left.neighbor == right.neighbor);
}

}  // namespace meridian::bgp
