// The live page of the admin endpoint: live_page.html with its style and script inside, one text without any
// outside resource. Made by live_page.cmake at build time.
#pragma once

#include <string_view>

namespace holdfast {

std::string_view live_page();

}  // namespace holdfast
