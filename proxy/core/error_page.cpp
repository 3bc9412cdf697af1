// Error pages, and the one table from outcome to status.
#include "proxy/core/error_page.h"

#include "proxy/core/exchange.h"

namespace holdfast::core {

ErrorPage::ErrorPage(int status, std::string_view location, std::string_view allow) {
  const std::string title = std::to_string(status) + " " + std::string(http::reason_phrase(status));
  if (status != 304) {
    body_ = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title +
            "</title></head>\n<body style=\"font-family: system-ui, sans-serif; margin: 10vh auto; "
            "max-width: 40rem; padding: 0 1rem\">"
            "<h1>" +
            title + "</h1></body></html>\n";
  }
  head_.status = status;
  head_.fields.push_back({"Content-Type", "text/html; charset=utf-8"});
  // Nobody should keep an error of the server, and a client may come back soon: the queue is short-lived.
  if (status >= 500) head_.fields.push_back({"Cache-Control", "no-store"});
  if (status == 503) head_.fields.push_back({"Retry-After", "1"});
  if (!location.empty()) head_.fields.push_back({"Location", location});
  if (!allow.empty()) head_.fields.push_back({"Allow", allow});
  // A 304 has no body, and a length in it would be that of the page it stands for (RFC 9110 15.4.5).
  if (status != 304) head_.content_length = body_.size();
}

int status_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::queue_full:
    case Outcome::pool_removed:
    case Outcome::queue_timeout: return 503;
    // Not 503: php may be running it, so nobody is asked to try again.
    case Outcome::spool_failed: return 500;
    case Outcome::upstream_timeout: return 504;
    case Outcome::none:
    case Outcome::ok:
    case Outcome::client_left:
    case Outcome::upstream_reset:
    case Outcome::upstream_bad_head:
    case Outcome::upstream_no_head:
    case Outcome::upstream_poisoned:
    case Outcome::upstream_send_file:
    case Outcome::truncated: return 502;
  }
  return 502;
}

}  // namespace holdfast::core
