// Collects the records of one zone, checks them together, and makes the immutable Zone.
//
// Off the hot path; one thread. Every problem is collected, with the place of the record that causes it.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ids.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/hashed_name.hpp"
#include "zone/zone.hpp"
#include "zone/zone_draft.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace meridian::zone {

enum class SteeredTypes : std::uint8_t {
  Addresses,  ///< A and AAAA; other types at the name are static
  All,  ///< whatever is asked, for the answer may be a CNAME: nothing may stand beside one (RFC 1034 3.6.2)
};

/// The owner of records, made ready once for all of them.
class RecordOwner {
 public:
  explicit RecordOwner(dns::NameView name);
  RecordOwner(const RecordOwner&) = delete;  // hashed() looks at what is in here
  RecordOwner& operator=(const RecordOwner&) = delete;

  [[nodiscard]] const dns::Name& written() const noexcept { return written_; }
  [[nodiscard]] const HashedName& hashed() const noexcept { return hashed_; }  ///< Lower case.

 private:
  dns::Name written_;
  dns::Name lower_;
  HashedName hashed_;
};

class ZoneBuilder {
 public:
  /// `file` is where problems of the zone as a whole are reported; default the file of its first record.
  explicit ZoneBuilder(dns::NameView apex, std::string file = {});

  [[nodiscard]] const dns::Name& apex() const noexcept { return apex_; }  ///< Lower case.

  /// Says that about so many records come; only for speed.
  void expect(std::size_t records) { draft_.expect(records); }

  /// Says that records of `owner` come next; only for speed.
  void fetch_ahead(const RecordOwner& owner) const noexcept { draft_.fetch_ahead(owner.hashed()); }

  /// One record of class IN. `rdata` is in wire form without compression; names in it keep their case.
  void add(const RecordOwner& owner, dns::Rtype type, std::uint32_t ttl_s,
           std::span<const std::uint8_t> rdata, const base::Location& where);
  void add(dns::NameView owner, dns::Rtype type, std::uint32_t ttl_s, std::span<const std::uint8_t> rdata,
           const base::Location& where) {
    add(RecordOwner(owner), type, ttl_s, rdata, where);
  }

  /// The name is answered by `service` for these types.
  void add_steered(dns::NameView owner, base::ServiceId service, const base::Location& where,
                   SteeredTypes types = SteeredTypes::Addresses);

  /// Says that records were left out because of errors reported elsewhere: build then fails, but does not
  /// complain about what is missing.
  void note_missing_records() noexcept { incomplete_ = true; }

  /// Uses the builder up. The error lists errors only, and is empty when note_missing_records was the only
  /// reason; warnings go to `warnings` in any case.
  [[nodiscard]] base::Expected<Zone, base::Diagnostics> build(base::Diagnostics& warnings) &&;

 private:
  dns::Name apex_;
  std::string file_;
  ZoneDraft draft_;
  base::Diagnostics errors_;
  bool incomplete_ = false;
};

}  // namespace meridian::zone
