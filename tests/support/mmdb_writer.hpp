// Makes small MaxMind DB files for tests, so that no binary fixtures are kept. Not meant for large ones, and
// deliberately able to write what a sound database would not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace meridian::test {

struct MmdbFloat {
  float value;
};

/// A value of the format's data section. A map keeps the order of its pairs.
struct MmdbValue {
  using List = std::vector<MmdbValue>;
  using Map = std::vector<std::pair<std::string, MmdbValue>>;
  std::variant<std::string, double, MmdbFloat, std::uint16_t, std::uint32_t, std::uint64_t, std::int32_t,
               bool, List, Map>
      value;

  MmdbValue(const char* text) : value(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  MmdbValue(std::string text) : value(std::move(text)) {}    // NOLINT(google-explicit-constructor)
  MmdbValue(double number) : value(number) {}                // NOLINT(google-explicit-constructor)
  MmdbValue(MmdbFloat number) : value(number) {}             // NOLINT(google-explicit-constructor)
  MmdbValue(std::uint16_t number) : value(number) {}         // NOLINT(google-explicit-constructor)
  MmdbValue(std::uint32_t number) : value(number) {}         // NOLINT(google-explicit-constructor)
  MmdbValue(std::uint64_t number) : value(number) {}         // NOLINT(google-explicit-constructor)
  MmdbValue(std::int32_t number) : value(number) {}          // NOLINT(google-explicit-constructor)
  MmdbValue(bool truth) : value(truth) {}                    // NOLINT(google-explicit-constructor)
  MmdbValue(List items) : value(std::move(items)) {}         // NOLINT(google-explicit-constructor)
  MmdbValue(Map pairs) : value(std::move(pairs)) {}          // NOLINT(google-explicit-constructor)
};

[[nodiscard]] MmdbValue mmdb_map(MmdbValue::Map pairs);
[[nodiscard]] MmdbValue mmdb_list(MmdbValue::List items);

class MmdbWriter {
 public:
  struct Options {
    std::uint16_t ip_version = 6;
    std::uint16_t record_size = 24;  ///< 24, 28 or 32
    std::string database_type = "Test";
    std::uint64_t build_epoch = 1'700'000'000;
    /// Links 2002::/16, 2001::/32 and ::ffff:0:0/96 to ::/96, as the writers of MaxMind do.
    bool alias_v4 = false;
  };

  MmdbWriter() : MmdbWriter(Options{}) {}
  explicit MmdbWriter(Options options);

  /// A later network wins over an earlier one it lies in or covers. An IPv4 network goes below ::/96 in a
  /// file of version 6.
  void insert(std::string_view network, const MmdbValue& record);

  /// Replaces the record of an existing node; `value` is written as it is. For damaged files.
  void set_raw_link(std::string_view network, std::uint64_t value);

  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }

 private:
  /// Empty, a node, a record (offset into data_), or anything at all.
  struct Link {
    enum class Kind : std::uint8_t { Empty, Node, Record, Raw } kind = Kind::Empty;
    std::uint64_t value = 0;
  };
  struct Node {
    Link sides[2];
  };

  /// The link that stands for the network; splits what is above it.
  [[nodiscard]] Link& link_at(std::string_view network);
  void write_value(std::string& out, const MmdbValue& value);
  void write_text(std::string& out, const std::string& text);

  Options options_;
  std::vector<Node> nodes_;
  std::string data_;
  /// Texts written so far: later ones are pointers to them, as in real files.
  std::vector<std::pair<std::string, std::size_t>> texts_;
  std::vector<std::pair<std::string, std::uint64_t>> records_;
};

/// A file without a place on any disk, gone with this object.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  /// Opens it within this process.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

}  // namespace meridian::test
