#include "bgp/agent/state_folder.hpp"

#include "base/regular_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace meridian::agent {
namespace {

using std::chrono::milliseconds;

/// `alive` is a boot's id, a space and a time, always of the same size.
constexpr std::size_t kBootIdBytesMax = 64;
constexpr std::size_t kAliveBytesMax = 128;

/// What the kernel drew for this boot: the monotonic clock of another one tells nothing.
std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id.substr(0, kBootIdBytesMax);
}

net::FileDescriptor open_file(const std::string& path) {
  return net::FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
}

}  // namespace

base::Expected<StateFolder, std::string> StateFolder::open(const std::string& path) {
  std::error_code ignored;  // the files in it say what is wrong
  std::filesystem::create_directories(path, ignored);
  auto lock = open_file(path + "/lock");
  auto alive = open_file(path + "/alive");
  if (!lock || !alive) {
    return base::unexpected(
        fmt::format("cannot keep the agent's state in {}: {}; choose another folder with 'state' under "
                    "'anycast: {{agent: …}}', or make it writable",
                    path, std::strerror(errno)));
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return base::unexpected(
        fmt::format("another agent runs with the state in {}; two would contradict each other. End that one, "
                    "or give this one another 'state'",
                    path));
  }
  return StateFolder(path, read_boot_id(), std::move(lock), std::move(alive));
}

FoundState StateFolder::find(base::MonotonicTime now) const {
  FoundState found;
  const auto file = path_ + "/agent.json";
  const auto text = base::read_regular_file(file, kStateBytesMax);
  if (!text) {
    if (text.error().kind != base::FileProblem::Kind::NotThere)
      found.fault = fmt::format("{}: {}", file, text.error().message);
    return found;
  }
  auto state = parse_state(*text, boot_id_);
  if (!state) {
    found.fault = fmt::format("{}: {}", file, state.error());
  } else if (*state) {
    found.state = std::move(**state);
    found.age = age(now);
  }
  return found;
}

std::optional<milliseconds> StateFolder::age(base::MonotonicTime now) const {
  std::array<char, kAliveBytesMax> room;
  const auto size = ::pread(alive_.get(), room.data(), room.size(), 0);
  std::string_view text(room.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  if (!text.starts_with(boot_id_ + " ")) return std::nullopt;
  text.remove_prefix(boot_id_.size() + 1);
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || end == text.data() + text.size() || *end != '\n') return std::nullopt;
  const auto age = milliseconds(to_ms(now) - ms);
  return age.count() < 0 ? std::nullopt : std::optional{age};
}

base::Expected<void, std::string> StateFolder::save(const SavedState& state) const {
  const auto file = path_ + "/agent.json";
  const auto draft = file + ".new";
  std::ofstream out(draft, std::ios::trunc);
  out << format_state(state, boot_id_);
  out.close();
  if (out && std::rename(draft.c_str(), file.c_str()) == 0) return {};
  return base::unexpected(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
}

base::Expected<void, std::string> StateFolder::beat(base::MonotonicTime now) const {
  // Padded, so that nothing of a longer one stays behind it.
  const auto text = fmt::format("{} {:020}\n", boot_id_, to_ms(now));
  const auto written = ::pwrite(alive_.get(), text.data(), text.size(), 0);
  if (written == static_cast<ssize_t>(text.size())) return {};
  return base::unexpected(fmt::format("cannot write {}/alive: {}", path_, std::strerror(errno)));
}

}  // namespace meridian::agent
