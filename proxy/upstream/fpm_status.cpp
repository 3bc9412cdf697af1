// See fpm_status.h.
#include "proxy/upstream/fpm_status.h"

#include <cassert>

#include "proxy/upstream/upstream.h"

namespace holdfast {

namespace {
// The page without `full` has some 400 bytes; more is something else.
constexpr std::size_t kAnswerBytesMost = 16 * 1024;
// In the queue's turns; no client's.
constexpr core::AddressKey kOwnAddress = ~core::AddressKey{0};
}  // namespace

FpmStatus::FpmStatus(Upstream& upstream) : upstream_(upstream), no_body_(nullptr, 0) {
  const std::string& path = upstream.config().status_path;
  request_.method = http::Method::get;
  request_.method_text = "GET";
  request_.target = path;
  request_.raw_path = path;
  request_.path = path;
  request_.query = "json";
}

FpmStatus::~FpmStatus() {
  assert(exchange_ == nullptr);
}

core::Duration FpmStatus::age() const {
  return upstream_.now() - answered_;
}

void FpmStatus::refresh() {
  const core::Time now = upstream_.now();
  if (exchange_ != nullptr || (asked_ && now - *asked_ < kAskAgainAfter)) return;
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
  fastcgi::ParamList params;
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"SCRIPT_NAME", path},
                                    {"SCRIPT_FILENAME", path},
                                    {"REQUEST_URI", path},
                                    {"REQUEST_METHOD", "GET"},
                                    {"QUERY_STRING", "json"},
                                    {"SERVER_PROTOCOL", "HTTP/1.1"},
                                    {"GATEWAY_INTERFACE", "CGI/1.1"}}) {
    if (!params.add(name, value)) return;  // a path of 64 KiB
  }
  asked_ = upstream_.now();
  status_ = 0;
  answer_.clear();
  exchange_ = std::make_unique<PhpExchange>(upstream_.context().next_id(), request_, std::move(params),
                                            no_body_, *this, *this, upstream_);
  upstream_.submit(*exchange_, kOwnAddress);
}

void FpmStatus::stop() {
  if (exchange_ == nullptr) return;
  upstream_.client_left(*exchange_);
  exchange_.reset();
}

void FpmStatus::start_response(const http::ResponseHead& head, bool) {
  status_ = head.status;
}

void FpmStatus::response_body(std::string_view bytes) {
  answer_.append(bytes.substr(0, kAnswerBytesMost - answer_.size()));
}

void FpmStatus::flush() {
  if (exchange_ == nullptr || exchange_->state() != core::ExchangeState::done) return;
  take_answer();
  exchange_.reset();
}

void FpmStatus::take_answer() {
  const core::Outcome outcome = exchange_->outcome();
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
  if (error != error_)
    upstream_.context().log.warn(upstream_.config().name + ": status of php-fpm: " + error);
  error_ = std::move(error);
  up_ = false;
}

}  // namespace holdfast
