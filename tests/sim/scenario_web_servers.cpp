// Web servers beside the HTTP clients of a scenario.
#include "config/client.h"
#include "config/fastcgi_listener.h"
#include "draw.h"
#include "scenario.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

void add_web_servers(Scenario& s, Random& random, Time start) {
  switch (s.theme) {
    case Theme::crumbs:
    case Theme::shares:
    case Theme::pipelines:
    case Theme::unread: return;  // their rules are about HTTP clients
    default: break;
  }
  if (!random.chance(40) || s.config.client->max_connections < 14) return;
  config::FastcgiListener listener;
  listener.address = {config::Address::Kind::unix_socket, {}, 0, kWebServerPath};
  listener.pool = "php";
  s.config.fastcgi.push_back(listener);
  for (std::size_t n = random.between(1, 4); n > 0; --n) {
    WebServerPlan plan;
    plan.arrives = start + random.time(0us, one_of<Duration>(random, {1ms, 100ms, 2s}));
    plan.keeps = random.chance(70);
    plan.at_once = plan.keeps ? random.between(1, kWebServerRequestsMost) : 1;
    plan.write_most = one_of<std::size_t>(random, {30, 65536, 65536});
    plan.read_most = one_of<std::size_t>(random, {2000, 65536, 65536});
    plan.write_pause = one_of<Duration>(random, {0us, 300us, 1ms});
    plan.read_pause = one_of<Duration>(random, {0us, 300us, 10ms});
    plan.aborts_percent = random.chance(30) ? 20 : 0;
    plan.leaves = random.chance(20);
    plan.by_reset = random.chance(50);
    plan.leave_after_sent = random.below(6000);
    const std::size_t most = plan.write_most < 100 ? 3000 : 200000;
    plan.requests.resize(plan.keeps ? random.between(1, 12) : 1);
    for (Request& request : plan.requests) {
      request.method = one_of<const char*>(random, {"GET", "GET", "POST", "HEAD", "PUT"});
      if (request.method == "POST" || request.method == "PUT")
        request.body_bytes = size_up_to(random, most) + 20;
      request.answer_bytes = size_up_to(random, most);
      request.length_told = random.chance(60);
      request.streamed = random.chance(15);
    }
    s.web_servers.push_back(plan);
  }
}

}  // namespace holdfast::sim
