// What the admin endpoint may say: see answer_judge.h. /status and /metrics are compared with what clients
// know.
#include <cstdlib>
#include <set>

#include "answer_judge.h"
#include "proxy/json/json.h"
#include "scenario.h"

namespace holdfast::sim {

namespace {
constexpr std::string_view kData = "data: ";

// Of the connections of a pool that php sees.
double connections(const Json& pool) {
  double total = 0;
  for (const char* state : {"connecting", "idle", "leased", "settling", "draining"})
    total += pool[state].number().value_or(1e9);
  return total;
}
}  // namespace

Verdict AnswerJudge::judge_admin_head(const Answer& answer) const {
  const Request& request = ledger_.at(answer.tag);
  const bool is_pool =
      request.wish == Wish::recycle || request.wish == Wish::pause || request.wish == Wish::resume;
  Verdict verdict;
  verdict.right = answer.status == 200;
  if (request.wish == Wish::ready) verdict.right = answer.status == 200 || answer.status == 503;
  if (request.wish == Wish::other_host) verdict.right = answer.status == (admin_is_unix ? 200 : 421);
  verdict.body = verdict.right ? Verdict::Body::collected : Verdict::Body::any;
  verdict.excused = is_pool && (answer.status == 404 || answer.status == 409);  // renamed, or the end
  for (const char* field : {"x-content-type-options", "x-frame-options", "content-security-policy"}) {
    if (!answer.fields.contains(field)) verdict.wrong = std::string("admin: no ") + field;
  }
  if (answer.fields["cache-control"] != "no-store") verdict.wrong = "admin: Cache-Control";
  return verdict;
}

std::string AnswerJudge::judge_admin_body(std::size_t tag, int status, std::string_view body) const {
  const Request& request = ledger_.at(tag);
  switch (request.wish) {
    case Wish::status: return judge_status(request, body);
    case Wish::metrics: return judge_metrics(request, body);
    case Wish::events: return judge_events(body);
    case Wish::ready: return (status == 200) == (body == "ready\n") ? "" : "/readyz contradicts itself";
    case Wish::recycle: return Json::parse(body) ? "" : "no JSON";
    case Wish::pause:
    case Wish::resume: {
      const auto json = Json::parse(body);
      if (!json) return "no JSON";
      const bool paused = request.wish == Wish::pause;
      return (*json)["paused"].boolean() == paused ? "" : "the pool is not as it was told to be";
    }
    default: return {};  // other_host: a page of words; the rest is no matter of the admin endpoint
  }
}

// All that were answered before, and none that was not asked.
bool AnswerJudge::is_right_count(const Request& request, double requests) const {
  return requests >= static_cast<double>(request.answered_before) &&
         requests <= static_cast<double>(ledger_.asked());
}

std::string AnswerJudge::judge_status(const Request& request, std::string_view body) const {
  const auto json = Json::parse(body);
  if (!json) return "/status is no JSON";
  if (!is_right_count(request, (*json)["clients"]["requests"].number().value_or(-1)))
    return "/status counts requests that nobody made, or not all";
  const Json& pools = (*json)["pools"];
  const auto has_pools_of = [&pools](const House::State& state) {
    const std::size_t wanted = state.has_second_pool() ? 2 : 1;
    return pools.members().size() == wanted && pools[state.first_name()].is_object() &&
           pools[state.second_name()].is_object() == state.has_second_pool();
  };
  if (!house_.any_since(request, has_pools_of)) return "/status shows other pools than there are";
  for (const auto& [name, pool] : pools.members()) {
    const double most = pool["max_connections"].number().value_or(1e9);
    if (most < 1 || most > kReloadedConnectionsMost) return "/status: max_connections of " + name;
    if (connections(pool) > kReloadedConnectionsMost) return "/status: connections of " + name;
  }
  return {};
}

// One line a sample, and none twice.
std::string AnswerJudge::judge_metrics(const Request& request, std::string_view body) const {
  constexpr std::string_view kRequests = "holdfast_http_requests_total";
  if (!body.ends_with('\n')) return "/metrics ends within a line";
  std::set<std::string_view> seen;
  bool counted = false;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(line.size() + 1);
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) continue;
    const std::size_t blank = line.rfind(' ');
    if (blank == std::string_view::npos || blank + 1 == line.size()) return "/metrics: " + std::string(line);
    const std::string_view series = line.substr(0, blank);
    if (!seen.insert(series).second) return "/metrics: twice: " + std::string(series);
    if (series == "holdfast_internal_checks_failed_total" && !line.ends_with(" 0"))
      return "/metrics: a check of the program's own has failed";
    if (series != kRequests) continue;
    counted = is_right_count(request, std::strtod(line.data() + blank + 1, nullptr));
  }
  return counted ? "" : "/metrics counts requests that nobody made, or not all";
}

// Whole lines only: the last one may be under way.
std::string AnswerJudge::judge_events(std::string_view body) {
  for (std::size_t end = body.find('\n'); end != std::string_view::npos; end = body.find('\n')) {
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (line.empty() || line == "retry: 2000") continue;
    if (!line.starts_with(kData) || !Json::parse(line.substr(kData.size())))
      return "events: " + std::string(line.substr(0, 60));
  }
  return {};
}

}  // namespace holdfast::sim
