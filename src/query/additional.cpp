#include "query/additional.hpp"

#include "base/limits.hpp"
#include "dns/header.hpp"

#include <array>
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

/// Calls `visit(rdata)` for each record of an rrset; `visit` returns false to stop.
template <typename Visit>
bool for_each_rdata(const zone::Rrset& rrset, const Visit& visit) noexcept {
  std::span<const std::uint8_t> rest = rrset.records;
  for (std::size_t i = 0; i < rrset.count; ++i) {
    const std::size_t length = dns::load_u16(rest.data());
    if (!visit(rest.subspan(2, length))) return false;
    rest = rest.subspan(2 + length);
  }
  return true;
}

/// The addresses of a host as one zone tells them. Below a cut stands glue: it leads to name servers (RFC
/// 9471; the root's are found so, RFC 8109 3.2) and is nobody else's data.
std::optional<zone::Rrset> find_set(const zone::Zone& zone, const zone::HashedName& host, Rtype type,
                                    bool use_glue) noexcept {
  const auto found = zone.lookup(host, type);
  if (found.outcome == Outcome::Answer) return found.rrset;
  if (found.outcome != Outcome::Delegation || !use_glue) return std::nullopt;
  const auto* glue = zone.find_rrset(host.name(), type);
  return glue == nullptr ? std::nullopt : std::optional{*glue};
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
    if (!target.is_at_or_under(zone_.apex()) || is_done(target)) return true;
    if (done_count_ == done_.size()) return false;
    done_[done_count_++] = target;
    dns::Name host{target};
    host.make_lower();
    if (is_service_binding(rrset_.type) && !(host == owner_)) add_set(host, rrset_.type);
    add_set(host, Rtype::A);
    add_set(host, Rtype::Aaaa);
    return true;
  }

 private:
  [[nodiscard]] bool is_done(dns::NameView target) const noexcept {
    for (std::size_t i = 0; i < done_count_; ++i) {
      if (done_[i] == target) return true;
    }
    return false;
  }

  void add_set(dns::NameView host, Rtype type) noexcept {
    const zone::HashedName hashed(host);
    // The zone is zone_, or a child of it that is served too.
    const auto set = find_set(*zones_.find(hashed, type), hashed, type, rrset_.type == Rtype::Ns);
    if (!set) return;
    static_cast<void>(writer_.add_rrset(Section::Additional, host, type, set->ttl_s, set->records));
  }

  const zone::ZoneSet& zones_;
  const zone::Zone& zone_;
  dns::NameView owner_;
  const zone::Rrset& rrset_;
  dns::MessageWriter& writer_;
  std::size_t done_count_ = 0;
  std::array<dns::NameView, base::limits::kAdditionalHostsMax> done_;
};

}  // namespace

void add_additional(const zone::ZoneSet& zones, const zone::Zone& zone, dns::NameView owner,
                    const zone::Rrset& rrset, dns::MessageWriter& writer) noexcept {
  const auto name_at = host_offset(rrset.type);
  if (!name_at) return;
  Hosts hosts(zones, zone, owner, rrset, writer);
  static_cast<void>(
      for_each_rdata(rrset, [&](std::span<const std::uint8_t> rdata) { return hosts.add(rdata, *name_at); }));
}

bool add_glue(const zone::Zone& zone, const zone::Found& found, dns::MessageWriter& writer) noexcept {
  const auto add = [&](bool below_cut) {
    return for_each_rdata(found.rrset, [&](std::span<const std::uint8_t> rdata) {
      dns::Name host{dns::NameView{rdata}};
      host.make_lower();
      const auto name = host.view();
      if (!name.is_at_or_under(zone.apex()) || name.is_at_or_under(found.owner) != below_cut) return true;
      const zone::HashedName hashed(name);
      for (const auto type : {Rtype::A, Rtype::Aaaa}) {
        const auto glue = find_set(zone, hashed, type, true);
        if (!glue) continue;
        const bool fits = writer.add_rrset(Section::Additional, host, type, glue->ttl_s, glue->records);
        if (!fits && below_cut) return false;
      }
      return true;
    });
  };
  return add(true) && add(false);
}

}  // namespace meridian::query
