#include "querylog/channel.hpp"

#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <atomic>
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
  StorySink(std::string name, Story& story) : name_(std::move(name)), story_(story) {}
  ~StorySink() override { story_.steps.push_back(name_ + " ended"); }
  void open() override { story_.steps.push_back(name_ + " opened"); }
  void put(const Record& record) override {
    story_.steps.push_back(name_ + " put " + std::to_string(record.query.size()));
    ++story_.put_count;
  }
  void flush() override {}

 private:
  std::string name_;
  Story& story_;
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
  channel.stop();
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
