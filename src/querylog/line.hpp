// A record as text: one line of the query log, and the decision for dnstap's `extra` field.
//
// Fields are `key=value` with one space between, all of them in every line and in one order; `-` is "none".
// A value never holds a space, a quote or a control byte, so a line can be cut at spaces. Not HOT.
#pragma once

#include "querylog/record.hpp"

#include <string>

namespace meridian::querylog {

/// With its end of line. docs/query-log.md has the fields.
void append_line(std::string& out, const Record& record);

/// `kind=steered service=www.example.com datacenter=ams …`: the end of the line, without its end of line.
void append_decision(std::string& out, const Record& record);

}  // namespace meridian::querylog
