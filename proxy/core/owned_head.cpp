// See owned_head.h.
#include "proxy/core/owned_head.h"

#include "proxy/core/kept_buffer.h"

namespace holdfast::core {

namespace {
// Kept for the next head.
constexpr std::size_t kKeptBytes = 4 * 1024;
}  // namespace

void OwnedHead::assign(const http::ResponseHead& head) {
  std::size_t bytes = head.reason.size() + head.cgi_text.size();
  for (const http::Field& field : head.fields) bytes += field.name.size() + field.value.size();
  text_.clear();
  text_.reserve(bytes);  // from here on nothing moves
  const auto keep = [this](std::string_view view) {
    const std::size_t at = text_.size();
    text_.append(view);
    return std::string_view(text_).substr(at, view.size());
  };
  head_.status = head.status;
  head_.reason = keep(head.reason);
  head_.cgi_text = keep(head.cgi_text);
  head_.content_length = head.content_length;
  head_.fields.clear();
  for (const http::Field& field : head.fields) head_.fields.push_back({keep(field.name), keep(field.value)});
}

void OwnedHead::clear() {
  head_.fields.clear();
  head_.reason = head_.cgi_text = {};
  head_.content_length.reset();
  text_.clear();
  shed(text_, kKeptBytes);
}

}  // namespace holdfast::core
