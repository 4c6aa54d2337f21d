#include "probe/grpc_health.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace meridian::probe {
namespace {

// A frame: | compressed? (1 byte) | length (4 bytes, big endian) | message
constexpr std::size_t kFrameHeaderBytes = 5;

// Protobuf wire types (protobuf.dev, "Encoding"): what follows a field's number.
enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// A cursor over a protobuf message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }

  [[nodiscard]] std::optional<std::uint64_t> varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool skip(std::uint64_t count) noexcept {
    if (count > rest_.size()) return false;
    rest_.remove_prefix(count);
    return true;
  }

  /// Skips a field of this wire type; false for one that is cut off or of a type that nobody sends.
  [[nodiscard]] bool skip_field(std::uint64_t wire_type) noexcept {
    switch (static_cast<WireType>(wire_type)) {
      case WireType::Varint:
        return varint().has_value();
      case WireType::Fixed64:
        return skip(8);
      case WireType::Fixed32:
        return skip(4);
      case WireType::Bytes: {
        const auto length = varint();
        return length && skip(*length);
      }
    }
    return false;
  }

 private:
  std::string_view rest_;
};

void append_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

// grpc/grpc doc/statuscodes.md.
constexpr std::array<std::string_view, 17> kGrpcStatusNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

}  // namespace

std::string write_grpc_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';  // field 1, bytes
    append_varint(message, service.size());
    message += service;
  }
  std::string frame(kFrameHeaderBytes, '\0');
  for (unsigned byte = 0; byte < 4; ++byte)
    frame[1 + byte] = static_cast<char>(message.size() >> (24 - 8 * byte) & 0xff);
  return frame + message;
}

base::Expected<ServingStatus, std::string> read_grpc_health_reply(std::string_view body) {
  const auto bad = [](std::string_view what) { return base::unexpected(std::string{what}); };
  if (body.size() < kFrameHeaderBytes) return bad("the reply is shorter than a frame");
  if (body[0] != '\0') return bad("the reply is compressed");
  std::uint32_t length = 0;
  for (unsigned byte = 1; byte < kFrameHeaderBytes; ++byte)
    length = length << 8 | static_cast<std::uint8_t>(body[byte]);
  if (length != body.size() - kFrameHeaderBytes) return bad("the reply is not one whole frame");
  FieldReader reader{body.substr(kFrameHeaderBytes)};
  auto status = ServingStatus::Unknown;  // protobuf leaves out a field that is 0
  while (!reader.is_at_end()) {
    const auto tag = reader.varint();
    if (!tag || *tag >> 3 == 0) return bad("the reply is malformed");
    if (*tag == 1u << 3) {
      const auto value = reader.varint();
      if (!value) return bad("the reply is cut off");
      status = static_cast<ServingStatus>(*value);
    } else if (!reader.skip_field(*tag & 7)) {
      return bad("the reply is malformed");
    }
  }
  return status;
}

std::string to_string(ServingStatus status) {
  switch (status) {
    case ServingStatus::Unknown:
      return "UNKNOWN";
    case ServingStatus::Serving:
      return "SERVING";
    case ServingStatus::NotServing:
      return "NOT_SERVING";
    case ServingStatus::ServiceUnknown:
      return "SERVICE_UNKNOWN";
  }
  return fmt::format("status {}", static_cast<std::uint64_t>(status));
}

std::string grpc_status_words(std::string_view code, std::string_view message) {
  std::size_t number = kGrpcStatusNames.size();
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
  const bool is_known =
      error == std::errc{} && end == code.data() + code.size() && number < kGrpcStatusNames.size();
  std::string words{is_known ? kGrpcStatusNames.at(number) : code.substr(0, 16)};
  if (!message.empty()) words += fmt::format(": {}", message);
  return words;
}

}  // namespace meridian::probe
