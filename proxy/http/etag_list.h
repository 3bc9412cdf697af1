// Entity tags (RFC 9110 8.8.3): `"abc"` is strong, `W/"abc"` is weak.
#pragma once

#include <string_view>

namespace holdfast::http {

bool is_etag(std::string_view text);

// RFC 9110 8.8.3.2: strong comparison wants both strong; weak comparison ignores the W/.
bool strong_match(std::string_view a, std::string_view b);
bool weak_match(std::string_view a, std::string_view b);

// True when a tag of the list (value of If-Match or If-None-Match, not "*") matches `etag`. A malformed list
// counts up to the fault. An empty `etag` matches nothing.
bool etag_list_matches(std::string_view list, std::string_view etag, bool weak);

}  // namespace holdfast::http
