#include "geo/mmdb_reader.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "geo/mmdb_tree_reader.hpp"
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
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace meridian::geo {
namespace {

/// The format says that the metadata is within the last 128 KiB, after the last of these marks.
constexpr std::size_t kMetadataBytesMax = 128u << 10;
constexpr std::string_view kMetadataMark = "\xab\xcd\xefMaxMind.com";
/// A GeoIP2 record with names in eight languages has some 150 values, metadata under 50. Without a limit,
/// maps that point to maps make a small file take forever.
constexpr std::size_t kRecordValuesMax = 4'096;
/// Real records nest four deep.
constexpr int kRecordDepthMax = 16;
/// Records looked at before a file in which nothing is known is given up.
constexpr std::size_t kRecordsTried = 4'096;

/// Records after which the pages of the mapped file are given back: some megabytes of them.
constexpr std::size_t kRecordsBetweenReleases = 1u << 11;
/// Leaves by which the table of records is fetched into the cache before it is asked.
constexpr std::size_t kFetchedAhead = 16;

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

/// Reads the records that a tree names, in address order, each once.
class PlaceReader {
 public:
  PlaceReader(const MMDB_s& database, const Places& places)
      : database_(database), mapper_(places), records_(database, mapper_) {}
  PlaceReader(const PlaceReader&) = delete;
  PlaceReader& operator=(const PlaceReader&) = delete;

  /// To be called once. Puts the index of its place where a record's offset plus one stands. False: one of
  /// them is damaged, or, with `may_give_up`, nothing is known of the first thousands.
  [[nodiscard]] bool replace(std::span<std::uint32_t> values, bool may_give_up) {
    may_give_up_ = may_give_up;
    table_.reserve_records(values.size());
    for (leaf_ = 0; leaf_ < values.size(); ++leaf_) {
      if (leaf_ + kFetchedAhead < values.size()) table_.fetch_ahead(values[leaf_ + kFetchedAhead]);
      auto& value = values[leaf_];
      if (value == 0) continue;
      auto& record = table_.at_offset(value - 1);
      if (record == PlaceTable::kUnread && !read(value - 1, record)) return false;
      value = record + 1;
    }
    table_.forget_offsets();
    const auto places = table_.settle();
    for (auto& value : values) value = value == 0 ? 0 : places[value - 1];
    return true;
  }

  /// Two records were one place, so that neighbours in a tree may be equal now.
  [[nodiscard]] bool has_merged() const noexcept { return table_.size() <= table_.record_count(); }
  /// What replace() gave up for, and at which of the values.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  [[nodiscard]] std::size_t error_leaf() const noexcept { return leaf_; }

  /// Adds the places of another reader, which is used up by that. By their index there, their index here.
  [[nodiscard]] std::vector<std::uint32_t> absorb(PlaceReader& other) {
    const auto places = other.take_places();
    other.table_ = PlaceTable();
    absorbed_invalid_ += other.invalid_count();
    return table_.absorb(places);
  }

  [[nodiscard]] KnownFields known() const noexcept { return table_.known(); }
  [[nodiscard]] std::size_t invalid_count() const noexcept {
    return mapper_.invalid_count() + absorbed_invalid_;
  }
  [[nodiscard]] PlaceList take_places() { return std::move(table_).take_places(); }

 private:
  bool read(std::uint32_t offset, std::uint32_t& record) {
    if (table_.record_count() % kRecordsBetweenReleases == 0) release_pages(database_);
    if (!records_.read(offset)) return fail("the record of {} is damaged");
    record = table_.add_record(mapper_.finish());
    if (table_.record_count() > base::limits::kGeoPlacesMax)
      return fail(fmt::format("has more than {} different records", base::limits::kGeoPlacesMax));
    if (may_give_up_ && table_.record_count() >= kRecordsTried && table_.known() == KnownFields{})
      return fail(kGivenUp);
    return true;
  }

  bool fail(std::string message) {
    error_ = std::move(message);
    return false;
  }

  const MMDB_s& database_;
  PlaceMapper mapper_;
  RecordReader records_;
  PlaceTable table_;
  std::size_t leaf_ = 0;
  std::size_t absorbed_invalid_ = 0;
  bool may_give_up_ = true;
  std::string error_;
};

/// The tree once more, with neighbours of equal value as one block.
PackedTreeBuilder::Block merge_block(PackedTree::Cursor& cursor, PackedTreeBuilder& builder) {
  if (!cursor.next_is_split()) return builder.leaf(cursor.take_value());
  const auto slot = builder.open();
  const auto first = merge_block(cursor, builder);
  const auto second = merge_block(cursor, builder);
  return builder.close(slot, first, second);
}

PackedTree merge_equal(const PackedTree& tree) {
  PackedTreeBuilder builder(tree.family(), tree.leaf_count());
  PackedTree::Cursor cursor(tree);
  const auto root = merge_block(cursor, builder);
  return std::move(builder).finish(root);
}

/// The block of a leaf, counted in address order.
base::IpPrefix block_of_leaf(const PackedTree& tree, std::size_t wanted) {
  base::IpPrefix found;
  tree.for_each_leaf([&](const base::IpPrefix& block, std::uint32_t) {
    if (wanted-- == 0) found = block;
  });
  return found;
}

/// False for a tree that is one leaf of "nothing known".
bool is_something_known(const PackedTree& tree) {
  return tree.leaf_count() > 1 || tree.lookup({tree.family(), {}}).value != 0;
}

/// Opens one file, checks it from the outside in, and reads it.
class Loader {
 public:
  Loader(const std::string& path, const Places& places) : path_(path), places_(places) {}
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

  /// What one family's tree holds.
  struct Half {
    explicit Half(const MMDB_s& database, base::Family family, const Places& known_places)
        : tree(family, 0), places(database, known_places) {}
    PackedTree tree;
    PlaceReader places;
    std::string problem;
  };

  [[nodiscard]] std::unique_ptr<Half> read_half(base::Family family, std::uint32_t start,
                                                bool may_give_up) const {
    auto half = std::make_unique<Half>(database_, family, places_);
    MmdbTreeReader trees(database_);
    auto read = trees.read(family, start);
    half->problem = trees.error();
    if (!half->problem.empty()) return half;
    if (half->places.replace(read.builder.values(), may_give_up)) {
      half->tree = std::move(read.builder).finish(read.root);
      if (half->places.has_merged()) half->tree = merge_equal(half->tree);
      return half;
    }
    const auto block = block_of_leaf(std::move(read.builder).finish(read.root), half->places.error_leaf());
    half->problem = fmt::format(fmt::runtime(half->places.error()), base::to_string(block));
    return half;
  }

  std::string read() {
    const bool both = file_.ip_version == 6;
    // At the same time: neither writes what the other reads.
    std::future<std::unique_ptr<Half>> other;
    if (both)
      other = std::async(std::launch::async, [this] { return read_half(base::Family::V6, 0, false); });
    auto half = read_half(base::Family::V4, both ? database_.ipv4_start_node.node_value : 0, true);
    const auto v6 = both ? other.get() : nullptr;
    auto problem = half->problem.empty() && v6 ? v6->problem : half->problem;
    if (problem == kGivenUp) return no_fields();
    if (!problem.empty()) return fmt::format("{}; fetch it again", problem);
    file_.v4 = std::move(half->tree);
    if (v6) {
      release_pages(database_);
      const auto ids = half->places.absorb(v6->places);
      v6->tree.renumber([&](std::uint32_t place) { return ids[place]; });
      file_.v6 = std::move(v6->tree);
    }
    return finish(half->places);
  }

  [[nodiscard]] std::string no_fields() const {
    return fmt::format(
        "database type '{}' holds no country, coordinates or AS number; Meridian reads the layouts of "
        "MaxMind, "
        "DB-IP, IPinfo and ip-location-db",
        file_.database_type);
  }

  std::string finish(PlaceReader& places) {
    file_.known = places.known();
    if (!file_.known.country && !file_.known.coordinates && !file_.known.as_number) return no_fields();
    file_.places = places.take_places();
    file_.invalid_count = places.invalid_count();
    file_.has_v4 = is_something_known(file_.v4);
    file_.has_v6 = is_something_known(file_.v6);
    return {};
  }

  const std::string& path_;
  const Places& places_;
  MMDB_s database_{};
  bool open_ = false;
  GeoFile file_;
};

}  // namespace

base::Expected<GeoFile, base::Diagnostics> load_geo_file(const std::string& path, const Places& places) {
  return Loader(path, places).load();
}

}  // namespace meridian::geo
