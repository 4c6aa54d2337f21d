// Names of places made comparable: databases differ in case, accents, punctuation and in whether they add a
// word for the kind of place. Pure.
#pragma once

#include <string>
#include <string_view>

namespace meridian::geo {

/// Lower case, Latin letters without accents, every run of other ASCII signs one space: "Île-de-France" →
/// "ile de france". Letters of other scripts stay as they are.
[[nodiscard]] std::string fold_name(std::string_view name);

/// The city a database means by `name`: DB-IP writes a part of a city behind it, "Berlin (Mitte)".
[[nodiscard]] std::string_view without_part(std::string_view name);

/// A folded name without words such as "province"; unchanged when nothing else is left.
[[nodiscard]] std::string drop_kind_words(std::string_view folded);

}  // namespace meridian::geo
