// ${VAR}, ${VAR:-default}, ${VAR:?message} and $$ in one scalar. Done after YAML was parsed, so that a
// variable's value can never become structure; what a variable holds is not scanned again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/units.h"

namespace holdfast::config {

// In targets `$1` and `$path` are variables of their own kind: there everything but ${...} stays as it is,
// and a `$` that a variable brings in is doubled.
enum class Dollars : std::uint8_t { variables, kept };

struct Interpolated {
  std::string text;
  bool has_variable = false;
};

Parsed<Interpolated> interpolate(std::string_view text, const Environment& environment,
                                 Dollars dollars = Dollars::variables);

}  // namespace holdfast::config
