// Fills in the targets of `redirect`, `to` and `fallback` (config/target_template.h). What a client sent can
// change neither the host of a redirect nor lead out of the root. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/target_template.h"
#include "proxy/core/path_pattern.h"

namespace holdfast::core {

// Paths are decoded and normalised; `query` is as the client sent it, without '?'.
struct TargetFacts {
  std::string_view path;  // below the site's `path`
  std::string_view uri;   // the whole
  std::string_view query;
  std::string_view host;  // lower case, without port
  const Captures* captures = nullptr;
};

// The Location field: a path on this host, or http(s)://HOST..., all of it bytes that a URI may have. Nothing
// where the target needs a host and the request names none.
std::optional<std::string> redirect_location(const config::TargetTemplate& target, const TargetFacts& facts);

struct InternalTarget {
  std::string path;   // decoded, normalised
  std::string query;  // for QUERY_STRING
};

// Nothing where the path would have "." or ".." as a segment: such names come only of what stars took.
std::optional<InternalTarget> internal_target(const config::TargetTemplate& target, const TargetFacts& facts);

}  // namespace holdfast::core
