// A reader for each kind of web server, and which one a file needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/doctor/front_config.h"

namespace holdfast {

// By what stands in it, comments left out; nothing: none of the five as far as one can tell.
std::optional<FrontKind> recognise_front(std::string_view text);

// `file`: the name of the first file, as it is to be said. `files`: those that it includes.
FrontConfig read_nginx_front(std::string_view text, const std::string& file, const FrontFiles& files);
// `${NAME}` of Debian's apache2.conf is looked for in `envvars` beside it.
FrontConfig read_apache_front(std::string_view text, const std::string& file, const FrontFiles& files);
// HAProxy includes nothing: several files are read one after the other.
FrontConfig read_haproxy_front(const std::vector<FrontFile>& files);
FrontConfig read_caddy_front(std::string_view text, const std::string& file, const FrontFiles& files);
FrontConfig read_lighttpd_front(std::string_view text, const std::string& file, const FrontFiles& files);

}  // namespace holdfast
