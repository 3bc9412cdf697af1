// What a client still sends behind our end is read and thrown away: closing with unread bytes would reset the
// connection, and could destroy the answer on its way.
#pragma once

#include <chrono>
#include <cstddef>

#include "proxy/core/time.h"

namespace holdfast {

constexpr core::Duration kLingerSilence = std::chrono::seconds(2);  // until it is silent for so long
constexpr core::Duration kLingerTime = std::chrono::seconds(10);    // but no longer than that
constexpr std::size_t kLingerBytes = std::size_t{16} << 20;         // nor for more than these

}  // namespace holdfast
