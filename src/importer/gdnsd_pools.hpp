// What one plugin of gdnsd makes of its addresses → one pool. Only gdnsd*.cpp include this.
//
// Off the hot path; one thread.
#pragma once

#include "importer/gdnsd_parts.hpp"

#include <string_view>
#include <vector>

namespace meridian::importer {

/// Hashes that may give a parameter, the innermost first.
using GdnsdScopes = std::vector<const VscfNode*>;

/// The first of them that has the key, or nullptr.
[[nodiscard]] const VscfNode* find_inherited(const GdnsdScopes& scopes, std::string_view key);

/// A hash, or for multifo also an address or a list of them, as the plugin reads it. `scopes` are what stands
/// around it. Tells what a pool cannot say; a pool without endpoints and cname is nothing.
[[nodiscard]] GdnsdPool read_multifo(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context);
[[nodiscard]] GdnsdPool read_weighted(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context);
[[nodiscard]] GdnsdPool read_simplefo(const VscfNode& node, const GdnsdScopes& scopes, GdnsdContext& context);

}  // namespace meridian::importer
