#include "support/mmdb_writer.hpp"

#include "base/assert.hpp"
#include "base/ip.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

namespace meridian::test {
namespace {

enum Type : unsigned {
  kPointer = 1,
  kText = 2,
  kDouble = 3,
  kUint16 = 5,
  kUint32 = 6,
  kMap = 7,
  kInt32 = 8,
  kUint64 = 9,
  kList = 11,
  kBool = 14,
  kFloat = 15,
};

void write_big_endian(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

/// The control byte: type and size; types past 7 and sizes past 28 take further bytes.
void write_control(std::string& out, unsigned type, std::size_t size) {
  MERIDIAN_ASSERT(size < 285 + 65'536);
  const unsigned low = size < 29 ? static_cast<unsigned>(size) : size < 285 ? 29 : 30;
  out += static_cast<char>((type <= 7 ? type << 5 : 0) | low);
  if (type > 7) out += static_cast<char>(type - 7);
  if (low == 29) write_big_endian(out, size - 29, 1);
  if (low == 30) write_big_endian(out, size - 285, 2);
}

/// An unsigned number in as few bytes as it needs.
void write_number(std::string& out, unsigned type, std::uint64_t value) {
  const auto bytes = static_cast<unsigned>((std::bit_width(value) + 7) / 8);
  write_control(out, type, bytes);
  write_big_endian(out, value, bytes);
}

base::IpPrefix parse(std::string_view text) {
  const auto prefix = base::parse_ip_prefix(text);
  MERIDIAN_ASSERT(prefix.has_value());
  return *prefix;
}

}  // namespace

MmdbValue mmdb_map(MmdbValue::Map pairs) { return MmdbValue(std::move(pairs)); }
MmdbValue mmdb_list(MmdbValue::List items) { return MmdbValue(std::move(items)); }

MmdbWriter::MmdbWriter(Options options) : options_(std::move(options)), nodes_(1) {}

MmdbWriter::Link& MmdbWriter::link_at(std::string_view network) {
  base::IpPrefix prefix = parse(network);
  if (options_.ip_version == 6 && prefix.address.family == base::Family::V4) {
    base::IpAddress low{base::Family::V6, {}};
    std::copy_n(prefix.address.bytes.begin(), 4, low.bytes.begin() + 12);
    prefix = {.address = low, .bits = static_cast<std::uint8_t>(prefix.bits + 96)};
  }
  MERIDIAN_ASSERT(prefix.bits > 0);
  std::size_t node = 0;
  for (unsigned depth = 0;; ++depth) {
    Link& link = nodes_[node].sides[prefix.address.bit(depth) ? 1 : 0];
    if (depth + 1 == prefix.bits) return link;
    if (link.kind != Link::Kind::Node) {
      const Link inherited = link;
      link = {Link::Kind::Node, nodes_.size()};
      nodes_.push_back({{inherited, inherited}});  // invalidates `link`
    }
    node = nodes_[node].sides[prefix.address.bit(depth) ? 1 : 0].value;
  }
}

void MmdbWriter::insert(std::string_view network, const MmdbValue& record) {
  std::string encoded;
  const std::size_t texts_before = texts_.size();
  write_value(encoded, record);
  const auto known =
      std::find_if(records_.begin(), records_.end(), [&](const auto& r) { return r.first == encoded; });
  std::uint64_t offset = data_.size();
  if (known != records_.end()) {
    offset = known->second;
    texts_.resize(texts_before);
  } else {
    records_.emplace_back(encoded, offset);
    data_ += encoded;
  }
  link_at(network) = {Link::Kind::Record, offset};
}

void MmdbWriter::set_raw_link(std::string_view network, std::uint64_t value) {
  link_at(network) = {Link::Kind::Raw, value};
}

void MmdbWriter::write_text(std::string& out, const std::string& text) {
  const auto known =
      std::find_if(texts_.begin(), texts_.end(), [&](const auto& t) { return t.first == text; });
  // A pointer of two bytes reaches 2 KiB far, one of three bytes half a MiB; a short text is shorter itself.
  if (known != texts_.end() && text.size() > 2) {
    const std::size_t target = known->second;
    if (target < 2'048) {
      write_big_endian(out, kPointer << 13 | target, 2);
    } else {
      MERIDIAN_ASSERT(target - 2'048 < 524'288);
      write_big_endian(out, kPointer << 21 | 1u << 19 | (target - 2'048), 3);
    }
    return;
  }
  if (known == texts_.end()) texts_.emplace_back(text, data_.size() + out.size());
  write_control(out, kText, text.size());
  out += text;
}

void MmdbWriter::write_value(std::string& out, const MmdbValue& value) {
  struct Visitor {
    MmdbWriter& writer;
    std::string& out;
    void operator()(const std::string& text) const { writer.write_text(out, text); }
    void operator()(double number) const {
      write_control(out, kDouble, 8);
      write_big_endian(out, std::bit_cast<std::uint64_t>(number), 8);
    }
    void operator()(MmdbFloat number) const {
      write_control(out, kFloat, 4);
      write_big_endian(out, std::bit_cast<std::uint32_t>(number.value), 4);
    }
    void operator()(std::uint16_t number) const { write_number(out, kUint16, number); }
    void operator()(std::uint32_t number) const { write_number(out, kUint32, number); }
    void operator()(std::uint64_t number) const { write_number(out, kUint64, number); }
    void operator()(std::int32_t number) const {
      write_control(out, kInt32, 4);
      write_big_endian(out, static_cast<std::uint32_t>(number), 4);
    }
    void operator()(bool truth) const { write_control(out, kBool, truth ? 1 : 0); }
    void operator()(const MmdbValue::List& items) const {
      write_control(out, kList, items.size());
      for (const auto& item : items) writer.write_value(out, item);
    }
    void operator()(const MmdbValue::Map& pairs) const {
      write_control(out, kMap, pairs.size());
      for (const auto& [key, item] : pairs) {
        writer.write_text(out, key);
        writer.write_value(out, item);
      }
    }
  };
  std::visit(Visitor{*this, out}, value.value);
}

std::string MmdbWriter::bytes() const {
  MmdbWriter linked = *this;
  if (options_.alias_v4) {
    const auto start = linked.link_at("::/96");
    for (const auto* alias : {"2002::/16", "2001::/32", "::ffff:0:0/96"}) linked.link_at(alias) = start;
  }
  const std::size_t count = linked.nodes_.size();
  const auto number_of = [&](const Link& link) -> std::uint64_t {
    switch (link.kind) {
      case Link::Kind::Empty:
        return count;
      case Link::Kind::Record:
        return count + 16 + link.value;
      default:
        return link.value;
    }
  };
  std::string out;
  for (const auto& node : linked.nodes_) {
    const std::uint64_t left = number_of(node.sides[0]);
    const std::uint64_t right = number_of(node.sides[1]);
    if (options_.record_size == 28) {
      write_big_endian(out, left & 0xff'ffff, 3);
      write_big_endian(out, (left >> 24 & 0xf) << 4 | (right >> 24 & 0xf), 1);
      write_big_endian(out, right & 0xff'ffff, 3);
    } else {
      write_big_endian(out, left, options_.record_size / 8u);
      write_big_endian(out, right, options_.record_size / 8u);
    }
  }
  out.append(16, '\0');
  out += data_;
  out += "\xab\xcd\xefMaxMind.com";
  // Metadata is a data section of its own, so it must not point into the other one.
  MmdbWriter metadata(Options{});
  std::string section;
  metadata.write_value(section, mmdb_map({{"binary_format_major_version", std::uint16_t{2}},
                                          {"binary_format_minor_version", std::uint16_t{0}},
                                          {"build_epoch", options_.build_epoch},
                                          {"database_type", options_.database_type},
                                          {"description", mmdb_map({{"en", "made by a test"}})},
                                          {"ip_version", options_.ip_version},
                                          {"languages", mmdb_list({"en"})},
                                          {"node_count", static_cast<std::uint32_t>(count)},
                                          {"record_size", options_.record_size}}));
  return out + section;
}

MemoryFile::MemoryFile(std::string_view bytes)
    : descriptor_(memfd_create("meridian_test", MFD_CLOEXEC)),
      path_("/proc/self/fd/" + std::to_string(descriptor_)) {
  MERIDIAN_ASSERT(descriptor_ >= 0);
  while (!bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    MERIDIAN_ASSERT(written > 0);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

}  // namespace meridian::test
