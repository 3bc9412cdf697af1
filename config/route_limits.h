// How many routes there may be.
#pragma once

#include <cstddef>

namespace holdfast::config {

constexpr std::size_t kRoutesMax = 256;         // of a site, a preset's included
constexpr std::size_t kRoutePatternsMax = 256;  // of a route

}  // namespace holdfast::config
