// Admin answers. Numbers come from the worker's parts as they are at this moment.
#include "proxy/admin/admin.h"

#include <unistd.h>

#include "proxy/admin/admin_metrics.h"
#include "proxy/admin/admin_status.h"
#include "proxy/admin/live_page.h"
#include "proxy/admin/server_view.h"
#include "proxy/core/admin_hosts.h"
#include "proxy/core/log_text.h"
#include "proxy/upstream/fpm_status.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// A scraper comes each minute, or more often; as long are php-fpm's own numbers kept fresh for it.
constexpr core::Duration kMetricsInterest = 65s;
// A scraper with the wrong name comes for ever; its line in the log need not.
constexpr core::Duration kRefusalTold = 60s;
constexpr std::size_t kHostShown = 253;  // bytes; no name is longer

// The live page is one text: its own style and script, no outside resource, no place to send a form.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

OwnAnswer method_not_allowed(std::string_view allow) {
  return {.status = 405, .body = "method not allowed\n", .allow = allow};
}

// A browser sends Origin with each POST: a page of another site must not pause the pool of an operator who
// looks at it.
bool from_elsewhere(const http::RequestHead& request) {
  const std::optional<std::string_view> origin = request.find("Origin");
  // Fetch Metadata, 2.3: "none" is the user's own doing. For a request whose Origin was taken out on its way.
  const std::optional<std::string_view> site = request.find("Sec-Fetch-Site");
  if (site && *site != "same-origin" && *site != "none") return true;
  if (!origin) return false;
  const std::size_t scheme = origin->find("://");
  return scheme == std::string_view::npos || origin->substr(scheme + 3) != request.authority;
}
}  // namespace

void Admin::add_fields(std::string_view policy, std::vector<http::Field>& fields) const {
  fields.push_back({"Cache-Control", "no-store"});
  fields.push_back({"Content-Security-Policy", policy});
  fields.push_back({"X-Frame-Options", "DENY"});
  fields.push_back({"X-Content-Type-Options", "nosniff"});
  fields.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  fields.push_back({"Referrer-Policy", "no-referrer"});
}

// Whoever may open a Unix socket runs on this machine, and is no browser.
OwnAnswer Admin::answer(const http::RequestHead& request, const OwnCaller& caller) {
  if (caller.unix_socket || core::is_admin_host(request.host, server_.admin_hosts()))
    return answer_trusted(request);
  return refuse(request, caller);
}

OwnAnswer Admin::refuse(const http::RequestHead& request, const OwnCaller& caller) {
  const std::string host = core::escape_for_log(request.host.substr(0, kHostShown));
  const std::string remedy = "admin: { hosts: [\"" + host + "\"] }";
  const std::uint64_t refused = ++server_.context().metrics.admin_refused;
  const core::Time now = server_.context().now();
  if (!refused_told_at_ || now - *refused_told_at_ >= kRefusalTold) {
    const std::uint64_t others = refused - refused_told_ - 1;
    server_.context().log.warn("admin: refused " + std::string(caller.address) + ", which asked for host '" +
                               host + "': neither an IP address nor localhost nor in admin.hosts" +
                               (others > 0 ? " (and " + std::to_string(others) + " more before)" : "") +
                               "; to allow it: " + remedy);
    refused_told_ = refused;
    refused_told_at_ = now;
  }
  return {
      .status = 421,
      .body =
          "The admin endpoint does not know the host '" + host +
          "'. Ask by IP address or localhost, or list the name in the configuration:\n\n  " + remedy +
          "\n\nThis keeps pages of other sites from reading it through a name of theirs (DNS rebinding).\n"};
}

OwnAnswer Admin::answer_trusted(const http::RequestHead& request) {
  const std::string_view path = request.path;
  if (path.starts_with("/pools/")) return act_on_pool(request);
  if (request.method != http::Method::get && request.method != http::Method::head)
    return method_not_allowed("GET, HEAD");
  if (path == "/healthz") return {.body = "ok\n"};
  if (path == "/readyz") return ready();
  if (path == "/status") {
    return {.content_type = "application/json", .body = status_json(server_, sockets_)};
  }
  if (path == "/metrics") {
    metrics_until_ = server_.context().now() + kMetricsInterest;
    refresh_fpm();
    return {.content_type = core::PrometheusText::kContentType, .body = metrics_text(server_, sockets_)};
  }
  if (path == "/") {
    return {
        .content_type = "text/html; charset=utf-8", .body = std::string(live_page()), .policy = kPagePolicy};
  }
  if (path == "/events") {
    refresh_fpm();
    // A HEAD has no stream, so it must end.
    return {.content_type = "text/event-stream",
            .body = "retry: 2000\n" + event(),
            .event_stream = request.method == http::Method::get};
  }
  return {.status = 404,
          .body =
              "not found; there is /, /events, /healthz, /readyz, /status, /metrics and POST "
              "/pools/NAME/pause, /resume, /recycle\n"};
}

OwnAnswer Admin::ready() const {
  if (server_.stopping()) return {.status = 503, .body = "stopping\n"};
  OwnAnswer answer{.body = "ready\n"};
  for (const Upstream* upstream : server_.upstreams()) {
    if (upstream->pool().reachable()) continue;
    if (answer.status == 200) answer = {.status = 503, .body = {}};
    answer.body += "pool " + upstream->name() + ": " + upstream->address_text() + " does not answer\n";
  }
  return answer;
}

OwnAnswer Admin::act_on_pool(const http::RequestHead& request) {
  const std::string_view path = std::string_view(request.path).substr(std::string_view("/pools/").size());
  const std::size_t slash = path.find('/');
  const std::string name(path.substr(0, slash));
  const std::string_view verb = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  Upstream* upstream = server_.find_upstream(name);
  if (upstream == nullptr) return {.status = 404, .body = "no pool has this name\n"};
  if (verb != "pause" && verb != "resume" && verb != "recycle") {
    return {.status = 404, .body = "unknown action; there is pause, resume and recycle\n"};
  }
  if (request.method != http::Method::post) return method_not_allowed("POST");
  if (from_elsewhere(request))
    return {.status = 403, .body = "this request was made by the page of another site\n"};
  // Those who wait are to be served before the end.
  if (verb == "pause" && server_.stopping()) return {.status = 409, .body = "stopping\n"};
  const core::Time now = server_.context().now();
  if (verb == "pause") {
    upstream->pool().pause();
  } else if (verb == "resume") {
    upstream->pool().resume(now);
  } else {
    upstream->pool().recycle(now);
  }
  server_.context().log.info("pool " + name + ": " + std::string(verb) + " by the admin endpoint");
  return {.content_type = "application/json", .body = pool_json(*upstream, now)};
}

// The JSON has no line breaks, so one `data` line holds it.
std::string Admin::event() {
  return "data: " + status_json(server_, sockets_) + "\n\n";
}

void Admin::on_second() {
  if (!wants_seconds(server_.context().now())) return;
  refresh_fpm();
  if (streams_.empty()) return;
  const std::string text = event();
  // One that cannot be written to closes, and leaves the list.
  const std::vector<EventStream*> streams = streams_;
  for (EventStream* stream : streams) stream->push_event(text);
}

void Admin::refresh_fpm() {
  if (server_.stopping()) return;
  for (Upstream* upstream : server_.upstreams()) {
    if (upstream->fpm_status() != nullptr) upstream->fpm_status()->refresh();
  }
}

}  // namespace holdfast
