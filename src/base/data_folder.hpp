// Where the shipped files lie: country.mmdb, places.json and outlines.txt.
#pragma once

#include <string>

namespace meridian::base {

/// `override_path` if not empty, else $MERIDIAN_DATA, else share/meridian beside the program's bin folder
/// (true for an install and for a build folder alike), else where the install puts them.
[[nodiscard]] std::string find_data_folder(const std::string& override_path);

}  // namespace meridian::base
