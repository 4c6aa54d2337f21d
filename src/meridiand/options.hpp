// The command line of meridiand.
#pragma once

#include <string>

namespace meridian::meridiand {

struct Options {
  std::string site = "/etc/meridian/meridian.yaml";
  std::string control;  ///< empty: the site file's
  std::string data;
};

}  // namespace meridian::meridiand
