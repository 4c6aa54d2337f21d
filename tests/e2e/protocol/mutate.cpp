// Sends mutated packets to a server on 127.0.0.1 and judges every reply. Linked with meridian::dns, whose
// read_message is the strict decoder. usage: protocol_mutate PORT PACKETS_FILE SEED COUNT
//
// The packets file has one packet a line, in hexadecimal; mutations start from these. Packets go out in
// batches, each with a good query behind it: the kernel gives a socket's packets to one worker in order, so
// when the good answer is there, so is every other. One batch in twenty goes over TCP.
#include "base/random.hpp"
#include "dns/header.hpp"
#include "dns/message.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace meridian;
using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

// Small enough that neither side's socket buffer overflows: 64 replies of 1,232 bytes are 80 kB.
constexpr std::size_t kBatch = 64;
constexpr std::size_t kTcpEvery = 20;
// The server drops longer ones unread (docs/life-of-a-query.md, Parse).
constexpr std::size_t kQueryBytesMax = 2048;
constexpr std::size_t kUdpBytesMax = 1232;
constexpr std::size_t kPlainBytesMax = 512;
// What an error reply may add to its query: OPT with a cookie, an extended error, a name and a timeout.
constexpr std::size_t kErrorGrowthMax = 11 + 28 + 8 + 12 + 6;
constexpr std::uint16_t kGoodId = 0xfffe;
constexpr int kPatienceS = 20;

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string hex(ByteSpan bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Bytes from_hex(const std::string& line) {
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < line.size(); at += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(line.substr(at, 2), nullptr, 16)));
  return bytes;
}

/// example. SOA, which the battery's server has.
Bytes good_query() { return from_hex("fffe00000001000000000000076578616d706c650000060001"); }

class Mutator {
 public:
  Mutator(std::vector<Bytes> sources, std::uint64_t seed) : sources_(std::move(sources)), random_(seed) {}

  Bytes next() {
    if (below(40) == 0) return noise();
    Bytes packet = sources_[below(sources_.size())];
    for (std::size_t left = 1 + below(3); left > 0 && packet.size() > 2; --left) mutate(packet);
    // A mutation that made a response of a query would be nearly half of them.
    if (packet.size() > 2 && below(10) != 0) packet[2] &= 0x7f;
    return packet;
  }

 private:
  std::size_t below(std::size_t bound) { return random_.below(static_cast<std::uint32_t>(bound)); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_.next()); }

  Bytes noise() {
    Bytes packet(below(600));
    for (auto& one : packet) one = byte();
    return packet;
  }

  void put_u16(Bytes& packet, std::size_t at, std::size_t value) {
    if (at + 2 <= packet.size()) dns::store_u16(packet.data() + at, static_cast<std::uint16_t>(value));
  }

  void mutate(Bytes& packet) {
    constexpr std::array<std::size_t, 12> kWords{0,      1,      2,    6,     28,     41,
                                                 0xc00c, 0xc000, 0xff, 0x100, 0x7fff, 0xffff};
    const std::size_t at = below(packet.size());
    switch (below(10)) {
      case 0:
      case 1:
        packet[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 2:
        packet[at] = byte();
        break;
      case 3:
        packet.resize(at);
        break;
      case 4:
        for (std::size_t left = 1 + below(40); left > 0; --left) packet.push_back(byte());
        break;
      case 5:  // a count that lies
        put_u16(packet, 4 + 2 * below(4), kWords[below(kWords.size())]);
        break;
      case 6:  // a type, a length or a pointer where none was meant
        put_u16(packet, at, kWords[below(kWords.size())]);
        break;
      case 7:  // a piece out
        packet.erase(packet.begin() + static_cast<std::ptrdiff_t>(at),
                     packet.begin() + static_cast<std::ptrdiff_t>(at + below(packet.size() - at)));
        break;
      case 8: {  // the end of another packet behind the beginning of this one
        const Bytes& other = sources_[below(sources_.size())];
        const std::size_t from = below(other.size());
        packet.resize(at);
        packet.insert(packet.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
      default:  // letters: the case of names
        if ((packet[at] | 0x20) >= 'a' && (packet[at] | 0x20) <= 'z') packet[at] ^= 0x20;
        break;
    }
  }

  std::vector<Bytes> sources_;
  base::Random random_;
};

bool is_silent(ByteSpan packet) {
  return packet.size() < dns::kHeaderBytes || (packet[2] & 0x80) != 0 || packet.size() > kQueryBytesMax;
}

/// What is wrong with a reply; "" when nothing is.
std::string complaint_about(ByteSpan packet, ByteSpan reply, bool over_tcp, dns::Rcode& rcode) {
  if (is_silent(packet)) return "a reply where silence is due";
  const auto message = dns::read_message(reply);
  if (!message) return "malformed: " + message.error();
  rcode = message->rcode;
  const std::uint16_t asked = dns::load_u16(packet.data() + 2);
  const std::uint16_t told = dns::load_u16(reply.data() + 2);
  if ((told & dns::header_bits::kResponse) == 0) return "QR is clear";
  if (((asked ^ told) & dns::header_bits::kOpcodeMask) != 0) return "another opcode";
  if (((asked ^ told) & dns::header_bits::kRecursionDesired) != 0) return "RD is not copied";
  if ((told & 0x00e0) != 0) return "RA, Z or AD is set";
  if (over_tcp && message->is_truncated()) return "TC over TCP";
  if (!over_tcp && reply.size() > (message->edns ? kUdpBytesMax : kPlainBytesMax)) return "too long for UDP";
  const bool is_positive =
      rcode == dns::Rcode::NoError || rcode == dns::Rcode::NxDomain || rcode == dns::Rcode::YxDomain;
  if (!is_positive) {
    if (!message->records.empty()) return "records with an error";
    if (reply.size() > packet.size() + (message->edns ? kErrorGrowthMax : 0)) return "an error amplifies";
  }
  if (!message->question) return "";
  if (is_positive && message->edns && message->edns->version != 0) return "another EDNS version";
  // The question of a reply is not compressed: name, type and class as they were asked.
  const std::size_t question_end = dns::kHeaderBytes + message->question->name.view().size() + 4;
  if (question_end > packet.size() || question_end > reply.size()) return "a question nobody asked";
  if (!std::equal(reply.begin() + dns::kHeaderBytes,
                  reply.begin() + static_cast<std::ptrdiff_t>(question_end),
                  packet.begin() + dns::kHeaderBytes)) {
    return "the question is not echoed byte for byte";
  }
  return "";
}

class Battery {
 public:
  Battery(std::uint16_t port, Mutator mutator)
      : port_(port), mutator_(std::move(mutator)), udp_(open_socket(SOCK_DGRAM)) {}

  void run(std::size_t count) {
    std::size_t batches = 0;
    for (std::size_t left = count; left > 0; ++batches) {
      std::vector<Bytes> packets;
      for (; left > 0 && packets.size() < kBatch; --left) {
        packets.push_back(mutator_.next());
        number(packets.back(), packets.size() - 1);
      }
      if (batches % kTcpEvery == kTcpEvery - 1) {
        for (const auto& packet : packets) send_over_tcp(packet);
      } else {
        send_over_udp(packets);
      }
    }
  }

  void print() const {
    fmt::print("udp={} tcp={} silent={}", udp_count_, tcp_count_, silent_count_);
    for (const auto& [rcode, count] : rcodes_) fmt::print(" {}={}", dns::to_string(rcode), count);
    fmt::print("\n");
  }

 private:
  int open_socket(int type) const {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = kPatienceS, .tv_usec = 0};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw Failure("cannot reach the server");
    }
    return fd;
  }

  /// The packet's place in its batch becomes its id.
  static void number(Bytes& packet, std::size_t place) {
    if (packet.size() >= 2) dns::store_u16(packet.data(), static_cast<std::uint16_t>(place));
  }

  void judge(const Bytes& packet, ByteSpan reply, bool over_tcp) {
    dns::Rcode rcode{};
    const std::string complaint = complaint_about(packet, reply, over_tcp, rcode);
    if (!complaint.empty())
      throw Failure(fmt::format("{}\npacket {}\nreply  {}", complaint, hex(packet), hex(reply)));
    ++rcodes_[rcode];
  }

  void send_over_udp(const std::vector<Bytes>& packets) {
    for (const auto& packet : packets) static_cast<void>(::send(udp_, packet.data(), packet.size(), 0));
    const Bytes good = good_query();
    static_cast<void>(::send(udp_, good.data(), good.size(), 0));
    udp_count_ += packets.size();

    std::vector<std::size_t> replies(packets.size());
    std::array<std::uint8_t, 65535> buffer;
    for (;;) {
      const auto size = ::recv(udp_, buffer.data(), buffer.size(), 0);
      if (size < 2) throw Failure("no answer to a good query behind " + describe(packets));
      const ByteSpan reply{buffer.data(), static_cast<std::size_t>(size)};
      const std::size_t place = dns::load_u16(reply.data());
      if (place == kGoodId) break;
      if (place >= packets.size()) throw Failure("a reply with an id nobody sent: " + hex(reply));
      ++replies[place];
      judge(packets[place], reply, false);
    }
    for (std::size_t place = 0; place < packets.size(); ++place) {
      const bool silent = is_silent(packets[place]);
      silent_count_ += silent ? 1 : 0;
      if (replies[place] != (silent ? 0u : 1u))
        throw Failure(fmt::format("{} replies to {}", replies[place], hex(packets[place])));
    }
  }

  static std::string describe(const std::vector<Bytes>& packets) {
    std::string text;
    for (const auto& packet : packets) text += hex(packet) + "\n";
    return text;
  }

  void send_over_tcp(const Bytes& packet) {
    if (packet.empty()) return;  // a frame of no bytes has tests of its own
    if (tcp_ < 0) tcp_ = open_socket(SOCK_STREAM);
    ++tcp_count_;
    const bool sent = send_frame(packet) && send_frame(good_query());
    bool answered = false;
    for (;;) {
      const auto reply = sent ? read_frame() : std::nullopt;
      if (!reply) {
        // The server closes rather than to leave a query without an answer; a good one is never closed upon.
        if (!is_silent(packet) || answered) throw Failure("the connection ended behind " + hex(packet));
        break;
      }
      if (dns::load_u16(reply->data()) == kGoodId) {
        if (answered != !is_silent(packet)) throw Failure("no reply over TCP to " + hex(packet));
        return;
      }
      if (answered) throw Failure("two replies to " + hex(packet));
      answered = true;
      judge(packet, *reply, true);
    }
    ++silent_count_;
    ::close(tcp_);
    tcp_ = -1;
  }

  bool send_frame(const Bytes& packet) const {
    Bytes framed(2);
    dns::store_u16(framed.data(), static_cast<std::uint16_t>(packet.size()));
    framed.insert(framed.end(), packet.begin(), packet.end());
    return ::send(tcp_, framed.data(), framed.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(framed.size());
  }

  bool read_exactly(std::span<std::uint8_t> into) const {
    return into.empty() ||
           ::recv(tcp_, into.data(), into.size(), MSG_WAITALL) == static_cast<ssize_t>(into.size());
  }

  /// A frame of at least an id; nullopt when the server closed.
  std::optional<Bytes> read_frame() const {
    std::array<std::uint8_t, 2> head{};
    if (!read_exactly(head)) return std::nullopt;
    Bytes body(dns::load_u16(head.data()));
    if (!read_exactly(body) || body.size() < 2) throw Failure("a frame that is cut off");
    return body;
  }

  std::uint16_t port_;
  Mutator mutator_;
  int udp_;
  int tcp_ = -1;
  std::size_t udp_count_ = 0;
  std::size_t tcp_count_ = 0;
  std::size_t silent_count_ = 0;
  std::map<dns::Rcode, std::size_t> rcodes_;
};

std::vector<Bytes> read_packets(const char* path) {
  std::ifstream file(path);
  std::vector<Bytes> packets;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) packets.push_back(from_hex(line));
  }
  if (packets.empty()) throw Failure(std::string("no packets in ") + path);
  return packets;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: protocol_mutate PORT PACKETS_FILE SEED COUNT\n");
    return 2;
  }
  try {
    const auto seed = std::strtoull(argv[3], nullptr, 10);
    fmt::print("seed={} ", seed);
    Battery battery(static_cast<std::uint16_t>(std::atoi(argv[1])), Mutator(read_packets(argv[2]), seed));
    battery.run(std::strtoull(argv[4], nullptr, 10));
    battery.print();
  } catch (const std::exception& error) {
    fmt::print(stderr, "\nprotocol_mutate: {}\n", error.what());
    return 1;
  }
  return 0;
}
