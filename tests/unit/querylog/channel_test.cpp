#include "querylog/channel.hpp"

#include "base/limits.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace meridian::querylog {
namespace {

/// What the sinks of a test were told; read it when the channel has stopped, or through `put_count`.
struct Story {
  std::vector<std::string> steps;
  std::atomic<int> put_count{0};
};

class StorySink final : public Sink {
 public:
  StorySink(
      std::string name, Story& story, std::function<void()> opened = [] {})
      : name_(std::move(name)), story_(story), opened_(std::move(opened)) {}
  ~StorySink() override { story_.steps.push_back(name_ + " ended"); }
  void open() override {
    story_.steps.push_back(name_ + " opened");
    opened_();
  }
  void put(const Record& record) override {
    story_.steps.push_back(name_ + " put " + std::to_string(record.query.size()));
    ++story_.put_count;
  }
  void flush() override {}

 private:
  std::string name_;
  Story& story_;
  std::function<void()> opened_;  ///< On the channel's thread.
};

/// A record whose query has so many bytes.
void push(Ring& ring, std::size_t size) {
  const auto bytes = test::record_of(test::some_facts(), {}, test::Bytes(size, 1), {});
  const auto room = ring.reserve(bytes.size());
  REQUIRE_FALSE(room.empty());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  ring.commit();
}

void await(const std::atomic<int>& value, int wanted) {
  while (value.load() < wanted) std::this_thread::yield();
}

TEST_SUITE_BEGIN("querylog/channel");

TEST_CASE("records of every ring reach the sink in use, and a new sink takes over") {
  Story story;
  auto first = std::make_shared<Ring>(4'096);
  auto second = std::make_shared<Ring>(4'096);
  Channel channel("test");
  channel.add_ring(first);
  push(*first, 9);  // before there is a sink: thrown away
  channel.use(std::make_unique<StorySink>("a", story));
  push(*first, 1);
  await(story.put_count, 1);
  channel.add_ring(second);
  push(*second, 2);
  await(story.put_count, 2);
  push(*first, 3);
  channel.use(std::make_unique<StorySink>("b", story));
  push(*second, 4);
  channel.stop();
  CHECK(story.steps == std::vector<std::string>{"a opened", "a put 1", "a put 2", "a put 3", "a ended",
                                                "b opened", "b put 4", "b ended"});
  channel.stop();
  channel.use(std::make_unique<StorySink>("c", story));  // too late
  CHECK(story.steps.back() == "c ended");
}

TEST_CASE("without a sink records are thrown away, and the next sink starts afresh") {
  Story story;
  auto ring = std::make_shared<Ring>(4'096);
  Channel channel("test");
  channel.add_ring(ring);
  channel.use(nullptr);  // never was one
  channel.use(std::make_unique<StorySink>("a", story));
  channel.use(nullptr);
  push(*ring, 1);
  channel.use(std::make_unique<StorySink>("b", story));
  push(*ring, 2);
  channel.stop();
  CHECK(story.steps == std::vector<std::string>{"a opened", "a ended", "b opened", "b put 2", "b ended"});
}

TEST_CASE("the ring of a worker that has ended is read to its end and let go") {
  Story story;
  auto ring = std::make_shared<Ring>(4'096);
  const std::weak_ptr<Ring> left = ring;
  Channel channel("test");
  channel.add_ring(ring);
  push(*ring, 1);
  push(*ring, 2);
  ring.reset();
  channel.use(std::make_unique<StorySink>("a", story));
  while (!left.expired()) std::this_thread::yield();
  // The same while there is a sink: what the worker left behind is not lost.
  ring = std::make_shared<Ring>(4'096);
  push(*ring, 3);
  push(*ring, 4);
  channel.add_ring(std::move(ring));
  channel.stop();
  CHECK(story.steps == std::vector<std::string>{"a opened", "a put 3", "a put 4", "a ended"});
}

TEST_CASE("a stop writes whatever the rings hold") {
  constexpr int kRecords = 8'000;
  Story story;
  auto ring = std::make_shared<Ring>(base::limits::kQueryRecordRingBytes);
  Channel channel("test");
  channel.use(std::make_unique<StorySink>("a", story));
  for (int i = 0; i < kRecords; ++i) push(*ring, 1);
  channel.add_ring(std::move(ring));
  channel.stop();
  CHECK(story.put_count == kRecords);
}

TEST_CASE("a ring that is never empty does not keep the others waiting") {
  Story story;
  auto full = std::make_shared<Ring>(base::limits::kQueryRecordRingBytes);
  auto modest = std::make_shared<Ring>(4'096);
  for (int i = 0; i < 4'000; ++i) push(*full, 1);
  push(*modest, 2);
  Channel channel("test");
  channel.use(std::make_unique<StorySink>("a", story, [&] {
    channel.add_ring(full);
    channel.add_ring(modest);
  }));
  channel.stop();
  CHECK(story.put_count == 4'001);
  const auto found = std::find(story.steps.begin(), story.steps.end(), "a put 2");
  CHECK(found - story.steps.begin() < 1'000);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
