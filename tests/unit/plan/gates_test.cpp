#include "plan/gates.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::plan {
namespace {

Comparison sample() {
  Comparison comparison;
  comparison.has_demand = true;
  Movement movement;
  movement.total = {1'000, 100, 50};
  movement.moved = {40, 6, 20};
  comparison.services.push_back({{"www.example.com"}, movement, {}});
  movement.moved = {10, 0, 1};
  comparison.services.push_back({{"api.example.com"}, movement, {}});
  comparison.overloads.push_back({"sin", "iad", 10, 27'000, 20'000, false});
  comparison.broken.error({"expect.yaml", 2, 5}, "broken");
  return comparison;
}

std::string fault(std::string_view text) {
  const auto gate = parse_gate(text);
  return gate ? std::string{} : gate.error();
}

}  // namespace

TEST_SUITE("plan/gates") {
  TEST_CASE("gates are read, and what is none is told") {
    CHECK(parse_gate("max_moved=5%")->limit == 0.05);
    CHECK(parse_gate("max_moved_demand=0.1")->limit == 0.1);
    CHECK(parse_gate("capacity")->kind == Gate::Kind::Capacity);
    CHECK(parse_gate("expectations")->kind == Gate::Kind::Expectations);
    CHECK(fault("max_move=5%") == "no gate is called 'max_move'; did you mean 'max_moved'?");
    CHECK(fault("x") ==
          "no gate is called 'x'; there are max_moved=5%, max_moved_demand=5%, capacity and expectations");
    CHECK(fault("max_moved") == "the gate max_moved needs a share, such as max_moved=5%");
    CHECK(fault("max_moved=5") == "the gate max_moved needs a share, such as max_moved=5%");
    CHECK(fault("max_moved=%") == "the gate max_moved needs a share, such as max_moved=5%");
    CHECK(fault("capacity=1") == "the gate capacity takes no value");
    CHECK(needs_demand(*parse_gate("capacity")));
    CHECK_FALSE(needs_demand(*parse_gate("max_moved=5%")));
  }

  TEST_CASE("the worst service and the worst family decide how much moves") {
    CHECK(max_moved(sample()) == 0.06);
    CHECK(max_moved_demand(sample()) == 0.4);
  }

  TEST_CASE("a gate fails past its limit and says by what") {
    struct Row {
      const char* gate;
      const char* failure;
    };
    const Row rows[] = {
        {"max_moved=5%", "max_moved: 6.0 % of a service's address space moves; at most 5.0 % may"},
        {"max_moved=6%", ""},
        {"max_moved_demand=39%", "max_moved_demand: 40.0 % of a service's demand moves; at most 39.0 % may"},
        {"max_moved_demand=40%", ""},
        {"capacity", "capacity: sin gets 27,000 of 20,000 when iad is lost"},
        {"expectations", "expectations: 1 is broken"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.gate);
      const Gate gates[] = {*parse_gate(row.gate)};
      const auto failed = failed_gates(gates, sample());
      CHECK(failed.empty() == (row.failure == std::string{}));
      if (!failed.empty()) CHECK(failed[0] == row.failure);
      CHECK(failed_gates(gates, Comparison{}).empty());
    }
  }
}

}  // namespace meridian::plan
