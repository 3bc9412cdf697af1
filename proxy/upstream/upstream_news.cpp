// See upstream_news.h.
#include "proxy/upstream/upstream_news.h"
#include "config/pool.h"

#include "proxy/observe/log.h"

namespace holdfast {

namespace {
std::string place_of(const core::UpstreamPool& pool) {
  return pool.config().name + ": " + pool.config().address.text();
}
std::string queue_time(const core::UpstreamPool& pool) {
  return std::to_string(pool.config().queue.timeout.count()) + " ms";
}
}  // namespace

void UpstreamNews::tell_changes(const core::UpstreamPool& pool) {
  told_ = pool.application().changes();
  tell_reachability(pool);
  tell_barriers(pool);
  tell_missing_workers(pool);
  tell_refusals(pool);
  tell_open_ends(pool);
}

void UpstreamNews::tell_reachability(const core::UpstreamPool& pool) {
  if (pool.reachable() == was_reachable_) return;
  was_reachable_ = pool.reachable();
  if (was_reachable_) log_.info(place_of(pool) + " answers");
  last_trouble_.clear();
}

void UpstreamNews::tell_barriers(const core::UpstreamPool& pool) {
  using Barriers = core::Application::Barriers;
  const Barriers barriers = pool.application().barriers();
  if (barriers == barriers_) return;
  barriers_ = barriers;
  switch (barriers) {
    case Barriers::unknown:
    case Barriers::works:
    case Barriers::lacking: return;
    case Barriers::silent:
      log_.warn(place_of(pool) +
                " takes connections, but does not answer FCGI_GET_VALUES; requests wait up to " +
                queue_time(pool) +
                ", then get 503. Are all workers of php-fpm busy, or held by others "
                "(pm.max_children)? If this is no php-fpm, set `application: generic`");
      return;
    case Barriers::odd:
      log_.warn(place_of(pool) +
                " answers FCGI_GET_VALUES as php-fpm does not, and is not asked again: connections are "
                "used without a proof. If this is no php-fpm, set `application: generic`");
      return;
  }
}

void UpstreamNews::tell_missing_workers(const core::UpstreamPool& pool) {
  const std::uint32_t workers = pool.workers_found();
  if (workers_were_missing_ == (workers > 0)) return;
  workers_were_missing_ = workers > 0;
  if (!workers_were_missing_) return;
  log_.warn(pool.config().name + ": php-fpm has taken " + std::to_string(workers) + " of up to " +
            std::to_string(pool.config().max_connections) +
            " connections, and no more in timeouts.first_byte; requests wait in the queue for those. "
            "Is pm.max_children below max_connections, or do others use this php-fpm pool?");
}

void UpstreamNews::tell_refusals(const core::UpstreamPool& pool) {
  constexpr std::uint32_t kRefusalsToTell = 3;
  const std::uint32_t refusals = pool.application().refusals();
  if (refusals == 0) refusals_told_ = false;
  if (refusals_told_ || refusals < kRefusalsToTell) return;
  refusals_told_ = true;
  log_.warn(
      place_of(pool) +
      " takes connections and closes them at once, without an answer. Do its workers die (its log tells), "
      "is a forwarder there with nothing behind it, or is the address of this machine missing in "
      "listen.allowed_clients of php-fpm?");
}

void UpstreamNews::tell_open_ends(const core::UpstreamPool& pool) {
  if (open_ends_told_ || !pool.application().leaves_open()) return;
  open_ends_told_ = true;
  log_.warn(place_of(pool) +
            " leaves connections open after their request, though `keep_alive: false` tells it to close "
            "them: each takes a "
            "place for another second. php-fpm closes them; `keep_alive: true` is for what keeps them");
}

// The same trouble again, and nothing went well in between: it is known.
bool UpstreamNews::is_news(const core::UpstreamPool& pool, const std::string& trouble) {
  if (trouble == last_trouble_ && !pool.reachable()) return false;
  last_trouble_ = trouble;
  return true;
}

void UpstreamNews::not_fastcgi(const core::UpstreamPool& pool, fastcgi::Fault fault) {
  const std::string name(fastcgi::fault_name(fault));
  if (!is_news(pool, name)) return;
  log_.error(
      pool.config().name + ": not FastCGI from " + pool.config().address.text() + ": " + name +
      ". Is `address` the `listen` of php-fpm, or the port of something else, such as an HTTP server?");
}

void UpstreamNews::connect_failed(const core::UpstreamPool& pool, net::Error error) {
  const std::string text = error.text();
  if (!is_news(pool, text)) return;
  log_.warn(pool.config().name + ": cannot connect to " + pool.config().address.text() + ": " + text +
            "; requests wait up to " + queue_time(pool) +
            ". Is php-fpm running, and is its `listen` this address?");
}

}  // namespace holdfast
