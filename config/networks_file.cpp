#include "config/networks_file.hpp"

#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "config/place_ref.hpp"
#include "config/yaml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace meridian::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBlanks = " \t\r";

/// One line's text from `column` on (counted from 1), blanks on both sides taken off.
struct Piece {
  std::string_view text;
  int column = 1;
};

Piece trim(Piece piece) {
  const auto first = std::min(piece.text.find_first_not_of(kBlanks), piece.text.size());
  piece.text.remove_prefix(first);
  piece.column += static_cast<int>(first);
  piece.text = piece.text.substr(0, piece.text.find_last_not_of(kBlanks) + 1);
  return piece;
}

/// Reads the lines of one file.
class Reader {
 public:
  Reader(NetworksFile& file, base::Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  void read_line(std::string_view line, std::uint32_t number) {
    line_ = number;
    const auto piece = trim({line.substr(0, line.find('#')), 1});
    if (piece.text.empty()) return;
    const auto end = std::min(piece.text.find_first_of(kBlanks), piece.text.size());
    const auto network = parse_network({piece.text.substr(0, end), piece.column});
    const auto rest = trim({piece.text.substr(end), piece.column + static_cast<int>(end)});
    const auto list = rest.text.empty() ? std::optional{NetworksFile::kNoList} : parse_list(rest);
    if (network && list) file_.entries.push_back({*network, number, *list});
  }

  /// Sorts the entries and keeps each network once.
  void finish() {
    auto& entries = file_.entries;
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& left, const auto& right) { return left.network < right.network; });
    const auto is_same = [&](const NetworksFile::Entry& first, const NetworksFile::Entry& second) {
      if (first.network != second.network) return false;
      if (first.list != second.list) {
        line_ = second.line;
        error(1, fmt::format("{} stands twice in this file, with other datacenters in line {}; keep one line",
                             base::to_string(second.network), first.line));
      }
      return true;
    };
    entries.erase(std::unique(entries.begin(), entries.end(), is_same), entries.end());
    entries.shrink_to_fit();
  }

 private:
  void error(int column, std::string message) {
    diagnostics_.error({file_.file, static_cast<int>(line_), column}, std::move(message));
  }

  std::optional<base::IpPrefix> parse_network(const Piece& piece) {
    const auto place = parse_place(piece.text);
    if (place && place->kind == PlaceRef::Kind::Network) return place->network;
    const bool looks_like_one = piece.text.find_first_of(".:") != std::string_view::npos;
    error(piece.column,
          !place && looks_like_one
              ? place.error()
              : fmt::format("{} is no network; a line holds one, such as 192.0.2.0/24", quoted(piece.text)));
    return std::nullopt;
  }

  std::optional<std::uint32_t> parse_list(Piece piece) {
    std::vector<Word> names;
    std::string key;
    for (std::size_t at = 0; at <= piece.text.size();) {
      const auto end = std::min(piece.text.find(',', at), piece.text.size());
      const auto name = trim({piece.text.substr(at, end - at), piece.column + static_cast<int>(at)});
      at = end + 1;
      if (!is_name(name.text)) {
        error(
            name.column,
            fmt::format("{} is no name of a datacenter; write datacenters with commas between them, such as "
                        "ams,fra",
                        quoted(name.text)));
        return std::nullopt;
      }
      const bool is_twice =
          std::any_of(names.begin(), names.end(), [&](const Word& other) { return other.text == name.text; });
      if (is_twice) {
        error(name.column, fmt::format("datacenter '{}' stands twice in this line", name.text));
        return std::nullopt;
      }
      key += fmt::format("{},", name.text);
      names.push_back({std::string{name.text}, {file_.file, static_cast<int>(line_), name.column}});
    }
    const auto [found, is_new] =
        lists_.try_emplace(std::move(key), static_cast<std::uint32_t>(file_.lists.size()));
    if (is_new) file_.lists.push_back(std::move(names));
    return found->second;
  }

  NetworksFile& file_;
  base::Diagnostics& diagnostics_;
  std::map<std::string, std::uint32_t> lists_;
  std::uint32_t line_ = 0;
};

/// Every place of the map that names a networks file, in the order of maps, regions and expectations.
std::vector<const PlaceRef*> find_references(const MapDirectory& map) {
  std::vector<const PlaceRef*> references;
  const auto add = [&](const PlaceRef& place) {
    if (place.kind == PlaceRef::Kind::NetworksFile) references.push_back(&place);
  };
  for (const auto& one : map.maps) {
    for (const auto& rule : one.rules) add(rule.place);
    for (const auto& rule : one.resolvers) add(rule.place);
  }
  for (const auto& region : map.regions) {
    for (const auto& member : region.members) add(member);
  }
  for (const auto& expectation : map.expectations) add(expectation.from);
  return references;
}

base::Expected<std::string, std::string> read_inside(const std::string& folder, const std::string& path) {
  std::error_code failure;
  const auto root = fs::weakly_canonical(folder, failure);
  if (failure) return base::unexpected(failure.message());
  const auto canonical = fs::weakly_canonical(root / path, failure);
  if (failure) return base::unexpected(failure.message());
  if (!base::is_inside(canonical, root))
    return base::unexpected(fmt::format("it leads outside of the map directory, to '{}'; move the file there",
                                        canonical.string()));
  auto text = base::read_regular_file(canonical, base::limits::kNetworksFileBytesMax);
  if (text) return std::move(*text);
  if (text.error().kind == base::FileProblem::Kind::TooLarge) {
    return base::unexpected(fmt::format("{}; at most {} are read, split it", text.error().message,
                                        base::limits::kNetworksFileBytesMax));
  }
  return base::unexpected(std::move(text.error().message));
}

/// A rule that takes the datacenters from the lines needs them on every line.
void check_lists(const std::vector<Rule>& rules, const NetworksFile& file, base::Diagnostics& diagnostics) {
  for (const auto& rule : rules) {
    if (rule.order != Rule::Order::AsListed || rule.place.code != file.path) continue;
    std::uint32_t first = 0;
    std::size_t count = 0;
    for (const auto& entry : file.entries) {
      if (entry.list != NetworksFile::kNoList) continue;
      first = count++ == 0 ? entry.line : std::min(first, entry.line);
    }
    if (count == 0) continue;
    diagnostics.error(
        {file.file, static_cast<int>(first), 1},
        fmt::format("this line{} no datacenters, which the rule at {} wants of each (as_listed); "
                    "write them behind the network",
                    count == 1 ? " has" : fmt::format(" and {} more have", count - 1),
                    base::to_string(rule.where)));
  }
}

}  // namespace

void parse_networks(std::string_view text, std::size_t entries_max, NetworksFile& file,
                    base::Diagnostics& diagnostics) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader(file, diagnostics);
  std::uint32_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    reader.read_line(text.substr(0, end), ++number);
    if (file.entries.size() > entries_max) {
      diagnostics.error(
          {file.file, static_cast<int>(number), 1},
          fmt::format("more than {} networks in the networks files of this map", base::limits::kNetworksMax));
      break;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  reader.finish();
}

void load_networks_files(MapDirectory& map, base::Diagnostics& diagnostics) {
  std::size_t left = base::limits::kNetworksMax;
  for (const auto* reference : find_references(map)) {
    const auto& path = reference->code;
    const bool is_known = std::any_of(map.networks_files.begin(), map.networks_files.end(),
                                      [&](const NetworksFile& file) { return file.path == path; });
    if (is_known) continue;
    NetworksFile file;
    file.path = path;
    file.file = (fs::path(map.path) / path).string();
    if (const auto text = read_inside(map.path, path)) {
      parse_networks(*text, left, file, diagnostics);
    } else {
      diagnostics.error(reference->where,
                        fmt::format("can't read the networks file '{}': {}", path, text.error()));
    }
    left -= std::min(left, file.entries.size());
    for (const auto& one : map.maps) {
      check_lists(one.rules, file, diagnostics);
      check_lists(one.resolvers, file, diagnostics);
    }
    map.networks_files.push_back(std::move(file));
  }
}

}  // namespace meridian::config
