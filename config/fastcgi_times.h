// What is no key: times of listeners for FastCGI that other parts go by, too.
#pragma once

#include <chrono>

#include "config/duration.h"

namespace holdfast::config {

// A connection of a web server is closed after so long without a request. The web server closes first, so that
// none of its requests meets a closed socket: nginx after 60 s, HAProxy after 15 s. Apache never does, hence an
// end at all.
inline constexpr Duration kFastcgiIdleTime = std::chrono::seconds(180);

}  // namespace holdfast::config
