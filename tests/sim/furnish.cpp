// See furnish.h.
#include "furnish.h"

#include <algorithm>

#include "config/client.h"
#include "config/pool.h"
#include "config/site.h"
#include "draw.h"
#include "site_folder.h"

namespace holdfast::sim {

using namespace std::chrono_literals;

namespace {

void choose_file(Request& request, Random& random) {
  const auto& files = SiteFolder::get().files();
  request.file = random.below(files.size());
  const std::size_t size = files[request.file].bytes.size();
  request.ask = static_cast<FileAsk>(random.below(kFileAsks));
  const bool ranges = request.ask != FileAsk::if_changed && request.ask != FileAsk::if_other;
  if (size == 0 && ranges) request.ask = FileAsk::whole;  // there is no part of nothing
  if (request.ask == FileAsk::parts) {
    request.first = random.below(size / 2 - 1);
    request.last = random.between(size / 2 + 1, size - 1);
  } else if (size > 0) {
    request.first = random.below(size);
    request.last = random.between(request.first, size - 1);
  }
}

void choose_wish(Request& request, Random& random) {
  request.takes_gzip = random.chance(60);
  if (random.chance(30)) return;
  const bool has_body = request.method == "POST" || request.method == "PUT";
  if (has_body) {
    request.wish = one_of(random, {Wish::wiki, Wish::second, Wish::routed});
    return;
  }
  request.wish =
      one_of(random, {Wish::wiki, Wish::second, Wish::routed, Wish::handed_over, Wish::handed_over,
                      Wish::file, Wish::file, Wish::file, Wish::missing, Wish::denied, Wish::redirected});
  if (has_file(request.wish)) choose_file(request, random);
  if (request.wish == Wish::handed_over) {
    request.streamed = false;
    request.answer_bytes %= 300;  // what the script prints beside is left unsent
  }
}

// A client that asks for a large file and reads slowly, or stops reading, and stays.
void make_stall(ClientPlan& plan, Random& random) {
  for (Request& request : plan.requests) {
    if (request.wish != Wish::file || request.method != "GET") continue;
    request.ask = FileAsk::whole;
    request.file = SiteFolder::get().files().size() - 1;
    plan.deaf_after = random.below(300'000);
    plan.ill_mannered = true;
  }
  if (!plan.ill_mannered) return;
  for (Request& request : plan.requests) request.disturbed = true;
}

ClientPlan draw_admin_client(const Scenario& s, Random& random, Time start) {
  ClientPlan plan;
  plan.to_admin = true;
  plan.arrives = start + random.time(0us, 1500ms);
  plan.read_most = Link::kRoomForAll;
  plan.think = one_of<Duration>(random, {1ms, 300ms});
  plan.pipeline = random.chance(30) ? 3 : 1;
  const bool may_close = s.theme == Theme::terminated || s.config.client->requests_per_connection > 0;
  for (std::size_t n = random.between(1, 6); n > 0; --n) {
    Request request;
    request.wish = one_of(random, {Wish::status, Wish::status, Wish::metrics, Wish::metrics, Wish::ready,
                                   Wish::recycle, Wish::other_host});
    request.may_close = may_close;
    if (request.wish == Wish::recycle) request.method = "POST";
    plan.requests.push_back(request);
  }
  // Who pauses stays until it has resumed, and the pool keeps its name.
  if (!s.reloaded && !may_close && random.chance(30)) {
    plan.pipeline = 1;
    for (const Wish wish : {Wish::pause, Wish::status, Wish::resume}) {
      Request request;
      request.wish = wish;
      if (wish != Wish::status) request.method = "POST";
      plan.requests.push_back(request);
    }
  } else if (random.chance(40)) {
    Request request;
    request.wish = Wish::events;
    plan.requests.push_back(request);
    plan.pipeline = 1;
    plan.leave = random.chance(50) ? ClientPlan::Leave::close : ClientPlan::Leave::reset;
    plan.leave_delay = 0us;
    plan.leave_on_events = random.between(1, 3);
  }
  return plan;
}

// Processes that die, come late or are cut off make second tries, and scripts that begin late.
bool starts_late(Theme theme) {
  switch (theme) {
    case Theme::calm:
    case Theme::old_php:
    case Theme::generic:
    case Theme::one_each:
    case Theme::overload:
    case Theme::spill_fails:
    case Theme::reloads:
    case Theme::shares:
    case Theme::pipelines:
    case Theme::unread: return false;
    case Theme::faults:
    case Theme::restarts:
    case Theme::terminated:
    case Theme::swizzle:
    case Theme::crumbs:
    case Theme::crowded:
    case Theme::ghosts:
    case Theme::scarce: return true;
  }
  return true;
}

}  // namespace

bool is_furnished(Theme theme, Random& random) {
  return theme != Theme::crumbs && random.chance(50);  // a byte at a time: a file would take for ever
}

House::State changed_state(const House::State& state, bool pools_may_move, Random& random) {
  House::State next = state;
  switch (random.below(6)) {
    case 0: next.second_site = !state.second_site; break;
    case 1: next.wiki_site = !state.wiki_site; break;
    case 2: next.second_moved = !state.second_moved; break;
    case 3: (random.chance(50) ? next.first_renamed : next.second_renamed) ^= true; break;
    case 4: next.gzip_first = !state.gzip_first; break;
    default: next.gzip_second = !state.gzip_second; break;
  }
  if (pools_may_move) return next;
  next.second_moved = state.second_moved;
  if (!next.has_second_pool()) next.wiki_site = true;
  return next;
}

void furnish(Scenario& s, Random& random, Time start) {
  s.house = {.second_site = random.chance(95),
             .wiki_site = random.chance(80),
             .gzip_first = random.chance(60),
             .gzip_second = random.chance(60)};
  House::apply(s.house, s.config);
  s.config.admin = config::Address{config::Address::Kind::tcp, "127.0.0.1", 9180, {}};
  if (random.chance(50)) s.config.admin = {config::Address::Kind::unix_socket, {}, 0, "/sim/admin.sock"};
  // Where processes are few, or scripts run on in them, it is the theme that says how many there are.
  s.pools_may_move = s.theme != Theme::scarce && s.theme != Theme::ghosts && s.theme != Theme::crowded;
  s.reloaded = s.theme != Theme::terminated && random.chance(60);
  if (s.pools_may_move) s.app.workers = std::max<std::size_t>(s.app.workers, kReloadedConnectionsMost);
  s.app.may_start_late = starts_late(s.theme);
  for (ClientPlan& plan : s.clients) {
    for (Request& request : plan.requests) {
      if (!request.own) choose_wish(request, random);
    }
    const bool patient = plan.leave == ClientPlan::Leave::never && plan.pipeline < 5;
    if (s.theme != Theme::shares && patient && random.chance(10)) make_stall(plan, random);
  }
  for (std::size_t n = s.reloaded ? random.between(1, 6) : 0; n > 0; --n)
    s.happenings.push_back({.kind = Happening::Kind::refurnish, .at = start + random.time(0us, 1500ms)});
  if (random.chance(70)) {
    for (std::size_t n = random.between(1, 2); n > 0; --n)
      s.clients.push_back(draw_admin_client(s, random, start));
  }
}

}  // namespace holdfast::sim
