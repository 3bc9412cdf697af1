// What a proxy must know of the parameters that a web server sent, and the one that it corrects. No state.
//
// Names are compared exactly; of repeats the last counts, as at php-fpm.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fastcgi/param_list.h"

namespace holdfast::fastcgi {

// Views into the list, valid until it changes. A parameter that is not there is an empty text.
struct RequestParams {
  std::string_view request_method;
  std::string_view script_filename;  // as it came: see script_path()
  std::string_view request_uri;
  std::string_view query_string;
  std::string_view script_name;
  std::string_view server_protocol;
  std::string_view http_host;
  std::string_view remote_addr;
  std::string_view server_name;
  std::string_view content_length;
  std::string_view http_referer;
  std::string_view http_user_agent;
  std::string_view https;
};
RequestParams read_request_params(const ParamList& params);

// The value of the last parameter of this name, if any.
std::optional<std::string_view> find_param(const ParamList& params, std::string_view name);

// The script's path within SCRIPT_FILENAME, to be shown or judged; php-fpm gets the parameter as it came, and
// reads through the same. A view into `script_filename`.
//   Apache     proxy:fcgi://host:port/srv/x.php, proxy:balancer://name/srv/x.php, and a query behind '?'
//   lighttpd   /srv/x.php/ (Debian's broken-scriptfilename)
std::string_view script_path(std::string_view script_filename);

// Makes CONTENT_LENGTH say what STDIN held, since php-fpm reads as many bytes of it: fewer, and the rest of
// the body is lost (Apache leaves it out for a chunked body, Caddy 2.6 says -1); more, and the worker hangs
//. Added at the end where it is missing and there is a body; else changed at its first place,
// and repeats go. What means the same is left as it is: empty or absent for no body, leading zeros.
// Left alone too where php reads the body from a file of the web server's (REQUEST_BODY_FILE) and STDIN was
// empty: there it tells that file's length.
void correct_content_length(ParamList& params, std::uint64_t stdin_bytes);

}  // namespace holdfast::fastcgi
