#include "control/file_watcher.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/file_stamps.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace meridian::control {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
/// Some hundred events a read; what is left comes with the next.
constexpr std::size_t kEventBytes = 16u << 10;

}  // namespace

FileWatcher::FileWatcher(boost::asio::io_context& context, const base::Clock& clock, Times times,
                         std::function<void()> changed)
    : context_(context),
      clock_(clock),
      times_(times),
      changed_(std::move(changed)),
      events_(context),
      timer_(context),
      gather_timer_(context) {}

void FileWatcher::watch(const WatchedPaths& paths, std::chrono::milliseconds quiet) {
  const bool is_new = paths_ != paths;
  const auto old = settle_.due();
  settle_ = Settle(quiet, times_.postpone_max);
  if (!is_new) {
    if (old) settle_.note_change(clock_.monotonic());
    return wait_for_time();
  }
  paths_ = paths;
  arm();
  stamps_ = seen_ = take_stamps();
  next_look_ = clock_.monotonic() + times_.poll;
  wait_for_time();
}

void FileWatcher::stop() {
  paths_.reset();
  settle_.reset();
  boost::system::error_code ignored;
  events_.close(ignored);
  timer_.cancel();
  gather_timer_.cancel();
}

/// Watches anew, from what the paths mean now: folders may have come, gone, or been swapped.
void FileWatcher::arm() {
  const int fresh = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  bool is_whole = fresh >= 0;
  int error = errno;
  names_.clear();
  if (is_whole) {
    for (auto& [folder, names] : make_watch_list(*paths_)) {
      const int id = ::inotify_add_watch(fresh, folder.c_str(), kEvents);
      if (id < 0) {
        // A folder that went since is told by its parent.
        if (errno != ENOENT && errno != ENOTDIR) {
          is_whole = false;
          error = errno;
        }
        continue;
      }
      names_.resize(std::max(names_.size(), static_cast<std::size_t>(id) + 1));
      names_[static_cast<std::size_t>(id)] = names;
    }
  }
  if (is_whole == is_limited_) {
    is_limited_ = !is_whole;
    if (is_limited_) {
      base::log_event(
          base::LogLevel::Warning, "watch_limited",
          {{"error", std::generic_category().message(error)}, {"poll_s", times_.poll.count() / 1000}});
    }
  }
  boost::system::error_code ignored;
  events_.close(ignored);
  if (fresh < 0) return;
  events_.assign(fresh);
  wait_for_event();
}

void FileWatcher::wait_for_event() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (!error && paths_) take_events();
                     });
}

void FileWatcher::take_events() {
  alignas(inotify_event) std::array<char, kEventBytes> bytes{};
  bool is_relevant = false;
  for (;;) {
    const auto count = ::read(events_.native_handle(), bytes.data(), bytes.size());
    if (count <= 0) break;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(count);) {
      inotify_event event{};
      std::memcpy(&event, &bytes[at], sizeof event);
      const std::string name(event.len > 0 ? &bytes[at + sizeof event] : "");
      at += sizeof event + event.len;
      const auto id = static_cast<std::size_t>(event.wd);
      // An overflow has no watch, and an end of one no name: both are worth a look.
      const bool is_named = event.wd >= 0 && id < names_.size() && !names_[id].empty() && !name.empty();
      is_relevant = is_relevant || !is_named || names_[id].contains(name);
    }
  }
  if (!is_relevant) return wait_for_event();
  settle_.note_change(clock_.monotonic());
  noticed_by_look_ = false;
  wait_for_time();
  gather();
}

/// Lets what comes close together come, then watches what the paths mean by now.
void FileWatcher::gather() {
  gather_timer_.expires_after(std::chrono::milliseconds{base::limits::kWatchGatherMs});
  gather_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && paths_) arm();
  });
}

void FileWatcher::wait_for_time() {
  const auto due = settle_.due();
  timer_.expires_at(due ? std::min(*due, next_look_) : next_look_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && paths_) on_time();
  });
}

void FileWatcher::on_time() {
  const auto now = clock_.monotonic();
  if (settle_.is_due(now) || now >= next_look_) look(now);
  wait_for_time();
}

void FileWatcher::look(base::MonotonicTime now) {
  next_look_ = now + times_.poll;
  arm();
  auto stamps = take_stamps();
  const bool is_moving = stamps != seen_;
  seen_ = stamps;
  if (stamps == stamps_) return settle_.reset();
  if (!settle_.due()) noticed_by_look_ = true;
  // Where no events come, only a second look can tell that it has become quiet.
  if ((noticed_by_look_ && is_moving && !settle_.is_overdue(now)) || !settle_.due()) {
    return settle_.note_change(now);
  }
  if (!settle_.is_due(now)) return;
  settle_.reset();
  noticed_by_look_ = false;
  stamps_ = std::move(stamps);
  base::log_event(base::LogLevel::Info, "files_changed");
  changed_();
}

std::vector<std::string> FileWatcher::take_stamps() const {
  std::vector<std::string> stamps;
  for (const auto& file : paths_->files) stamps.push_back(file_stamp(file));
  for (const auto& folder : paths_->folders) append_folder_stamps(folder, stamps);
  return stamps;
}

}  // namespace meridian::control
