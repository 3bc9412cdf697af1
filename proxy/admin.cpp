// Admin answers. Numbers come from the worker's parts as they are at this moment.
#include "proxy/admin.h"

#include <unistd.h>

#include "proxy/admin_metrics.h"
#include "proxy/admin_status.h"
#include "proxy/client_connection.h"
#include "proxy/worker.h"

namespace holdfast {

namespace {
AdminAnswer method_not_allowed(std::string_view allow) {
  return {.status = 405, .body = "method not allowed\n", .allow = allow};
}
}  // namespace

AdminAnswer Admin::answer(const http::RequestHead& request) {
  const std::string_view path = request.path;
  if (path.starts_with("/pools/")) return act_on_pool(request);
  if (request.method != http::Method::get && request.method != http::Method::head)
    return method_not_allowed("GET, HEAD");
  if (path == "/healthz") return {.body = "ok\n"};
  if (path == "/readyz") return ready();
  if (path == "/status") {
    return {.content_type = "application/json", .body = status_json(worker_)};
  }
  if (path == "/metrics") {
    return {.content_type = core::PrometheusText::kContentType, .body = metrics_text(worker_)};
  }
  return {.status = 404,
          .body =
              "not found; there is /healthz, /readyz, /status, /metrics and POST /pools/NAME/pause, /resume, "
              "/recycle\n"};
}

AdminAnswer Admin::ready() const {
  if (worker_.stopping()) return {.status = 503, .body = "stopping\n"};
  AdminAnswer answer{.body = "ready\n"};
  for (const Upstream* upstream : worker_.upstreams()) {
    if (upstream->pool().reachable()) continue;
    if (answer.status == 200) answer = {.status = 503, .body = {}};
    answer.body +=
        "pool " + upstream->config().name + ": " + upstream->config().address.text() + " does not answer\n";
  }
  return answer;
}

AdminAnswer Admin::act_on_pool(const http::RequestHead& request) {
  const std::string_view path = std::string_view(request.path).substr(std::string_view("/pools/").size());
  const std::size_t slash = path.find('/');
  const std::string name(path.substr(0, slash));
  const std::string_view verb = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  Upstream* upstream = worker_.find_upstream(name);
  if (upstream == nullptr) return {.status = 404, .body = "no pool has this name\n"};
  if (verb != "pause" && verb != "resume" && verb != "recycle") {
    return {.status = 404, .body = "unknown action; there is pause, resume and recycle\n"};
  }
  if (request.method != http::Method::post) return method_not_allowed("POST");
  const core::Time now = worker_.now();
  if (verb == "pause") {
    upstream->pool().pause();
  } else if (verb == "resume") {
    upstream->pool().resume(now);
  } else {
    upstream->pool().recycle(now);
  }
  worker_.context().log.info("pool " + name + ": " + std::string(verb) + " by the admin endpoint");
  return {.content_type = "application/json", .body = pool_json(*upstream, now)};
}

void Admin::on_second() {
  if (streams_ == 0) return;
  const std::string event = "data: " + status_json(worker_) + "\n\n";
  worker_.for_each_client([&event](ClientConnection& client) {
    if (client.event_stream()) client.push_event(event);
  });
}

}  // namespace holdfast
