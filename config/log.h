// Both logs.
#pragma once

#include <cstdint>
#include <string>

#include "config/choices.h"

namespace holdfast::config {

struct Log {
  std::string access = "stdout";  // "stdout", "off" or a path
  LogFormat format = LogFormat::combined;
  LogLevel level = LogLevel::info;
  bool operator==(const Log&) const = default;
};

}  // namespace holdfast::config
