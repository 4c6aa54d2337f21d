// A file that takes another's place whole or not at all: written beside it under another name, then renamed.
#pragma once

#include "base/expected.hpp"

#include <string>
#include <string_view>

namespace meridian::meridianctl {

class OutFile {
 public:
  /// Makes the file under its other name, so that a folder that can't be written to is told before anything
  /// is asked. The error names the file. Links are followed; a device or a pipe is refused.
  [[nodiscard]] static base::Expected<OutFile, std::string> open(const std::string& path);
  OutFile(OutFile&& other) noexcept;
  OutFile& operator=(OutFile&&) = delete;
  /// What was not kept is gone.
  ~OutFile();

  /// Writes it and gives it its name.
  [[nodiscard]] base::Expected<void, std::string> keep(std::string_view text);

 private:
  OutFile(std::string path, std::string temporary, int descriptor);

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace meridian::meridianctl
