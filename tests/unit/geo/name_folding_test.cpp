#include "geo/name_folding.hpp"

#include <doctest/doctest.h>

namespace meridian::geo {

TEST_SUITE("geo/name_folding") {
  TEST_CASE("case, accents and punctuation don't count") {
    struct Row {
      const char* name;
      const char* expected;
    };
    const Row rows[] = {{"Île-de-France", "ile de france"},
                        {"São Paulo", "sao paulo"},
                        {"Łódzkie", "lodzkie"},
                        {"Ra’s al Khaymah", "ras al khaymah"},
                        {"Hải Phòng", "hai phong"},
                        {"Ḩalab", "halab"},
                        {"Z̧aby", "zaby"},
                        {"  New   York ", "new york"},
                        {"Straße", "strasse"},
                        {"Provence–Alpes", "provence alpes"},
                        {"Москва", "Москва"},
                        {"", ""},
                        {"-", ""},
                        {"Æbelø", "aebelo"}};
    for (const auto& row : rows) {
      CAPTURE(row.name);
      CHECK(fold_name(row.name) == row.expected);
    }
  }

  TEST_CASE("bytes that are no UTF-8 do no harm") {
    CHECK(fold_name("a\xff").size() == 2);
    CHECK(fold_name("a\xe2\x80").size() == 3);
    CHECK(fold_name("\xc3") == "\xc3");
  }

  TEST_CASE("words for kinds are dropped unless nothing else is left") {
    CHECK(drop_kind_words("cluj county") == "cluj");
    CHECK(drop_kind_words("state of vienna") == "vienna");
    CHECK(drop_kind_words("state") == "state");
    CHECK(drop_kind_words("new york") == "new york");
  }
}

}  // namespace meridian::geo
