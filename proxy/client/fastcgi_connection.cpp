// FastCGI of a web server: its requests. The end of a connection is in fastcgi_leaving.cpp.
#include "proxy/client/fastcgi_connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "config/client.h"
#include "proxy/core/kept_buffer.h"
#include "proxy/core/log_text.h"

namespace holdfast {

namespace {
// Records that are answered without a request (GET_VALUES) leave at the latest when so many have come.
constexpr std::size_t kOutputBytesMost = 64 * 1024;
// Pieces in flight that are told apart before it is looked which have arrived.
constexpr std::size_t kSentMost = 64;
// Begun in one turn, the refused ones included.
constexpr int kBegunATurn = 8;
// From the STDIN of one request to that of another: with a thousand open each costs a microsecond.
constexpr int kSwitchesATurn = 500;
// Of one that is refused before it has a plan.
constexpr std::size_t kRefusedTargetBytes = 64;

fastcgi::ServerValues values_of(const config::Client& client, const FastcgiPlans::Listening* listening) {
  const std::size_t most = client.max_connections;
  return {.max_conns = most,
          .max_reqs = most,
          .multiplex = listening != nullptr && listening->listener->multiplex};
}

struct Refusal {
  int status;
  std::string_view why;
};

Refusal refusal_of(fastcgi::ServerRefusal refusal) {
  switch (refusal) {
    case fastcgi::ServerRefusal::too_many_requests:
      return {503, "too many requests at once on one FastCGI connection"};
    case fastcgi::ServerRefusal::param_too_large:
      return {431, "a FastCGI parameter is larger than php-fpm takes"};
    case fastcgi::ServerRefusal::params_too_large: return {431, "more than 16 MB of FastCGI parameters"};
    case fastcgi::ServerRefusal::params_held:
      return {503, "the requests of one FastCGI connection hold too many parameters"};
    case fastcgi::ServerRefusal::none:
    case fastcgi::ServerRefusal::unknown_role:
    case fastcgi::ServerRefusal::count_: break;
  }
  return {500, "refused"};
}
}  // namespace

FastcgiConnection::FastcgiConnection(ClientHost& host, Context& context, FastcgiStock& stock,
                                     std::uint64_t id, config::Address address, Arrival arrival)
    : ClientConnection(host, context, id, std::move(arrival)),
      stock_(stock),
      address_(std::move(address)),
      plans_(host.fastcgi_plans()),
      listening_(plans_->find(address_)),
      session_({}, values_of(context.client_config(), listening_)),
      turn_link_(*this) {
  stream_->start_read();
  become_idle();
  update_deadline();
}

FastcgiConnection::~FastcgiConnection() {
  assert(requests_.empty());
}

std::size_t FastcgiConnection::memory_bytes() const {
  std::size_t bytes = session_.params_held_bytes() + waiting_.size();
  for (const auto& each : requests_) bytes += each->request().memory_bytes();
  return bytes;
}

const char* FastcgiConnection::check() const {
  if (state_ == State::closing && !requests_.empty()) return "a web server that goes has requests";
  if (state_ == State::lingering && !requests_.empty()) return "a web server lingers with requests";
  if (state_ == State::leaving && requests_.empty()) return "a web server waits for the end of nothing";
  if (state_ == State::closing && turn_link_.linked()) return "a web server that goes waits for a turn";
  for (const auto& each : requests_) {
    const Request::State state = each->request().state();
    if (state != Request::State::reading && state != Request::State::answering &&
        state != Request::State::ending)
      return "a web server's request is over, and its connection does not know";
    if (!each->ended() && !session_.is_open(each->id())) return "a web server's request is not open";
    if (const char* const fault = each->request().check()) return fault;
  }
  return nullptr;
}

core::Duration FastcgiConnection::header_time() const {
  return context_.client_config().timeouts.header;
}

// ---- input

void FastcgiConnection::on_read(std::string_view bytes) {
  if (state_ == State::leaving || state_ == State::closing) return;
  assert(waiting_.empty());  // else nothing is read
  if (state_ == State::lingering) lingered_bytes_ += bytes.size();
  take_input(bytes);
  if (!bytes.empty()) waiting_.append(bytes);
  settle();
}

void FastcgiConnection::on_turn() {
  if (state_ == State::leaving || state_ == State::closing) return;
  if (!wants_input()) return;  // update_reading() asks for another turn when there is room
  std::string_view input = waiting_.front();
  const std::size_t before = input.size();
  take_input(input);
  waiting_.drop(before - input.size());
  if (waiting_.empty()) waiting_.clear();
  settle();
}

// Takes from the front of `input` what this turn has room for.
void FastcgiConnection::take_input(std::string_view& input) {
  const Busy busy(*this);
  int begun = 0;
  int switches = 0;
  const auto has_room = [&] {
    return begun < kBegunATurn && switches < kSwitchesATurn && requests_.size() < kRequestsMost;
  };
  while (eof_ || has_room()) {
    const fastcgi::ServerEvent event = session_.next(input, output_);
    using Kind = fastcgi::ServerEvent::Kind;
    if (event.kind == Kind::need_bytes || event.kind == Kind::paused) break;
    if (event.kind == Kind::failed) {
      on_failed(event.fault);
      break;
    }
    if (event.kind == Kind::begun || event.kind == Kind::refused) ++begun;
    if (event.kind == Kind::stdin_data && (got_stdin_.empty() || got_stdin_.back() != event.request_id))
      ++switches;
    act_on(event);
    if (output_.size() >= kOutputBytesMost) send_output(0);
  }
  // No more of these bodies is there now.
  for (const std::uint16_t id : got_stdin_) {
    if (FastcgiRequest* const request = find(id)) request->request().on_body_wait();
  }
  got_stdin_.clear();
  if (no_room_for_head()) refuse_unread();
  send_output(0);
}

void FastcgiConnection::act_on(const fastcgi::ServerEvent& event) {
  FastcgiRequest* const request = find(event.request_id);
  switch (event.kind) {
    case fastcgi::ServerEvent::Kind::begun: begin_request(event.request_id); return;
    case fastcgi::ServerEvent::Kind::params_ended:
      if (request != nullptr && request->request().state() == Request::State::reading) on_params(*request);
      return;
    case fastcgi::ServerEvent::Kind::stdin_data:
      if (request == nullptr || request->request().state() != Request::State::reading) return;
      if (request->request().body() == Request::Body::none) request->request().expect_body();
      if (got_stdin_.empty() || got_stdin_.back() != event.request_id) got_stdin_.push_back(event.request_id);
      request->request().on_body(std::span(&event.bytes, 1));
      return;
    case fastcgi::ServerEvent::Kind::stdin_ended:
      if (request != nullptr) on_stdin_end(*request);
      return;
    case fastcgi::ServerEvent::Kind::aborted:
      if (request != nullptr) request->abort();
      return;
    case fastcgi::ServerEvent::Kind::refused: on_refused(event); return;
    case fastcgi::ServerEvent::Kind::need_bytes:
    case fastcgi::ServerEvent::Kind::paused:
    case fastcgi::ServerEvent::Kind::failed: return;
  }
}

FastcgiRequest* FastcgiConnection::find(std::uint16_t id) {
  // The newest first: it is the one that is still being read.
  for (auto each = requests_.rbegin(); each != requests_.rend(); ++each) {
    if ((*each)->id() == id && !(*each)->ended()) return each->get();
  }
  return nullptr;
}

void FastcgiConnection::begin_request(std::uint16_t id) {
  awaits_request_ = false;
  std::unique_ptr<FastcgiRequest> request = stock_.take();
  if (request == nullptr) request = std::make_unique<FastcgiRequest>(host_, context_);
  request->begin(*this, id, context_.next_id(), {peer_, local_, this->id(), false}, context_.now());
  requests_.push_back(std::move(request));
}

void FastcgiConnection::on_params(FastcgiRequest& request) {
  session_.take_params(request.id(), request.params());
  request.set_has_params(context_.now());
  request.head_of().set(request.params());
  refresh_plans();
  if (listening_ == nullptr || is_too_late()) {
    context_.metrics.fastcgi.count_request(address_.text(), {});
    request.request().refuse_head(
        503, host_.stopping() ? "Holdfast is stopping" : "its listener was removed by a reload",
        host_.stopping() ? core::ClientCloseReason::stopping : core::ClientCloseReason::listener_gone,
        {.head_method = request.head_of().head().method == http::Method::head,
         .first_bytes = std::string_view(request.head_of().head().target).substr(0, kRefusedTargetBytes),
         .listener = listener()});
    return;
  }
  Plan plan = plan_of(plans_, *listening_, request.params());
  context_.metrics.fastcgi.count_request(plan.listener, plan.target.script_name);
  request.request().on_planned_head(request.head_of().head(), std::move(plan),
                                    request.head_of().take_origin());
}

// The listener may be gone with a reload, and this connection with it, soon.
void FastcgiConnection::refresh_plans() {
  std::shared_ptr<const FastcgiPlans> present = host_.fastcgi_plans();
  if (present == plans_) return;
  if (const FastcgiPlans::Listening* const listening = present->find(address_)) {
    listening_ = listening;
    plans_ = std::move(present);
  }
}

void FastcgiConnection::on_stdin_end(FastcgiRequest& request) {
  request.set_completed(context_.now());
  if (request.request().state() != Request::State::reading) return;
  // A reload has taken its pool away since its parameters came: then what the present configuration says.
  if (!host_.has_pool(request.request().pool())) {
    refresh_plans();
    request.request().replan(plan_of(plans_, *listening_, request.params()));
  }
  request.request().on_complete();
}

void FastcgiConnection::on_refused(const fastcgi::ServerEvent& event) {
  context_.metrics.fastcgi.count(event.refusal);
  if (event.refusal == fastcgi::ServerRefusal::unknown_role) {
    if (const auto more = context_.bad_records_line.due(context_.now())) {
      context_.log.warn("a web server at " + address_.text() +
                        " asked for a FastCGI role other than Responder: refused" + *more);
    }
    return;
  }
  if (find(event.request_id) == nullptr) begin_request(event.request_id);
  const Refusal refusal = refusal_of(event.refusal);
  find(event.request_id)->refuse(refusal.status, refusal.why);
}

void FastcgiConnection::on_failed(fastcgi::ServerFault fault) {
  using Fault = fastcgi::ServerFault;
  if (std::exchange(fault_told_, true) || fault == Fault::eof) return;
  context_.metrics.fastcgi.count(fault);
  // Whoever leaves in mid-upload does that.
  if (fault == Fault::eof_in_request || fault == Fault::eof_in_record) return;
  ends_for_ = core::ClientCloseReason::malformed_records;
  if (const auto more = context_.bad_records_line.due(context_.now())) {
    context_.log.warn("a web server at " + address_.text() + " sent " +
                      std::string(fastcgi::fault_text(fault)) + " (" +
                      std::string(fastcgi::fault_name(fault)) + "): its connection is closed" + *more);
  }
}

// ---- output

void FastcgiConnection::send_output(std::uint64_t serial) {
  // Behind our end nothing can be said any more. What GET_VALUES asks there is not: who asks sees the end.
  if (state_ == State::lingering) output_.clear();
  if (output_.empty() || state_ == State::closing) return;
  sent_bytes_ += output_.size();
  stream_->write(output_);
  output_.clear();
  core::shed(output_, 2 * kOutputBytesMost);
  // Whose bytes wait is of interest only where some do.
  if (stream_->unsent_bytes() == 0 && sent_.empty()) return;
  if (!sent_.empty() && sent_.back().serial == serial) {
    sent_.back().end = sent_bytes_;
  } else {
    sent_.push_back({serial, sent_bytes_});
  }
  if (sent_.size() >= kSentMost) static_cast<void>(holds_up_others(serial));
}

bool FastcgiConnection::holds_up_others(std::uint64_t serial) const {
  const std::uint64_t delivered = stream_->delivered_bytes();
  while (!sent_.empty() && sent_.front().end <= delivered) sent_.pop_front();
  if (sent_.empty() || sent_.front().serial == serial) return true;
  // Those of one that was cut: it is the web server that takes nothing.
  const std::uint64_t first = sent_.front().serial;
  return std::none_of(requests_.begin(), requests_.end(),
                      [first](const auto& each) { return each->serial() == first; });
}

// The stream takes more: each request has its turn until it takes no more, and the next time it begins with
// the one after that.
void FastcgiConnection::on_drained() {
  if (state_ == State::closing) return;
  sent_.clear();
  {
    const Busy busy(*this);
    for (std::size_t left = requests_.size(); left > 0 && stream_->unsent_bytes() == 0; --left) {
      if (requests_.empty()) break;
      turn_ %= requests_.size();
      FastcgiRequest& request = *requests_[turn_];
      ++turn_;  // release() takes it back when the request goes
      request.request().on_drained();
    }
  }
  settle();
}

void FastcgiConnection::request_over(FastcgiRequest& request) {
  // The session still has it when it was us who ended it. No 503 where php may have run it.
  request.end_short(request.request().never_ran() ? 503 : 500);
  send_output(0);
  release(request);
  if (!busy_) settle();
}

// The stock keeps it until the end of the turn at least: we may be in a frame of the request's.
void FastcgiConnection::release(FastcgiRequest& request) {
  const auto found = std::find_if(requests_.begin(), requests_.end(),
                                  [&request](const auto& each) { return each.get() == &request; });
  assert(found != requests_.end());
  if (static_cast<std::size_t>(found - requests_.begin()) < turn_) --turn_;
  request.reset();
  stock_.give_back(std::move(*found));
  requests_.erase(found);
}

}  // namespace holdfast
