#include "control/epoch_store.hpp"

#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "control/sha256.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kNumberDigits = 10;

std::string text_of(const json::object& object, std::string_view key) {
  return std::string{object.at(key).as_string()};
}

json::object to_json(const MapDigest& digest) { return {{"files", digest.files}, {"feeds", digest.feeds}}; }

MapDigest digest_of(const json::value& value) {
  return {text_of(value.as_object(), "files"), text_of(value.as_object(), "feeds")};
}

json::object to_json(const EpochInfo& info) {
  json::array feeds;
  for (const auto& name : info.feeds) feeds.emplace_back(name);
  json::array databases;
  for (const auto& database : info.databases) {
    databases.push_back(json::object{{"name", database.name},
                                     {"path", database.path},
                                     {"type", database.type},
                                     {"build_epoch", database.build_epoch}});
  }
  json::array stamps;
  for (const auto& stamp : info.stamps) stamps.emplace_back(stamp);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(info.loaded_at.time_since_epoch());
  return {{"format", kFormat},
          {"hash", info.hash},
          {"loaded_at", seconds.count()},
          {"version", info.version},
          {"digest", to_json(info.digest)},
          {"feeds", std::move(feeds)},
          {"databases", std::move(databases)},
          {"stamps", std::move(stamps)}};
}

/// Throws where the text is not what to_json() writes.
EpochInfo info_of(const json::object& object) {
  if (object.at("format").to_number<std::uint64_t>() != kFormat)
    throw std::runtime_error("is of another format than this program writes");
  EpochInfo info;
  info.hash = text_of(object, "hash");
  info.loaded_at = std::chrono::system_clock::time_point{
      std::chrono::seconds{object.at("loaded_at").to_number<std::int64_t>()}};
  info.version = text_of(object, "version");
  info.digest = digest_of(object.at("digest"));
  for (const auto& name : object.at("feeds").as_array()) info.feeds.emplace(name.as_string());
  for (const auto& item : object.at("databases").as_array()) {
    const auto& database = item.as_object();
    info.databases.push_back({text_of(database, "name"), text_of(database, "path"), text_of(database, "type"),
                              database.at("build_epoch").to_number<std::uint64_t>()});
  }
  for (const auto& stamp : object.at("stamps").as_array()) info.stamps.emplace_back(stamp.as_string());
  return info;
}

/// Reads a small JSON file; the error names it.
template <typename Result>
base::Expected<Result, std::string> read_json(const std::string& path,
                                              Result (*convert)(const json::object&)) {
  const auto text = base::read_regular_file(path, base::limits::kEpochInfoBytesMax);
  if (!text) return base::unexpected(fmt::format("{}: {}", path, text.error().message));
  try {
    return convert(json::parse(*text).as_object());
  } catch (const std::exception& error) {
    return base::unexpected(fmt::format("{}: {}", path, error.what()));
  }
}

CurrentEpoch current_of(const json::object& object) {
  CurrentEpoch current{.number = object.at("epoch").to_number<std::uint64_t>(), .refused = {}};
  if (const auto* refused = object.if_contains("refused")) current.refused = digest_of(*refused);
  return current;
}

}  // namespace

std::string epoch_hash(const MapDigest& digest, std::span<const std::uint8_t> maps) {
  Sha256 hash;
  hash.add(digest.files + "\n" + digest.feeds + "\n");
  hash.add(maps);
  return std::move(hash).finish();
}

EpochStore::EpochStore(std::string state_folder) : folder_(std::move(state_folder) + "/epochs") {}

std::string EpochStore::path_of(std::uint64_t number) const {
  return fmt::format("{}/{:0{}}", folder_, number, kNumberDigits);
}

/// Newest first.
std::vector<std::uint64_t> EpochStore::numbers() const {
  std::vector<std::uint64_t> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error); !error && entry != fs::directory_iterator{};
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem == std::errc{} && end == name.data() + name.size() && name.size() >= kNumberDigits)
      found.push_back(number);
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

std::vector<EpochInfo> EpochStore::list() const {
  std::vector<EpochInfo> infos;
  for (const auto number : numbers()) {
    auto info = read_json(path_of(number) + "/epoch.json", info_of);
    if (!info) continue;
    info->number = number;
    infos.push_back(std::move(*info));
  }
  return infos;
}

base::Expected<StoredEpoch, std::string> EpochStore::open(std::uint64_t number) const {
  const auto path = path_of(number);
  std::error_code error;
  if (!fs::is_directory(path, error)) return base::unexpected(fmt::format("epoch {} is not kept", number));
  auto info = read_json(path + "/epoch.json", info_of);
  if (!info) return base::unexpected(info.error());
  const auto maps_path = path + "/maps.bin";
  const auto maps = base::read_regular_file(maps_path, base::limits::kEpochMapsBytesMax);
  if (!maps) return base::unexpected(fmt::format("{}: {}", maps_path, maps.error().message));
  info->number = number;
  StoredEpoch epoch{
      .info = std::move(*info), .map_folder = path + "/map", .maps = {maps->begin(), maps->end()}};
  const auto digest = digest_map(epoch.map_folder, epoch.info.feeds);
  if (!digest) return base::unexpected(digest.error());
  if (*digest != epoch.info.digest)
    return base::unexpected(epoch.map_folder + ": its files are not those the epoch was made of");
  if (epoch_hash(*digest, epoch.maps) != epoch.info.hash)
    return base::unexpected(maps_path + ": is not what was written");
  return epoch;
}

base::Expected<void, std::string> EpochStore::keep(const EpochInfo& info, const std::string& map_folder,
                                                   std::span<const std::uint8_t> maps) {
  const auto draft = folder_ + "/.new";
  std::error_code error;
  fs::remove_all(draft, error);
  fs::create_directories(draft + "/map", error);
  if (error) return base::unexpected(fmt::format("{}: {}", draft, error.message()));
  const auto copied = copy_map(map_folder, info.feeds, draft + "/map");
  if (!copied) return base::unexpected(copied.error());
  if (*copied != info.digest)
    return base::unexpected(map_folder + ": was changed while it was read; reload it again");
  const auto* const bytes = static_cast<const char*>(static_cast<const void*>(maps.data()));
  for (const auto& problem :
       {write_file(draft + "/maps.bin", {bytes, maps.size()}),
        write_file(draft + "/epoch.json", json::serialize(to_json(info)) + "\n"), sync_file_system(draft)}) {
    if (!problem.empty()) return base::unexpected(problem);
  }
  fs::remove_all(path_of(info.number), error);  // of a run that began to count anew
  fs::rename(draft, path_of(info.number), error);
  if (error) return base::unexpected(fmt::format("{}: {}", path_of(info.number), error.message()));
  if (auto set = set_current({.number = info.number, .refused = {}}); !set) return set;
  drop_old(info.number);
  return {};
}

base::Expected<void, std::string> EpochStore::renumber(std::uint64_t from, std::uint64_t to) {
  if (from == to) return {};
  std::error_code error;
  fs::rename(path_of(from), path_of(to), error);
  if (error) return base::unexpected(fmt::format("{}: {}", path_of(to), error.message()));
  return set_current({.number = to, .refused = {}});
}

void EpochStore::drop_old(std::uint64_t current) const {
  std::size_t left = 0;
  for (const auto number : numbers()) {
    if (number == current || ++left < base::limits::kEpochsKept) continue;
    std::error_code ignored;
    fs::remove_all(path_of(number), ignored);
  }
}

CurrentEpoch EpochStore::current() const {
  if (auto current = read_json(folder_ + "/current.json", current_of)) return *current;
  // It is lost with the disk's last writes, if at all; then the newest is the likeliest.
  const auto infos = list();
  return {.number = infos.empty() ? 0 : infos.front().number, .refused = {}};
}

base::Expected<void, std::string> EpochStore::set_current(const CurrentEpoch& current) {
  json::object object{{"epoch", current.number}};
  if (current.refused != MapDigest{}) object["refused"] = to_json(current.refused);
  const auto path = folder_ + "/current.json";
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return base::unexpected(fmt::format("{}: {}", folder_, error.message()));
  for (const auto& problem :
       {write_file(path + ".new", json::serialize(object) + "\n"), sync_file_system(folder_)}) {
    if (!problem.empty()) return base::unexpected(problem);
  }
  fs::rename(path + ".new", path, error);
  if (error) return base::unexpected(fmt::format("{}: {}", path, error.message()));
  if (auto problem = sync_file_system(folder_); !problem.empty()) return base::unexpected(std::move(problem));
  return {};
}

}  // namespace meridian::control
