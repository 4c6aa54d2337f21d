#include "geo/mmdb_reader.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "geo/place_mapper.hpp"
#include "geo/place_table.hpp"

#include <fmt/format.h>
#include <maxminddb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace meridian::geo {
namespace {

using Link = PrefixTree::Link;

/// The format says that the metadata is within the last 128 KiB, after the last of these marks.
constexpr std::size_t kMetadataBytesMax = 128u << 10;
constexpr std::string_view kMetadataMark = "\xab\xcd\xefMaxMind.com";
/// Zeros between the search tree and the data; links count them in.
constexpr std::uint64_t kSeparatorBytes = 16;
/// A GeoIP2 record with names in eight languages has some 150 values, metadata under 50. Without a limit,
/// maps that point to maps make a small file take forever.
constexpr std::size_t kRecordValuesMax = 4'096;
/// Real records nest four deep.
constexpr int kRecordDepthMax = 16;
/// Records looked at before a file in which nothing is known is given up.
constexpr std::size_t kRecordsTried = 4'096;

/// load() says what to make of this.
constexpr const char* kGivenUp = "nothing is known of the first records";

/// A value in the data section and where the next one begins.
struct Value {
  MMDB_entry_data_s data{};
  /// After the value; for a map or list that stands here itself: unknown until its items were read (0).
  std::uint32_t next = 0;

  [[nodiscard]] bool is_map() const noexcept { return data.type == MMDB_DATA_TYPE_MAP; }
  [[nodiscard]] bool is_list() const noexcept { return data.type == MMDB_DATA_TYPE_ARRAY; }
  [[nodiscard]] bool is_text() const noexcept { return data.type == MMDB_DATA_TYPE_UTF8_STRING; }
  [[nodiscard]] std::string_view text() const noexcept { return {data.utf8_string, data.data_size}; }
};

/// Reads values one by one, each decoded (and checked against the section's end) by libmaxminddb. Not with
/// its MMDB_get_entry_data_list: that allocates for each record, and follows pointers without a limit
/// (GHSA-hj94-g986-h9r7, in Debian 12's 1.7.1).
class ValueReader {
 public:
  explicit ValueReader(const MMDB_s& database) : database_(database) {}

  /// To be called before each record.
  void start_record() noexcept { values_left_ = kRecordValuesMax; }

  [[nodiscard]] std::optional<Value> read(std::uint32_t offset) noexcept {
    if (offset >= database_.data_section_size || values_left_ == 0) return std::nullopt;
    --values_left_;
    Value value;
    MMDB_entry_s entry{.mmdb = &database_, .offset = offset};
    // An empty path asks for the value itself.
    const std::array<const char*, 1> path{nullptr};
    if (MMDB_aget_value(&entry, &value.data, path.data()) != MMDB_SUCCESS) return std::nullopt;
    // libmaxminddb follows pointers. After one to a map or list it goes on inside that, so the place after
    // the pointer itself is ours to know: type 1 in the top three bits, then two bits of length.
    const std::uint8_t control = database_.data_section[offset];
    if (control >> 5 == MMDB_DATA_TYPE_POINTER) {
      value.next = offset + 2 + (control >> 3 & 3);
    } else if (!value.is_map() && !value.is_list()) {
      value.next = value.data.offset_to_next;
    }
    return value;
  }

  /// Calls visit(key, value offset, depth) → the offset after the value, for each pair of a map.
  template <typename Visit>
  [[nodiscard]] std::optional<std::uint32_t> for_each_pair(const Value& map, Visit visit) {
    std::uint32_t at = map.data.offset_to_next;
    for (std::uint32_t i = 0; i < map.data.data_size; ++i) {
      const auto key = read(at);
      if (!key || !key->is_text()) return std::nullopt;
      const auto next = visit(key->text(), key->next);
      if (!next) return std::nullopt;
      at = *next;
    }
    return at;
  }

  template <typename Visit>
  [[nodiscard]] std::optional<std::uint32_t> for_each_item(const Value& list, Visit visit) {
    std::uint32_t at = list.data.offset_to_next;
    for (std::uint32_t i = 0; i < list.data.data_size; ++i) {
      const auto next = visit(i, at);
      if (!next) return std::nullopt;
      at = *next;
    }
    return at;
  }

 private:
  const MMDB_s& database_;
  std::size_t values_left_ = 0;
};

/// Walks one record and hands its fields to the mapper.
class RecordReader {
 public:
  RecordReader(const MMDB_s& database, PlaceMapper& mapper) : values_(database), mapper_(mapper) {}

  /// False when the record is damaged.
  [[nodiscard]] bool read(std::uint32_t offset) {
    values_.start_record();
    const auto record = values_.read(offset);
    return record && record->is_map() && read_map(*record, RecordPart::Record, 0);
  }

 private:
  // The offset after the value.
  std::optional<std::uint32_t> read_value(std::uint32_t offset, RecordStep step, int depth) {
    const auto value = values_.read(offset);
    if (!value || depth > kRecordDepthMax) return std::nullopt;
    if (!value->is_map() && !value->is_list()) {
      if (step.field != RecordField::None) mapper_.set(step.field, field_value(*value));
      return value->next;
    }
    // What a pointer leads to need not be walked to find what comes after.
    if (step.part == RecordPart::Elsewhere && value->next != 0) return value->next;
    const auto end =
        value->is_map() ? read_map(*value, step.part, depth) : read_list(*value, step.part, depth);
    return !end || value->next == 0 ? end : value->next;
  }

  std::optional<std::uint32_t> read_map(const Value& map, RecordPart part, int depth) {
    return values_.for_each_pair(map, [&](std::string_view key, std::uint32_t offset) {
      return read_value(offset, part == RecordPart::Elsewhere ? RecordStep{} : find_step(part, key),
                        depth + 1);
    });
  }

  std::optional<std::uint32_t> read_list(const Value& list, RecordPart part, int depth) {
    return values_.for_each_item(list, [&](std::size_t index, std::uint32_t offset) {
      return read_value(offset, {.field = RecordField::None, .part = find_item(part, index)}, depth + 1);
    });
  }

  static RecordValue field_value(const Value& value) noexcept {
    using Kind = RecordValue::Kind;
    const auto number = [](double n) { return RecordValue{.kind = Kind::Number, .text = {}, .number = n}; };
    switch (value.data.type) {
      case MMDB_DATA_TYPE_UTF8_STRING:
        return {.kind = Kind::Text, .text = value.text(), .number = 0};
      case MMDB_DATA_TYPE_DOUBLE:
        return number(value.data.double_value);
      case MMDB_DATA_TYPE_FLOAT:
        return number(static_cast<double>(value.data.float_value));
      case MMDB_DATA_TYPE_UINT16:
        return number(value.data.uint16);
      case MMDB_DATA_TYPE_UINT32:
        return number(value.data.uint32);
      case MMDB_DATA_TYPE_INT32:
        return number(value.data.int32);
      case MMDB_DATA_TYPE_UINT64:
        return number(static_cast<double>(value.data.uint64));
      default:
        return {};
    }
  }

  ValueReader values_;
  PlaceMapper& mapper_;
};

/// True when the metadata has the form that libmaxminddb takes for granted: its MMDB_open (1.7.1) follows
/// nested pointers without a limit and leaks what it had read when a language or description is no text.
bool is_sound_metadata(std::span<const char> metadata) {
  // libmaxminddb reads its metadata in the same way: as a data section of its own.
  MMDB_s section{};
  section.data_section = reinterpret_cast<const std::uint8_t*>(metadata.data());
  section.data_section_size = static_cast<std::uint32_t>(metadata.size());
  ValueReader values(section);
  values.start_record();

  const auto skip_text = [&](std::uint32_t offset) -> std::optional<std::uint32_t> {
    const auto value = values.read(offset);
    return value && value->is_text() ? std::optional(value->next) : std::nullopt;
  };
  const auto skip_entry = [&](std::string_view key, std::uint32_t offset) -> std::optional<std::uint32_t> {
    const auto value = values.read(offset);
    if (!value) return std::nullopt;
    if (value->is_list() && key == "languages") {
      const auto end =
          values.for_each_item(*value, [&](std::size_t, std::uint32_t at) { return skip_text(at); });
      return !end || value->next == 0 ? end : value->next;
    }
    if (value->is_map() && key == "description") {
      const auto end =
          values.for_each_pair(*value, [&](std::string_view, std::uint32_t at) { return skip_text(at); });
      return !end || value->next == 0 ? end : value->next;
    }
    const bool scalar = !value->is_list() && !value->is_map() && key != "languages" && key != "description";
    return scalar ? std::optional(value->next) : std::nullopt;
  };
  const auto root = values.read(0);
  return root && root->is_map() && values.for_each_pair(*root, skip_entry).has_value();
}

/// One whole search tree, from a node down. Every node is visited once, so a damaged tree ends too.
class TreeReader {
 public:
  TreeReader(const MMDB_s& database, RecordReader& records, PlaceMapper& mapper, PlaceTable& places)
      : database_(database),
        records_(records),
        mapper_(mapper),
        places_(places),
        visited_(database.metadata.node_count, false) {
    for (const auto& carrier : base::carrier_networks()) carrier_depths_[carrier.bits] = true;
  }

  PrefixTree read_v4(std::uint32_t start) {
    PrefixTreeBuilder builder(base::Family::V4, node_count_of(base::Family::V4));
    block_ = {.address = {base::Family::V4, {}}, .bits = 0};
    const Link root = read_record(builder, {start, type_of(start)});
    return std::move(builder).finish(root);
  }

  PrefixTree read_v6() {
    PrefixTreeBuilder builder(base::Family::V6, node_count_of(base::Family::V6));
    block_ = {.address = {base::Family::V6, {}}, .bits = 0};
    const Link root = read_node(builder, 0);
    return std::move(builder).finish(root);
  }

  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  struct Record {
    std::uint64_t value;
    std::uint8_t type;
  };

  [[nodiscard]] std::uint8_t type_of(std::uint32_t record) const noexcept {
    if (record < database_.metadata.node_count) return MMDB_RECORD_TYPE_SEARCH_NODE;
    return record == database_.metadata.node_count ? MMDB_RECORD_TYPE_EMPTY : MMDB_RECORD_TYPE_DATA;
  }

  /// An upper bound; in a file with both families the IPv6 tree alone is worth taking room for.
  [[nodiscard]] std::size_t node_count_of(base::Family family) const noexcept {
    const bool only_v4 = database_.metadata.ip_version == 4;
    return only_v4 == (family == base::Family::V4) ? database_.metadata.node_count : 0;
  }

  Link fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return Link::leaf(0);
  }

  Link fail_at_block() {
    return fail(fmt::format("the search tree is damaged at {}: it leads nowhere", base::to_string(block_)));
  }

  /// The networks that carry IPv4 addresses are looked up elsewhere; most files make them aliases of ::/96.
  [[nodiscard]] bool is_carrier() const noexcept {
    if (!carrier_depths_[block_.bits] || block_.address.family == base::Family::V4) return false;
    const auto carriers = base::carrier_networks();
    return std::find_if(carriers.begin(), carriers.end(), [&](const base::IpPrefix& carrier) {
             return carrier.bits == block_.bits && carrier.address.bytes == block_.address.bytes;
           }) != carriers.end();
  }

  Link read_record(PrefixTreeBuilder& builder, Record record) {
    if (!error_.empty()) return Link::leaf(0);
    if (record.type == MMDB_RECORD_TYPE_EMPTY) return Link::leaf(0);
    if (record.type == MMDB_RECORD_TYPE_INVALID) {
      return fail_at_block();
    }
    if (is_carrier()) return Link::leaf(kMelts);
    if (record.type == MMDB_RECORD_TYPE_DATA) return read_place(record.value);
    if (block_.bits == base::address_bits(block_.address.family)) {
      return fail(
          fmt::format("the search tree is deeper than an address, below {}", base::to_string(block_)));
    }
    return read_node(builder, static_cast<std::uint32_t>(record.value));
  }

  Link read_node(PrefixTreeBuilder& builder, std::uint32_t index) {
    MERIDIAN_ASSERT(index < visited_.size());
    if (visited_[index]) {
      return fail(fmt::format("the search tree comes twice to node {}, the second time at {}", index,
                              base::to_string(block_)));
    }
    visited_[index] = true;
    MMDB_search_node_s node{};
    if (const int status = MMDB_read_node(&database_, index, &node); status != MMDB_SUCCESS) {
      return fail(fmt::format("node {} of the search tree is damaged: {}", index, MMDB_strerror(status)));
    }
    const std::uint8_t depth = block_.bits;
    auto& byte = block_.address.bytes[depth / 8];
    const auto bit = static_cast<std::uint8_t>(0x80 >> (depth % 8));
    const auto slot = builder.open();
    block_.bits = static_cast<std::uint8_t>(depth + 1);
    const Link first = read_record(builder, {node.left_record, node.left_record_type});
    block_.bits = static_cast<std::uint8_t>(depth + 1);
    byte = static_cast<std::uint8_t>(byte | bit);
    const Link second = read_record(builder, {node.right_record, node.right_record_type});
    byte = static_cast<std::uint8_t>(byte & ~bit);
    block_.bits = depth;
    return builder.close(slot, first, second);
  }

  Link read_place(std::uint64_t record) {
    if (record < database_.metadata.node_count + kSeparatorBytes) return fail_at_block();
    const auto offset = static_cast<std::uint32_t>(record - database_.metadata.node_count - kSeparatorBytes);
    auto& place = places_.at_offset(offset);
    if (place != PlaceTable::kUnread) return Link::leaf(place);
    if (!records_.read(offset)) {
      return fail(fmt::format("the record of {} is damaged", base::to_string(block_)));
    }
    place = places_.intern(mapper_.finish());
    if (places_.size() > base::limits::kGeoPlacesMax) {
      return fail(fmt::format("has more than {} different records", base::limits::kGeoPlacesMax));
    }
    if (places_.record_count() >= kRecordsTried && places_.known() == KnownFields{}) return fail(kGivenUp);
    return Link::leaf(place);
  }

  const MMDB_s& database_;
  RecordReader& records_;
  PlaceMapper& mapper_;
  PlaceTable& places_;
  std::vector<bool> visited_;
  std::array<bool, 129> carrier_depths_{};  ///< prefix lengths of carriers: most blocks need no comparison
  base::IpPrefix block_;
  std::string error_;
};

/// Opens one file, checks it from the outside in, and reads it.
class Loader {
 public:
  Loader(const std::string& path, const Places& places) : path_(path), mapper_(places) {}
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() {
    if (open_) MMDB_close(&database_);
  }

  base::Expected<GeoFile, base::Diagnostics> load() {
    std::string problem = check_file();
    if (problem.empty()) problem = open();
    if (problem.empty()) problem = read();
    if (problem.empty()) return std::move(file_);
    base::Diagnostics diagnostics;
    diagnostics.error({path_}, std::move(problem));
    return base::unexpected(std::move(diagnostics));
  }

 private:
  // Each step returns what is wrong, or "".
  std::string check_file() const {
    std::error_code failure;
    const auto status = std::filesystem::status(path_, failure);
    if (failure) return fmt::format("cannot open the GeoIP database: {}", failure.message());
    if (!std::filesystem::is_regular_file(status)) {
      return "is not a file; a GeoIP database is one file, usually named .mmdb";
    }
    std::ifstream file(path_, std::ios::binary | std::ios::ate);
    if (!file) return fmt::format("cannot open the GeoIP database: {}", std::strerror(errno));
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg()));
    if (size == 0) return "is empty; fetch the GeoIP database again";

    std::string tail(std::min(size, kMetadataBytesMax), '\0');
    file.seekg(-static_cast<std::streamoff>(tail.size()), std::ios::end);
    if (!file.read(tail.data(), static_cast<std::streamsize>(tail.size())))
      return "cannot be read to its end";
    const auto mark = tail.rfind(kMetadataMark);
    if (mark == std::string::npos) {
      return "is no MaxMind DB, or is cut off at its end; unpack it if it is packed, or fetch it again";
    }
    if (!is_sound_metadata(std::span(tail).subspan(mark + kMetadataMark.size()))) {
      return "has damaged metadata; fetch the GeoIP database again";
    }
    return {};
  }

  std::string open() {
    const int status = MMDB_open(path_.c_str(), MMDB_MODE_MMAP, &database_);
    if (status != MMDB_SUCCESS) {
      return fmt::format("cannot open the GeoIP database: {}; fetch it again", MMDB_strerror(status));
    }
    open_ = true;
    const auto& metadata = database_.metadata;
    if (metadata.ip_version != 4 && metadata.ip_version != 6) {
      return fmt::format("holds IP version {}; Meridian reads 4 and 6", metadata.ip_version);
    }
    file_.path = path_;
    file_.database_type = metadata.database_type;
    file_.build_epoch = metadata.build_epoch;
    file_.ip_version = metadata.ip_version;
    return {};
  }

  std::string read() {
    RecordReader records(database_, mapper_);
    TreeReader tree(database_, records, mapper_, places_);
    const bool both = file_.ip_version == 6;
    file_.v4 = tree.read_v4(both ? database_.ipv4_start_node.node_value : 0);
    if (both && tree.error().empty()) file_.v6 = tree.read_v6();
    if (!tree.error().empty() && tree.error() != kGivenUp)
      return fmt::format("{}; fetch it again", tree.error());

    file_.known = places_.known();
    if (!file_.known.country && !file_.known.coordinates && !file_.known.as_number) {
      return fmt::format(
          "database type '{}' holds no country, coordinates or AS number; Meridian reads the layouts of "
          "MaxMind, "
          "DB-IP, IPinfo and ip-location-db",
          file_.database_type);
    }
    file_.places = std::move(places_).take_places();
    file_.invalid_count = mapper_.invalid_count();
    file_.has_v4 = file_.v4.root() != Link::leaf(0);
    file_.has_v6 = file_.v6.root() != Link::leaf(0);
    return {};
  }

  const std::string& path_;
  PlaceMapper mapper_;
  PlaceTable places_;
  MMDB_s database_{};
  bool open_ = false;
  GeoFile file_;
};

}  // namespace

base::Expected<GeoFile, base::Diagnostics> load_geo_file(const std::string& path, const Places& places) {
  return Loader(path, places).load();
}

}  // namespace meridian::geo
