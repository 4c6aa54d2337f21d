// The text runner: a scenario file is a list of steps that run in process through the real answer_query, with
// a manual clock. README.md beside this file gives the steps.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace meridian::test {

/// A step that could not be read or an expectation that was not met, with file and line.
struct ScenarioError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs one file; `data_folder` holds places.json. Returns the number of expectations that were met.
std::size_t run_scenario(const std::string& path, const std::string& data_folder);

}  // namespace meridian::test
