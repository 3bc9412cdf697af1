// The client connection: reading requests, dispatching them, and closing. Answering is in
// client_answering.cpp.
#include "proxy/client/client_connection.h"
#include "proxy/upstream/upstream.h"

#include <cassert>
#include <ctime>

#include "proxy/core/error_page.h"
#include "proxy/core/log_text.h"

namespace holdfast {

using namespace std::chrono_literals;

namespace {
// Bytes of later requests held while one is answered, and at most one read above them; then none is read
// until they are answered.
constexpr std::size_t kUnparsedBytesMost = 16 * 1024;
// Requests of one pipeline answered in one turn; the others' turn comes first.
constexpr int kRequestsATurn = 8;
// Of a body that nobody wants (it is for a file, or for nothing): read for the sake of the next request, up
// to this; beyond it the answer comes at once and ends the connection.
constexpr std::uint64_t kDiscardedBodyBytesMost = 1 << 20;

http::ParserLimits limits_of(const config::Config& config) {
  return {.head_bytes = config.client.max_header, .field_count = config.client.max_header_fields};
}
}  // namespace

ClientConnection::ClientConnection(ClientHost& host, Context& context, std::uint64_t id, Arrival arrival)
    : host_(host),
      context_(context),
      id_(id),
      listener_(arrival.listener),
      idle_link_(id),
      role_(arrival.admin ? Role::admin : Role::site),
      stream_(std::move(arrival.stream)),
      peer_(std::move(arrival.peer)),
      local_(std::move(arrival.local)),
      deadline_(context.deadlines, *this),
      upload_spill_(context.spill, context.spill_shares, core::SpillUse::upload,
                    core::client_key_of_connection(id)),
      answer_spill_(context.spill, context.spill_shares, core::SpillUse::answer,
                    core::client_key_of_connection(id)),
      parser_(limits_of(config())),
      request_body_(&upload_spill_, config().buffers.request_memory, &context.memory),
      response_(core::BodyStore(&answer_spill_, config().buffers.response_memory, &context.memory),
                context.date) {
  stream_->set_handler(*this);
  stream_->start_read();
  deadline_.set(context_.now() + config().client.timeouts.header);
  host_.client_idle(*this);
}

ClientConnection::~ClientConnection() {
  context_.memory.recount(memory_counted_, 0);
  assert(exchange_ == nullptr);
}

// ------------------------------------------------------------------------------------------------------------
// reading

void ClientConnection::on_read(std::string_view bytes) {
  switch (state_) {
    case State::idle:
    case State::reading_head:
    case State::reading_body: take_input(bytes); break;
    case State::answering:
      unparsed_.append(bytes);
      // Behind a stream that never ends no answer will come.
      if (event_stream_ && unparsed_.size() >= kUnparsedBytesMost) close();
      break;
    case State::lingering: on_lingering_read(bytes.size()); break;
    case State::closing: return;
  }
  update_reading();
}

void ClientConnection::go_on() {
  turn_wanted_ = false;
  if (state_ == State::answering && file_ != nullptr) send_file_pieces();
  if (state_ != State::idle) return;
  answer_waiting();
  // The end of a client that has shut its side, once all that came before is answered.
  const bool between = unparsed_.empty() && (state_ == State::idle || state_ == State::reading_head ||
                                             state_ == State::reading_body);
  if (between && (eof_ || (state_ == State::idle && host_.draining()))) {
    close();
    return;
  }
  update_reading();
}

void ClientConnection::want_turn() {
  if (turn_wanted_) return;
  turn_wanted_ = true;
  host_.client_wants_turn(id_);
}

// The one place that says whether the client is read from: each limit on what it may make us hold is a
// refusal to read.
bool ClientConnection::wants_input() const {
  switch (state_) {
    case State::idle:
    case State::reading_head: return unparsed_.empty();  // else their turn comes first
    case State::reading_body: return unparsed_.empty() && !context_.memory.full();
    // Not for the next request's sake, but to hear of a client that leaves.
    case State::answering: return !refused_ && unparsed_.size() < kUnparsedBytesMost;
    case State::lingering: return lingers_on();
    case State::closing: return false;
  }
  return false;
}

void ClientConnection::update_reading() {
  if (wants_input()) {
    stream_->start_read();
  } else {
    stream_->stop_read();
  }
  count_memory();
}

void ClientConnection::resume_reading() {
  if (state_ == State::reading_body) update_reading();
}

// What it holds beside its stores, which count themselves.
void ClientConnection::count_memory() {
  context_.memory.recount(memory_counted_, unparsed_.size() + parser_.held_bytes() + response_.batch_bytes() +
                                               stream_->unsent_bytes());
}

// Going idle: of thousands that do, hardly one sends its next request soon.
void ClientConnection::rest() {
  request_body_.shrink();
  response_.shrink();
  parser_.shrink();
}

// A reload may have changed them since the last request.
void ClientConnection::take_limits() {
  const config::Config& config = *context_.config;
  parser_.set_limits(limits_of(config));
  request_body_.set_memory_max(config.buffers.request_memory);
  response_.set_memory_max(config.buffers.response_memory);
}

void ClientConnection::take_input(std::string_view bytes) {
  assert(unparsed_.empty());  // wants_input()
  if (!feed(bytes)) return;
  unparsed_.append(bytes);
  on_request_complete();
  answer_waiting();
}

// Requests that came behind others. A few a turn: one pipeliner does not starve the others, and is still
// answered as fast as many clients with a request each.
void ClientConnection::answer_waiting() {
  for (int answered = 0; state_ == State::idle && !unparsed_.empty(); ++answered) {
    if (answered == kRequestsATurn) {
      want_turn();
      return;
    }
    std::string_view input = unparsed_.front();
    const std::size_t before = input.size();
    const bool complete = feed(input);
    unparsed_.drop(before - input.size());
    if (complete) on_request_complete();
  }
  if (unparsed_.empty()) unparsed_.clear();
}

// Parses from the front of `input`, all of it, or up to the end of a request: true. False, too, when an
// answer came before that.
bool ClientConnection::feed(std::string_view& input) {
  if (state_ == State::idle) take_limits();
  for (;;) {
    const http::RequestParser::Progress progress = parser_.advance(input);
    input.remove_prefix(progress.consumed);
    if (state_ == State::idle && !parser_.between_requests()) {
      state_ = State::reading_head;
      begun_ = context_.now();
      deadline_.set(begun_ + config().client.timeouts.header);
    }
    if (!progress.body.empty()) on_body(progress.body);
    // A body that was refused is answered: that its last bytes have come as well changes nothing.
    if (state_ == State::answering || state_ == State::lingering || state_ == State::closing) return false;
    switch (progress.event) {
      case http::RequestParser::Event::need_more:
        if (state_ == State::reading_body) watch_body();
        return false;
      case http::RequestParser::Event::head_complete: on_head(); break;
      case http::RequestParser::Event::body: break;
      case http::RequestParser::Event::message_complete: return true;
      case http::RequestParser::Event::refused:
        answer_error(parser_.refusal().status, parser_.refusal().why);
        return false;
    }
    if (state_ == State::answering || state_ == State::lingering || state_ == State::closing) return false;
  }
}

void ClientConnection::on_head() {
  const http::RequestHead& head = parser_.head();
  ++requests_;
  if (role_ == Role::site) ++context_.metrics.requests;
  const std::uint64_t most = config().client.requests_per_connection;
  const bool last = last_ || host_.stopping() || (most > 0 && requests_ >= most);
  begun_wall_ = std::chrono::system_clock::now();
  response_.begin({.version_minor = head.version_minor,
                   .head_method = head.method == http::Method::head,
                   .keep_alive = head.keep_alive && !last});
  if (refuse_for_memory()) return;
  if (role_ == Role::admin) {
    plan_ = Plan{};
    plan_.kind = Plan::Kind::admin;
  } else {
    set_origin(head);
    make_plan();
  }
  if (!head.has_body()) return;
  state_ = State::reading_body;
  body_discarded_ = plan_.kind != Plan::Kind::php;
  const std::uint64_t length = head.content_length.value_or(0);
  if (length > plan_.max_body && !body_discarded_) {
    answer_error(413, "the body is longer than max_body");
    return;
  }
  if (body_discarded_ && (head.expect_continue || length > kDiscardedBodyBytesMost)) {
    answer_without_body();
    return;
  }
  if (head.expect_continue) {
    std::string interim;
    http::ResponseWriter::write_continue(interim);
    stream_->write(interim);
  }
  floor_.restart(0);
  watch_body();
}

// Nobody wants this body: what was decided by the head is answered before it is sent, or read.
void ClientConnection::answer_without_body() {
  const http::RequestHead& head = parser_.head();
  response_.begin({.version_minor = head.version_minor,
                   .head_method = head.method == http::Method::head,
                   .keep_alive = false});
  on_request_complete();
}

// At buffers.memory_max nothing more is taken on. The admin endpoint stays open: it shows why.
bool ClientConnection::refuse_for_memory() {
  if (role_ == Role::admin || !context_.memory.full()) return false;
  ++context_.metrics.memory_refused;
  host_.note_memory_full();
  plan_ = Plan{};
  state_ = State::reading_body;  // its head is there
  answer_error(503, "buffers.memory_max is reached");
  return true;
}

void ClientConnection::set_origin(const http::RequestHead& head) {
  core::ClientOrigin peer;
  peer.address = peer_.address;
  peer.bytes = peer_.bytes;
  peer.port = peer_.port;
  if (config().trusted_proxies.empty()) {
    origin_ = std::move(peer);
  } else {
    origin_ = core::client_origin(peer, config().trusted_proxies, config().forwarded_headers, head);
  }
  set_spool_share();
}

void ClientConnection::make_plan() {
  const http::RequestHead& head = parser_.head();
  plan_ = host_.plan(head, origin_.host.empty() ? head.host : origin_.host);
  if (!origin_.conflict) return;
  plan_.kind = Plan::Kind::error;
  plan_.status = 400;
  plan_.why = "Forwarded and X-Forwarded-* contradict each other: see forwarded_headers";
}

void ClientConnection::on_body(std::span<const std::string_view> slices) {
  if (body_discarded_) {
    if (parser_.body_bytes() > kDiscardedBodyBytesMost) answer_without_body();
    return;
  }
  if (parser_.body_bytes() > plan_.max_body) {
    answer_error(413, "the body is longer than max_body");
    return;
  }
  for (const std::string_view slice : slices) {
    if (request_body_.append(slice) == core::Append::ok) continue;
    refuse_unstored_body();
    return;
  }
}

// ------------------------------------------------------------------------------------------------------ a
// client's end

void ClientConnection::on_eof() {
  eof_ = true;
  switch (state_) {
    case State::idle:
      if (unparsed_.empty()) close();  // else go_on() answers what came before
      return;
    case State::lingering: close(); return;
    case State::reading_head:
    case State::reading_body: leave(); return;
    case State::answering:
      // A page that was closed. Nobody half-closes an event stream.
      if (event_stream_) {
        close();
      } else {
        watch_for_leaving();
      }
      return;
    case State::closing: return;
  }
}

bool ClientConnection::gone() const {
  return eof_ && stream_->peer_gone();
}

void ClientConnection::on_gone() {
  leave();
}

void ClientConnection::on_error(net::Error error) {
  if (state_ == State::closing) return;
  context_.log.debug("client " + std::to_string(id_) + ": " + error.text());
  if (state_ == State::idle || state_ == State::lingering || event_stream_) {
    close();
  } else {
    leave();
  }
}

// The client is gone in the middle: nobody is answered, and php is told to stop as far as that goes.
void ClientConnection::leave() {
  if (role_ == Role::site) ++context_.metrics.client_left;
  left_ = true;
  if (exchange_ != nullptr) exchange_->upstream().client_left(*exchange_);
  if (state_ != State::reading_head) log_request();
  close();
}

void ClientConnection::on_deadline(core::Time now) {
  switch (state_) {
    case State::idle:
    case State::lingering: close(); return;
    case State::reading_head: answer_error(408, "the head did not come in time"); return;
    case State::reading_body: on_body_deadline(now); return;
    case State::answering:
      if (stream_->unsent_bytes() > 0) {
        look_at_delivery(now);
      } else if (eof_) {
        look_for_leaving();
      }
      return;
    case State::closing: return;
  }
}

void ClientConnection::finish() {
  last_ = true;
  response_.make_last();
  if (event_stream_) close();
}

void ClientConnection::shut_down() {
  finish();
  if (state_ == State::idle && unparsed_.empty()) close();  // else go_on() answers what came before
}

void ClientConnection::cut_off() {
  if (state_ == State::answering) {
    leave();
  } else {
    close();
  }
}

// What is being answered, and what for.
void ClientConnection::drop_answer() {
  if (exchange_ != nullptr) exchange_->upstream().client_left(*exchange_);
  exchange_.reset();
  file_.reset();
  gzip_.reset();
  request_body_.clear();
  if (event_stream_) host_.admin().stream_closed(*this);
  event_stream_ = false;
}

void ClientConnection::close() {
  if (state_ == State::closing) return;
  state_ = State::closing;
  drop_answer();
  unparsed_.clear();
  deadline_.clear();
  if (response_.cut_by_reset() || left_) {
    stream_->reset();
  } else {
    stream_->close();
  }
}

void ClientConnection::on_closed() {
  host_.client_closed(id_);
}

}  // namespace holdfast
