#include "journal/journal.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

namespace meridian::journal {

namespace limits = base::limits;
using stats::Counter;

/// What one who waits and the journal thread know of each other.
class Journal::Patience {
 public:
  /// On the journal thread, right before a commit: false when nobody waits any more.
  [[nodiscard]] bool may_commit() {
    const std::lock_guard lock(mutex_);
    if (is_over_) return false;
    is_committing_ = true;
    return true;
  }
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      is_done_ = true;
    }
    changed_.notify_all();
  }

  enum class End : std::uint8_t { Done, NothingHappened, Unknown };
  [[nodiscard]] End wait() {
    constexpr std::chrono::milliseconds kWait{limits::kJournalWaitMs};
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kWait, [&] { return is_done_; })) return End::Done;
    is_over_ = true;
    if (!is_committing_) return End::NothingHappened;
    return changed_.wait_for(lock, kWait, [&] { return is_done_; }) ? End::Done : End::Unknown;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  bool is_committing_ = false;
  bool is_done_ = false;
};

Journal::Journal(const std::string& state_folder, const base::Clock& clock, stats::Counters& counters)
    : clock_(clock), counters_(counters) {
  open(state_folder);
  thread_ = std::thread([this] { run(); });
  // A name for top and gdb; a failure costs nothing.
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), "journal"));
}

Journal::~Journal() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Journal::open(const std::string& state_folder) {
  status_.place = Place::Memory;
  auto path = std::string{":memory:"};
  if (!state_folder.empty()) {
    status_.place = Place::File;
    path = status_.path = state_folder + "/journal.sqlite";
    std::error_code ignored;  // told by what opens the file
    std::filesystem::create_directories(state_folder, ignored);
  }
  auto opened = Store::open(path, clock_.wall());
  if (!opened) {
    status_.place = Place::Off;
    status_.error = opened.error().message;
    counters_.add(Counter::JournalErrors);
    return base::log_event(base::LogLevel::Error, "journal_off", {{"file", path}, {"error", status_.error}});
  }
  if (!opened->moved_to.empty()) {
    counters_.add(Counter::JournalCorrupt);
    base::log_event(base::LogLevel::Error, "journal_damaged",
                    {{"file", path}, {"moved_to", opened->moved_to}, {"error", opened->damage}});
  }
  store_ = std::move(opened->store);
}

Status Journal::status() const {
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.waiting = changes_.size();
  return status;
}

bool Journal::record(ChangeRow change) {
  {
    const std::lock_guard lock(mutex_);
    if (status_.place == Place::Off || changes_.size() >= limits::kJournalQueueMax) {
      ++dropped_;
      wake_.notify_one();
      return false;
    }
    ++recorded_;
    changes_.push_back(std::move(change));
  }
  wake_.notify_one();
  return true;
}

void Journal::flush() {
  std::unique_lock lock(mutex_);
  const auto wanted = recorded_;
  written_.wait(lock, [&] { return finished_ >= wanted; });
}

void Journal::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !works_.empty() || !changes_.empty() || dropped_ != 0; });
    if (works_.empty() && changes_.empty() && dropped_ == 0) return;
    counters_.add(Counter::JournalDropped, std::exchange(dropped_, 0));
    // Those who wait go first: between two batches of changes at the latest.
    auto works = std::exchange(works_, {});
    std::vector<ChangeRow> batch;
    for (; works.empty() && !changes_.empty() && batch.size() < limits::kJournalBatch; changes_.pop_front())
      batch.push_back(std::move(changes_.front()));
    lock.unlock();
    for (const auto& work : works) work(*store_);
    if (!batch.empty()) write(batch);
    lock.lock();
    finished_ += batch.size();
    written_.notify_all();
  }
}

void Journal::write(const std::vector<ChangeRow>& changes) {
  const auto result = store_->write_changes(changes, clock_.wall());
  note(result);
  if (!result) counters_.add(Counter::JournalDropped, changes.size());
}

/// Counts what was written; tells an error once, and its end.
void Journal::note(const Result<void>& result) {
  counters_.add(Counter::JournalRows,
                store_->rows_written() - std::exchange(rows_counted_, store_->rows_written()));
  if (!result) counters_.add(Counter::JournalErrors);
  const auto error = result ? std::string{} : result.error().message;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    is_news = status_.error.empty() != error.empty();
    status_.error = error;
  }
  if (!is_news) return;
  if (result) return base::log_event(base::LogLevel::Info, "journal_writes_again");
  base::log_event(base::LogLevel::Error, "journal_write_failed", {{"file", status_.path}, {"error", error}});
}

template <typename T>
base::Expected<T, std::string> Journal::ask(std::function<Result<T>(Store&, Patience&)> work) {
  const auto patience = std::make_shared<Patience>();
  const auto answer = std::make_shared<std::optional<Result<T>>>();
  {
    const std::lock_guard lock(mutex_);
    if (status_.place == Place::Off)
      return base::unexpected(fmt::format("the journal {} is off: {}", status_.path, status_.error));
    works_.push_back([this, patience, answer, work = std::move(work)](Store& store) {
      answer->emplace(work(store, *patience));
      note(**answer ? Result<void>{} : base::unexpected((*answer)->error()));
      patience->finish();
    });
  }
  wake_.notify_one();
  switch (patience->wait()) {
    case Patience::End::Done:
      break;
    case Patience::End::NothingHappened:
      return base::unexpected(
          fmt::format("the journal did not answer within {} s", limits::kJournalWaitMs / 1'000));
    case Patience::End::Unknown:
      return base::unexpected(
          std::string{"the disk does not answer; it is not known what of this is written"});
  }
  if (!**answer) return base::unexpected("the journal: " + (*answer)->error().message);
  return std::move(***answer);
}

base::Expected<std::int64_t, std::string> Journal::change_overrides(std::vector<std::int64_t> ended,
                                                                    std::optional<OverrideRow> begun,
                                                                    AuditRow audit) {
  return ask<std::int64_t>([ended = std::move(ended), begun = std::move(begun), audit = std::move(audit)](
                               Store& store, Patience& patience) {
    return store.change_overrides(ended, begun, audit, [&patience] { return patience.may_commit(); });
  });
}

base::Expected<void, std::string> Journal::add_audit(AuditRow audit) {
  auto added = change_overrides({}, std::nullopt, std::move(audit));
  if (!added) return base::unexpected(std::move(added.error()));
  return {};
}

base::Expected<std::vector<StateRow>, std::string> Journal::states() {
  return ask<std::vector<StateRow>>([](Store& store, Patience&) { return store.states(); });
}

base::Expected<std::vector<OverrideRow>, std::string> Journal::overrides() {
  return ask<std::vector<OverrideRow>>([](Store& store, Patience&) { return store.overrides(); });
}

base::Expected<std::vector<ChangeRow>, std::string> Journal::history(HistoryQuery query) {
  return ask<std::vector<ChangeRow>>(
      [query = std::move(query)](Store& store, Patience&) { return store.history(query); });
}

base::Expected<std::vector<AuditRow>, std::string> Journal::audit(std::size_t limit) {
  return ask<std::vector<AuditRow>>([limit](Store& store, Patience&) { return store.audit(limit); });
}

}  // namespace meridian::journal
