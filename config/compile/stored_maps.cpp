#include "config/compile/stored_maps.hpp"

#include "base/limits.hpp"
#include "base/siphash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace meridian::compile {
namespace {

static_assert(std::endian::native == std::endian::little, "stored maps are written as they stand in memory");
static_assert(std::is_trivially_copyable_v<geo::PrefixTree::Node> && sizeof(geo::PrefixTree::Node) == 8);

constexpr std::array<char, 8> kMagic{'M', 'E', 'R', 'I', 'D', 'M', 'A', 'P'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kAlignment = 8;
/// Against mistakes only, so it need not be secret.
constexpr base::SipKey kChecksumKey{};

class Writer {
 public:
  void put(const void* from, std::size_t count) {
    const auto* const bytes = static_cast<const std::uint8_t*>(from);
    bytes_.insert(bytes_.end(), bytes, bytes + count);
  }
  void put_u32(std::size_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    put(&word, sizeof word);
  }
  void put_u16(std::uint16_t value) { put(&value, sizeof value); }
  void align() { bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment); }

  [[nodiscard]] std::vector<std::uint8_t> take() && {
    align();
    const auto tag = base::siphash_2_4(kChecksumKey, bytes_);
    put(tag.data(), tag.size());
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads on until something is missing; from then on everything is.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::span<const std::uint8_t> take(std::size_t count) {
    if (!is_whole_ || bytes_.size() - at_ < count) {
      is_whole_ = false;
      return {};
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  template <typename Number>
  [[nodiscard]] Number number() {
    Number value{};
    const auto bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  [[nodiscard]] std::uint32_t u32() { return number<std::uint32_t>(); }
  void align() {
    const std::size_t next = (at_ + kAlignment - 1) / kAlignment * kAlignment;
    static_cast<void>(take(next - at_));
  }
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
  [[nodiscard]] bool is_at_end() const noexcept { return is_whole_ && at_ == bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool is_whole_ = true;
};

void write_tiers(const steering::TierTable& tiers, Writer& writer) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    writer.put_u32(begin);
    begin += tiers.list(static_cast<base::TiersId>(i)).size();
  }
  writer.put_u32(begin);
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    for (const auto& entry : tiers.list(static_cast<base::TiersId>(i))) {
      writer.put_u16(static_cast<std::uint16_t>(entry.datacenter));
      writer.put_u16(entry.tier);
      writer.put_u16(entry.weight);
    }
  }
  writer.align();
}

void write_tree(const geo::PrefixTree& tree, Writer& writer) {
  writer.put_u32(tree.root().word());
  writer.put_u32(tree.node_count());
  writer.put(tree.nodes().data(), tree.nodes().size_bytes());
}

void write_map(const query::SteeringMap& map, Writer& writer) {
  writer.put_u32(map.name.size());
  writer.put_u32(base::index_of(map.unknown));
  writer.put_u32(map.unnamed_private.size());
  writer.put_u32(map.has_resolvers ? 1 : 0);
  writer.put(map.name.data(), map.name.size());
  for (const auto& network : map.unnamed_private) {
    const std::array<std::uint8_t, 2> head{static_cast<std::uint8_t>(network.address.family), network.bits};
    writer.put(head.data(), head.size());
    writer.put(network.address.bytes.data(), network.address.bytes.size());
  }
  writer.align();
  for (const auto* tree : {&map.v4, &map.v6, &map.resolvers_v4, &map.resolvers_v6}) write_tree(*tree, writer);
}

/// Each list once, in the order of their ids, as the compiler interns them.
bool read_tiers(Reader& reader, std::size_t lists, std::size_t entries, std::size_t datacenters,
                steering::TierTable& tiers) {
  const auto begins = reader.take((lists + 1) * sizeof(std::uint32_t));
  const auto words = reader.take(entries * 3 * sizeof(std::uint16_t));
  reader.align();
  if (!reader.is_whole()) return false;
  const auto begin_of = [&](std::size_t list) {
    std::uint32_t begin = 0;
    std::memcpy(&begin, begins.data() + list * sizeof begin, sizeof begin);
    return begin;
  };
  if (begin_of(0) != 0 || begin_of(lists) != entries) return false;
  steering::TierTableBuilder builder;
  for (std::size_t list = 0; list < lists; ++list) {
    if (begin_of(list) > begin_of(list + 1) || begin_of(list + 1) > entries) return false;
    std::vector<steering::TierEntry> read;
    for (std::size_t i = begin_of(list); i < begin_of(list + 1); ++i) {
      std::array<std::uint16_t, 3> entry{};
      std::memcpy(entry.data(), words.data() + i * sizeof entry, sizeof entry);
      const auto tier_before = read.empty() ? std::uint16_t{0} : read.back().tier;
      if (entry[0] >= datacenters || entry[1] < tier_before || entry[2] == 0) return false;
      read.push_back({static_cast<base::DatacenterId>(entry[0]), entry[1], entry[2]});
    }
    if (base::index_of(builder.intern(read)) != list) return false;
  }
  tiers = std::move(builder).build();
  return true;
}

std::optional<geo::PrefixTree> read_tree(Reader& reader, base::Family family, std::uint32_t value_end) {
  const auto root = geo::PrefixTree::Link::from_word(reader.u32());
  const std::size_t count = reader.u32();
  const auto bytes = reader.take(count * sizeof(geo::PrefixTree::Node));
  if (!reader.is_whole()) return std::nullopt;
  // A link has no value of its own accord, so the room is filled twice.
  const auto any = geo::PrefixTree::Link::leaf(0);
  geo::PrefixTree::Nodes nodes(count, {any, any});
  if (!bytes.empty()) std::memcpy(static_cast<void*>(nodes.data()), bytes.data(), bytes.size());
  return geo::PrefixTree::from_stored(family, root, std::move(nodes), value_end);
}

bool read_private(Reader& reader, std::size_t count, std::vector<base::IpPrefix>& networks) {
  for (std::size_t i = 0; i < count; ++i) {
    base::IpPrefix network;
    const auto family = reader.number<std::uint8_t>();
    network.bits = reader.number<std::uint8_t>();
    const auto bytes = reader.take(network.address.bytes.size());
    if (!reader.is_whole() || (family != 4 && family != 6)) return false;
    network.address.family = static_cast<base::Family>(family);
    std::copy(bytes.begin(), bytes.end(), network.address.bytes.begin());
    if (network.bits > base::address_bits(network.address.family) ||
        base::masked(network.address, network.bits) != network.address)
      return false;
    networks.push_back(network);
  }
  return std::is_sorted(networks.begin(), networks.end());
}

bool read_map(Reader& reader, std::uint32_t lists, query::SteeringMap& map) {
  const std::size_t name_bytes = reader.u32();
  const std::uint32_t unknown = reader.u32();
  const std::size_t private_count = reader.u32();
  const std::uint32_t has_resolvers = reader.u32();
  const auto name = reader.take(name_bytes);
  map.name.assign(name.begin(), name.end());
  if (!reader.is_whole() || unknown >= lists || has_resolvers > 1) return false;
  map.unknown = static_cast<base::TiersId>(unknown);
  map.has_resolvers = has_resolvers == 1;
  if (!read_private(reader, private_count, map.unnamed_private)) return false;
  reader.align();
  // Those for resolvers hold a list's id plus one, or none.
  for (const auto& [tree, family, value_end] :
       {std::tuple{&map.v4, base::Family::V4, lists}, std::tuple{&map.v6, base::Family::V6, lists},
        std::tuple{&map.resolvers_v4, base::Family::V4, lists + 1},
        std::tuple{&map.resolvers_v6, base::Family::V6, lists + 1}}) {
    auto read = read_tree(reader, family, value_end);
    if (!read) return false;
    *tree = std::move(*read);
  }
  return true;
}

}  // namespace

std::vector<std::uint8_t> write_stored_maps(const query::Snapshot& snapshot) {
  Writer writer;
  writer.put(kMagic.data(), kMagic.size());
  writer.put_u32(kVersion);
  writer.put_u32(snapshot.maps.size());
  writer.put_u32(snapshot.tiers.size());
  std::size_t entries = 0;
  for (std::size_t i = 0; i < snapshot.tiers.size(); ++i)
    entries += snapshot.tiers.list(static_cast<base::TiersId>(i)).size();
  writer.put_u32(entries);
  write_tiers(snapshot.tiers, writer);
  for (const auto& map : snapshot.maps) write_map(map, writer);
  return std::move(writer).take();
}

base::Expected<StoredMaps, std::string> read_stored_maps(std::span<const std::uint8_t> bytes,
                                                         std::size_t datacenters) {
  if (bytes.size() < kMagic.size() + base::kSipTagBytes ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return base::unexpected(std::string{"these are no stored maps"});
  const auto body = bytes.first(bytes.size() - base::kSipTagBytes);
  const auto tag = base::siphash_2_4(kChecksumKey, body);
  if (!std::equal(tag.begin(), tag.end(), bytes.last(base::kSipTagBytes).begin()))
    return base::unexpected(std::string{"the checksum is wrong"});
  Reader reader(body.subspan(kMagic.size()));
  const auto version = reader.u32();
  if (version != kVersion) {
    return base::unexpected(
        fmt::format("the format has version {}; this program reads version {}", version, kVersion));
  }
  const auto broken = [] { return base::unexpected(std::string{"what it holds contradicts itself"}); };
  const std::size_t maps = reader.u32();
  const std::uint32_t lists = reader.u32();
  const std::size_t entries = reader.u32();
  if (!reader.is_whole() || maps > base::limits::kMapsMax || lists > base::limits::kTrieValueMax)
    return broken();
  StoredMaps stored;
  if (!read_tiers(reader, lists, entries, datacenters, stored.tiers)) return broken();
  for (std::size_t i = 0; i < maps; ++i) {
    if (!read_map(reader, lists, stored.maps.emplace_back())) return broken();
  }
  if (!reader.is_at_end()) return broken();
  return stored;
}

}  // namespace meridian::compile
