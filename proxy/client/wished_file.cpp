// See wished_file.h.
#include "proxy/client/wished_file.h"

#include <algorithm>
#include <array>

#include "proxy/http/header_rules.h"
#include "proxy/http/request_rules.h"

namespace holdfast {

namespace {

// Of the file, whatever the script says.
bool is_of_file(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kOfFile = {
      "ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "Content-Encoding", "Content-Length"};
  return std::any_of(kOfFile.begin(), kOfFile.end(),
                     [name](std::string_view each) { return http::equals_ignore_case(name, each); });
}

// No "." and "..", nothing empty: as a name within a folder reads.
bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string_view::npos)
    return false;
  while (!path.empty()) {
    const std::string_view rest = path.substr(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return false;
    path = rest.substr(segment.size());
  }
  return true;
}

}  // namespace

const http::Field* wished_file(const http::ResponseHead& head) {
  const auto found = std::find_if(head.fields.rbegin(), head.fields.rend(),
                                  [](const http::Field& field) { return http::asks_for_file(field.name); });
  return found == head.fields.rend() ? nullptr : &*found;
}

WishedFile find_wished_file(const std::map<std::string, std::string>& internal, const http::Field& field) {
  WishedFile out;
  const bool by_prefix = http::equals_ignore_case(field.name, "X-Accel-Redirect");
  std::string path(field.value);
  if (by_prefix && !http::normalise_path(field.value.substr(0, field.value.find('?')), path))
    return {{}, {}, "this is no path"};
  std::size_t longest = 0;
  for (const auto& [prefix, folder] : internal) {
    const std::string start = by_prefix ? prefix : folder + "/";
    if (!path.starts_with(start) || start.size() <= longest) continue;
    longest = start.size();
    out.root = folder;
  }
  if (longest == 0)
    return {{}, {}, by_prefix ? "no prefix of internal leads there" : "no folder of internal holds it"};
  out.path = path.substr(longest - 1);
  if (!is_plain_path(out.path)) return {{}, {}, "this is no name of a file"};
  return out;
}

void WishedFileSink::start_response(const http::ResponseHead& head, bool stream) {
  http::ResponseHead joined = head;
  const bool whole = head.status == 200;
  const bool told = std::any_of(joined.fields.begin(), joined.fields.end(), [](const http::Field& field) {
    return http::equals_ignore_case(field.name, "Content-Type") &&
           field.value.starts_with("multipart/byteranges");
  });
  for (const http::Field& field : of_script_.fields) {
    if (is_of_file(field.name) || http::asks_for_file(field.name)) continue;
    if (http::equals_ignore_case(field.name, "Content-Type")) {
      if (told || (!whole && head.status != 206)) continue;
      std::erase_if(joined.fields, [](const http::Field& each) {
        return http::equals_ignore_case(each.name, "Content-Type");
      });
    }
    joined.fields.push_back(field);
  }
  next_.start_response(joined, stream);
}

}  // namespace holdfast
