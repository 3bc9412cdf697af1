// See fastcgi_head.h.
#include "proxy/client/fastcgi_head.h"

#include <array>
#include <string_view>
#include <utility>

#include "fastcgi/request_params.h"
#include "proxy/http/request_rules.h"

namespace holdfast {

namespace {
// Of memory kept for the next head.
constexpr std::size_t kKeptBytes = 4 * 1024;

struct Texts {
  std::string_view method, target, script_name, query, protocol, host, server_name, remote_address, length,
      referer, user_agent, https;
};

// Where the value of this name goes; nullptr: it is not wanted. By length first: most names are settled so.
std::string_view* place_of(Texts& texts, std::string_view name) {
  switch (name.size()) {
    case 5: return name == "HTTPS" ? &texts.https : nullptr;
    case 9: return name == "HTTP_HOST" ? &texts.host : nullptr;
    case 11:
      if (name == "REQUEST_URI") return &texts.target;
      if (name == "SCRIPT_NAME") return &texts.script_name;
      if (name == "SERVER_NAME") return &texts.server_name;
      return name == "REMOTE_ADDR" ? &texts.remote_address : nullptr;
    case 12:
      if (name == "QUERY_STRING") return &texts.query;
      return name == "HTTP_REFERER" ? &texts.referer : nullptr;
    case 14:
      if (name == "REQUEST_METHOD") return &texts.method;
      return name == "CONTENT_LENGTH" ? &texts.length : nullptr;
    case 15:
      if (name == "SERVER_PROTOCOL") return &texts.protocol;
      return name == "HTTP_USER_AGENT" ? &texts.user_agent : nullptr;
    default:  // a number, no enum: all other lengths
      return nullptr;
  }
}

// One walk over all pairs. Of repeats the last counts, as at php-fpm.
Texts read_texts(const fastcgi::ParamList& params) {
  Texts out;
  std::string_view rest = params.encoded();
  std::string_view name;
  std::string_view value;
  while (fastcgi::decode_pair(rest, name, value)) {
    if (std::string_view* const text = place_of(out, name)) *text = value;
  }
  return out;
}

}  // namespace

void FastcgiHead::set(const fastcgi::ParamList& params) {
  Texts from = read_texts(params);
  if (from.host.empty()) from.host = from.server_name;
  head_.clear();
  text_.clear();
  // The views are made when the text is whole: it moves as it grows.
  std::array<std::string_view*, 5> views = {&head_.method_text, &head_.target, &from.referer,
                                            &from.user_agent, &from.query};
  std::string made;
  if (from.target.empty()) {
    made = from.script_name;
    if (!from.query.empty()) made.append("?").append(from.query);
    from.target = made;
  }
  head_.method_text = from.method;
  head_.target = from.target;
  std::array<std::size_t, views.size() + 1> cuts{};
  for (std::size_t i = 0; i < views.size(); ++i) {
    text_ += *views[i];
    cuts[i + 1] = text_.size();
  }
  for (std::size_t i = 0; i < views.size(); ++i)
    *views[i] = std::string_view(text_).substr(cuts[i], cuts[i + 1] - cuts[i]);

  head_.method = http::method_of(head_.method_text);
  head_.raw_path = head_.target.substr(0, head_.target.find('?'));
  head_.query = from.query;
  head_.authority = from.host;
  if (!http::split_authority(head_.authority, head_.host)) head_.host.clear();
  head_.version_minor = from.protocol == "HTTP/1.0" ? 0 : 1;
  if (!from.referer.empty()) head_.fields.push_back({"Referer", from.referer});
  if (!from.user_agent.empty()) head_.fields.push_back({"User-Agent", from.user_agent});
  // STDIN tells how long the body is. A length only helps to refuse early what is too long, and to know what
  // has none.
  head_.content_length = http::parse_content_length(from.length);
  const bool bodiless_method = head_.method == http::Method::get || head_.method == http::Method::head;
  head_.chunked = !(from.length == "0" || (from.length.empty() && bodiless_method));

  origin_ = {};
  if (const auto parsed = core::parse_ip(from.remote_address)) {
    origin_.address = from.remote_address;
    origin_.bytes = parsed->bytes;
    origin_.https = !from.https.empty() && from.https != "off";
  }
}

void FastcgiHead::shrink() {
  if (text_.capacity() > kKeptBytes) std::string().swap(text_);
  if (head_.authority.capacity() > kKeptBytes) std::string().swap(head_.authority);
}

}  // namespace holdfast
