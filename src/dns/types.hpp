// The numbers of the DNS (IANA registries) that Meridian names, and their text forms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::dns {

/// RFC 6895 2.3; values past 15 need EDNS (RFC 6891 6.1.3).
enum class Rcode : std::uint16_t {
  NoError = 0,
  FormErr = 1,
  ServFail = 2,
  NxDomain = 3,
  NotImp = 4,
  Refused = 5,
  YxDomain = 6,
  BadVers = 16,
  BadCookie = 23,
};

enum class Opcode : std::uint8_t { Query = 0, Status = 2, Notify = 4, Update = 5 };

enum class Rclass : std::uint16_t { In = 1, Ch = 3, None = 254, Any = 255 };

/// The types the server treats by name. Any other 16-bit value is legal (RFC 3597).
enum class Rtype : std::uint16_t {
  A = 1,
  Ns = 2,
  Md = 3,
  Mf = 4,
  Cname = 5,
  Soa = 6,
  Mb = 7,
  Mg = 8,
  Mr = 9,
  Ptr = 12,
  Minfo = 14,
  Mx = 15,
  Txt = 16,
  Aaaa = 28,
  Srv = 33,
  Naptr = 35,
  Dname = 39,
  Opt = 41,
  Ds = 43,
  Rrsig = 46,
  Nsec = 47,
  Dnskey = 48,
  Nsec3 = 50,
  Nsec3Param = 51,
  Tlsa = 52,
  Svcb = 64,
  Https = 65,
  Ixfr = 251,
  Axfr = 252,
  Any = 255,
  Caa = 257,
};

/// IANA "DNS EDNS0 Option Codes".
enum class EdnsOption : std::uint16_t {
  Nsid = 3,
  ClientSubnet = 8,
  Cookie = 10,
  TcpKeepalive = 11,
  Padding = 12,
  ExtendedError = 15
};

/// IANA "Extended DNS Error Codes" (RFC 8914) that Meridian sends.
enum class ExtendedError : std::uint16_t { Other = 0, NotAuthoritative = 20, NotSupported = 21 };

[[nodiscard]] std::string to_string(Rcode rcode);  ///< "NXDOMAIN"; "RCODE99" for one without a name.
[[nodiscard]] std::string to_string(
    Rtype type);  ///< "AAAA"; "TYPE999" (RFC 3597) for one without a name here.

/// The reverse of to_string(Rtype), any case; nullopt for an unknown word.
[[nodiscard]] std::optional<Rtype> parse_rtype(std::string_view text);
[[nodiscard]] std::optional<Rcode> parse_rcode(std::string_view text);

}  // namespace meridian::dns
