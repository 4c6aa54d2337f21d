#include "control/http_gate.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace meridian::control {
namespace {

struct Fixture {
  unsigned ask(const std::string& method, const std::string& path, const std::string& authorization = "") {
    unsigned status = 0;
    gate.handle({.method = method, .path = path, .authorization = authorization},
                [&](const http::Response& response) { status = response.status; });
    return status;
  }

  test::TemporaryFolder folder;
  stats::CounterRegistry counters;
  std::string who;
  HttpGate gate{[this](const http::Request& request, const http::Respond& respond) {
                  who = request.who;
                  respond({200, "{}"});
                },
                counters.register_block()};
};

/// A book of "test", whose role is `role`.
std::shared_ptr<const TokenBook> book(const test::TemporaryFolder& folder, const std::string& role) {
  folder.write("tokens",
               "someone " + role + " 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n");
  std::filesystem::permissions(folder.path() + "/tokens", std::filesystem::perms::owner_read);
  return std::make_shared<const TokenBook>(TokenBook::load(folder.path() + "/tokens").value());
}

}  // namespace

TEST_SUITE("control/http_gate") {
  TEST_CASE("without tokens status and metrics are read, and nothing else is") {
    Fixture fixture;
    CHECK(fixture.ask("GET", "/metrics") == 200);
    CHECK(fixture.ask("GET", "/v1/status") == 200);
    CHECK(fixture.ask("GET", "/v1/audit") == 403);
    CHECK(fixture.ask("POST", "/v1/reload") == 403);
    CHECK(fixture.ask("POST", "/v1/status") == 403);
    CHECK(fixture.counters.total(stats::Counter::ControlDenied) == 3);
  }

  TEST_CASE("with tokens everything needs one, and what changes something the role operate") {
    Fixture fixture;
    fixture.gate.set_tokens(book(fixture.folder, "read"));
    for (const auto* const wrong :
         {"", "Bearer", "Bearer ", "Bearer tes", "bearer test", "Basic test", "test"}) {
      CAPTURE(wrong);
      CHECK(fixture.ask("GET", "/metrics", wrong) == 401);
    }
    CHECK(fixture.ask("GET", "/v1/audit", "Bearer test") == 200);
    CHECK(fixture.who == "token someone");
    CHECK(fixture.ask("POST", "/v1/reload", "Bearer test") == 403);
    fixture.gate.set_tokens(book(fixture.folder, "operate"));
    CHECK(fixture.ask("POST", "/v1/reload", "Bearer test") == 200);
    CHECK(fixture.ask("POST", "/v1/reload") == 401);
  }
}

}  // namespace meridian::control
