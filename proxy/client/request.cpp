// The request: what it asks, and its body.
#include "proxy/client/request.h"

#include <cassert>
#include <utility>

#include "config/buffers.h"
#include "config/network.h"
#include "proxy/core/kept_buffer.h"
#include "proxy/core/log_text.h"

namespace holdfast {

namespace {
// Of a body that nobody wants (it is for a file, or for nothing): read for the sake of the next request, up
// to this; beyond it the answer comes at once and ends the connection.
constexpr std::uint64_t kDiscardedBodyBytesMost = 1 << 20;
// Of memory kept for what php says the next time.
constexpr std::size_t kKeptStderrBytes = 4 * 1024;

bool may_follow(Request::State from, Request::State to) {
  using State = Request::State;
  switch (to) {
    case State::unused: return true;
    case State::reading: return from == State::unused;
    case State::answering: return from == State::reading;
    case State::ending:
    case State::answered: return from == State::answering;
    case State::broken:
    case State::given_up: return from == State::answering || from == State::ending;
    case State::left: return from == State::reading || from == State::answering || from == State::ending;
  }
  return false;
}
}  // namespace

Request::Request(ClientHost& host, Context& context)
    : host_(host),
      context_(context),
      deadline_(context.deadlines, *this),
      turn_(*this),
      compressing_(*this),
      upload_spill_(context.spill, context.spill_shares, core::SpillUse::upload, {}),
      answer_spill_(context.spill, context.spill_shares, core::SpillUse::answer, {}),
      request_body_(&upload_spill_, 0, &context.memory),
      response_(core::BodyStore(&answer_spill_, 0, &context.memory)) {}

Request::~Request() {
  forget_password();
  assert(exchange_ == 0);
}

void Request::move_to(State next) {
  assert(may_follow(state_, next));
  state_ = next;
}

const char* Request::check() const {
  const bool answering = state_ == State::answering;
  if ((state_ == State::unused) != (owner_ == nullptr)) return "a request without an owner, or the reverse";
  if (!answering && (file_ != nullptr || event_stream_))
    return "a request has an answer under way, and is not answering";
  if ((state_ == State::ending) > php_at_work()) return "a request waits for the end of nothing";
  if (php_at_work() && !answering && state_ != State::ending) return "php works for a request that is over";
  if (php_at_work() && file_ != nullptr) return "a request is answered by php and by a file";
  if (!answering && (turn_.linked() || compressing_.linked()))
    return "a request waits for a turn, and is not answering";
  if (state_ == State::reading && response_.started()) return "a response before its request";
  return nullptr;
}

// Ends before php has: it is told, and its report is awaited.
void Request::stop(State how, core::ClientCloseReason reason) {
  close_reason_ = reason;
  if (!php_at_work()) {
    end(how);
    return;
  }
  move_to(State::ending);
  ends_as_ = how;
  deadline_.clear();
  turn_.unlink();
  compressing_.unlink();
  mail().cancel(exchange_);
}

// The owner takes it back, and may reset it: nothing may follow in our frames.
void Request::end(State how) {
  move_to(how);
  deadline_.clear();
  turn_.unlink();
  compressing_.unlink();
  if (last_ != nullptr) log_complaint(*last_);
  log_stderr();
  if (head_ != nullptr || how != State::left) log_request();
  // A script may run on when its client has the whole answer: that is not the client's business any more.
  if (php_at_work()) {
    assert(how == State::answered && head_kept_ != nullptr);
    log_complaint(*head_kept_);
    mail().detach(exchange_, script());
    mail().close(std::exchange(exchange_, 0));
  }
  drop_answer();
  owner_->request_over();
}

// Its answer, and what that is made of.
void Request::drop_answer() {
  file_.reset();
  gzip_.reset();
  sent_file_.reset();
  forget_password();
  mail().give_back(std::move(head_kept_));
  mail().give_back(std::move(last_));
  request_body_.clear();
  if (event_stream_) host_.admin().stream_closed(*this);
  event_stream_ = false;
}

void Request::begin(RequestOwner& owner, const RequestSource& source, core::Time begun) {
  move_to(State::reading);
  owner_ = &owner;
  peer_ = &source.peer;
  local_ = &source.local;
  connection_ = source.connection;
  admin_ = source.admin;
  begun_ = begun;
  // A reload may have changed them.
  request_body_.set_memory_max(context_.buffers_config().request_memory);
}

void Request::reset() {
  assert(exchange_ == 0 && file_ == nullptr && !event_stream_);
  deadline_.clear();
  turn_.unlink();
  compressing_.unlink();
  move_to(State::unused);
  owner_ = nullptr;
  head_ = nullptr;
  response_.begin(false, context_.buffers_config().response_memory);
  plan_.clear();
  origin_ = {};
  credentials_.reset();
  password_right_ = password_refused_ = half_closed_ = false;
  begun_wall_.reset();
  body_bytes_ = 0;
  floor_.restart(0);
  delivery_.stop();
  held_worker_.let_go();
  refusal_ = first_bytes_ = {};
  close_reason_ = core::ClientCloseReason::last_answer;
  body_ = Body::none;
  report_.reset();
  php_stderr_.clear();
  stderr_taken_ = 0;
  stderr_cut_ = false;
  behind_ = false;
}

void Request::shrink() {
  request_body_.shrink();
  response_.shrink();
  core::shed(php_stderr_, kKeptStderrBytes);
}

std::size_t Request::memory_bytes() const {
  return request_body_.memory_bytes() + response_.memory_bytes() + (gzip_ ? gzip_->memory_bytes() : 0);
}

// ---- the head

void Request::on_head(const http::RequestHead& head) {
  begin_answer(head);
  if (refuse_for_memory()) return;
  if (admin_) {
    plan_.kind = Plan::Kind::admin;
  } else {
    set_origin();
    make_plan();
  }
  begin_body();
}

void Request::on_planned_head(const http::RequestHead& head, Plan plan, core::ClientOrigin origin) {
  begin_answer(head);
  plan_ = std::move(plan);
  origin_ = std::move(origin);
  set_spool_share();
  if (refuse_for_memory()) return;
  begin_body();
}

void Request::begin_answer(const http::RequestHead& head) {
  head_ = &head;
  begun_wall_ = std::chrono::system_clock::now();
  response_.begin(head.method == http::Method::head, context_.buffers_config().response_memory);
  if (!admin_) ++context_.metrics.requests;
}

void Request::begin_body() {
  if (head_->has_body() && !check_password()) take_body();
}

// Whoever may send it is known.
void Request::take_body() {
  const http::RequestHead& head = *head_;
  body_ = plan_.kind == Plan::Kind::php ? Body::stored : Body::discarded;
  const std::uint64_t length = head.content_length.value_or(0);
  if (body_ == Body::stored && length > plan_.max_body) {
    refuse(413, "the body is longer than max_body", core::ClientCloseReason::refused);
    return;
  }
  if (body_ == Body::stored && length > most_storable()) {
    upload_spill_.refuse_client();
    refuse_unstored_body();
    return;
  }
  if (body_ == Body::discarded && (head.expect_continue || length > kDiscardedBodyBytesMost)) {
    answer_without_body();
    return;
  }
  floor_.restart(0);
  watch_body();
}

// A longer body is refused before it is sent: no wait would make room for it.
std::uint64_t Request::most_storable() const {
  return context_.buffers_config().request_memory + context_.spill_shares.most_of_client();
}

// At buffers.memory_max nothing more is taken on. The admin endpoint stays open: it shows why.
bool Request::refuse_for_memory() {
  if (admin_ || !context_.memory.full()) return false;
  ++context_.metrics.memory_refused;
  host_.note_memory_full();
  refuse(503, kMemoryFull, core::ClientCloseReason::refused);
  return true;
}

void Request::set_origin() {
  core::ClientOrigin peer;
  peer.address = peer_->address;
  peer.bytes = peer_->bytes;
  peer.port = peer_->port;
  if (context_.trusted_proxies().empty()) {
    origin_ = std::move(peer);
  } else {
    origin_ = core::client_origin(peer, context_.trusted_proxies(), context_.forwarded_headers(), *head_);
  }
  set_spool_share();
}

// Behind a trusted proxy the share is that of the client it names.
void Request::set_spool_share() {
  const core::ClientKey key =
      origin_.address.empty() ? core::client_key_of_connection(connection_) : core::client_key(origin_.bytes);
  upload_spill_.set_client(key);
  answer_spill_.set_client(key);
}

void Request::make_plan() {
  host_.plan(*head_, origin_, plan_);
  look_for_credentials();
  if (!origin_.conflict && !origin_.malformed) return;
  plan_.kind = Plan::Kind::error;
  plan_.target.status = 400;
  plan_.target.why = origin_.malformed
                         ? "Forwarded is malformed: it cannot be told who the client is"
                         : "Forwarded and X-Forwarded-* contradict each other: see forwarded_headers";
}

void Request::refuse_head(int status, std::string_view why, core::ClientCloseReason reason,
                          const NoHead& beginning) {
  close_reason_ = reason;
  first_bytes_ = beginning.first_bytes;
  response_.begin(beginning.head_method, context_.buffers_config().response_memory);
  refusal_ = why;
  tell_unread_head(status, beginning.listener);
  answer_error(status, why);
}

void Request::refuse(int status, std::string_view why, core::ClientCloseReason reason) {
  close_reason_ = reason;
  answer_error(status, why);
}

// What came in place of a request is in the access log as well; there it is one line of many.
void Request::tell_unread_head(int status, std::string_view listener) {
  if (!context_.log.wants(config::LogLevel::info)) return;
  if (const auto more = context_.unread_head_line.due(context_.now())) {
    std::string line = client_text();
    if (!listener.empty()) line += ", a web server at " + std::string(listener);
    line += ": refused, " + std::to_string(status) + ": " + std::string(refusal_);
    if (!first_bytes_.empty()) line += "; it began with \"" + core::escape_for_log(first_bytes_) + "\"";
    context_.log.info(line + *more);
  }
}

// ---- the body

void Request::expect_body() {
  assert(state_ == State::reading && body_ == Body::none);
  body_ = Body::stored;
  floor_.restart(0);
}

void Request::on_body(std::span<const std::string_view> slices) {
  for (const std::string_view slice : slices) body_bytes_ += slice.size();
  if (body_ == Body::discarded) {
    if (body_bytes_ > kDiscardedBodyBytesMost) answer_without_body();
    return;
  }
  if (body_bytes_ > plan_.max_body) {
    refuse(413, "the body is longer than max_body", core::ClientCloseReason::refused);
    return;
  }
  for (const std::string_view slice : slices) {
    if (request_body_.append(slice) == core::Append::ok) continue;
    refuse_unstored_body();
    return;
  }
  request_body_.relieve();
}

// Nobody wants this body: what was decided by the head is answered before it is sent, or read.
void Request::answer_without_body() {
  owner_->make_last();
  on_complete();
}

void Request::refuse_unstored_body() {
  const core::SpillShare share = upload_spill_.refused();
  const bool of_store = share == core::SpillShare::store;
  const bool known =
      of_store && context_.descriptors.note(DescriptorWatch::Place::spool,
                                            net::Error{upload_spill_.error_code()}, context_.now());
  if (!known) {
    if (const auto more = context_.unstored_body_line.due(context_.now())) {
      context_.log.error("the body of " + core::escape_for_log(head_->method_text) + " " +
                         core::escape_for_log(head_->target) + " cannot be stored: " +
                         (of_store ? request_body_.error() : upload_spill_.refusal()) + *more);
    }
  }
  std::string_view why;
  switch (share) {
    case core::SpillShare::whole: why = "no room for the body: spool full"; break;
    case core::SpillShare::use: why = "no room for the body: share of uploads"; break;
    case core::SpillShare::client: why = "no room for the body: share of this client"; break;
    case core::SpillShare::store: why = "no room for the body: spool_dir"; break;
  }
  refuse(503, why, core::ClientCloseReason::refused);
}

// ---- the client's end

void Request::on_half_closed() {
  half_closed_ = true;
  if (php_at_work()) mail().half_close(exchange_);
}

void Request::leave_queue() {
  if (php_at_work() && state_ == State::answering) mail().withdraw(exchange_);
}

// Or was cut off: nobody is answered, and php is told to stop as far as that goes.
void Request::on_client_left(core::ClientCloseReason reason) {
  if (state_ != State::reading && state_ != State::answering) return;
  if (!admin_ && core::went_by_itself(reason)) ++context_.metrics.client_left;
  stop(State::left, reason);
}

}  // namespace holdfast
