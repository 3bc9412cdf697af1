// Where the variables of a configuration file come from.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace holdfast::config {

// Looks up environment variables; injected so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> process_environment(const std::string& name);

}  // namespace holdfast::config
