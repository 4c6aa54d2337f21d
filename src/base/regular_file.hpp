// Reads whole files of bounded size that an operator named: never a pipe or a device, which could make the
// reader wait for ever. Off the hot path; any thread.
#pragma once

#include "base/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace meridian::base {

/// Why a file was not read.
struct FileProblem {
  enum class Kind : std::uint8_t { NotThere, NotRegular, TooLarge, Other };
  Kind kind = Kind::Other;
  std::string message;  ///< "there is no such file", "it is no regular file", …; for TooLarge its size
};

/// The bytes of a regular file of at most `size_max` bytes; links are followed.
[[nodiscard]] Expected<std::string, FileProblem> read_regular_file(const std::filesystem::path& path,
                                                                   std::size_t size_max);

/// For files with secrets. False for one that is not there: reading it says so.
[[nodiscard]] bool is_readable_by_everyone(const std::filesystem::path& path) noexcept;

/// True when `path` is `folder` or below it; both canonical.
[[nodiscard]] bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace meridian::base
