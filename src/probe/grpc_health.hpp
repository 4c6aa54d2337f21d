// The messages of grpc.health.v1.Health/Check, and gRPC's frame around them: bytes in, values out.
//
// Hand-written: one field in each direction, where the gRPC library would bring its own threads and 30 MB.
#pragma once

#include "base/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace meridian::probe {

/// HealthCheckRequest for `service`, framed.
[[nodiscard]] std::string write_grpc_health_request(std::string_view service);

/// HealthCheckResponse.ServingStatus; values that are not listed are possible.
enum class ServingStatus : std::uint64_t { Unknown = 0, Serving = 1, NotServing = 2, ServiceUnknown = 3 };

/// Reads a whole body: one frame with one response. Fields that are not known are skipped, as protobuf wants.
/// The error says what is wrong: "the reply is compressed".
[[nodiscard]] base::Expected<ServingStatus, std::string> read_grpc_health_reply(std::string_view body);

/// "NOT_SERVING"; "status 7" for one without a name.
[[nodiscard]] std::string to_string(ServingStatus status);

/// Words for the values of the headers `grpc-status` and `grpc-message`: "NOT_FOUND: no such service".
[[nodiscard]] std::string grpc_status_words(std::string_view code, std::string_view message);

}  // namespace meridian::probe
