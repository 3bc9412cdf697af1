// The request: how slowly its body may come and its answer be taken.
#include <algorithm>

#include "config/client.h"
#include "proxy/client/request.h"
#include "proxy/core/log_text.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// While an answer waits for its client: how often its rate is measured.
constexpr core::Duration kRateLookEvery = 2500ms;
}  // namespace

void Request::on_deadline(core::Time now) {
  if (state_ == State::reading) {
    on_body_deadline(now);
  } else if (state_ == State::answering && owner_->unsent_bytes() > 0) {
    look_at_delivery(now);
  }
}

// ---- bodies

void Request::on_body_wait() {
  if (state_ != State::reading || body_ == Body::none) return;
  if (password_refused_) {
    answer_without_body();  // what had come was thrown away, the rest is not waited for
  } else {
    watch_body();
  }
}

void Request::watch_body() {
  const core::Time now = context_.now();
  body_stalls_at_ = now + context_.client_config().timeouts.body;
  on_body_deadline(now);
}

void Request::on_body_deadline(core::Time now) {
  if (!floor_.look(now, body_bytes_, context_.client_config().min_rate)) {
    ++context_.metrics.slow_uploads;
    tell_slow_client("a body of " + core::escape_for_log(head_->target) +
                     " comes at less than client.min_rate (" +
                     std::to_string(context_.client_config().min_rate) + " bytes a second): refused, 408");
    refuse(408, "the body came below client.min_rate", core::ClientCloseReason::body_timeout);
  } else if (now >= body_stalls_at_) {
    refuse(408, "the body did not come in time", core::ClientCloseReason::body_timeout);
  } else {
    deadline_.set(std::min(body_stalls_at_, floor_.due().value_or(body_stalls_at_)));
  }
}

// ---- answers

void Request::watch_writing() {
  const bool holds = !held_worker_.held() && holds_worker();
  if (delivery_.watching() && !holds) return;
  const core::Time now = context_.now();
  const std::uint64_t delivered = owner_->delivered_bytes();
  if (!delivery_.watching()) floor_.restart(delivered);
  delivery_.start(now, delivered);
  if (holds) held_worker_.hold(now, delivered);
  deadline_.set(next_look(now));
}

// Bytes wait for the client, and it is time to see whether it takes any.
void Request::look_at_delivery(core::Time now) {
  const std::uint64_t delivered = owner_->delivered_bytes();
  if (!delivery_.look(now, delivered, context_.client_config().timeouts.write)) {
    give_up(core::ClientCloseReason::client_stalled);
  } else if (keeps_pace(now, delivered)) {
    deadline_.set(next_look(now));
  }
}

// Does php wait for this client?
bool Request::holds_worker() const {
  return php_at_work() && !response_.finished() && response_.congested(*owner_);
}

core::Time Request::next_look(core::Time now) const {
  core::Time next = core::DeliveryWatch::next_look(now, context_.client_config().timeouts.write);
  if (context_.client_config().min_rate > 0) next = std::min(next, now + kRateLookEvery);
  if (held_worker_.held()) next = std::min(next, now + core::HeldWorker::kLookEvery);
  return next;
}

// False: it was given up.
bool Request::keeps_pace(core::Time now, std::uint64_t delivered) {
  if (!floor_.look(now, delivered, context_.client_config().min_rate)) {
    ++context_.metrics.slow_answers;
    tell_slow_client("takes the answer to " + core::escape_for_log(head_->target) +
                     " at less than client.min_rate (" + std::to_string(context_.client_config().min_rate) +
                     " bytes a second): cut off");
    give_up(core::ClientCloseReason::client_slow);
    return false;
  }
  if (!held_worker_.held()) return true;
  if (!holds_worker()) {
    held_worker_.let_go();
    return true;
  }
  const bool others_wait = host_.others_wait(plan_.pool());
  const bool streaming = report_ && report_->streaming;
  if (held_worker_.look(now, delivered, others_wait, streaming)) return true;
  ++context_.metrics.cut_answers;
  if (const auto more = context_.cut_answer_line.due(now)) {
    context_.log.warn(client_text() + ": php waits for it to take the answer to " +
                      core::escape_for_log(head_->target) + ", and it does not: cut off after " +
                      std::to_string(delivered) + " bytes; " +
                      (streaming ? "a stream, and others wait for a worker"
                                 : "no more can be stored: " + answer_spill_.refusal()) +
                      *more);
  }
  give_up(core::ClientCloseReason::client_holds_worker);
  return false;
}

void Request::tell_slow_client(std::string_view what) {
  if (const auto more = context_.slow_client_line.due(context_.now()))
    context_.log.warn(client_text() + ": " + std::string(what) + *more);
}

// A client that has stopped taking its answer.
void Request::give_up(core::ClientCloseReason reason) {
  if (!admin_) ++context_.metrics.client_left;
  response_.cut(*owner_);
  stop(State::given_up, reason);
}

}  // namespace holdfast
