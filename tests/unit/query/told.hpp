// A reply in one line, for tables of what is asked and what comes back.
#pragma once

#include "dns/message.hpp"

#include <string>

namespace meridian::test {

/// "NOERROR aa [www.example.com A] [] [ns.example.com A]": rcode, AA and TC, then owner and type of each
/// record of the three sections.
inline std::string told(const dns::Message& message) {
  std::string text = dns::to_string(message.rcode);
  if (message.is_authoritative()) text += " aa";
  if (message.is_truncated()) text += " tc";
  for (const auto section : {dns::Section::Answer, dns::Section::Authority, dns::Section::Additional}) {
    text += " [";
    const char* between = "";
    for (const auto& record : message.section(section)) {
      text += between + dns::to_string(record.owner) + " " + dns::to_string(record.type);
      between = ", ";
    }
    text += "]";
  }
  return text;
}

}  // namespace meridian::test
