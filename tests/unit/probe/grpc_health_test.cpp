#include "probe/grpc_health.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using namespace std::string_literals;

TEST_SUITE("probe/grpc_health") {
  TEST_CASE("a request is a frame with the service in field 1, or with nothing") {
    CHECK(probe::write_grpc_health_request("") == "\0\0\0\0\0"s);
    CHECK(probe::write_grpc_health_request("a.B") == "\0\0\0\0\x05\x0a\x03"s + "a.B");
    const std::string longest(300, 'x');
    const auto request = probe::write_grpc_health_request(longest);
    CHECK(request.substr(0, 8) == "\0\0\0\x01\x2f\x0a\xac\x02"s);
  }

  TEST_CASE("a reply is one whole frame with a status") {
    struct Row {
      const char* why;
      std::string body;
      std::string expected;  // a status, or an error
    };
    const Row rows[] = {
        {"serving", "\0\0\0\0\x02\x08\x01"s, "SERVING"},
        {"not serving", "\0\0\0\0\x02\x08\x02"s, "NOT_SERVING"},
        {"a status of 0 is left out", "\0\0\0\0\0"s, "UNKNOWN"},
        {"one that we do not know", "\0\0\0\0\x02\x08\x07"s, "status 7"},
        {"the last one counts", "\0\0\0\0\x04\x08\x02\x08\x01"s, "SERVING"},
        {"unknown fields of every kind",
         "\0\0\0\0\x16\x10\x05\x19"
         "12345678\x25"
         "1234\x2a\x02xx\x08\x01"s,
         "SERVING"},
        {"nothing", ""s, "the reply is shorter than a frame"},
        {"compressed", "\x01\0\0\0\x02\x08\x01"s, "the reply is compressed"},
        {"shorter than it says", "\0\0\0\0\x03\x08\x01"s, "the reply is not one whole frame"},
        {"a second frame", "\0\0\0\0\x02\x08\x01\0"s, "the reply is not one whole frame"},
        {"a value that never ends", "\0\0\0\0\x02\x08\xff"s, "the reply is cut off"},
        {"bytes longer than the message", "\0\0\0\0\x02\x0a\x05"s, "the reply is malformed"},
        {"field number 0", "\0\0\0\0\x02\x00\x05"s, "the reply is malformed"},
        {"a group, which nobody sends", "\0\0\0\0\x01\x0b"s, "the reply is malformed"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto status = probe::read_grpc_health_reply(row.body);
      CHECK((status ? probe::to_string(*status) : status.error()) == row.expected);
    }
  }

  TEST_CASE("a grpc-status is told by its name") {
    CHECK(probe::grpc_status_words("5", "unknown service") == "NOT_FOUND: unknown service");
    CHECK(probe::grpc_status_words("12", "") == "UNIMPLEMENTED");
    CHECK(probe::grpc_status_words("17", "") == "17");
    CHECK(probe::grpc_status_words("5x", "") == "5x");
  }
}
