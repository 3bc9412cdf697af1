// See route_response.h.
#include "proxy/client/route_response.h"

#include <algorithm>

#include "config/expires.h"
#include "proxy/http/header_rules.h"
#include "proxy/http/http_date.h"

namespace holdfast {

namespace {
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

}  // namespace

bool RouteFields::has(std::string_view name) const {
  return std::any_of(head_.fields.begin(), head_.fields.end(),
                     [name](const http::Field& field) { return http::equals_ignore_case(field.name, name); });
}

void RouteFields::set(std::string_view name, std::string_view value) {
  std::erase_if(head_.fields, [name](const http::Field& field) {
    // A cache must not give what is compressed to those who did not ask for it.
    const bool is_needed = http::equals_ignore_case(field.name, "Vary") &&
                           http::equals_ignore_case(field.value, "Accept-Encoding");
    return !is_needed && http::equals_ignore_case(field.name, name);
  });
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
  if (!plan.route().expires && !plan.strict_transport && !plan.routes->has_headers()) return head;
  head_ = head;
  if (plan.route().expires) add_expires(*plan.route().expires, clock);
  if (plan.strict_transport && !has(http::kTransportSecurity))
    head_.fields.push_back({http::kTransportSecurity, http::kTransportSecurityValue});
  plan.routes->each_header(plan.route(),
                           [this](std::string_view name, std::string_view value) { set(name, value); });
  return head_;
}

}  // namespace holdfast
