#include "geo/name_folding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace meridian::geo {
namespace {

/// The letter that U+00C0 + i is with its accents taken off; '*': none, or more than one (see kPairs).
constexpr std::string_view kLatin =
    "aaaaaa*ceeeeiiiidnooooo*ouuuuy**aaaaaa*ceeeeiiiidnooooo*ouuuuy*y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii**jjkkklllllll"
    "lllnnnnnnnnnoooooo**rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
    "bbbb***ccdddd*ee*ffg***ikkl**nn*oo**pp*****ttttuu*vyyzz*********"
    "*************aaiioouuuuuuuuuueaaaa**ggggkkoooo**j***gg**nnaa**oo"
    "aaaaeeeeiiiioooorrrruuuusstt**hhnd**zzaaeeooooooooyylnt***acclts"
    "z**b**eejjqqrryy";
/// The same from U+1E00 on: Vietnamese and transliterations of Arabic and Indian names.
constexpr std::string_view kLatinAdditional =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
    "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
    "wwwwwwwwwwxxxxyyzzzzzzhtwyas****aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
    "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy****yy";
static_assert(kLatin.size() == 0x250 - 0xc0 && kLatinAdditional.size() == 0x1f00 - 0x1e00);

struct Pair {
  char32_t letter;
  std::string_view text;
};
constexpr std::array<Pair, 9> kPairs{{{0xc6, "ae"},
                                      {0xe6, "ae"},
                                      {0xde, "th"},
                                      {0xfe, "th"},
                                      {0xdf, "ss"},
                                      {0x132, "ij"},
                                      {0x133, "ij"},
                                      {0x152, "oe"},
                                      {0x153, "oe"}}};

/// Words for the kind of a place that some databases add to its name and others leave out.
constexpr std::array<std::string_view, 40> kKindWords{
    "administrative", "area",       "autonomous", "canton",   "capital",      "city",         "council",
    "county",         "department", "district",   "division", "do",           "emirate",      "federal",
    "governorate",    "kray",       "krai",       "land",     "metropolitan", "municipality", "national",
    "oblast",         "of",         "okrug",      "parish",   "prefecture",   "province",     "provincia",
    "quarter",        "rayon",      "region",     "republic", "respublika",   "sheng",        "shi",
    "state",          "territory",  "the",        "town",     "voivodeship"};

/// Stands for a byte that is no UTF-8; the byte itself is kept.
constexpr char32_t kNoLetter = 0xfffd;

/// One code point of UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t size_bytes = 1;
};

CodePoint decode_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (lead < 0x80) return {lead, 1};
  if (size == 1 || size > text.size()) return {kNoLetter, 1};
  char32_t value = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) value = value << 6 | (byte(i) & 0x3fu);
  return {value, size};
}

bool is_apostrophe_or_combining(char32_t letter) noexcept {
  return letter == U'\'' || letter == U'`' || letter == 0x2018 || letter == 0x2019 ||
         (letter >= 0x2b0 && letter <= 0x36f);  // modifier letters such as ʻ, and combining accents
}

void append_space(std::string& folded) {
  if (!folded.empty() && folded.back() != ' ') folded += ' ';
}

void append_ascii(std::string& folded, char sign) {
  const bool upper = sign >= 'A' && sign <= 'Z';
  const bool kept = upper || (sign >= 'a' && sign <= 'z') || (sign >= '0' && sign <= '9');
  if (!kept) return append_space(folded);
  folded += upper ? static_cast<char>(sign - 'A' + 'a') : sign;
}

void append_letter(std::string& folded, const CodePoint& letter, std::string_view bytes) {
  const auto folds = [&](char32_t first, std::string_view table) {
    if (letter.value < first || letter.value - first >= table.size() || table[letter.value - first] == '*') {
      return false;
    }
    folded += table[letter.value - first];
    return true;
  };
  if (folds(0xc0, kLatin) || folds(0x1e00, kLatinAdditional)) return;
  const auto* pair =
      std::find_if(kPairs.begin(), kPairs.end(), [&](const Pair& p) { return p.letter == letter.value; });
  if (pair != kPairs.end()) {
    folded += pair->text;
  } else if (letter.value >= 0x2010 && letter.value <= 0x2015) {
    append_space(folded);  // dashes
  } else {
    folded += bytes;
  }
}

}  // namespace

std::string fold_name(std::string_view name) {
  std::string folded;
  folded.reserve(name.size());
  while (!name.empty()) {
    const CodePoint letter = decode_utf8(name);
    const std::string_view bytes = name.substr(0, letter.size_bytes);
    name.remove_prefix(letter.size_bytes);
    if (is_apostrophe_or_combining(letter.value)) continue;
    if (letter.value < 0x80) {
      append_ascii(folded, bytes.front());
    } else {
      append_letter(folded, letter, bytes);
    }
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

std::string_view without_part(std::string_view name) {
  const auto open = name.ends_with(')') ? name.find(" (") : std::string_view::npos;
  return open == 0 ? name : name.substr(0, open);
}

std::string drop_kind_words(std::string_view folded) {
  std::string kept;
  std::string_view rest = folded;
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (std::find(kKindWords.begin(), kKindWords.end(), word) != kKindWords.end()) continue;
    append_space(kept);
    kept += word;
  }
  return kept.empty() ? std::string(folded) : kept;
}

}  // namespace meridian::geo
