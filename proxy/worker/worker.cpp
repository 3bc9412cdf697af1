// The worker: wiring, and the end of a loop turn. Stopping is in worker_stop.cpp, reloading in
// worker_reload.cpp.
#include "proxy/worker/worker.h"

#include <algorithm>
#include <cstring>

#include "config/buffers.h"
#include "config/config.h"
#include "config/fastcgi_listener.h"
#include "proxy/admin/admin.h"
#include "proxy/core/log_text.h"
#include "proxy/http/http_date.h"
#include "proxy/observe/wall_clock.h"

namespace holdfast {

using namespace std::chrono_literals;

Worker::Worker(net::Network& network, core::SpillStore& spill, Log& log, AccessLog& access_log,
               config::Snapshot config, WorkerHost& host)
    : context_{.config = std::move(config),
               .network = network,
               .spill = spill,
               .spill_shares = core::SpillShares(context_.config->buffers->spool_max),
               .log = log,
               .access_log = access_log,
               .metrics = {},
               .descriptors = DescriptorWatch(log),
               .deadlines = {},
               .date = {},
               .complaints = {},
               .unstored_body_line = {},
               .cut_answer_line = {},
               .slow_client_line = {},
               .unread_head_line = {}},
      host_(host),
      listeners_(network, log, *this),
      started_(network.now()) {
  network.set_turn_handler(this);
  plan_by_config();
  admin_ = std::make_unique<Admin>(*this);
  context_.metrics.reloads.last_success = wall_seconds();
  context_.memory.set_max(context_.config->buffers->memory_max);
  update_second();
  set_places();
}

Worker::~Worker() {
  context_.network.set_turn_handler(nullptr);
}

bool Worker::start(std::string& error) {
  std::optional<Listeners::Next> listeners =
      listeners_.prepare(config().listen, config().fastcgi, config().admin, error);
  if (!listeners) return false;
  static_cast<void>(listeners_.put_in_force(*std::move(listeners)));  // nobody has come yet
  if (!host_.on_listening(listeners_, *context_.config, error)) return false;
  upstreams_.start();
  on_turn_end();
  return true;
}

bool Worker::others_wait(const std::string& pool) const {
  const Upstream* const upstream = upstreams_.find(pool);
  return upstream != nullptr && upstream->pool().waiting() > 0;
}

Responder& Worker::admin() {
  return *admin_;
}

void Worker::for_each_client(const std::function<void(ClientConnection&)>& visit) {
  for (auto& [id, client] : clients_) visit(*client);
}

const char* Worker::check() const {
  if (const char* const fault = upstreams_.check()) return fault;
  for (const auto& [id, client] : clients_) {
    if (const char* const fault = client->check()) return fault;
  }
  return nullptr;
}

void Worker::plan(const http::RequestHead& head, const core::ClientOrigin& origin, Plan& plan) const {
  dispatcher_->plan(head, origin, plan);
  plan.dispatcher = dispatcher_;
}

const std::vector<std::string>& Worker::admin_hosts() const {
  return config().admin_hosts;
}

// --------------------------------------------------------------------------------------------- end of a turn

void Worker::on_wakeup() {
  wakeup_.reset();
}

void Worker::on_turn_end() {
  if (now() >= next_second_) update_second();
  erase_closed();
  run_deadlines();
  run_turns();  // a few requests each; what is left of a pipeline waits for the next turn
  dispatcher_->forget_files();
  run_compressing();
  look_at_memory();
  upstreams_.run();
  limit_clients();  // some have fallen idle
  flush_logs();
  go_on_stopping();
  set_wakeup();
}

void Worker::flush_logs() {
  std::size_t taken = context_.access_log.flush();
  if (const std::uint64_t lines = context_.access_log.take_untold(); lines > 0) {
    context_.log.warn("access log: " + std::to_string(lines) + " lines were dropped while nobody took them");
  }
  tell_of_full_disk();
  taken += context_.log.flush();
  log_pace_.on_flush(taken, context_.access_log.pending() || context_.log.pending(), now());
}

void Worker::tell_of_full_disk() {
  const int error = context_.access_log.error();
  if (error != 0 && !disk_refuses_) {
    if (const auto more = unwritten_line_.due(now())) {
      context_.log.error("access log: " + core::escape_for_log(context_.access_log.path()) +
                         " cannot be written: " + std::strerror(error) +
                         "; lines wait, up to 4 MB, then they are dropped" + *more);
    }
  }
  disk_refuses_ = error != 0;
}

void Worker::run_deadlines() {
  const core::Time time = now();
  upstreams_.on_time();
  expired_.clear();
  context_.deadlines.pop_expired(time, expired_);
  for (const core::DeadlineQueue::Id id : expired_) {
    if (context_.deadlines.is_due(id)) Deadline::target(context_.deadlines, id).on_deadline(time);
  }
}

void Worker::wants_turn(core::Ring<TurnTaker>::Link& link) {
  if (!link.linked()) turns_.add(link);
}

void Worker::wants_compressing(core::Ring<Compressing>::Link& link) {
  if (!link.linked()) compressing_.add(link);
}

// Who asks again waits for the next turn.
void Worker::run_turns() {
  core::Ring<TurnTaker> now;
  now.take_all(turns_);
  while (TurnTaker* const taker = now.take_front()) taker->on_turn();
}

// Compressing is what costs most on this loop, some 25 ns a byte: each turn does a millisecond's worth at
// most, whoever asks for it, and in pieces, so that a small page does not wait for a large one.
void Worker::run_compressing() {
  constexpr std::size_t kBytesATurn = 32 * 1024;
  constexpr std::size_t kPieceBytes = 8 * 1024;
  constexpr std::size_t kPieceCostLeast = 512;  // the head of a response, a flush
  std::size_t left = kBytesATurn;
  while (left > 0) {
    Compressing* const front = compressing_.take_front();
    if (front == nullptr) return;
    const std::size_t cost = std::max(front->compress(kPieceBytes), kPieceCostLeast);
    left -= std::min(left, cost);
  }
}

// Clients whose bodies were not read for want of memory are read on once there is some.
void Worker::look_at_memory() {
  const bool full = context_.memory.full();
  if (memory_was_full_ && !full) {
    for (auto& [id, client] : clients_) client->resume_reading();
  }
  memory_was_full_ = full;
  if (memory_told_ && context_.memory.room_for_bodies() > 0) {
    memory_told_ = false;
    context_.log.warn("buffers.memory_max: there is room again");
  }
}

void Worker::note_memory_full() {
  if (memory_told_) return;
  memory_told_ = true;
  context_.log.warn("buffers.memory_max (" + std::to_string(context_.memory.max()) +
                    " bytes) is reached: requests are answered 503 until there is room again");
}

void Worker::erase_closed() {
  for (const std::uint64_t id : closed_clients_) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) continue;
    forget_place(*found->second);
    clients_.erase(found);
  }
  closed_clients_.clear();
  http1_stock_.trim();
  fastcgi_stock_.trim();
  upstreams_.erase_closed();
  limit_clients();
}

void Worker::set_wakeup() {
  std::optional<core::Time> earliest = context_.deadlines.next();
  const auto consider = [&earliest](std::optional<core::Time> time) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  };
  consider(upstreams_.next_deadline());
  if (stopping() && !done()) consider(stop_deadline_);
  if (admin_->wants_seconds(now())) consider(next_second_);
  consider(log_pace_.next());
  if (!turns_.empty() || !compressing_.empty() || !mailbox_.empty()) consider(now());
  if (earliest == wakeup_) return;
  wakeup_ = earliest;
  context_.network.set_wakeup(earliest);
}

// As Upstream::check_and_tell().
void Worker::check_clients() {
  for (const auto& [id, client] : clients_) {
    const char* const fault = client->check();
    if (fault == nullptr) continue;
    ++context_.metrics.internal_checks_failed;
    if (told_fault_ == fault) return;
    told_fault_ = fault;
    context_.log.error("BUG: a check of client " + std::to_string(id) + " failed: " + told_fault_ +
                       "; please report this. A restart puts it right");
    return;
  }
}

void Worker::update_second() {
  next_second_ = now() + 1s;
  context_.date = http::format_http_date(wall_seconds());
  if (admin_) admin_->on_second();
  upstreams_.check_and_tell();
  check_clients();
}

}  // namespace holdfast
