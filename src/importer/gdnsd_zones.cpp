// gdnsd's zone files → zone files of ours, with a service for each DYNA and DYNC.
//
// The text is kept as it is written, comments and all: only what means something else here is edited.
#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "config/ranges.hpp"
#include "importer/gdnsd_parts.hpp"
#include "importer/source_file.hpp"
#include "importer/zone_edit.hpp"
#include "zone/rdata_text.hpp"
#include "zone/zone_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace meridian::importer {
namespace {

namespace fs = std::filesystem;
namespace limits = base::limits;

/// Which tokens of a record's data are names.
std::vector<std::size_t> name_fields(std::string_view type) {
  if (type == "NS" || type == "CNAME" || type == "PTR") return {0};
  if (type == "MX") return {1};
  if (type == "SRV") return {3};
  if (type == "SOA") return {0, 1};
  if (type == "NAPTR") return {5};
  return {};
}

/// An absolute name with its final dot.
std::string absolute(dns::NameView name) { return name.is_root() ? "." : dns::to_string(name) + "."; }

/// What all files of one zone share.
struct Zone {
  dns::Name apex;
  std::uint32_t default_ttl_s = 0;
  bool split_text = true;
  fs::path folder;                       ///< gdnsd's zones
  std::vector<std::string> open_files;   ///< the stack of includes
  std::set<std::string> dynamic_owners;  ///< of DYNA and DYNC
};

class ZoneFile {
 public:
  ZoneFile(std::string_view text, std::string path, const dns::Name& origin, Zone& zone,
           GdnsdResources& resources, GdnsdContext& context)
      : text_(text),
        edit_(text),
        path_(std::move(path)),
        file_origin_(origin),
        origin_(origin),
        zone_(zone),
        resources_(resources),
        context_(context),
        ttl_s_(zone.default_ttl_s) {}

  /// `out_name` is where the result goes, below the map directory.
  std::string translate(const std::string& out_name, bool is_main) {
    out_folder_ = fs::path(out_name).parent_path();
    zone::ZoneLexer lexer(text_, path_);
    zone::Entry entry;
    bool is_first = true;
    while (lexer.next(entry, context_.errors)) {
      const auto& first = entry.tokens.front();
      const bool is_directive = !entry.starts_blank && first.text.starts_with('$');
      if (is_first && is_main && !(is_directive && base::to_upper(first.text) == "$TTL"))
        edit_.insert(0, fmt::format("$TTL {}\n", zone_.default_ttl_s));
      is_first = false;
      if (is_directive) {
        read_directive(entry);
      } else {
        read_record(entry);
      }
    }
    return std::move(edit_).apply();
  }

  [[nodiscard]] bool sets_ttl() const noexcept { return sets_ttl_; }
  void start_ttl(std::uint32_t ttl_s) noexcept { ttl_s_ = ttl_s; }

 private:
  [[nodiscard]] base::Location at(const zone::Token& token) const {
    return {path_, token.line, token.column};
  }
  void fail(const zone::Token& token, std::string message) {
    context_.errors.error(at(token), std::move(message));
  }
  void gap(const zone::Token& token, std::string what) { context_.report.gap(at(token), std::move(what)); }

  /// A name as gdnsd reads it: relative, `@`, or ending in @Z (the zone) or @F (this file's first origin).
  /// What other servers would not read is written out.
  std::optional<dns::Name> read_name(const zone::Token& token) {
    auto text = token.text;
    if (token.quoted()) text = text.substr(1, text.size() - 2);
    std::string full{text};
    bool is_special = token.quoted();
    for (const auto& [sign, name] : {std::pair{"@Z", &zone_.apex}, {"@F", &file_origin_}}) {
      if (text != sign && !text.ends_with(std::string{"."} + sign)) continue;
      full = std::string{text.substr(0, text.size() - 2)} + absolute(*name);
      is_special = true;
    }
    const auto name = zone::parse_relative_name(full, origin_);
    if (!name) {
      fail(token, name.error());
      return std::nullopt;
    }
    if (is_special) edit_.replace(token.text, absolute(*name));
    return *name;
  }

  void read_directive(const zone::Entry& entry) {
    const auto& tokens = entry.tokens;
    const auto word = base::to_upper(tokens[0].text);
    if (word == "$TTL" && tokens.size() == 2) {
      const auto ttl = zone::parse_ttl(tokens[1].text);
      if (!ttl) return fail(tokens[1], fmt::format("bad TTL '{}'", tokens[1].text));
      ttl_s_ = *ttl;
      sets_ttl_ = true;
    } else if (word == "$ORIGIN" && tokens.size() == 2) {
      if (const auto name = read_name(tokens[1])) origin_ = *name;
    } else if (word == "$INCLUDE" && (tokens.size() == 2 || tokens.size() == 3)) {
      read_include(entry);
    } else {
      gap(tokens[0],
          fmt::format("directive {}: zone files have $TTL, $ORIGIN and $INCLUDE here", tokens[0].text));
      edit_.comment_out(entry, "not imported");
    }
  }

  void read_include(const zone::Entry& entry);

  void read_record(const zone::Entry& entry) {
    const auto& tokens = entry.tokens;
    std::size_t next = 0;
    if (!entry.starts_blank) {
      owner_ = read_name(tokens[next++]);
      is_owner_written_ = true;
    }
    if (!owner_) {
      if (entry.starts_blank) fail(tokens[0], "the record has no owner: none stands before it in this file");
      return;
    }
    std::string_view ttl;
    for (; next < tokens.size(); ++next) {
      const auto text = tokens[next].text;
      if (text[0] >= '0' && text[0] <= '9') {
        ttl = text;
      } else if (base::to_upper(text) != "IN") {
        break;
      }
    }
    if (next == tokens.size()) return fail(tokens.back(), "the record has no type");
    const auto type = base::to_upper(tokens[next].text);
    const auto data = std::span{tokens}.subspan(next + 1);
    if (type == "DYNA" || type == "DYNC") return read_dynamic(entry, type, ttl, data);
    if (!owner_->view().is_at_or_under(zone_.apex)) return leave_out(entry);
    if (entry.starts_blank && !is_owner_written_) {
      edit_.insert_at_line(tokens[0].text, absolute(*owner_));
      is_owner_written_ = true;
    }
    read_data(type, data);
  }

  /// gdnsd takes addresses of name servers in other zones; a zone file here has its own names only.
  void leave_out(const zone::Entry& entry) {
    gap(entry.tokens[0], fmt::format("{} lies outside the zone: other zones' addresses can't stand here",
                                     dns::to_string(*owner_)));
    edit_.comment_out(entry, "not imported: outside the zone");
    is_owner_written_ = false;
  }

  void read_data(std::string_view type, std::span<const zone::Token> data) {
    for (const auto field : name_fields(type)) {
      if (field < data.size()) (void)read_name(data[field]);
    }
    if (type != "TXT" || !zone_.split_text) return;
    for (const auto& token : data) {
      if (const auto pieces = split_character_string(token.text)) edit_.replace(token.text, *pieces);
    }
  }

  /// The TTL of a DYNA or DYNC, `MAX[/MIN]`.
  std::uint32_t read_dynamic_ttl(const zone::Token& token, std::string_view text) {
    if (text.empty()) return ttl_s_;
    const auto slash = text.find('/');
    const auto most = zone::parse_ttl(text.substr(0, slash));
    const auto least = slash == std::string_view::npos ? most : zone::parse_ttl(text.substr(slash + 1));
    if (!most || !least) {
      fail(token, fmt::format("bad TTL '{}'; write MAX or MAX/MIN", text));
      return ttl_s_;
    }
    if (*least != *most) {
      gap(token, fmt::format("TTL {}: the lower bound is for answers about to change; 'ttl_min' of the "
                             "service has it, 5 s unless "
                             "written; the TTL is {}",
                             text, *most));
    }
    return *most;
  }

  void read_dynamic(const zone::Entry& entry, std::string_view type, std::string_view ttl_text,
                    std::span<const zone::Token> data) {
    const auto& first = entry.tokens[0];
    is_owner_written_ = false;
    if (data.size() != 1) return fail(first, fmt::format("write {} and plugin!resource", type));
    const auto name = dns::to_string(*owner_);
    if (!owner_->view().is_at_or_under(zone_.apex))
      return fail(first, fmt::format("{} lies outside the zone", name));
    auto lower = *owner_;
    lower.make_lower();
    if (!zone_.dynamic_owners.insert(dns::to_string(lower)).second)
      return fail(first, fmt::format("{} has a second DYNA or DYNC", name));
    const auto ttl_s = read_dynamic_ttl(first, ttl_text);
    const auto sign = data[0].text.find('!');
    const auto plugin = data[0].text.substr(0, sign);
    const auto resource = sign == std::string_view::npos ? std::string_view{} : data[0].text.substr(sign + 1);
    if (plugin == "null" || plugin == "reflect") {
      gap(first,
          fmt::format("{} {}: plugin {} has no counterpart; the name has no addresses", name, type, plugin));
      return edit_.comment_out(entry, "not imported");
    }
    const auto* found = resources_.find(plugin, resource);
    if (found == nullptr) return fail(data[0], fmt::format("there is no resource '{}'", data[0].text));
    add_dynamic(entry, type, ttl_s, *found);
  }

  void add_dynamic(const zone::Entry& entry, std::string_view type, std::uint32_t ttl_s,
                   const GdnsdResource& resource) {
    const auto& first = entry.tokens[0];
    if (resource.address) {
      const auto* record = resource.address->family == base::Family::V4 ? "A" : "AAAA";
      return edit_.put_in_place(entry, fmt::format("{} {} {} {}", absolute(*owner_), ttl_s, record,
                                                   base::to_string(*resource.address)));
    }
    if (!resource.cname.empty()) {
      if (type == "DYNA")
        return fail(first, "this resource is a name, and DYNA has addresses only; write DYNC");
      return edit_.put_in_place(entry,
                                fmt::format("{} {} CNAME {}", absolute(*owner_), ttl_s, resource.cname));
    }
    if (resource.map.empty()) {
      gap(first, fmt::format("{} {}: nothing of its resource can be imported; the name is not there",
                             dns::to_string(*owner_), type));
      return edit_.comment_out(entry, "not imported");
    }
    edit_.comment_out(entry, "steered by services.yaml");
    config::Service service;
    service.owner = *owner_;
    service.name = {dns::to_string(*owner_), at(first)};
    service.map = {resource.map, at(first)};
    service.ttl_s = std::min(ttl_s, config::ranges::kTtlSecondsMax);
    if (service.ttl_s != ttl_s)
      gap(first, fmt::format("TTL {}: a service has at most {}", ttl_s, config::ranges::kTtlSecondsMax));
    service.pools = resource.pools;
    service.answer = resource.answer;
    service.use_client_subnet = !resource.ignore_client_subnet;
    // gdnsd hands clients over all at once, when a datacenter falls below its threshold and not before.
    service.overprovision = config::ranges::kOverprovisionMax;
    context_.out.model.services.push_back(std::move(service));
  }

  std::string_view text_;
  ZoneEdit edit_;
  std::string path_;
  dns::Name file_origin_;
  dns::Name origin_;
  Zone& zone_;
  GdnsdResources& resources_;
  GdnsdContext& context_;
  fs::path out_folder_;
  std::optional<dns::Name> owner_;
  bool is_owner_written_ = true;  ///< the last owner stands in the result
  std::uint32_t ttl_s_;
  bool sets_ttl_ = false;
};

/// A name for an included file: its own below zones/, and none that makes it a zone.
std::string include_name(const fs::path& path, const fs::path& zones) {
  auto relative = path.lexically_normal().lexically_relative(zones.lexically_normal());
  if (relative.empty() || *relative.begin() == "..") relative = fs::path("includes") / path.filename();
  auto name = "zones/" + relative.string();
  return name.ends_with(".zone") ? name + ".include" : name;
}

/// Keeps one file; the same text under the same name once, another text under another name.
std::string keep_file(std::string name, std::string text, ImportedMap& out) {
  const auto wanted = name;
  for (int number = 2;; ++number) {
    const auto known = std::ranges::find(out.zone_files, name, &MapFile::name);
    if (known == out.zone_files.end()) break;
    if (known->text == text) return name;
    name = fmt::format("{}-{}", wanted, number);
  }
  out.zone_files.push_back({name, std::move(text)});
  return name;
}

void ZoneFile::read_include(const zone::Entry& entry) {
  const auto& tokens = entry.tokens;
  auto file = tokens[1].text;
  if (tokens[1].quoted()) file = file.substr(1, file.size() - 2);
  auto path = fs::path(file);
  if (path.is_relative()) path = fs::path(path_).parent_path() / path;
  std::optional<dns::Name> origin = origin_;
  if (tokens.size() == 3) origin = read_name(tokens[2]);
  if (!origin) return;
  const auto name = path.lexically_normal().string();
  if (std::ranges::find(zone_.open_files, name) != zone_.open_files.end())
    return fail(tokens[1], "it includes itself");
  if (zone_.open_files.size() > limits::kImportIncludeDepthMax)
    return fail(tokens[1], fmt::format("includes nest deeper than {}", limits::kImportIncludeDepthMax));
  const auto text = read_source_file(name);
  if (!text) return fail(tokens[1], fmt::format("'{}' {}", name, text.error()));
  zone_.open_files.push_back(name);
  ZoneFile included(*text, name, *origin, zone_, resources_, context_);
  included.start_ttl(ttl_s_);
  const auto wanted = include_name(name, zone_.folder);
  const auto kept = keep_file(wanted, included.translate(wanted, false), context_.out);
  zone_.open_files.pop_back();
  edit_.replace(tokens[1].text, fs::path(kept).lexically_relative(out_folder_).string());
  // A $TTL in there ends with the file for gdnsd, and goes on here.
  if (included.sets_ttl()) edit_.insert_after(entry, fmt::format("$TTL {}\n", ttl_s_));
}

/// gdnsd's file names: '@' is a slash, and the root has a name of its own.
std::optional<dns::Name> zone_name(const std::string& file, GdnsdContext& context, const std::string& path) {
  auto text = file == "ROOT_ZONE" ? std::string{"."} : file;
  std::ranges::replace(text, '@', '/');
  auto name = dns::Name::parse(text);
  if (!name) {
    context.errors.error({path, 0, 0}, fmt::format("the file's name is no zone's: {}", name.error()));
    return std::nullopt;
  }
  name->make_lower();
  return *name;
}

std::string zone_file_name(dns::NameView apex) {
  if (apex.is_root()) return "zones/@.zone";
  std::string stem;
  for (const char c : dns::to_string(apex)) stem += c == '/' ? std::string{"\\047"} : std::string{c};
  return "zones/" + stem + ".zone";
}

std::vector<std::string> list_zone_files(const std::string& folder, GdnsdContext& context) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (!name.starts_with('.') && entry->is_regular_file(error)) names.push_back(name);
  }
  if (error) context.errors.error({folder, 0, 0}, fmt::format("can't be read: {}", error.message()));
  std::ranges::sort(names);
  if (names.size() > limits::kImportFilesMax) {
    context.errors.error({folder, 0, 0}, fmt::format("more than {} zones", limits::kImportFilesMax));
    names.clear();
  }
  return names;
}

}  // namespace

void import_gdnsd_zones(const std::string& folder, std::uint32_t default_ttl_s, bool split_text,
                        GdnsdResources& resources, GdnsdContext& context) {
  for (const auto& file : list_zone_files(folder, context)) {
    const auto path = (fs::path(folder) / file).string();
    const auto apex = zone_name(file, context, path);
    if (!apex) continue;
    const auto text = read_source_file(path);
    if (!text) {
      context.errors.error({path, 0, 0}, text.error());
      continue;
    }
    Zone zone{*apex, default_ttl_s, split_text, folder, {fs::path(path).lexically_normal().string()}, {}};
    ZoneFile source(*text, path, *apex, zone, resources, context);
    const auto name = zone_file_name(*apex);
    context.out.zone_files.push_back({name, source.translate(name, true)});
  }
}

}  // namespace meridian::importer
