// The MIME type of a static file, by the extension of its name. A fixed table of what web sites serve; no
// content is looked at.
#pragma once

#include <string_view>

namespace holdfast::core {

// By the last extension of the last path segment, ASCII case ignored. Text types carry charset=utf-8.
// "application/octet-stream" for what is not known. Static text.
std::string_view mime_type(std::string_view path);

}  // namespace holdfast::core
