// See route_response.h.
#include "proxy/client/route_response.h"

#include <algorithm>

#include "config/ascii.h"
#include "proxy/core/mime.h"
#include "proxy/http/http_date.h"

namespace holdfast {

namespace {
constexpr std::string_view kTransportSecurity = "Strict-Transport-Security";
constexpr std::string_view kOneYear = "max-age=31536000";
constexpr std::int64_t kTenYearsSeconds = 315360000;  // as nginx's `expires max`

// Those that `expires` is for: nginx's list.
bool is_worth_keeping(int status) {
  switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308: return true;
    default:  // a number, no enum
      return false;
  }
}

std::string lower_ending(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  return config::to_lower(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
}
}  // namespace

bool RouteFields::has(std::string_view name) const {
  return std::any_of(head_.fields.begin(), head_.fields.end(),
                     [name](const http::Field& field) { return http::equals_ignore_case(field.name, name); });
}

void RouteFields::set(std::string_view name, std::string_view value) {
  std::erase_if(head_.fields,
                [name](const http::Field& field) { return http::equals_ignore_case(field.name, name); });
  if (!value.empty()) head_.fields.push_back({name, value});
}

void RouteFields::add_expires(const config::Expires& expires, WallClock clock) {
  using Kind = config::Expires::Kind;
  if (expires.kind == Kind::off || !is_worth_keeping(head_.status) || has("Cache-Control") || has("Expires"))
    return;
  const std::int64_t seconds = expires.kind == Kind::max
                                   ? kTenYearsSeconds
                                   : std::chrono::duration_cast<std::chrono::seconds>(expires.after).count();
  cache_control_ = seconds == 0 ? "no-cache" : "max-age=" + std::to_string(seconds);
  expires_ = http::format_http_date(clock() + static_cast<std::time_t>(seconds));
  head_.fields.push_back({"Expires", expires_});
  head_.fields.push_back({"Cache-Control", cache_control_});
}

const http::ResponseHead& RouteFields::apply(const Plan& plan, const http::ResponseHead& head,
                                             WallClock clock) {
  if (plan.routes == nullptr || plan.routes->empty()) return head;
  const bool to_secure = plan.site->https == config::Https::required && plan.secure;
  if (!plan.route().expires && !to_secure && !plan.routes->has_headers()) return head;
  head_ = head;
  if (plan.route().expires) add_expires(*plan.route().expires, clock);
  if (to_secure && !has(kTransportSecurity)) head_.fields.push_back({kTransportSecurity, kOneYear});
  plan.routes->each_header(plan.route(),
                           [this](std::string_view name, std::string_view value) { set(name, value); });
  return head_;
}

std::string content_type(const config::Site& site, const core::RoutePlan& route, std::string_view path) {
  constexpr std::string_view kUtf8 = "; charset=utf-8";
  std::string type;
  if (route.type != nullptr) {
    type = *route.type;
  } else if (const auto own = site.types.find(lower_ending(path)); own != site.types.end()) {
    type = own->second;
  } else {
    type = core::mime_type(path);
    if (type.ends_with(kUtf8)) {
      type.resize(type.size() - kUtf8.size());
      return site.charset.empty() ? type : type + "; charset=" + site.charset;
    }
  }
  if (type.starts_with("text/") && type.find(';') == std::string::npos && !site.charset.empty())
    type += "; charset=" + site.charset;
  return type;
}

}  // namespace holdfast
