// A client of the lab: asks one question so many times a second, whatever comes back (open loop), asks
// nothing twice, and writes down what became of each query.
//
// usage: anycast_load ADDRESS PORT QUERY OUT RATE SOCKETS
//
// QUERY is a file with one DNS message, whose ID is replaced; it asks for NSID, so that answers tell their
// site. The sockets take turns, each with a source port of its own, and are not connected: what the host says
// of unreachable addresses is no answer. Ends on SIGTERM: sends no more, waits a second for what is on its
// way, and writes OUT, times in microseconds of the monotonic clock:
//
//   lag LONGEST         how late a query was sent at most, because this program did not get to run
//   SENT TOOK SITE ANSWER       a line a query in the order they were sent; TOOK, SITE and ANSWER are - when
//   nothing
//                               came; ANSWER is an address, or in words what was wrong
#include "dns/client.hpp"
#include "dns/message.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace meridian;
using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// What has not come after that long is no answer to anybody: resolvers have long asked elsewhere.
constexpr std::chrono::seconds kPatience{1};
// IDs of one socket: with this many queries each, the run has to end.
constexpr std::size_t kIds = 65'536;
constexpr std::size_t kReplyBytesMax = 1232;

volatile std::sig_atomic_t is_over = 0;

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "anycast_load: {}\n", what);
  std::exit(2);
}

[[noreturn]] void fail_errno(const char* what) { fail(fmt::format("{}: {}", what, std::strerror(errno))); }

unsigned parse_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > max)
    fail(fmt::format("'{}' is no number from 1 to {}", text, max));
  return value;
}

struct Asked {
  Clock::time_point sent;
  std::optional<Clock::time_point> answered;
  std::string site;
  std::string answer;
};

std::string site_of(const dns::Message& message) {
  const auto* const option = message.edns ? message.edns->find_option(dns::EdnsOption::Nsid) : nullptr;
  if (option == nullptr || option->payload.empty()) return "-";
  return {option->payload.begin(), option->payload.end()};
}

/// The address of a good answer, or what is wrong with it.
std::string answer_of(const dns::Message& message) {
  if (message.rcode != dns::Rcode::NoError) return dns::to_string(message.rcode);
  if (!message.is_authoritative()) return "not-authoritative";
  const auto records = message.section(dns::Section::Answer);
  if (records.size() != 1) return fmt::format("{}-records", records.size());
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto& rdata = records.front().rdata;
  const int family = rdata.size() == 4 ? AF_INET : AF_INET6;
  if ((rdata.size() != 4 && rdata.size() != 16) ||
      inet_ntop(family, rdata.data(), text.data(), text.size()) == nullptr)
    return "no-address";
  return text.data();
}

class Load {
 public:
  Load(sockaddr_in server, std::vector<std::uint8_t> query, unsigned rate, unsigned sockets)
      : server_(server), query_(std::move(query)), step_(Clock::duration(std::chrono::seconds(1)) / rate) {
    for (unsigned i = 0; i < sockets; ++i) {
      const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
      if (fd < 0) fail_errno("socket");
      sockets_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    }
    asked_.reserve(std::size_t{rate} * 60);
  }

  void run() {
    auto next = Clock::now();
    while (is_over == 0) {
      const auto now = Clock::now();
      longest_lag_ = std::max(longest_lag_, now - next);
      for (; next <= now; next += step_) send();
      receive_until(next);
    }
    receive_until(Clock::now() + kPatience);
  }

  void write(const char* path) const {
    std::ofstream file(path);
    file << fmt::format("lag {}\n", in_us(longest_lag_));
    for (const auto& one : asked_) {
      const auto took = one.answered ? std::to_string(in_us(*one.answered - one.sent)) : "-";
      file << fmt::format("{} {} {} {}\n", in_us(one.sent.time_since_epoch()), took,
                          one.answered ? one.site : "-", one.answered ? one.answer : "-");
    }
    file.close();
    if (!file) fail(fmt::format("{} can't be written", path));
  }

 private:
  static std::int64_t in_us(Clock::duration time) {
    return std::chrono::duration_cast<microseconds>(time).count();
  }

  void send() {
    const auto number = asked_.size();
    const auto id = number / sockets_.size();
    if (id >= kIds) fail("it asks for too long: IDs are used up");
    set_id(id);
    asked_.push_back({.sent = Clock::now(), .answered = {}, .site = {}, .answer = {}});
    const void* const to = &server_;
    // A host that knows no way says so at once; that is a lost query as well.
    (void)::sendto(sockets_[number % sockets_.size()].fd, query_.data(), query_.size(), 0,
                   static_cast<const sockaddr*>(to), sizeof server_);
  }

  void set_id(std::size_t id) {
    query_[0] = static_cast<std::uint8_t>(id >> 8);
    query_[1] = static_cast<std::uint8_t>(id & 0xff);
  }

  void receive_until(Clock::time_point end) {
    for (auto now = Clock::now(); now < end; now = Clock::now()) {
      const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(end - now).count();
      const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
      const int ready = ::ppoll(sockets_.data(), sockets_.size(), &timeout, nullptr);
      if (ready < 0 && errno == EINTR) return;
      if (ready < 0) fail_errno("ppoll");
      for (std::size_t i = 0; ready > 0 && i < sockets_.size(); ++i)
        if (sockets_[i].revents != 0) receive(i);
    }
  }

  void receive(std::size_t socket) {
    std::array<std::uint8_t, kReplyBytesMax> buffer{};
    while (true) {
      const auto size = ::recv(sockets_[socket].fd, buffer.data(), buffer.size(), 0);
      if (size < 0) return;
      take(socket, std::span(buffer).first(static_cast<std::size_t>(size)));
    }
  }

  void take(std::size_t socket, std::span<const std::uint8_t> reply) {
    if (reply.size() < 2) return;
    const std::size_t id = static_cast<std::size_t>(reply[0]) * 256 + reply[1];
    const auto number = id * sockets_.size() + socket;
    if (number >= asked_.size() || asked_[number].answered) return;
    set_id(id);
    if (!dns::is_reply_to(query_, reply)) return;
    auto& one = asked_[number];
    one.answered = Clock::now();
    const auto message = dns::read_message(reply);
    one.site = message ? site_of(*message) : "-";
    one.answer = message ? answer_of(*message) : "malformed";
  }

  sockaddr_in server_;
  std::vector<std::uint8_t> query_;
  Clock::duration step_;
  std::vector<pollfd> sockets_;
  std::vector<Asked> asked_;
  Clock::duration longest_lag_{0};
};

std::vector<std::uint8_t> read_query(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> query{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!dns::read_message(query)) fail(fmt::format("{} holds no DNS message", path));
  return query;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) fail("usage: anycast_load ADDRESS PORT QUERY OUT RATE SOCKETS");
  std::signal(SIGTERM, [](int) { is_over = 1; });
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<std::uint16_t>(parse_number(argv[2], 65'535)));
  if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
    fail(fmt::format("'{}' is no IPv4 address", argv[1]));
  Load load(server, read_query(argv[3]), parse_number(argv[5], 100'000), parse_number(argv[6], 1'000));
  load.run();
  load.write(argv[4]);
}
