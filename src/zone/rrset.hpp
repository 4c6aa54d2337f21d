// The records of one type at one name: a view into a zone's memory.
#pragma once

#include "dns/rrset.hpp"

namespace meridian::zone {

using dns::Rrset;

}  // namespace meridian::zone
