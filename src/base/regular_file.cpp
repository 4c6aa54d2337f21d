#include "base/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace meridian::base {
namespace {

struct Descriptor {
  explicit Descriptor(int opened) noexcept : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

FileProblem problem_of(int error) {
  if (error == ENOENT) return {FileProblem::Kind::NotThere, "there is no such file"};
  return {FileProblem::Kind::Other, std::generic_category().message(error)};
}

}  // namespace

Expected<std::string, FileProblem> read_regular_file(const std::filesystem::path& path,
                                                     std::size_t size_max) {
  // Looked at once it is open, so that nothing can be swapped in between; O_NONBLOCK, so that opening a pipe
  // does not wait for who writes to it.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.number < 0) return unexpected(problem_of(errno));
  struct stat status {};
  if (::fstat(file.number, &status) != 0) return unexpected(problem_of(errno));
  if (!S_ISREG(status.st_mode))
    return unexpected(FileProblem{FileProblem::Kind::NotRegular, "it is no regular file"});
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > size_max)
    return unexpected(FileProblem{FileProblem::Kind::TooLarge, "it has " + std::to_string(size) + " bytes"});
  std::string text(size, '\0');
  std::size_t at = 0;
  while (at < text.size()) {
    const auto taken = ::read(file.number, text.data() + at, text.size() - at);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return unexpected(problem_of(errno));
    if (taken == 0) break;  // it shrank
    at += static_cast<std::size_t>(taken);
  }
  text.resize(at);
  return text;
}

bool is_readable_by_everyone(const std::filesystem::path& path) noexcept {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace meridian::base
