// See php_exchange.h.
#include "proxy/upstream/php_exchange.h"

#include "proxy/upstream/exchange_table.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

PhpExchange::~PhpExchange() {
  clear();
}

void PhpExchange::begin(ExchangeId id, Submission& submission, Upstream& upstream) {
  Exchange::begin(submission.asked, submission.params, *std::move(submission.body),
                  submission.head_bytes_max);
  id_ = id;
  timeouts_ = submission.timeouts;
  pass_file_wishes(submission.passes_file_wishes);
  pass_head_on(submission.for_web_server);
  upstream_ = &upstream;
  ticket_ = {};
  ticket_.id = upstream_->exchanges_.insert(*this);
  ending_ = Delivery::Ending::broken;
}

void PhpExchange::clear() {
  if (upstream_ != nullptr) upstream_->exchanges_.remove(ticket_.id);
  upstream_ = nullptr;
  delivery_ = nullptr;
  offer_ = {};
  stderr_told_ = 0;
  script_.clear();
  detached_ = half_closed_ = false;
  Exchange::clear();
}

void PhpExchange::move_to(Upstream& next) {
  upstream_->exchanges_.remove(ticket_.id);
  upstream_ = &next;
  ticket_.id = upstream_->exchanges_.insert(*this);
}

Delivery& PhpExchange::delivery() {
  if (delivery_ == nullptr) delivery_ = &table_.begin_delivery(*this);
  return *delivery_;
}

void PhpExchange::report(Delivery& delivery) const {
  delivery.report = {.timings = timings(),
                     .outcome = outcome(),
                     .outcome_if_whole = outcome_if_whole(),
                     .connection = connection(),
                     .retries = retries(),
                     .app_status = app_status(),
                     .reused = reused(),
                     .streaming = streaming()};
  delivery.complaint = complaint();
}

void PhpExchange::start_response(const http::ResponseHead& head, bool stream) {
  if (detached_) return;
  Delivery& now = delivery();
  now.has_head = true;
  now.stream = stream;
  now.head.assign(head);
  report(now);
}

void PhpExchange::response_body(std::string_view bytes) {
  delivery().body.append(bytes);
}

void PhpExchange::ask(const Offer& offer) {
  offer_ = offer;
  delivery().asks = true;
}

void PhpExchange::detach(std::string script) {
  detached_ = true;
  take_for_whole();
  script_ = std::move(script);
}

void PhpExchange::report_ending() {
  Delivery& now = delivery();
  report(now);
  now.ending = ending_;
  tell_stderr(now);
}

// A web server takes it in front of the body that follows.
void PhpExchange::delivery_sent() {
  if (passes_head_on() && !done() && !detached_) tell_stderr(*delivery_);
  delivery_ = nullptr;
}

void PhpExchange::tell_stderr(Delivery& delivery) {
  delivery.stderr_text = untold_stderr();
  stderr_told_ = stderr_text().size();
  delivery.stderr_cut = stderr_cut();
}

}  // namespace holdfast
