// Walks over the encoded pairs: a usual request has thirty, in about a kilobyte.
#include "fastcgi/request_params.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace holdfast::fastcgi {
namespace {

constexpr std::string_view kContentLength = "CONTENT_LENGTH";

// Calls `take(name, value)` for each pair.
template <class Take>
void for_each_pair(const ParamList& params, Take take) {
  std::string_view rest = params.encoded();
  std::string_view name;
  std::string_view value;
  while (decode_pair(rest, name, value)) take(name, value);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char expected, char c) {
           return expected == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

bool means(std::string_view text, std::uint64_t bytes) {
  if (text.empty()) return bytes == 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number == bytes;
}

// Where the value of this name goes; nullptr: it is not wanted. By length first: most names are settled so.
std::string_view* place_of(RequestParams& out, std::string_view name) {
  switch (name.size()) {
    case 5: return name == "HTTPS" ? &out.https : nullptr;
    case 9: return name == "HTTP_HOST" ? &out.http_host : nullptr;
    case 11:
      if (name == "REQUEST_URI") return &out.request_uri;
      if (name == "SCRIPT_NAME") return &out.script_name;
      if (name == "SERVER_NAME") return &out.server_name;
      return name == "REMOTE_ADDR" ? &out.remote_addr : nullptr;
    case 12:
      if (name == "QUERY_STRING") return &out.query_string;
      return name == "HTTP_REFERER" ? &out.http_referer : nullptr;
    case 14:
      if (name == "REQUEST_METHOD") return &out.request_method;
      return name == "CONTENT_LENGTH" ? &out.content_length : nullptr;
    case 15:
      if (name == "SCRIPT_FILENAME") return &out.script_filename;
      if (name == "SERVER_PROTOCOL") return &out.server_protocol;
      return name == "HTTP_USER_AGENT" ? &out.http_user_agent : nullptr;
    default:  // a number, no enum: all other lengths
      return nullptr;
  }
}

}  // namespace

RequestParams read_request_params(const ParamList& params) {
  RequestParams out;
  for_each_pair(params, [&out](std::string_view name, std::string_view value) {
    if (std::string_view* const place = place_of(out, name)) *place = value;
  });
  return out;
}

std::optional<std::string_view> find_param(const ParamList& params, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_pair(params, [&](std::string_view each, std::string_view value) {
    if (each == name) found = value;
  });
  return found;
}

std::string_view script_path(std::string_view script_filename) {
  std::string_view path = script_filename;
  // init_request_info() in sapi/fpm/fpm/fpm_main.c.
  for (const std::string_view prefix :
       {std::string_view("proxy:fcgi://"), std::string_view("proxy:balancer://")}) {
    if (!starts_with_ignoring_case(path, prefix)) continue;
    const std::size_t slash = path.find('/', prefix.size());
    if (slash != std::string_view::npos) path.remove_prefix(slash);
    path = path.substr(0, path.find('?'));
    break;
  }
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

void correct_content_length(ParamList& params, std::uint64_t stdin_bytes) {
  std::size_t count = 0;
  bool is_right = stdin_bytes == 0;
  for_each_pair(params, [&](std::string_view name, std::string_view value) {
    if (name != kContentLength) return;
    ++count;
    is_right = means(value, stdin_bytes);  // the last of repeats is the one that php-fpm reads
  });
  if (is_right) return;
  if (stdin_bytes == 0 && !find_param(params, "REQUEST_BODY_FILE").value_or("").empty()) return;

  std::array<char, 20> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), stdin_bytes);
  const std::string_view text(digits.data(), static_cast<std::size_t>(written.ptr - digits.data()));
  const auto encode = [text](ParamList& list) { static_cast<void>(list.add(kContentLength, text)); };
  if (count == 0) return encode(params);

  // Its length may change, and with it where records are cut: written anew. Rare: the front was wrong.
  ParamList corrected;
  bool is_written = false;
  std::string_view rest = params.encoded();
  while (!rest.empty()) {
    const std::string_view before = rest;
    std::string_view name;
    std::string_view value;
    if (!decode_pair(rest, name, value)) break;
    if (name != kContentLength) {
      corrected.append_encoded(before.substr(0, before.size() - rest.size()));
    } else if (!is_written) {
      encode(corrected);
      is_written = true;
    }
  }
  params = std::move(corrected);
}

}  // namespace holdfast::fastcgi
