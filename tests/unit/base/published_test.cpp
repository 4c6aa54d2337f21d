#include "base/published.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace meridian::base {

TEST_SUITE("base/published") {
  TEST_CASE("a reader sees a new value at its next look, and keeps the old one alive until then") {
    Published<int> published(std::make_shared<const int>(1));
    Published<int>::Reader reader(published);
    const int& before = reader.current();
    CHECK(before == 1);
    std::weak_ptr<const int> old = published.publish(std::make_shared<const int>(2));
    CHECK_FALSE(old.expired());
    CHECK(reader.current() == 2);
    CHECK(old.expired());
    CHECK(*published.get() == 2);
  }

  TEST_CASE("readers never see half of a value while it is replaced") {
    using Pair = std::array<std::uint64_t, 2>;
    Published<Pair> published(std::make_shared<const Pair>(Pair{0, 0}));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> torn{0};
    std::atomic<std::uint64_t> went_back{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        Published<Pair>::Reader reader(published);
        std::uint64_t last = 0;
        while (!stop.load()) {
          const Pair& pair = reader.current();
          if (pair[0] != pair[1]) ++torn;
          if (pair[0] < last) ++went_back;
          last = pair[0];
        }
      });
    }
    for (std::uint64_t i = 1; i <= 20'000; ++i) published.publish(std::make_shared<const Pair>(Pair{i, i}));
    stop = true;
    for (auto& reader : readers) reader.join();
    CHECK(torn == 0);
    CHECK(went_back == 0);
  }
}

}  // namespace meridian::base
