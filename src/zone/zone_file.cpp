#include "zone/zone_file.hpp"

#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "zone/rdata_shape.hpp"
#include "zone/rdata_text.hpp"
#include "zone/zone_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace meridian::zone {
namespace {

namespace fs = std::filesystem;
namespace limits = base::limits;

/// "IN" and "CLASS1" are 1; 0 for a class that is not served; nullopt for a word that is no class.
std::optional<int> parse_class(std::string_view text) {
  const auto word = base::to_upper(text);
  if (word == "IN" || word == "CLASS1") return 1;
  if (word == "CH" || word == "HS" || word == "CS" || word == "NONE" || word == "ANY") return 0;
  const bool numbered =
      word.size() > 5 && word.starts_with("CLASS") &&
      std::all_of(word.begin() + 5, word.end(), [](char c) { return c >= '0' && c <= '9'; });
  return numbered ? std::optional{0} : std::nullopt;
}

const std::vector<std::string>& common_types() {
  static const std::vector<std::string> types{"A",     "AAAA",  "CAA",   "CNAME", "DNAME", "DNSKEY", "DS",
                                              "HINFO", "HTTPS", "LOC",   "MX",    "NAPTR", "NS",     "PTR",
                                              "SOA",   "SRV",   "SSHFP", "SVCB",  "TLSA",  "TXT",    "URI"};
  return types;
}

/// TTLs go through all files of a zone (RFC 2308 4): $TTL, else the last one written, else the SOA's minimum.
struct TtlState {
  std::optional<std::uint32_t> from_directive;
  std::optional<std::uint32_t> last;
};

/// What all files of one zone share.
struct Loader {
  ZoneBuilder& builder;
  base::Diagnostics problems;
  std::optional<fs::path> include_root;  // canonical; none when includes are not allowed
  std::vector<fs::path> open_files;      // canonical; the stack of includes
  std::size_t files = 0;
  std::size_t bytes = 0;
  TtlState ttl;
};

void load_file(Loader& loader, const fs::path& path, const base::Location& named_at, dns::NameView origin);

/// One file on its way into the builder.
class FileParser {
 public:
  FileParser(Loader& loader, std::string file, dns::NameView origin)
      : loader_(loader), where_{std::move(file), 0, 0}, origin_(origin), rdata_(origin) {}

  void parse(std::string_view text) {
    if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
      const auto before = text.substr(0, zero);
      return fail(static_cast<int>(std::ranges::count(before, '\n')) + 1,
                  static_cast<int>(zero - (before.rfind('\n') + 1)) + 1,
                  "a zero byte; this is no zone file but binary data");
    }
    // A line holds a record or less, and a record 10 bytes or more.
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    loader_.builder.expect(std::min({lines, text.size() / 10, limits::kZoneRecordsExpectedMax}));
    ZoneLexer lexer(text, where_.file);
    Entry entry;
    while (lexer.next(entry, loader_.problems)) {
      const Token& first = entry.tokens.front();
      if (!entry.starts_blank && first.text.starts_with('$')) {
        parse_directive(entry.tokens);
      } else {
        parse_record(entry);
      }
    }
  }

 private:
  void fail(int line, int column, std::string message) {
    loader_.problems.error({where_.file, line, column}, std::move(message));
  }
  void fail(const Token& token, std::string message) { fail(token.line, token.column, std::move(message)); }

  void parse_directive(const std::vector<Token>& tokens) {
    const auto word = base::to_upper(tokens[0].text);
    if (word == "$ORIGIN") return parse_origin(tokens);
    if (word == "$TTL") return parse_default_ttl(tokens);
    if (word == "$INCLUDE") return parse_include(tokens);
    if (word == "$GENERATE") return fail(tokens[0], "$GENERATE is not supported; write the records out");
    fail(tokens[0],
         fmt::format("unknown directive '{}'; there are $ORIGIN, $TTL and $INCLUDE", tokens[0].text));
  }

  void parse_origin(const std::vector<Token>& tokens) {
    if (tokens.size() != 2) return fail(tokens[0], "write $ORIGIN and one name");
    if (const auto name = parse_name(tokens[1])) {
      origin_ = *name;
      rdata_.set_origin(origin_);
    }
  }

  void parse_default_ttl(const std::vector<Token>& tokens) {
    if (tokens.size() != 2) return fail(tokens[0], "write $TTL and one time, like 3600 or 1h");
    if (const auto ttl = take_ttl(tokens[1])) loader_.ttl.from_directive = ttl;
  }

  void parse_include(const std::vector<Token>& tokens) {
    if (tokens.size() != 2 && tokens.size() != 3)
      return fail(tokens[0], "write $INCLUDE, a file, and optionally an origin");
    const Token& file = tokens[1];
    auto name = file.text;
    if (file.quoted()) name = name.substr(1, name.size() - 2);
    std::optional<dns::Name> origin = origin_;
    if (tokens.size() == 3) origin = parse_name(tokens[2]);
    if (!origin) return;
    if (!loader_.include_root) return fail(file, "$INCLUDE is not possible here");
    if (name.empty()) return fail(file, "the name of the file is empty");
    load_file(loader_, fs::path{where_.file}.parent_path() / fs::path{name},
              {where_.file, file.line, file.column}, *origin);
  }

  std::optional<dns::Name> parse_name(const Token& token) {
    if (token.quoted()) {
      fail(token, fmt::format("{} is quoted; write the name without quotes", token.text));
      return std::nullopt;
    }
    auto name = parse_relative_name(token.text, origin_);
    if (name) return *name;
    fail(token, name.error());
    return std::nullopt;
  }

  std::optional<std::uint32_t> take_ttl(const Token& token) {
    const auto ttl = parse_ttl(token.text);
    if (ttl && *ttl <= limits::kTtlMax) return ttl;
    fail(token, fmt::format("bad TTL '{}'; write at most {} seconds, or units like 1h30m", token.text,
                            limits::kTtlMax));
    return std::nullopt;
  }

  /// The owner of the entry, from its first token or the record before. False when there is none.
  bool take_owner(const Entry& entry) {
    const Token& first = entry.tokens.front();
    if (entry.starts_blank) {
      if (!owner_)
        fail(first,
             "the record has no owner: none stands before it in this file; start the line with a name");
      return owner_.has_value();
    }
    if (auto name = parse_name(first)) {
      owner_.emplace(*name);
      loader_.builder.fetch_ahead(*owner_);
      return true;
    }
    owner_.reset();  // the records that follow without owner belong to the bad name
    return false;
  }

  void parse_record(const Entry& entry) {
    if (!take_owner(entry)) return;
    const auto& tokens = entry.tokens;
    std::size_t at = entry.starts_blank ? 0 : 1;
    std::optional<std::uint32_t> ttl;
    bool class_seen = false;
    // TTL and class in either order, each at most once (RFC 1035 5.1).
    for (; at < tokens.size(); ++at) {
      const auto text = tokens[at].text;
      if (!ttl && text[0] >= '0' && text[0] <= '9') {
        ttl = take_ttl(tokens[at]);
        if (!ttl) return;
        continue;
      }
      const auto record_class = class_seen ? std::nullopt : parse_class(text);
      if (!record_class) break;
      if (*record_class != 1) return fail(tokens[at], fmt::format("class '{}' is not served, only IN", text));
      class_seen = true;
    }
    if (at == tokens.size())
      return fail(tokens.back(), "the record has no type; write owner, TTL, IN, type and data");
    const auto type = parse_type_word(tokens[at].text);
    if (!type) return fail(tokens[at], unknown_type(tokens[at].text));
    if (is_meta_type(*type)) {
      return fail(tokens[at], fmt::format("{} is a type of queries, not of records", tokens[at].text));
    }
    add_record(*type, tokens[at], std::span{tokens}.subspan(at + 1), ttl);
  }

  static std::string unknown_type(std::string_view text) {
    const auto nearest = base::suggestion(base::to_upper(text.substr(0, 20)), common_types());
    return fmt::format("unknown type '{}'{}", text.substr(0, 40),
                       nearest.empty()
                           ? "; write TYPEn for a type without a name here, and start the line with a blank "
                             "to keep the last owner"
                           : nearest);
  }

  void add_record(dns::Rtype type, const Token& type_token, std::span<const Token> tokens,
                  std::optional<std::uint32_t> ttl) {
    if (tokens.empty()) return fail(type_token, fmt::format("the {} record has no data", type_token.text));
    const auto rdata = rdata_.parse(type, type_token.text, tokens);
    if (!rdata) {
      const Token& token = rdata.error().token < tokens.size() ? tokens[rdata.error().token] : tokens.back();
      return fail(token, rdata.error().message);
    }
    auto& known = loader_.ttl;
    if (ttl) known.last = ttl;
    if (!ttl) ttl = known.from_directive ? known.from_directive : known.last;
    if (!ttl && type == dns::Rtype::Soa && rdata->size() >= 4) {
      // RFC 1035 3.3.13, and what BIND does with files older than $TTL.
      const auto minimum = rdata->last(4);
      ttl = std::min(limits::kTtlMax, std::uint32_t{minimum[0]} << 24 | std::uint32_t{minimum[1]} << 16 |
                                          std::uint32_t{minimum[2]} << 8 | minimum[3]);
      known.last = ttl;
    }
    if (!ttl)
      return fail(type_token, "the record has no TTL and none stands before it; write $TTL 3600 at the top");
    where_.line = type_token.line;
    where_.column = type_token.column;
    loader_.builder.add(*owner_, type, *ttl, *rdata, where_);
  }

  Loader& loader_;
  base::Location where_;
  dns::Name origin_;
  std::optional<RecordOwner> owner_;
  RdataParser rdata_;
};

void load_file(Loader& loader, const fs::path& path, const base::Location& named_at, dns::NameView origin) {
  const bool included = !loader.open_files.empty();
  const auto fail = [&](std::string_view what) {
    loader.problems.error(
        named_at, fmt::format("cannot {} '{}': {}", included ? "include" : "read", path.string(), what));
  };
  std::error_code error;
  const auto canonical = fs::weakly_canonical(path, error);
  if (error) return fail(error.message());
  if (included && !base::is_inside(canonical, *loader.include_root)) {
    return fail(fmt::format("it is outside '{}'; move the file there", loader.include_root->string()));
  }
  if (std::ranges::find(loader.open_files, canonical) != loader.open_files.end())
    return fail("it includes itself");
  if (loader.open_files.size() > limits::kZoneIncludeDepthMax) {
    return fail(fmt::format("includes nest deeper than {}", limits::kZoneIncludeDepthMax));
  }
  if (++loader.files > limits::kZoneIncludesMax + 1) {
    return fail(fmt::format("the zone includes more than {} files", limits::kZoneIncludesMax));
  }
  const auto text = base::read_regular_file(path, limits::kZoneFileBytesMax - loader.bytes);
  if (!text) {
    return fail(text.error().kind == base::FileProblem::Kind::TooLarge
                    ? fmt::format("the zone is larger than {} bytes with it", limits::kZoneFileBytesMax)
                    : text.error().message);
  }
  loader.bytes += text->size();
  loader.open_files.push_back(canonical);
  FileParser(loader, path.string(), origin).parse(*text);
  loader.open_files.pop_back();
}

base::Diagnostics finish(Loader& loader) {
  if (loader.problems.has_errors()) loader.builder.note_missing_records();
  return std::move(loader.problems);
}

}  // namespace

base::Diagnostics load_zone_file(const fs::path& path, ZoneBuilder& builder, const fs::path& include_root) {
  Loader loader{.builder = builder, .problems = {}, .include_root = {}, .open_files = {}, .ttl = {}};
  std::error_code error;
  loader.include_root = fs::weakly_canonical(include_root, error);
  const base::Location whole_file{path.string(), 0, 0};
  if (error) {
    loader.problems.error(
        whole_file, fmt::format("cannot use '{}' for includes: {}", include_root.string(), error.message()));
  } else {
    load_file(loader, path, whole_file, builder.apex());
  }
  return finish(loader);
}

base::Diagnostics parse_zone_text(std::string_view text, std::string_view file, ZoneBuilder& builder) {
  Loader loader{.builder = builder, .problems = {}, .include_root = {}, .open_files = {}, .ttl = {}};
  if (text.size() > limits::kZoneFileBytesMax) {
    loader.problems.error({std::string{file}, 0, 0},
                          fmt::format("the zone is larger than {} bytes", limits::kZoneFileBytesMax));
  } else {
    FileParser(loader, std::string{file}, builder.apex()).parse(text);
  }
  return finish(loader);
}

}  // namespace meridian::zone
