// A load client: keeps so many queries on their way, looks at every reply, and says how many were right.
//
// usage: dns_load udp|tcp-each PORT QUERIES RCODE ANSWERS [SECONDS=3 [OUTSTANDING=128]]
//
// `udp` sends from one socket. `tcp-each` opens a connection for each query, and closes it after the reply.
// QUERIES is a file of DNS messages, each after its length in two bytes, as over TCP; `dnsperf -B` reads the
// same. They are sent in order, round and round, with an ID of their own. A reply is right when it is an
// authoritative answer to the question that went out under its ID, whole, with this RCODE and this many
// answer records; so a server that says something short and wrong does not look fast. RCODE "echo" takes back
// whatever went out. Prints one line of JSON.
//
// Over UDP it polls and never sleeps: a server that had to wake it would pay for the waking. Give it a core
// of its own.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// As many as the servers take in one system call, so that a burst is one batch of theirs.
constexpr std::size_t kBurst = 32;
// No reply of these questions is longer; what is longer would be cut, and counted as wrong.
constexpr std::size_t kReplyBytesMax = 1232;
constexpr std::size_t kHeaderBytes = 12;
// Before each message, in the file and over TCP (RFC 1035, section 4.2.2).
constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kIds = 65536;
// Nothing on a loopback takes that long: what has not come by then was dropped from a full socket.
constexpr auto kLossTimeout = std::chrono::milliseconds(200);
// The default socket buffer holds about 270 small packets; more on their way than this would be dropped.
constexpr unsigned kOutstandingDefault = 128;
constexpr std::uint8_t kEchoRcode = 255;

struct Query {
  std::span<std::uint8_t> message;
  std::size_t question_end = 0;
};

struct Expected {
  std::uint8_t rcode = 0;
  std::uint16_t answers = 0;
};

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t right = 0;
  std::uint64_t wrong = 0;
  std::uint64_t lost = 0;
  std::uint64_t reply_bytes = 0;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "dns_load: %s\n", what.c_str());
  std::exit(2);
}

[[noreturn]] void fail_errno(const char* what) { fail(std::string(what) + ": " + std::strerror(errno)); }

template <class Number>
Number parse_number(std::string_view text, const char* what) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fail(std::string(what) + " '" + std::string(text) + "' is no number that fits");
  }
  return value;
}

/// Where the first question ends; 0 when the message has none.
std::size_t find_question_end(std::span<const std::uint8_t> message) {
  std::size_t at = kHeaderBytes;
  while (at < message.size() && message[at] != 0) at += 1U + message[at];
  at += 1 + 4;  // the root label, type and class
  return at <= message.size() ? at : 0;
}

std::vector<std::uint8_t> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<Query> split_queries(std::span<std::uint8_t> bytes) {
  std::vector<Query> queries;
  while (bytes.size() >= kLengthBytes) {
    const std::size_t size = static_cast<std::size_t>(bytes[0]) * 256 + bytes[1];
    if (bytes.size() < kLengthBytes + size) fail("the file of queries ends within a message");
    const auto message = bytes.subspan(kLengthBytes, size);
    const auto question_end = find_question_end(message);
    if (question_end == 0) fail("message " + std::to_string(queries.size() + 1) + " has no question");
    queries.push_back({.message = message, .question_end = question_end});
    bytes = bytes.subspan(kLengthBytes + size);
  }
  return queries;
}

bool is_right(const Query& query, std::span<const std::uint8_t> reply, Expected expected) {
  if (reply.size() < query.question_end) return false;
  if (std::memcmp(reply.data() + kHeaderBytes, query.message.data() + kHeaderBytes,
                  query.question_end - kHeaderBytes) != 0) {
    return false;
  }
  if (expected.rcode == kEchoRcode) return reply.size() == query.message.size();
  constexpr std::uint8_t kResponse = 0x80;
  constexpr std::uint8_t kOpcode = 0x78;
  constexpr std::uint8_t kAuthoritative = 0x04;
  constexpr std::uint8_t kTruncated = 0x02;
  const auto flags = reply[2] & (kResponse | kOpcode | kAuthoritative | kTruncated);
  const unsigned answers = static_cast<unsigned>(reply[6]) * 256 + reply[7];
  return flags == (kResponse | kAuthoritative) && (reply[3] & 0x0f) == expected.rcode &&
         answers == expected.answers;
}

void write_id(const Query& query, std::uint16_t id) {
  query.message[0] = static_cast<std::uint8_t>(id >> 8);
  query.message[1] = static_cast<std::uint8_t>(id & 0xff);
}

int connect_loopback(int type, std::uint16_t port) {
  const int fd = ::socket(AF_INET, type, 0);
  if (fd < 0) fail_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const void* const raw = &address;
  if (::connect(fd, static_cast<const sockaddr*>(raw), sizeof address) != 0) fail_errno("connect");
  return fd;
}

/// Queries over one UDP socket.
class UdpLoad {
 public:
  UdpLoad(int fd, std::span<const Query> queries, Expected expected, unsigned outstanding_max)
      : fd_(fd), queries_(queries), expected_(expected), outstanding_max_(outstanding_max) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      receive_parts_[i] = {.iov_base = replies_[i].data(), .iov_len = replies_[i].size()};
      receive_[i].msg_hdr.msg_iov = &receive_parts_[i];
      receive_[i].msg_hdr.msg_iovlen = 1;
      send_[i].msg_hdr.msg_iov = &send_parts_[i];
      send_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  Counts run(std::chrono::duration<double> length) {
    const auto end = Clock::now() + length;
    auto heard = Clock::now();
    while (true) {
      const auto now = Clock::now();
      const bool over = now >= end;
      if (receive_replies()) heard = now;
      if (now - heard > kLossTimeout) {
        give_up_all();
        heard = now;
      }
      if (over && outstanding_ == 0) return counts_;
      const auto room = outstanding_max_ - outstanding_;
      if (!over && (room >= kBurst || outstanding_ == 0)) send_burst(std::min<std::size_t>(room, kBurst));
    }
  }

 private:
  void send_burst(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto id = static_cast<std::uint16_t>(next_id_ + i);
      if (on_their_way_[id] != nullptr) give_up(id);
      const auto& query = queries_[(next_query_ + i) % queries_.size()];
      write_id(query, id);
      send_parts_[i] = {.iov_base = query.message.data(), .iov_len = query.message.size()};
      on_their_way_[id] = &query;
    }
    const int result = ::sendmmsg(fd_, send_.data(), static_cast<unsigned>(count), 0);
    if (result < 0 && errno != ECONNREFUSED) fail_errno("sendmmsg");
    const auto sent = static_cast<std::size_t>(std::max(result, 0));
    for (std::size_t i = sent; i < count; ++i)
      on_their_way_[static_cast<std::uint16_t>(next_id_ + i)] = nullptr;
    next_id_ = static_cast<std::uint16_t>(next_id_ + sent);
    next_query_ = (next_query_ + sent) % queries_.size();
    outstanding_ += static_cast<unsigned>(sent);
    counts_.sent += sent;
  }

  bool receive_replies() {
    const int result = ::recvmmsg(fd_, receive_.data(), kBurst, MSG_DONTWAIT, nullptr);
    if (result <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(result); ++i) {
      count_reply(std::span(replies_[i]).first(receive_[i].msg_len));
    }
    return true;
  }

  void count_reply(std::span<const std::uint8_t> reply) {
    counts_.reply_bytes += reply.size();
    const auto id = reply.size() < kHeaderBytes ? 0U : static_cast<unsigned>(reply[0]) * 256 + reply[1];
    const Query* const query = on_their_way_[id];
    if (reply.size() < kHeaderBytes || query == nullptr) {
      ++counts_.wrong;
      return;
    }
    on_their_way_[id] = nullptr;
    --outstanding_;
    ++(is_right(*query, reply, expected_) ? counts_.right : counts_.wrong);
  }

  void give_up(std::size_t id) {
    on_their_way_[id] = nullptr;
    --outstanding_;
    ++counts_.lost;
  }

  void give_up_all() {
    for (std::size_t id = 0; id < kIds; ++id) {
      if (on_their_way_[id] != nullptr) give_up(id);
    }
  }

  int fd_;
  std::span<const Query> queries_;
  Expected expected_;
  unsigned outstanding_max_;
  unsigned outstanding_ = 0;
  std::uint16_t next_id_ = 0;
  std::size_t next_query_ = 0;
  Counts counts_;
  std::array<const Query*, kIds> on_their_way_{};
  std::array<std::array<std::uint8_t, kReplyBytesMax>, kBurst> replies_{};
  std::array<iovec, kBurst> receive_parts_{};
  std::array<iovec, kBurst> send_parts_{};
  std::array<mmsghdr, kBurst> receive_{};
  std::array<mmsghdr, kBurst> send_{};
};

/// Connections of one query each, some open at once.
class TcpEachLoad {
 public:
  TcpEachLoad(std::uint16_t port, std::span<const Query> queries, Expected expected, unsigned outstanding_max)
      : port_(port), queries_(queries), expected_(expected), sockets_(outstanding_max) {}

  Counts run(std::chrono::duration<double> length) {
    const auto end = Clock::now() + length;
    while (Clock::now() < end) {
      const auto first = next_query_;
      for (auto& fd : sockets_) fd = open_and_ask(next_query());
      next_query_ = first;
      for (const auto fd : sockets_) take_reply(fd, next_query());
    }
    return counts_;
  }

 private:
  const Query& next_query() {
    const auto& query = queries_[next_query_];
    next_query_ = (next_query_ + 1) % queries_.size();
    return query;
  }

  int open_and_ask(const Query& query) {
    const int fd = connect_loopback(SOCK_STREAM, port_);
    const timeval wait{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    write_id(query, static_cast<std::uint16_t>(counts_.sent));
    // The length and the message lie side by side in the file, as they go over the wire.
    const auto* const start = query.message.data() - kLengthBytes;
    const auto size = query.message.size() + kLengthBytes;
    if (::send(fd, start, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size)) ++counts_.sent;
    return fd;
  }

  void take_reply(int fd, const Query& query) {
    std::size_t size = 0;
    while (size < kLengthBytes || size < kLengthBytes + length_of_reply()) {
      const auto got = ::recv(fd, reply_.data() + size, reply_.size() - size, 0);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
    ::close(fd);
    if (size < kLengthBytes) {
      ++counts_.lost;
      return;
    }
    const auto reply = std::span<const std::uint8_t>(reply_).first(size).subspan(kLengthBytes);
    const bool is_whole = reply.size() == length_of_reply();
    const bool has_id = is_whole && std::ranges::equal(reply.first(2), query.message.first(2));
    counts_.reply_bytes += reply.size();
    ++(has_id && is_right(query, reply, expected_) ? counts_.right : counts_.wrong);
  }

  std::size_t length_of_reply() const { return static_cast<std::size_t>(reply_[0]) * 256 + reply_[1]; }

  std::uint16_t port_;
  std::span<const Query> queries_;
  Expected expected_;
  std::vector<int> sockets_;
  std::size_t next_query_ = 0;
  Counts counts_;
  std::array<std::uint8_t, kLengthBytes + kReplyBytesMax> reply_{};
};

void print(const Counts& counts, std::chrono::duration<double> took) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  const auto replies = counts.right + counts.wrong;
  std::printf(
      R"({"sent": %llu, "right": %llu, "wrong": %llu, "lost": %llu, "seconds": %.6f, "reply_bytes": %.1f})"
      "\n",
      number(counts.sent), number(counts.right), number(counts.wrong), number(counts.lost), took.count(),
      replies == 0 ? 0.0 : static_cast<double>(counts.reply_bytes) / static_cast<double>(replies));
}

}  // namespace

int main(int argc, char** argv) {
  constexpr auto* kUsage = "usage: dns_load udp|tcp-each PORT QUERIES RCODE ANSWERS [SECONDS [OUTSTANDING]]";
  if (argc < 6 || argc > 8) fail(kUsage);
  const std::string_view transport = argv[1];
  if (transport != "udp" && transport != "tcp-each") fail(kUsage);
  const auto port = parse_number<std::uint16_t>(argv[2], "port");
  auto bytes = read_file(argv[3]);
  const bool echo = std::string_view(argv[4]) == "echo";
  const Expected expected{.rcode = echo ? kEchoRcode : parse_number<std::uint8_t>(argv[4], "RCODE"),
                          .answers = parse_number<std::uint16_t>(argv[5], "number of answers")};
  const std::chrono::duration<double> length(argc > 6 ? parse_number<double>(argv[6], "seconds") : 3);
  const auto outstanding = argc > 7 ? parse_number<unsigned>(argv[7], "outstanding") : kOutstandingDefault;
  if (outstanding == 0 || outstanding > kIds / 2) fail("outstanding must be 1 to 32768");
  const auto queries = split_queries(bytes);
  // A query that is on its way must not get a second ID.
  if (queries.size() < outstanding) fail("fewer queries in the file than on their way at once");

  const auto start = Clock::now();
  Counts counts;
  if (transport == "udp") {
    const int fd = connect_loopback(SOCK_DGRAM, port);
    counts = std::make_unique<UdpLoad>(fd, queries, expected, outstanding)->run(length);
    ::close(fd);
  } else {
    counts = TcpEachLoad(port, queries, expected, outstanding).run(length);
  }
  print(counts, Clock::now() - start);
}
