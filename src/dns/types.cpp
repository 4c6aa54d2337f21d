#include "dns/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace meridian::dns {
namespace {

constexpr std::array<std::pair<Rtype, std::string_view>, 31> kRtypeNames{{
    {Rtype::A, "A"},           {Rtype::Ns, "NS"},       {Rtype::Cname, "CNAME"},
    {Rtype::Soa, "SOA"},       {Rtype::Ptr, "PTR"},     {Rtype::Mx, "MX"},
    {Rtype::Txt, "TXT"},       {Rtype::Aaaa, "AAAA"},   {Rtype::Srv, "SRV"},
    {Rtype::Naptr, "NAPTR"},   {Rtype::Dname, "DNAME"}, {Rtype::Opt, "OPT"},
    {Rtype::Ds, "DS"},         {Rtype::Rrsig, "RRSIG"}, {Rtype::Nsec, "NSEC"},
    {Rtype::Dnskey, "DNSKEY"}, {Rtype::Nsec3, "NSEC3"}, {Rtype::Nsec3Param, "NSEC3PARAM"},
    {Rtype::Tlsa, "TLSA"},     {Rtype::Svcb, "SVCB"},   {Rtype::Https, "HTTPS"},
    {Rtype::Ixfr, "IXFR"},     {Rtype::Axfr, "AXFR"},   {Rtype::Any, "ANY"},
    {Rtype::Caa, "CAA"},       {Rtype::Md, "MD"},       {Rtype::Mf, "MF"},
    {Rtype::Mb, "MB"},         {Rtype::Mg, "MG"},       {Rtype::Mr, "MR"},
    {Rtype::Minfo, "MINFO"},
}};

constexpr std::array<std::pair<Rcode, std::string_view>, 9> kRcodeNames{{
    {Rcode::NoError, "NOERROR"},
    {Rcode::FormErr, "FORMERR"},
    {Rcode::ServFail, "SERVFAIL"},
    {Rcode::NxDomain, "NXDOMAIN"},
    {Rcode::NotImp, "NOTIMP"},
    {Rcode::Refused, "REFUSED"},
    {Rcode::YxDomain, "YXDOMAIN"},
    {Rcode::BadVers, "BADVERS"},
    {Rcode::BadCookie, "BADCOOKIE"},
}};

bool same_word(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == std::toupper(static_cast<unsigned char>(b));
  });
}

template <typename Value, std::size_t N>
std::optional<Value> parse_word(const std::array<std::pair<Value, std::string_view>, N>& names,
                                std::string_view prefix, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (same_word(name, text)) return value;
  }
  if (text.size() <= prefix.size() || !same_word(text.substr(0, prefix.size()), prefix)) return std::nullopt;
  std::uint16_t number = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + prefix.size(), last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return static_cast<Value>(number);
}

}  // namespace

std::string to_string(Rtype type) {
  for (const auto& [value, name] : kRtypeNames) {
    if (value == type) return std::string{name};
  }
  return fmt::format("TYPE{}", static_cast<unsigned>(type));
}

std::string to_string(Rcode rcode) {
  for (const auto& [value, name] : kRcodeNames) {
    if (value == rcode) return std::string{name};
  }
  return fmt::format("RCODE{}", static_cast<unsigned>(rcode));
}

std::optional<Rtype> parse_rtype(std::string_view text) { return parse_word(kRtypeNames, "TYPE", text); }
std::optional<Rcode> parse_rcode(std::string_view text) { return parse_word(kRcodeNames, "RCODE", text); }

}  // namespace meridian::dns
