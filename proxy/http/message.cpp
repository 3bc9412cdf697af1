// Plain helpers of message heads.
#include "proxy/http/message.h"

#include "proxy/http/text.h"

namespace holdfast::http {

void RequestHead::clear() {
  method = Method::get;
  method_text = target = raw_path = query = {};
  path.clear();
  authority.clear();
  host.clear();
  version_minor = 1;
  fields.clear();
  content_length.reset();
  chunked = expect_continue = false;
  keep_alive = true;
}

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (const Field& field : fields)
    if (equals_ignore_case(field.name, name)) return field.value;
  return std::nullopt;
}

bool is_repeatable(Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::delete_:
    case Method::options:
    case Method::query: return true;
    case Method::post:
    case Method::patch:
    case Method::other:  // PROPFIND would be safe, LOCK would not: none of them is sent twice
      return false;
  }
  return false;
}

bool is_contentless(int status) {
  return status < 200 || status == 204 || status == 205 || status == 304;
}

bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

}  // namespace holdfast::http
