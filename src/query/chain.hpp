// Where a question leads: through the CNAMEs and DNAMEs of our zones, from one zone to the next, to the last
// name (RFC 1034 4.3.2, RFC 6672 3.2). answer_query and explain both follow it, so that they tell the same.
//
// One Chain a query, on the stack. HOT: no allocation, lock, clock, exception or log line. Looks only; what
// is written of it is Reply's business.
#pragma once

#include "base/limits.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/zone.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

/// Why a chain stops before it reached a name with an answer.
enum class ChainStop : std::uint8_t {
  None,         ///< it goes on
  Loop,         ///< the target is a name it has been at
  TooLong,      ///< another alias after limits::kCnameChainMax of them
  NameTooLong,  ///< what a DNAME makes of the name has more than 255 bytes (RFC 6672 2.2)
};

class Chain {
 public:
  /// Looks `name` up. It must be lower case; it and `zones` must outlive the chain.
  Chain(const zone::ZoneSet& zones, dns::NameView name, dns::Rtype type) noexcept
      : Chain(zones, zone::HashedName(name), type) {}
  /// The same for a name whose hashes are known; they need not outlive the call.
  Chain(const zone::ZoneSet& zones, const zone::HashedName& name, dns::Rtype type) noexcept
      : Chain(zones, name, type, zones.find(name, type)) {}
  /// The same where its zone is known as well: zones.find(name, type).
  Chain(const zone::ZoneSet& zones, const zone::HashedName& name, dns::Rtype type,
        const zone::Zone* zone) noexcept;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// Where the chain stands, lower case.
  [[nodiscard]] dns::NameView name() const noexcept { return name_; }
  /// The zone that holds name(); nullptr: none of ours.
  [[nodiscard]] const zone::Zone* zone() const noexcept { return zone_; }
  /// What is at name(). Only with a zone.
  [[nodiscard]] const zone::Found& found() const noexcept { return found_; }
  /// How many aliases led here.
  [[nodiscard]] std::size_t link_count() const noexcept { return link_count_; }

  /// found() is a CNAME or a DNAME, so there may be more to follow.
  [[nodiscard]] bool is_at_alias() const noexcept {
    return zone_ != nullptr &&
           (found_.outcome == zone::Outcome::Cname || found_.outcome == zone::Outcome::Dname);
  }
  /// At an alias: where the CNAME at name() leads, the one of the zone or the one that the DNAME stands for
  /// (RFC 6672 3.1). Absent when that name would be too long.
  [[nodiscard]] std::optional<dns::NameView> target() const noexcept { return target_; }
  /// At a DNAME with a target(): the CNAME's rdata with its length in front.
  [[nodiscard]] std::span<const std::uint8_t> synthesized() const noexcept {
    return {synthesized_.data(), 2 + target_->size()};
  }
  /// At a DNAME: it led here before, for another name.
  [[nodiscard]] bool is_dname_repeated() const noexcept;

  /// At a steered name that `target` is an alias for: as follow().
  [[nodiscard]] ChainStop follow_to(dns::NameView target) noexcept;

  /// At an alias: goes to its target and looks that up. Anything but None: the chain stays where it was, or,
  /// when it is too long, stands at the alias it must not follow.
  [[nodiscard]] ChainStop follow() noexcept;

 private:
  [[nodiscard]] ChainStop go_to(dns::NameView target, const std::uint8_t* records) noexcept;
  /// In zone_, if there is one.
  void look_up(const zone::HashedName& name) noexcept;
  void find_target() noexcept;
  /// Copies `target` behind the names so far, in lower case.
  [[nodiscard]] dns::NameView keep(dns::NameView target) noexcept;
  [[nodiscard]] bool has_been_at(dns::NameView name) const noexcept;

  const zone::ZoneSet& zones_;
  dns::Rtype type_;
  dns::NameView first_name_;
  dns::NameView name_;
  const zone::Zone* zone_ = nullptr;
  zone::Found found_;
  std::optional<dns::NameView> target_;  // in synthesized_
  std::size_t link_count_ = 0;
  std::size_t kept_bytes_ = 0;
  // Not initialised: most queries meet no alias, and then none of these is read.
  std::array<const std::uint8_t*, base::limits::kCnameChainMax + 1> aliases_;  // records of each so far
  std::array<std::uint8_t, (base::limits::kCnameChainMax + 1) * base::limits::kNameBytesMax> kept_;
  std::array<std::uint8_t, 2 + base::limits::kNameBytesMax> synthesized_;
};

}  // namespace meridian::query
