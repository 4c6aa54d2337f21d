#include "zone/rdata_shape.hpp"

#include "base/limits.hpp"
#include "dns/rdata.hpp"

namespace meridian::zone {
namespace {

/// `before` bytes, `names` names, then exactly `after` bytes, or at least that many when `open`.
struct Shape {
  std::size_t before = 0;
  std::size_t names = 0;
  std::size_t after = 0;
  bool open = false;
};

Shape shape_of(dns::Rtype type) {
  switch (type) {
    case dns::Rtype::A:
      return {4, 0, 0, false};
    case dns::Rtype::Aaaa:
      return {16, 0, 0, false};
    case dns::Rtype::Dname:
      return {0, 1, 0, false};
    case dns::Rtype::Srv:
      return {6, 1, 0, false};
    case dns::Rtype::Svcb:
    case dns::Rtype::Https:
      return {2, 1, 0, true};
    case dns::Rtype::Soa:
      return {0, 2, 20, false};
    default:
      break;
  }
  const auto names = dns::compressible_names(type);
  return {names.fixed_bytes, names.name_count, 0, names.name_count == 0};
}

/// The size of the uncompressed name at the start of `bytes`, 0 when there is none.
std::size_t name_size(std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 0; at < bytes.size() && at < base::limits::kNameBytesMax; at += 1u + bytes[at]) {
    if (bytes[at] == 0) return at + 1;
    if (bytes[at] > base::limits::kLabelBytesMax) return 0;
  }
  return 0;
}

}  // namespace

bool is_well_formed(dns::Rtype type, std::span<const std::uint8_t> rdata) noexcept {
  const Shape shape = shape_of(type);
  if (rdata.size() < shape.before) return false;
  auto rest = rdata.subspan(shape.before);
  for (std::size_t i = 0; i < shape.names; ++i) {
    const std::size_t size = name_size(rest);
    if (size == 0) return false;
    rest = rest.subspan(size);
  }
  return rest.size() == shape.after || (shape.open && rest.size() > shape.after);
}

}  // namespace meridian::zone
