#include "query/additional.hpp"

#include "base/limits.hpp"
#include "dns/header.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {
namespace {

using dns::Rtype;
using dns::Section;
using zone::Outcome;

/// Where the host's name stands in the rdata; nullopt for a type that names none.
std::optional<std::size_t> host_offset(Rtype type) noexcept {
  switch (type) {
    case Rtype::Ns:
      return 0;
    case Rtype::Mx:
    case Rtype::Svcb:
    case Rtype::Https:
      return 2;
    case Rtype::Srv:
      return 6;
    default:
      return std::nullopt;
  }
}

bool is_service_binding(Rtype type) noexcept { return type == Rtype::Svcb || type == Rtype::Https; }

/// The addresses of a host as one zone tells them. Below a cut stands glue: it leads to name servers (RFC
/// 9471; the root's are found so, RFC 8109 3.2) and is nobody else's data.
std::optional<zone::Rrset> find_set(const zone::Zone& zone, const zone::HashedName& host, Rtype type,
                                    bool use_glue) noexcept {
  const auto found = zone.lookup(host, type);
  if (found.outcome == Outcome::Answer) return found.rrset;
  if (found.outcome != Outcome::Delegation || !use_glue) return std::nullopt;
  return zone.find_rrset(host.name(), type);
}

/// Adds the hosts of one rrset, each once.
class Hosts {
 public:
  Hosts(const zone::ZoneSet& zones, const zone::Zone& zone, dns::NameView owner, const zone::Rrset& rrset,
        dns::MessageWriter& writer) noexcept
      : zones_(zones), zone_(zone), owner_(owner), rrset_(rrset), writer_(writer) {}

  /// False: no more of them.
  [[nodiscard]] bool add(std::span<const std::uint8_t> rdata, std::size_t name_at) noexcept {
    dns::NameView target{rdata.subspan(name_at, dns::find_name_end(rdata, name_at) - name_at)};
    if (target.is_root()) {
      // "." is no host (RFC 7505, RFC 2782), but in SVCB's service mode the owner itself (RFC 9460 2.5.2).
      if (!is_service_binding(rrset_.type) || dns::load_u16(rdata.data()) == 0) return true;
      target = owner_;
    }
    dns::Name host{target};
    host.make_lower();
    if (!host.view().is_at_or_under(zone_.apex())) return true;
    const zone::HashedName hashed(host);
    if (is_done(hashed)) return true;
    if (done_count_ == done_.size()) return false;
    done_[done_count_++] = hashed.hash(hashed.label_count());
    if (is_service_binding(rrset_.type) && !(host == owner_)) add_set(hashed, rrset_.type);
    add_set(hashed, Rtype::A);
    add_set(hashed, Rtype::Aaaa);
    return true;
  }

 private:
  /// By its 64-bit hash: the names are the operator's own, and two that collide cost an optional record.
  [[nodiscard]] bool is_done(const zone::HashedName& host) const noexcept {
    const auto end = done_.begin() + static_cast<std::ptrdiff_t>(done_count_);
    return std::find(done_.begin(), end, host.hash(host.label_count())) != end;
  }

  void add_set(const zone::HashedName& host, Rtype type) noexcept {
    // The zone is zone_, or a child of it that is served too.
    const auto set = find_set(*zones_.find(host, type), host, type, rrset_.type == Rtype::Ns);
    if (!set) return;
    static_cast<void>(writer_.add_rrset(Section::Additional, host.name(), *set));
  }

  const zone::ZoneSet& zones_;
  const zone::Zone& zone_;
  dns::NameView owner_;
  const zone::Rrset& rrset_;
  dns::MessageWriter& writer_;
  std::size_t done_count_ = 0;
  std::array<std::uint64_t, base::limits::kAdditionalHostsMax> done_;
};

}  // namespace

void add_additional(const zone::ZoneSet& zones, const zone::Zone& zone, dns::NameView owner,
                    const zone::Rrset& rrset, dns::MessageWriter& writer) noexcept {
  const auto name_at = host_offset(rrset.type);
  if (!name_at) return;
  Hosts hosts(zones, zone, owner, rrset, writer);
  static_cast<void>(dns::for_each_rdata(
      rrset, [&](std::span<const std::uint8_t> rdata) { return hosts.add(rdata, *name_at); }));
}

bool add_glue(const zone::Zone& zone, const zone::Found& found, dns::MessageWriter& writer) noexcept {
  const auto add = [&](bool below_cut) {
    return dns::for_each_rdata(found.rrset, [&](std::span<const std::uint8_t> rdata) {
      dns::Name host{dns::NameView{rdata}};
      host.make_lower();
      const auto name = host.view();
      if (!name.is_at_or_under(zone.apex()) || name.is_at_or_under(found.owner) != below_cut) return true;
      const zone::HashedName hashed(name);
      for (const auto type : {Rtype::A, Rtype::Aaaa}) {
        const auto glue = find_set(zone, hashed, type, true);
        if (!glue) continue;
        const bool fits = writer.add_rrset(Section::Additional, host, *glue);
        if (!fits && below_cut) return false;
      }
      return true;
    });
  };
  return add(true) && add(false);
}

}  // namespace meridian::query
