// Keys whose value is one of several words. The words themselves: values.h.
#pragma once

#include <cstdint>

namespace holdfast::config {

enum class Application : std::uint8_t { php_fpm, generic };
enum class Settle : std::uint8_t { automatic, always, never };
enum class ClientAbort : std::uint8_t { drain, close };

// Symbolic links below a root: those whose owner owns what they lead to (or is root), or all.
enum class FollowLinks : std::uint8_t { owner, all };

// The headers by which a proxy tells of its client.
enum class ForwardedHeader : std::uint8_t {
  forwarded,
  x_forwarded_for,
  x_forwarded_proto,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_prefix,  // for the application only
  x_real_ip,
};

enum class LogFormat : std::uint8_t { combined, json };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

}  // namespace holdfast::config
