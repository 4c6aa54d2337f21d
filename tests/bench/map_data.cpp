// Makes what `make bench-map` reads.
//
//   map_data geoip2 PLACES.yaml IPV4.mmdb IPV6.mmdb OUT.mmdb   the two files as one in MaxMind's city layout,
//   for gdnsd map_data networks COUNT OUT.nets DATACENTER…               random networks, each with a
//   datacenter behind it
#include "base/random.hpp"
#include "geo/mmdb_reader.hpp"
#include "geo/places.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace meridian {
namespace {

[[noreturn]] void fail(const std::string& message) {
  fmt::print(stderr, "map_data: {}\n", message);
  std::exit(2);
}

/// The parts of the MaxMind DB format (version 2.0) that a city database needs.
class Data {
 public:
  /// Offset of a record with this place, written once.
  std::uint32_t add(const geo::Place& place) {
    std::string record;
    std::vector<std::string> parts;
    if (!place.continent.empty())
      parts.push_back(text("continent") + map(1) + text("code") + text(place.continent));
    if (!place.country.empty())
      parts.push_back(text("country") + map(1) + text("iso_code") + text(place.country));
    if (place.at) {
      parts.push_back(text("location") + map(2) + text("latitude") + number(place.at->latitude) +
                      text("longitude") + number(place.at->longitude));
    }
    record += map(parts.size());
    for (const auto& part : parts) record += part;
    const auto [found, is_new] = known_.try_emplace(record, static_cast<std::uint32_t>(bytes_.size()));
    if (is_new) bytes_ += record;
    return found->second;
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

  static std::string text(std::string_view value) { return control(2, value.size()) + std::string{value}; }
  static std::string map(std::size_t count) { return control(7, count); }
  static std::string number(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    return control(3, 8) + big_endian(bits, 8);
  }
  static std::string integer(unsigned type, std::uint64_t value, std::size_t bytes) {
    return control(type, bytes) + big_endian(value, bytes);
  }
  static std::string big_endian(std::uint64_t value, std::size_t bytes) {
    std::string digits;
    for (std::size_t i = bytes; i-- > 0;) digits += static_cast<char>(value >> (8 * i) & 0xff);
    return digits;
  }

 private:
  static std::string control(unsigned type, std::size_t size) {
    if (size >= 29) fail("a value is longer than this writes");
    const auto small = static_cast<unsigned>(size);
    if (type < 8) return {static_cast<char>(type << 5 | small)};
    return {static_cast<char>(small), static_cast<char>(type - 7)};
  }

  std::string bytes_;
  std::map<std::string, std::uint32_t> known_;
};

/// One tree of IPv6, with that of IPv4 below ::/96.
class Tree {
 public:
  Tree(const geo::GeoFile& v4, const geo::GeoFile& v6) : v4_(v4), v6_(v6) {
    geo::PackedTree::Cursor cursor(v6.v6);
    emit_v6(cursor, 0, true);
  }

  void write(const std::string& path, std::uint64_t build_epoch) const {
    std::ofstream out(path, std::ios::binary);
    const auto count = static_cast<std::uint32_t>(nodes_.size());
    std::string tree;
    tree.reserve(nodes_.size() * 8);
    for (const auto& node : nodes_) {
      for (const auto& side : node) tree += Data::big_endian(word_of(side, count), 4);
    }
    out << tree << std::string(16, '\0') << data_.bytes() << "\xab\xcd\xefMaxMind.com" << Data::map(9)
        << Data::text("binary_format_major_version") << Data::integer(5, 2, 2) << Data::text("build_epoch")
        << Data::integer(9, build_epoch, 8) << Data::text("database_type") << Data::text("GeoLite2-City")
        << Data::text("ip_version") << Data::integer(5, 6, 2) << Data::text("node_count")
        << Data::integer(6, count, 4) << Data::text("record_size") << Data::integer(5, 32, 2)
        << Data::text("languages") << Data::integer(11, 0, 0) << Data::text("description") << Data::map(1)
        << Data::text("en") << Data::text("two files as one") << Data::text("binary_format_minor_version")
        << Data::integer(5, 0, 2);
    if (!out.flush()) fail("cannot write " + path);
  }

 private:
  enum class Kind { Nothing, Node, Record };
  struct Side {
    Kind kind = Kind::Nothing;
    std::uint32_t at = 0;
  };
  static std::uint32_t word_of(const Side& side, std::uint32_t count) {
    if (side.kind == Kind::Nothing) return count;
    return side.kind == Kind::Node ? side.at : count + 16 + side.at;
  }

  Side emit_v4(geo::PackedTree::Cursor& cursor) {
    if (!cursor.next_is_split()) return record(v4_, cursor.take_value());
    return node([&] { return emit_v4(cursor); }, [&] { return emit_v4(cursor); });
  }

  /// `is_zero`: every bit so far is.
  Side emit_v6(geo::PackedTree::Cursor& cursor, int depth, bool is_zero) {
    if (is_zero && depth == 96) {
      cursor.skip();
      geo::PackedTree::Cursor v4(v4_.v4);
      return emit_v4(v4);
    }
    if (!cursor.next_is_split()) return emit_leaf(cursor.take_value(), depth, is_zero);
    return node([&] { return emit_v6(cursor, depth + 1, is_zero); },
                [&] { return emit_v6(cursor, depth + 1, false); });
  }

  /// A leaf of IPv6, split where IPv4 is below it.
  Side emit_leaf(std::uint32_t value, int depth, bool is_zero) {
    if (!is_zero) return record(v6_, value);
    if (depth == 96) {
      geo::PackedTree::Cursor v4(v4_.v4);
      return emit_v4(v4);
    }
    return node([&] { return emit_leaf(value, depth + 1, true); }, [&] { return record(v6_, value); });
  }

  template <typename First, typename Second>
  Side node(First first, Second second) {
    const auto at = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    const Side left = first();
    const Side right = second();
    nodes_[at] = {left, right};
    return {Kind::Node, at};
  }

  Side record(const geo::GeoFile& file, std::uint32_t place) {
    return place == 0 ? Side{} : Side{Kind::Record, data_.add(file.places[place])};
  }

  const geo::GeoFile& v4_;
  const geo::GeoFile& v6_;
  Data data_;
  std::vector<std::array<Side, 2>> nodes_;
};

geo::GeoFile load(const std::string& path, const geo::Places& places) {
  auto file = geo::load_geo_file(path, places);
  if (!file) fail(file.error().to_text());
  return std::move(*file);
}

int write_geoip2(const std::vector<std::string>& arguments) {
  const auto places = geo::load_places(arguments[0]);
  if (!places) fail(places.error().to_text());
  const auto v4 = load(arguments[1], *places);
  const auto v6 = load(arguments[2], *places);
  Tree(v4, v6).write(arguments[3], v4.build_epoch);
  return 0;
}

int write_networks(const std::vector<std::string>& arguments) {
  const auto count = static_cast<std::size_t>(std::stoul(arguments[0]));
  const std::vector<std::string> datacenters(arguments.begin() + 2, arguments.end());
  std::ofstream out(arguments[1]);
  base::Random random(1);
  std::set<std::uint32_t> networks;
  while (networks.size() < count) networks.insert(static_cast<std::uint32_t>(random.next()) & 0xffff'ff00);
  for (const auto network : networks) {
    fmt::print(out, "{}/24 {}\n", base::to_string(base::IpAddress::v4(network)),
               datacenters[random.below(static_cast<std::uint32_t>(datacenters.size()))]);
  }
  if (!out.flush()) fail("cannot write " + arguments[1]);
  return 0;
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto word = arguments.empty() ? std::string{} : arguments.front();
  if (!arguments.empty()) arguments.erase(arguments.begin());
  if (word == "geoip2" && arguments.size() == 4) return meridian::write_geoip2(arguments);
  if (word == "networks" && arguments.size() >= 3) return meridian::write_networks(arguments);
  meridian::fail("usage: map_data geoip2 PLACES IPV4 IPV6 OUT | map_data networks COUNT OUT DATACENTER…");
}
