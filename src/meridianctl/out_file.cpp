#include "meridianctl/out_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace meridian::meridianctl {
namespace {

namespace fs = std::filesystem;

/// It says who asks: for its owner and group, as the query log.
constexpr mode_t kMode = 0640;

mode_t wanted_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return kMode & ~mask;
}

auto failed(const std::string& path, int error) {
  return base::unexpected(
      fmt::format("{} can't be written: {}", path, std::generic_category().message(error)));
}

}  // namespace

OutFile::OutFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

OutFile::OutFile(OutFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutFile::~OutFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

base::Expected<OutFile, std::string> OutFile::open(const std::string& path) {
  std::error_code error;
  auto target = path;
  if (fs::exists(path, error)) {
    if (!fs::is_regular_file(path, error))
      return base::unexpected(fmt::format("{} is no regular file, and would be replaced by one", path));
    target = fs::canonical(path, error).string();
    if (error) return failed(path, error.value());
  }
  auto temporary = target + ".XXXXXX";
  const int descriptor = ::mkstemp(temporary.data());
  if (descriptor < 0) return failed(path, errno);
  OutFile file(target, std::move(temporary), descriptor);
  if (::fchmod(descriptor, wanted_mode()) != 0) return failed(path, errno);
  return file;
}

base::Expected<void, std::string> OutFile::keep(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path_, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  // Before it is renamed, or a crash could leave an empty file in the place of the old one.
  if (::fsync(descriptor_) != 0) return failed(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed(path_, errno);
  temporary_.clear();
  return {};
}

}  // namespace meridian::meridianctl
