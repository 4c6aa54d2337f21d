// The command line of meridiand.
#pragma once

#include <string>
#include <vector>

namespace meridian::meridiand {

struct Options {
  std::string site = "/etc/meridian/meridian.yaml";
  std::string control;  ///< empty: the site file's
  std::string data;
  int takeover_descriptor = -1;  ///< Set when an old server started us.
  /// What starts this program once more: its path, looked up at the start, and its arguments without the
  /// descriptor. The file there may be another one by then, which is the point of an upgrade.
  std::vector<std::string> command;
};

}  // namespace meridian::meridiand
