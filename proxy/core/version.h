// The program's name and version, in one place. HOLDFAST_VERSION comes from CMakeLists.txt.
#pragma once

#include <string_view>

namespace holdfast {

inline constexpr std::string_view kVersion = HOLDFAST_VERSION;
inline constexpr std::string_view kServerSoftware = "holdfast/" HOLDFAST_VERSION;

}  // namespace holdfast
