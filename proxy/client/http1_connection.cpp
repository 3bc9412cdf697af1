// HTTP/1.x: reading requests. Responses are in http1_response.cpp, the end in http1_leaving.cpp.
#include "proxy/client/http1_connection.h"

#include <cassert>

#include "config/client.h"
#include "proxy/client/linger.h"

namespace holdfast {

namespace {
// Bytes of later requests held while one is answered, and at most one read above them; then none is read
// until they are answered.
constexpr std::size_t kUnparsedBytesMost = 16 * 1024;
// Requests of one pipeline answered in one turn; the others' turn comes first.
constexpr int kAnsweredATurn = 8;

http::ParserLimits limits_of(const config::Client& client) {
  return {.head_bytes = client.max_header, .field_count = client.max_header_fields};
}

bool may_follow(Http1Connection::State from, Http1Connection::State to) {
  using State = Http1Connection::State;
  switch (to) {
    case State::idle: return from == State::in_request;
    case State::reading_head: return from == State::idle;
    // From idle: a head that is refused with its first bytes.
    case State::in_request: return from == State::idle || from == State::reading_head;
    case State::lingering: return from == State::in_request;
    case State::closing: return from != State::closing;
  }
  return false;
}
}  // namespace

Http1Connection::Http1Connection(ClientHost& host, Context& context, Http1Stock& stock, std::uint64_t id,
                                 Arrival arrival)
    : ClientConnection(host, context, id, std::move(arrival)), stock_(stock), turn_(*this) {
  stream_->start_read();
  deadline_.set(context_.now() + context_.client_config().timeouts.header);
  host_.client_idle(*this);
}

Http1Connection::~Http1Connection() {
  assert(work_ == nullptr);
}

void Http1Connection::move_to(State next) {
  assert(may_follow(state_, next));
  state_ = next;
}

const char* Http1Connection::check() const {
  const Request::State request = work_ == nullptr ? Request::State::unused : work_->request.state();
  const bool begun = request != Request::State::unused;
  switch (state_) {
    case State::idle:
      if (begun) return "an idle client has a request";
      break;
    case State::reading_head:
      if (request != Request::State::reading) return "a client's head is not that of a request";
      break;
    case State::in_request:
      if (request != Request::State::reading && request != Request::State::answering &&
          request != Request::State::ending)
        return "a client's request is over, and it does not know";
      break;
    case State::lingering:
      if (lingering_ == nullptr) return "a client lingers without an end";
      [[fallthrough]];
    case State::closing:
      if (work_ != nullptr) return "a client that goes has a request";
      break;
  }
  if (turn_.linked() && state_ == State::closing) return "a client that goes waits for a turn";
  return work_ == nullptr ? nullptr : work_->request.check();
}

core::Duration Http1Connection::keep_alive() const {
  return context_.client_config().timeouts.keep_alive;
}

// ---- what a request needs

void Http1Connection::take_work() {
  work_ = stock_.take();
  if (work_ == nullptr) work_ = std::make_unique<Http1Work>(host_, context_);
  work_->parser.set_limits(limits_of(context_.client_config()));
}

// The stock keeps it until the end of the turn at least: we may be in a frame of the request's.
void Http1Connection::release_work() {
  if (work_ == nullptr) return;
  work_->request.reset();
  work_->request.shrink();
  work_->parser.start_over();
  work_->writer.reset();
  work_->before.clear();
  work_->after.clear();
  work_->body = {};
  stock_.give_back(std::move(work_));
}

bool Http1Connection::is_answering() const {
  return state_ == State::in_request && work_->request.state() != Request::State::reading;
}

std::size_t Http1Connection::memory_bytes() const {
  return unparsed_.size() + (work_ == nullptr ? 0 : work_->request.memory_bytes());
}

// What it holds beside the stores, which count themselves.
void Http1Connection::recount() {
  std::size_t bytes = unparsed_.size() + stream_->unsent_bytes();
  if (work_ != nullptr) bytes += work_->parser.held_bytes() + work_->request.uncounted_bytes();
  count_memory(bytes);
}

// ---- input

void Http1Connection::on_read(std::string_view bytes) {
  switch (state_) {
    case State::idle:
    case State::reading_head: take_input(bytes); break;
    case State::in_request:
      if (!is_answering() && !holds_body()) {
        take_input(bytes);
        break;
      }
      if (!holds_body() && role() != Role::admin && context_.memory.full()) {
        unparsed_.clear();
        make_last();
        break;
      }
      unparsed_.append(bytes);
      // Behind a stream that never ends no answer will come.
      if (work_->request.is_event_stream() && unparsed_.size() >= kUnparsedBytesMost)
        work_->request.on_client_left(core::ClientCloseReason::behind_event_stream);
      break;
    case State::lingering: on_lingering_read(bytes.size()); break;
    case State::closing: return;
  }
  update_reading();
}

void Http1Connection::on_turn() {
  const bool body = state_ == State::in_request && !is_answering() && !holds_body();
  if (state_ != State::idle && !body) return;
  const bool nothing_came = unparsed_.empty();
  answer_waiting();
  if (body && nothing_came) work_->request.on_body_wait();
  // The end of a client that has shut its side, once all that came before is answered.
  if (unparsed_.empty() && eof_ && is_reading()) {
    if (state_ == State::idle) {
      close(core::ClientCloseReason::client_closed);
    } else {
      work_->request.on_client_left(core::ClientCloseReason::client_left);
    }
  } else if (idle() && host_.draining()) {
    close(core::ClientCloseReason::stopping);
  }
  update_reading();
}

void Http1Connection::want_turn() {
  host_.wants_turn(turn_);
}

bool Http1Connection::is_reading() const {
  return state_ == State::idle || state_ == State::reading_head ||
         (state_ == State::in_request && !is_answering());
}

// The one place that says whether the client is read from: each limit on what it may make us hold is a
// refusal to read.
bool Http1Connection::wants_input() const {
  switch (state_) {
    case State::idle:
    case State::reading_head: return unparsed_.empty();  // else their turn comes first
    case State::in_request:
      if (holds_body()) return unparsed_.size() < kUnparsedBytesMost && !context_.memory.full();
      if (!is_answering())
        return unparsed_.empty();  // a body is in the spool when memory is short, and its end frees the head
      // Not for the next request's sake, but to hear of a client that leaves.
      return !refused_ && unparsed_.size() < kUnparsedBytesMost;
    case State::lingering: return lingering_->bytes < kLingerBytes;
    case State::closing: return false;
  }
  return false;
}

void Http1Connection::update_reading() {
  if (wants_input()) {
    stream_->start_read();
  } else {
    stream_->stop_read();
  }
  recount();
}

void Http1Connection::resume_reading() {
  if (state_ == State::in_request && !is_answering()) update_reading();
}

void Http1Connection::take_input(std::string_view bytes) {
  assert(unparsed_.empty());  // wants_input()
  const bool whole = feed(bytes);
  if (whole || holds_body()) unparsed_.append(bytes);
  if (!whole) return;
  complete();
  answer_waiting();
}

// Requests that came behind others. A few a turn: one pipeliner does not starve the others, and is still
// answered as fast as many clients with a request each.
void Http1Connection::answer_waiting() {
  for (int answered = 0; is_reading() && !holds_body() && !unparsed_.empty(); ++answered) {
    if (answered == kAnsweredATurn) {
      want_turn();
      return;
    }
    std::string_view input = unparsed_.front();
    const std::size_t before = input.size();
    const bool whole = feed(input);
    unparsed_.drop(before - input.size());
    if (whole) complete();
  }
  if (unparsed_.empty()) unparsed_.clear();
}

// Parses from the front of `input`, all of it, or up to the end of a request: true. False, too, when an
// answer came before that, or a body is held back.
bool Http1Connection::feed(std::string_view& input) {
  if (work_ == nullptr) take_work();
  while (is_reading()) {
    const http::RequestParser::Progress progress = work_->parser.advance(input);
    input.remove_prefix(progress.consumed);
    if (state_ == State::idle && !work_->parser.between_requests()) on_first_byte();
    if (!progress.body.empty()) {
      work_->request.on_body(progress.body);
      // A body that was refused is answered: that its last bytes have come as well changes nothing.
      if (!is_reading()) return false;
    }
    switch (progress.event) {
      case http::RequestParser::Event::need_more:
        if (state_ == State::in_request) {
          work_->request.on_body_wait();
        } else if (state_ == State::reading_head && no_room_for_head()) {
          count_refused_for_memory();
          refuse_head(503, kMemoryFull, core::ClientCloseReason::refused);
        }
        return false;
      case http::RequestParser::Event::head_complete:
        on_head();
        if (holds_body()) return false;
        break;
      case http::RequestParser::Event::body: break;
      case http::RequestParser::Event::message_complete: return true;
      case http::RequestParser::Event::refused: {
        const http::Refusal refusal = work_->parser.refusal();
        if (state_ == State::in_request) {
          work_->request.refuse(refusal.status, refusal.why, core::ClientCloseReason::refused);
        } else {
          refuse_head(refusal.status, refusal.why, core::ClientCloseReason::refused);
        }
        return false;
      }
    }
  }
  return false;
}

void Http1Connection::on_first_byte() {
  move_to(State::reading_head);
  const core::Time now = context_.now();
  work_->request.begin(*this, source(), now);
  deadline_.set(now + context_.client_config().timeouts.header);
}

void Http1Connection::on_head() {
  const http::RequestHead& head = work_->parser.head();
  ++requests_;
  const std::uint64_t most = context_.client_config().requests_per_connection;
  const bool last = last_ || host_.stopping() || (most > 0 && requests_ >= most);
  work_->traits = {.version_minor = head.version_minor,
                   .head_method = head.method == http::Method::head,
                   .keep_alive = head.keep_alive && !last};
  deadline_.clear();
  move_to(State::in_request);
  work_->request.on_head(head);
  ask_for_body();
}

void Http1Connection::ask_for_body() {
  const bool wanted = state_ == State::in_request && work_->request.state() == Request::State::reading &&
                      work_->request.body() == Request::Body::stored;
  if (wanted && work_->parser.head().expect_continue) send_continue();
}

void Http1Connection::body_released() {
  ask_for_body();
  want_turn();
  update_reading();
}

void Http1Connection::send_continue() {
  std::string interim;
  http::ResponseWriter::write_continue(interim);
  stream_->write(interim);
}

void Http1Connection::complete() {
  probes_ = 0;
  work_->request.on_complete();
  if (eof_ && is_answering()) watch_for_leaving();
}

void Http1Connection::refuse_head(int status, std::string_view why, core::ClientCloseReason reason) {
  if (state_ == State::idle) on_first_byte();
  deadline_.clear();
  move_to(State::in_request);
  const bool head_method = work_->parser.head_method();
  work_->traits = {.version_minor = 1, .head_method = head_method, .keep_alive = false};
  work_->request.refuse_head(status, why, reason,
                             {.head_method = head_method, .first_bytes = work_->parser.first_bytes()});
}

}  // namespace holdfast
