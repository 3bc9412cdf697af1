// The client connection: how slowly a body may come and an answer be taken.
#include <algorithm>

#include "proxy/client/client_connection.h"
#include "proxy/core/log_text.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// While an answer waits for its client: how often its rate is measured.
constexpr core::Duration kRateLookEvery = 2500ms;
}  // namespace

// ---- bodies

void ClientConnection::watch_body() {
  const core::Time now = context_.now();
  body_stalls_at_ = now + config().client.timeouts.body;
  on_body_deadline(now);
}

void ClientConnection::on_body_deadline(core::Time now) {
  if (!floor_.look(now, parser_.body_bytes(), config().client.min_rate)) {
    ++context_.metrics.slow_uploads;
    if (const auto more = context_.slow_client_line.due(now)) {
      context_.log.warn("client " + peer_.address + ": a body of " +
                        core::escape_for_log(parser_.head().target) +
                        " comes at less than client.min_rate (" + std::to_string(config().client.min_rate) +
                        " bytes a second): refused, 408" + *more);
    }
    answer_error(408, "the body came below client.min_rate");
    return;
  }
  if (now >= body_stalls_at_) {
    answer_error(408, "the body did not come in time");
    return;
  }
  deadline_.set(std::min(body_stalls_at_, floor_.due().value_or(body_stalls_at_)));
}

// ---- answers

// Does php wait for this client?
bool ClientConnection::holds_worker() const {
  return exchange_ != nullptr && exchange_->state() != core::ExchangeState::done &&
         response_.congested(*stream_);
}

core::Time ClientConnection::next_look(core::Time now) const {
  core::Time next = core::DeliveryWatch::next_look(now, config().client.timeouts.write);
  if (config().client.min_rate > 0) next = std::min(next, now + kRateLookEvery);
  if (held_worker_.held()) next = std::min(next, now + core::HeldWorker::kLookEvery);
  return next;
}

// False: it was given up.
bool ClientConnection::keeps_pace(core::Time now, std::uint64_t delivered) {
  if (!floor_.look(now, delivered, config().client.min_rate)) {
    ++context_.metrics.slow_answers;
    if (const auto more = context_.slow_client_line.due(now)) {
      context_.log.warn("client " + peer_.address + ": takes the answer to " +
                        core::escape_for_log(parser_.head().target) + " at less than client.min_rate (" +
                        std::to_string(config().client.min_rate) + " bytes a second): cut off" + *more);
    }
    give_up("client_slow");
    return false;
  }
  if (!held_worker_.held()) return true;
  if (!holds_worker()) {
    held_worker_.let_go();
    return true;
  }
  const bool others_wait = exchange_->upstream().pool().waiting() > 0;
  if (held_worker_.look(now, delivered, others_wait, exchange_->streaming())) return true;
  ++context_.metrics.cut_answers;
  if (const auto more = context_.cut_answer_line.due(now)) {
    context_.log.warn("client " + peer_.address + ": php waits for it to take the answer to " +
                      core::escape_for_log(parser_.head().target) + ", and it does not: cut off after " +
                      std::to_string(delivered) + " bytes; " +
                      (exchange_->streaming() ? "a stream, and others wait for a worker"
                                              : "no more can be stored: " + answer_spill_.refusal()) +
                      *more);
  }
  give_up("client_holds_worker");
  return false;
}

}  // namespace holdfast
