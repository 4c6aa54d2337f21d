// Included before every unit test: doctest 2.4.9 prints a const char* as an address, and its own switch for
// that does not compile. Texts are printed as texts.
#pragma once

#include <doctest/doctest.h>

namespace doctest {

template <>
struct StringMaker<const char*> {
  static String convert(const char* text) { return text == nullptr ? String("(null)") : String(text); }
};

}  // namespace doctest
