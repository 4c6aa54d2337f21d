// Structured: the bytes choose a query (a name of the zones and what is done to it, a type, EDNS, options,
// what is wrong with it), a client and the endpoints' health; the whole of answer_query answers it over UDP
// and over TCP, and what an Answerer keeps of it is the same. packet_fuzz.cpp beside it takes the bytes as
// the packet.
#include "base/assert.hpp"
#include "dns/message.hpp"
#include "query/answerer.hpp"
#include "support/map_fixture.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

using namespace meridian;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// The fuzzer's bytes as a row of choices; zeros when they run out, so that a short input is a plain query.
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> data) : data_(data) {}

  std::uint8_t u8() {
    if (data_.empty()) return 0;
    const std::uint8_t value = data_.front();
    data_ = data_.subspan(1);
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(u8() << 8 | u8()); }
  /// One in `of`; never when the bytes have run out.
  bool rarely(unsigned of) { return u8() % of == of - 1; }
  template <typename T, std::size_t N>
  T of(const std::array<T, N>& table) {
    return table[u8() % N];
  }
  Bytes bytes(std::size_t most) {
    Bytes taken(std::min<std::size_t>({most, u8(), data_.size()}));
    std::copy_n(data_.begin(), taken.size(), taken.begin());
    data_ = data_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> data_;
};

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
void append_u16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

/// The battery's map, compiled once, and every name in it.
class World {
 public:
  World() {
    const test::MapFixture fixture(MERIDIAN_DATA);
    std::filesystem::copy(MERIDIAN_BATTERY_MAP, fixture.map_folder(),
                          std::filesystem::copy_options::recursive);
    test::MmdbWriter database;
    database.insert("81.2.69.0/24", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "GB"}})}}));
    fixture.set_database(database);
    compiled_.emplace(fixture.must_compile());
    const auto& snapshot = *compiled_->snapshot;
    tables_ = std::make_unique<query::Tables>(snapshot);
    for (const char* apex : {"example", "child.example", "other.test", "dn.test", "wild"}) {
      const auto* zone = snapshot.zones.find(zone::HashedName(*dns::Name::parse(apex)), dns::Rtype::Soa);
      zone->for_each_rrset([&](dns::NameView name, const zone::Rrset&) { add_name(name); });
    }
    for (const auto& service : snapshot.services) add_name(*dns::Name::parse(service.name));
  }

  const Bytes& name(std::size_t choice) const { return names_[choice % names_.size()]; }

  void set_health(Choices& choices) {
    for (std::uint32_t i = 0; i < compiled_->snapshot->endpoints.size(); ++i) {
      const auto state = choices.rarely(3) ? health::EndpointState::Down : health::EndpointState::Unknown;
      tables_->health.set_state(base::EndpointId{i}, state);
    }
  }

  Bytes ask(const Bytes& packet, const query::Source& source) {
    // Exactly as long as the packet, so that a sanitizer sees a read past its end.
    const auto copy = std::make_unique<std::uint8_t[]>(packet.size());
    std::copy(packet.begin(), packet.end(), copy.get());
    Bytes reply(source.is_tcp ? base::limits::kTcpMessageBytesMax : base::limits::kUdpAnswerBytesMax);
    worker_.random = base::Random(1);
    reply.resize(query::answer_query(*compiled_->snapshot, *tables_, source, {copy.get(), packet.size()},
                                     reply, worker_));
    return reply;
  }

  /// As a worker does, which keeps answers.
  Bytes ask_worker(const Bytes& packet, const query::Source& source) {
    Bytes reply(source.is_tcp ? base::limits::kTcpMessageBytesMax : base::limits::kUdpAnswerBytesMax);
    answerer_.begin_batch(*compiled_->snapshot, *tables_, 1, {}, true);
    answerer_.look(0, source, packet);
    answerer_.find(1);
    auto size = answerer_.answer_kept(0, reply);
    if (!size) {
      answerer_.read(0);
      size = answerer_.answer_anew(0, reply);
    }
    reply.resize(*size);
    return reply;
  }

  query::Variation variation() const { return worker_.summary.variation; }

 private:
  void add_name(dns::NameView name) { names_.emplace_back(name.wire().begin(), name.wire().end()); }

  std::optional<compile::Compiled> compiled_;
  std::unique_ptr<query::Tables> tables_;
  stats::Counters counters_;
  query::Worker worker_{.counters = counters_, .random = base::Random(1)};
  query::Answerer answerer_{counters_, 1};
  std::vector<Bytes> names_;
};

Bytes choose_name(World& world, Choices& choices) {
  Bytes name = world.name(choices.u16());
  for (unsigned edits = choices.u8() % 4; edits > 0; --edits) {
    Bytes label;
    switch (choices.u8() % 8) {
      case 0:  // a label in front
        label = choices.bytes(63);
        label.insert(label.begin(), static_cast<std::uint8_t>(label.size()));
        if (label.size() > 1) name.insert(name.begin(), label.begin(), label.end());
        break;
      case 1:
        name.insert(name.begin(), {1, '*'});
        break;
      case 2:  // the first label away
        name.erase(name.begin(),
                   name.begin() + std::min<long>(1 + name.front(), static_cast<long>(name.size()) - 1));
        break;
      case 3:  // long, as a DNAME's overflow needs
        for (unsigned left = choices.u8() % 4; left > 0; --left) name.insert(name.begin(), 50, 49);
        break;
      case 4:  // letters
        for (auto& byte : name) {
          if (byte >= 'a' && byte <= 'z' && choices.rarely(2)) byte ^= 0x20;
        }
        break;
      case 5:  // another name in front of this one, without its root
        label = world.name(choices.u16());
        name.insert(name.begin(), label.begin(), label.end() - 1);
        break;
      case 6:
        if (choices.rarely(4)) name[choices.u8() % name.size()] = choices.u8();
        break;
      default:
        if (choices.rarely(4)) append_u16(name, 0xc000 | choices.u8());
        break;
    }
  }
  return name;
}

Bytes choose_option(Choices& choices) {
  constexpr std::array<std::uint16_t, 12> kCodes{8, 8, 8, 3, 10, 10, 11, 12, 15, 0, 5, 65001};
  const std::uint16_t code = choices.rarely(8) ? choices.u16() : choices.of(kCodes);
  Bytes payload;
  if (code == 8 && !choices.rarely(4)) {
    constexpr std::array<std::uint8_t, 5> kBits{24, 32, 0, 56, 17};
    const bool v6 = choices.rarely(3);
    const std::uint8_t bits = choices.rarely(8) ? choices.u8() : choices.of(kBits);
    append_u16(payload, choices.rarely(16) ? choices.u16() : v6 ? 2 : 1);
    payload.insert(payload.end(), {bits, choices.rarely(16) ? choices.u8() : std::uint8_t{0}});
    Bytes address(bits <= 128 ? (bits + 7u) / 8u : 0);
    for (auto& byte : address) byte = choices.u8();
    if (!address.empty() && bits % 8 != 0)
      address.back() &= static_cast<std::uint8_t>(0xff << (8 - bits % 8));
    append(payload, address);
  } else if (code == 10 && !choices.rarely(4)) {
    payload.assign(choices.rarely(2) ? 24 : 8, choices.u8());
  } else {
    payload = choices.bytes(64);
  }
  Bytes option;
  append_u16(option, code);
  append_u16(option, payload.size() + (choices.rarely(32) ? choices.u8() : 0u));
  append(option, payload);
  return option;
}

Bytes choose_opt(Choices& choices) {
  constexpr std::array<std::uint16_t, 8> kSizes{1232, 512, 4096, 0, 65535, 513, 1231, 600};
  Bytes options;
  for (unsigned left = choices.u8() % 4; left > 0; --left) append(options, choose_option(choices));
  Bytes record{0, 0, 41};
  append_u16(record, choices.rarely(8) ? choices.u16() : choices.of(kSizes));
  record.push_back(choices.rarely(16) ? choices.u8() : std::uint8_t{0});  // upper rcode bits
  record.push_back(choices.rarely(16) ? choices.u8() : std::uint8_t{0});  // version
  append_u16(record, choices.u16());
  append_u16(record, options.size());
  append(record, options);
  return record;
}

Bytes choose_query(World& world, Choices& choices) {
  constexpr std::array<std::uint16_t, 20> kTypes{1,  28, 255, 5,  6,  2,  15, 16,  33,  39,
                                                 43, 64, 65,  35, 46, 48, 12, 257, 252, 65280};
  constexpr std::array<std::uint16_t, 4> kClasses{3, 255, 254, 0};
  Bytes packet;
  append_u16(packet, choices.u16());
  std::uint16_t flags = choices.u16() & 0x07ff;
  if (choices.rarely(16)) flags = static_cast<std::uint16_t>(flags | choices.u16());  // opcode, QR
  append_u16(packet, flags);
  Bytes body = choose_name(world, choices);
  append_u16(body, choices.rarely(8) ? choices.u16() : choices.of(kTypes));
  append_u16(body, choices.rarely(16) ? choices.of(kClasses) : 1u);
  std::array<std::uint16_t, 4> counts{1, 0, 0, 0};
  constexpr std::uint8_t kRecord[] = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1};
  for (unsigned opts = choices.rarely(32) ? 2 : choices.rarely(3) ? 0 : 1; opts > 0; --opts, ++counts[3])
    append(body, choose_opt(choices));
  if (choices.rarely(16)) {
    body.insert(body.end(), std::begin(kRecord), std::end(kRecord));
    ++counts[choices.rarely(4) ? 1u + choices.u8() % 3u : 3u];
  }
  if (choices.rarely(16)) counts[choices.u8() % 4] = choices.u16();
  for (const auto count : counts) append_u16(packet, count);
  append(packet, body);
  if (choices.rarely(16)) append(packet, choices.bytes(40));
  if (choices.rarely(16)) packet.resize(packet.size() - choices.u16() % packet.size());
  return packet;
}

query::Source choose_source(Choices& choices) {
  query::Source source;
  source.address.family = choices.rarely(3) ? base::Family::V6 : base::Family::V4;
  for (std::size_t i = 0; i < base::address_bits(source.address.family) / 8u; ++i)
    source.address.bytes[i] = choices.u8();
  return source;
}

/// What every reply is; nullopt for silence.
std::optional<dns::Message> check(const Bytes& packet, const Bytes& reply, bool is_tcp) {
  const bool is_query = packet.size() >= dns::kHeaderBytes && (packet[2] & 0x80) == 0;
  MERIDIAN_ASSERT(is_query == !reply.empty());
  if (reply.empty()) return std::nullopt;
  auto message = dns::read_message(reply);
  MERIDIAN_ASSERT(message.has_value());
  MERIDIAN_ASSERT(message->header.id == dns::load_u16(packet.data()) && (reply[2] & 0x80) != 0);
  MERIDIAN_ASSERT(((reply[2] ^ packet[2]) & 0x79) == 0);  // opcode and RD
  MERIDIAN_ASSERT((reply[3] & 0xe0) == 0);                // RA, Z, AD
  if (is_tcp) MERIDIAN_ASSERT(!message->is_truncated());
  if (!is_tcp) MERIDIAN_ASSERT(reply.size() <= (message->edns ? 1232u : 512u));
  if (message->question) {
    const std::size_t end =
        dns::kHeaderBytes + message->question->name.view().size() + dns::kQuestionFixedBytes;
    MERIDIAN_ASSERT(
        end <= packet.size() &&
        std::equal(packet.begin() + 12, packet.begin() + static_cast<long>(end), reply.begin() + 12));
  }
  return *message;
}

/// Asked again and again, as it is and in what a kept answer must take from the packet, a worker says what
/// answer_query says.
void check_worker(World& world, Bytes packet, const query::Source& source) {
  for (unsigned i = 0; i < 5; ++i) {
    if (i == 3) {  // another client nearby, another id, other letters
      if (packet.size() > 12) packet.back() ^= 0x80;
      for (std::size_t at = 12; at < std::min<std::size_t>(packet.size(), 20); ++at) {
        if ((packet[at] | 0x20) >= 'a' && (packet[at] | 0x20) <= 'z') packet[at] ^= 0x20;
      }
      if (!packet.empty()) packet[0] ^= 0x55;
    }
    const Bytes expected = world.ask(packet, source);
    const auto variation = world.variation();
    const Bytes reply = world.ask_worker(packet, source);
    if (variation == query::Variation::None) MERIDIAN_ASSERT(reply == expected);
    static_cast<void>(check(packet, reply, source.is_tcp));
  }
}

bool same_outcome(const dns::Message& left, const dns::Message& right) {
  return left.rcode == right.rcode && left.is_authoritative() == right.is_authoritative();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  Choices choices({data, size});
  world.set_health(choices);
  query::Source source = choose_source(choices);
  const Bytes packet = choose_query(world, choices);

  const Bytes over_udp = world.ask(packet, source);
  const auto udp = check(packet, over_udp, false);
  MERIDIAN_ASSERT(world.ask(packet, source) == over_udp);  // the same draws, the same bytes
  check_worker(world, packet, source);
  source.is_tcp = true;
  check_worker(world, packet, source);
  const auto tcp = check(packet, world.ask(packet, source), true);
  if (!udp || udp->is_truncated()) return 0;
  // A keepalive option that is malformed counts over TCP only (RFC 7828 3.2.1).
  if (tcp->rcode != dns::Rcode::FormErr) MERIDIAN_ASSERT(same_outcome(*udp, *tcp));
  return 0;
}
