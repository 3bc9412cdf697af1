// See fpm_status.h.
#include "proxy/upstream/fpm_status.h"
#include "config/pool.h"

#include <memory>
#include <utility>

#include "proxy/upstream/upstream.h"

namespace holdfast {

namespace {
// The page without `full` has some 400 bytes; more is something else.
constexpr std::size_t kAnswerBytesMost = 16 * 1024;
// In the queue's turns; no client's.
constexpr core::AddressKey kOwnAddress = ~core::AddressKey{0};
}  // namespace

FpmStatus::FpmStatus(Upstream& upstream) : upstream_(upstream) {}

FpmStatus::~FpmStatus() {
  stop();
  if (exchange_ != 0) upstream_.mailbox().close(exchange_);
}

core::Duration FpmStatus::age() const {
  return upstream_.now() - answered_;
}

void FpmStatus::refresh() {
  const core::Time now = upstream_.now();
  if (exchange_ != 0 || (asked_ && now - *asked_ < kAskAgainAfter)) return;
  const core::UpstreamPool& pool = upstream_.pool();
  if (!pool.reachable()) {
    // Not worth a place in the queue.
    up_ = false;
    error_ = "php-fpm cannot be reached";
    return;
  }
  // Requests come first: when each connection is busy the old numbers stay.
  const bool room = pool.counts().idle > 0 || pool.counts().total() < upstream_.config().max_connections;
  if (pool.paused() || pool.waiting() > 0 || !room) return;
  ask();
}

void FpmStatus::ask() {
  // php-fpm compares SCRIPT_NAME with pm.status_path, and wants a SCRIPT_FILENAME that it does not look at
  // (fpm_status_handle_request() in sapi/fpm/fpm/fpm_status.c). No URL of a client gets here.
  const std::string& path = upstream_.config().status_path;
  std::unique_ptr<Submission> submission = upstream_.mailbox().begin_submission();
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"SCRIPT_NAME", path},
                                    {"SCRIPT_FILENAME", path},
                                    {"REQUEST_URI", path},
                                    {"REQUEST_METHOD", "GET"},
                                    {"QUERY_STRING", "json"},
                                    {"SERVER_PROTOCOL", "HTTP/1.1"},
                                    {"GATEWAY_INTERFACE", "CGI/1.1"}}) {
    if (!submission->params.add(name, value)) return;  // a path of 64 KiB
  }
  asked_ = upstream_.now();
  status_ = 0;
  answer_.clear();
  stopped_ = false;
  exchange_ = upstream_.mailbox().open(*this);
  submission->pool = upstream_.name();
  submission->asked.assign(http::Method::get, "GET", "", path);
  submission->body.emplace(nullptr, 0);
  submission->address = kOwnAddress;
  submission->head_bytes_max = kAnswerBytesMost;
  upstream_.mailbox().submit(exchange_, std::move(submission));
}

void FpmStatus::stop() {
  if (exchange_ == 0 || stopped_) return;
  stopped_ = true;
  upstream_.mailbox().cancel(exchange_);
}

void FpmStatus::on_delivery(std::unique_ptr<Delivery> delivery) {
  if (delivery->has_head) status_ = delivery->head.head().status;
  answer_.append(delivery->body, 0, kAnswerBytesMost - answer_.size());
  if (delivery->ending == Delivery::Ending::broken) status_ = 0;
  if (delivery->ending != Delivery::Ending::none) {
    upstream_.mailbox().close(std::exchange(exchange_, 0));
    if (!stopped_) take_answer(delivery->report.outcome);
  }
  upstream_.mailbox().give_back(std::move(delivery));
}

void FpmStatus::take_answer(core::Outcome outcome) {
  const auto numbers = status_ == 200 ? parse_fpm_status(answer_) : std::nullopt;
  if (outcome == core::Outcome::ok && numbers) {
    numbers_ = *numbers;
    answered_ = upstream_.now();
    up_ = true;
    error_.clear();
    return;
  }
  std::string error = outcome != core::Outcome::ok ? std::string(core::outcome_name(outcome))
                      : status_ != 200             ? "answered " + std::to_string(status_)
                                                   : "answered with something else";
  error += "; does its pool have pm.status_path = " + upstream_.config().status_path + "?";
  // Once a cause, not every five seconds.
  if (error != error_) upstream_.context().log.warn(upstream_.name() + ": status of php-fpm: " + error);
  error_ = std::move(error);
  up_ = false;
}

}  // namespace holdfast
