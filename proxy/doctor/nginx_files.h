// The files of an nginx configuration, read from disk: for doctor and for import.
#pragma once

#include <optional>
#include <string>

#include "config/import/nginx_include.h"

namespace holdfast {

// Nothing for what cannot be read. Of more than any configuration has (kNginxTextMax) only so much that it
// shows.
std::optional<std::string> read_nginx_file(const std::string& path);

// What files included by `path` name: relative to its folder, as nginx does it.
config::NginxFiles nginx_files_beside(const std::string& path);

}  // namespace holdfast
