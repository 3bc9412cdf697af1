// See fastcgi_head.h.
#include "proxy/client/fastcgi_head.h"

#include <array>
#include <string_view>
#include <utility>

#include "fastcgi/request_params.h"
#include "proxy/core/kept_buffer.h"
#include "proxy/http/request_rules.h"

namespace holdfast {

namespace {
// Of memory kept for the next head.
constexpr std::size_t kKeptHeadBytes = 4 * 1024;
}  // namespace

void FastcgiHead::set(const fastcgi::ParamList& params) {
  fastcgi::RequestParams from = fastcgi::read_request_params(params);
  if (from.http_host.empty()) from.http_host = from.server_name;
  head_.clear();
  text_.clear();
  // The views are made when the text is whole: it moves as it grows.
  std::array<std::string_view*, 5> views = {&head_.method_text, &head_.target, &from.http_referer,
                                            &from.http_user_agent, &from.query_string};
  std::string made;
  if (from.request_uri.empty()) {
    made = from.script_name;
    if (!from.query_string.empty()) made.append("?").append(from.query_string);
    from.request_uri = made;
  }
  head_.method_text = from.request_method;
  head_.target = from.request_uri;
  std::array<std::size_t, views.size() + 1> cuts{};
  for (std::size_t i = 0; i < views.size(); ++i) {
    text_ += *views[i];
    cuts[i + 1] = text_.size();
  }
  for (std::size_t i = 0; i < views.size(); ++i)
    *views[i] = std::string_view(text_).substr(cuts[i], cuts[i + 1] - cuts[i]);

  head_.method = http::method_of(head_.method_text);
  head_.raw_path = head_.target.substr(0, head_.target.find('?'));
  head_.query = from.query_string;
  head_.authority = from.http_host;
  if (!http::split_authority(head_.authority, head_.host)) head_.host.clear();
  head_.version_minor = from.server_protocol == "HTTP/1.0" ? 0 : 1;
  if (!from.http_referer.empty()) head_.fields.push_back({"Referer", from.http_referer});
  if (!from.http_user_agent.empty()) head_.fields.push_back({"User-Agent", from.http_user_agent});
  // STDIN tells how long the body is. A length only helps to refuse early what is too long, and to know what
  // has none.
  head_.content_length = http::parse_content_length(from.content_length);
  const bool bodiless_method = head_.method == http::Method::get || head_.method == http::Method::head;
  head_.chunked = !(from.content_length == "0" || (from.content_length.empty() && bodiless_method));

  origin_ = {};
  if (const auto parsed = core::parse_ip(from.remote_addr)) {
    origin_.address = from.remote_addr;
    origin_.bytes = parsed->bytes;
    origin_.https = !from.https.empty() && from.https != "off";
  }
}

void FastcgiHead::shrink() {
  core::shed(text_, kKeptHeadBytes);
  core::shed(head_.authority, kKeptHeadBytes);
}

}  // namespace holdfast
