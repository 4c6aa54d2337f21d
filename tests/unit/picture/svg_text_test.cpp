#include "picture/svg_text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::picture {

TEST_SUITE("picture/svg_text") {
  TEST_CASE("whatever the text, it is text in an XML document") {
    struct Row {
      const char* why;
      std::string text;
      std::string expected;
    };
    const Row rows[] = {
        {"plain", "ams", "ams"},
        {"markup", "</title><script a=\"b\">&amp;", "&lt;/title&gt;&lt;script a=&quot;b&quot;&gt;&amp;amp;"},
        {"UTF-8 of two, three and four bytes", "Türkiye → 🌍", "Türkiye → 🌍"},
        {"line break and tab stay", "a\n\tb", "a\n\tb"},
        {"control characters",
         std::string{"a\0b\x1b"
                     "c",
                     5},
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd"
         "c"},
        {"a byte that begins nothing", "a\xff", "a\xef\xbf\xbd"},
        {"cut off", "a\xc3", "a\xef\xbf\xbd"},
        {"cut off by a letter", "\xe2\x86<", "\xef\xbf\xbd\xef\xbf\xbd&lt;"},
        {"overlong", "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"overlong in three", "\xe0\x80\xbc", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"half of a pair", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"past the last character", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"U+FFFF is no XML", "\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(escaped(row.text) == row.expected);
    }
  }
}

}  // namespace meridian::picture
