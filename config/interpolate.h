// ${VAR}, ${VAR:-default}, ${VAR:?message} and $$ in one scalar. Done after YAML was parsed, so that a
// variable's value can never become structure; what a variable holds is not scanned again.
#pragma once

#include <string>
#include <string_view>

#include "config/load.h"
#include "config/units.h"

namespace holdfast::config {

struct Interpolated {
  std::string text;
  bool has_variable = false;
};

Parsed<Interpolated> interpolate(std::string_view text, const Environment& environment);

}  // namespace holdfast::config
