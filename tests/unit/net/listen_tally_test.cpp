#include "net/listen_tally.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace meridian;
using net::ListenTally;
using net::WorkerIndex;

TEST_SUITE("net/listen_tally") {
  TEST_CASE("workers' cells add up to UDP, the one after them is TCP's, and none shares a cache line") {
    const auto tally = std::make_shared<ListenTally>(2);
    const auto first = ListenTally::cell(tally, WorkerIndex{0});
    const auto second = ListenTally::cell(tally, WorkerIndex{1});
    const auto tcp = ListenTally::cell(tally, WorkerIndex{2});
    first->add(3);
    second->add(4);
    first->add(1);
    tcp->add(2);
    CHECK(tally->udp() == 8);
    CHECK(tally->tcp() == 2);
    CHECK(first->value() == 4);
    CHECK(second.get() - first.get() == 1);
    CHECK(sizeof(net::QueryCell) == 64);
    CHECK(alignof(net::QueryCell) == 64);
  }

  TEST_CASE("a cell lives as long as who counts in it") {
    auto tally = std::make_shared<ListenTally>(1);
    const auto cell = ListenTally::cell(tally, WorkerIndex{1});
    const std::weak_ptr<ListenTally> seen = tally;
    tally.reset();
    CHECK_FALSE(seen.expired());
    cell->add(1);
    CHECK(cell->value() == 1);
  }
}
