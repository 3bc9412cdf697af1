// The client connection: answering. From a whole request to the last byte of the response, and its line in
// the log.
#include <algorithm>
#include <array>
#include <ctime>

#include "fastcgi/protocol.h"
#include "proxy/client/client_connection.h"
#include "proxy/core/cgi_params.h"
#include "proxy/core/error_page.h"
#include "proxy/core/log_text.h"
#include "proxy/observe/wall_clock.h"
#include "proxy/upstream/detached_exchange.h"
#include "proxy/upstream/php_stderr.h"
#include "proxy/upstream/upstream.h"

namespace holdfast {

namespace {
// Pieces of a file written in one go before other clients get their turn.
constexpr int kFilePiecesAtOnce = 4;
// Compressed bytes sent in one go while there is more to compress.
constexpr std::size_t kCompressedBytesAtOnce = 16 * 1024;
// Of those that hold the target, with the lengths of a pair.
constexpr std::size_t kParamNameBytesMost = 32;
}  // namespace

void ClientConnection::on_request_complete() {
  state_ = State::answering;
  deadline_.clear();
  delivery_.stop();
  held_worker_.let_go();
  // A reload has taken its pool away since the head came: then what the present configuration says.
  if (plan_.kind == Plan::Kind::php && host_.find_upstream(plan_.site->pool) == nullptr) {
    make_plan();
  }
  switch (plan_.kind) {
    case Plan::Kind::php: forward_to_php(); return;
    case Plan::Kind::file:
      file_ = std::make_unique<StaticResponse>(*plan_.site, plan_.root_or(plan_.site->root), plan_.file);
      if (const int failure = file_->failure(); failure != 0) {
        context_.descriptors.note(DescriptorWatch::Place::file, file_->error(), context_.now());
        const std::string_view why = file_->why();  // a literal
        file_.reset();
        answer_error(failure, why);
        return;
      }
      file_->start(parser_.head(), wall_seconds(), response_sink());
      send_file_pieces();
      return;
    case Plan::Kind::redirect: answer_own(core::ErrorPage(plan_.status, plan_.location)); return;
    case Plan::Kind::options: {
      http::ResponseHead head;
      head.status = plan_.status;
      head.fields.push_back({"Allow", plan_.allow});
      response_.start_response(head, false);
      response_.finish_response();
      flush();
      return;
    }
    case Plan::Kind::error:
      refusal_ = plan_.why;
      answer_own(core::ErrorPage(plan_.status, {}, plan_.allow));
      return;
    case Plan::Kind::admin: answer_admin(); return;
  }
}

// Where the answer of php or of a file goes.
core::ResponseSink& ClientConnection::response_sink() {
  if (!plan_.site->gzip) return response_;
  return gzip_.emplace(parser_.head(), response_, context_.compressors,
                       core::BodyStore(&answer_spill_, config().buffers.response_memory, &context_.memory));
}

void ClientConnection::forward_to_php() {
  Upstream* upstream = host_.find_upstream(plan_.site->pool);
  if (upstream == nullptr) {
    answer_error(503, "the pool of this site was removed by a reload");
    return;
  }
  const std::string remote_port = origin_.port == 0 ? std::string() : std::to_string(origin_.port);
  const std::string server_port = std::to_string(core::server_port(origin_, parser_.head(), local_.port));
  fastcgi::ParamList params;
  const bool fits = plan_.params->build({.head = parser_.head(),
                                         .script_name = plan_.script_name,
                                         .path_info = plan_.path_info,
                                         .root = plan_.root,
                                         .remote_address = origin_.address,
                                         .remote_port = remote_port,
                                         .server_address = local_.address,
                                         .server_port = server_port,
                                         .https = origin_.https,
                                         .authority = origin_.authority,
                                         .host = origin_.host,
                                         .forwarded_fields = origin_.fields,
                                         .content_length = request_body_.size()},
                                        params);
  if (!fits) {
    if (parser_.head().target.size() + plan_.site->php_root.size() + kParamNameBytesMost >
        fastcgi::kWriteContentBytesMax) {
      answer_error(414, "the request target is too long for a FastCGI parameter");
    } else {
      answer_error(431, "a header field is too large for a FastCGI parameter");
    }
    return;
  }
  exchange_ =
      std::make_unique<PhpExchange>(context_.next_id(), parser_.head(), std::move(params), request_body_,
                                    response_sink(), *this, *upstream, config().buffers.response_head);
  upstream->submit(*exchange_, core::address_key(origin_.bytes));
  if (eof_) watch_for_leaving();
}

void ClientConnection::answer_admin() {
  OwnAnswer answer =
      host_.admin().answer(parser_.head(), {.address = peer_.address, .unix_socket = local_.address.empty()});
  http::ResponseHead head;
  head.status = answer.status;
  head.fields = {{"Content-Type", answer.content_type}};
  host_.admin().add_fields(answer.policy, head.fields);
  if (!answer.allow.empty()) head.fields.push_back({"Allow", answer.allow});
  if (answer.event_stream) {
    event_stream_ = true;
    host_.admin().stream_opened(*this);
    response_.start_response(head, true);
  } else {
    head.content_length = answer.body.size();
    response_.start_response(head, false);
  }
  response_.response_body(answer.body);
  if (!answer.event_stream) response_.finish_response();
  flush();
}

void ClientConnection::push_event(std::string_view bytes) {
  if (response_.congested(*stream_)) return;  // a page that sleeps gets the next one
  response_.response_body(bytes);
  flush();
}

// An answer in place of what was asked, to a request that need not be whole: the connection ends with it.
void ClientConnection::answer_error(int status, std::string_view why) {
  refusal_ = why;
  response_.begin({.version_minor = 1, .head_method = parser_.head_method(), .keep_alive = false});
  if (state_ == State::idle || state_ == State::reading_head) {
    unread_head_ = true;
    tell_unread_head(status);
  }
  state_ = State::answering;
  refused_ = true;
  update_reading();
  // RFC 9110 15.5.6: a 405 says what is allowed.
  answer_own(core::ErrorPage(status, {}, status == 405 ? core::kServerMethods : std::string_view()));
}

void ClientConnection::answer_own(const core::ErrorPage& page) {
  http::ResponseHead head = page.head();
  if (role_ == Role::admin) host_.admin().add_fields(OwnAnswer::kNothing, head.fields);
  response_.start_response(head, false);
  response_.response_body(page.body());
  response_.finish_response();
  flush();
}

void ClientConnection::send_file_pieces() {
  if (gzip_ && gzip_->at_work()) {
    want_compressing();
    return;
  }
  core::ResponseSink& sink = gzip_ ? static_cast<core::ResponseSink&>(*gzip_) : response_;
  for (int pieces = 0; file_ != nullptr && pieces < kFilePiecesAtOnce && stream_->unsent_bytes() == 0;
       ++pieces) {
    if (response_.finished() || !file_->give_piece(sink)) break;
    if (response_.finished()) break;
    response_.flush(*stream_);
  }
  flush();
  // The kernel took it all: others have their turn, then we go on.
  if (state_ == State::answering && file_ != nullptr && !response_.finished() &&
      stream_->unsent_bytes() == 0) {
    want_turn();
  }
}

void ClientConnection::want_compressing() {
  if (compressing_wanted_) return;
  compressing_wanted_ = true;
  host_.client_wants_compressing(id_);
}

std::size_t ClientConnection::compress(std::size_t bytes_most) {
  compressing_wanted_ = false;
  // What the client's side cannot store, it takes when the client has caught up: on_drained().
  if (state_ != State::answering || !gzip_ || response_.congested(*stream_)) return 0;
  if (file_ != nullptr) {
    if (stream_->unsent_bytes() > 0) return 0;  // files are read as the client takes them
    if (gzip_->stored_bytes() == 0) static_cast<void>(file_->give_piece(*gzip_, bytes_most));
  }
  const bool was_congested = gzip_->congested();
  const std::size_t bytes = gzip_->work(bytes_most, file_ != nullptr);
  if (was_congested && !gzip_->congested() && exchange_ != nullptr)
    exchange_->upstream().client_caught_up(*exchange_);
  // Text shrinks to a tenth: what more gives at once is sent together with it.
  const bool more_at_hand = gzip_->at_work() && (file_ != nullptr || gzip_->stored_bytes() > 0);
  if (more_at_hand && response_.batch_bytes() < kCompressedBytesAtOnce) {
    want_compressing();
  } else {
    flush();
  }
  return bytes;
}

void ClientConnection::flush() {
  if (state_ != State::answering) return;
  const bool to_compress = gzip_ && (gzip_->has_work() || (file_ != nullptr && gzip_->at_work()));
  if (to_compress) want_compressing();
  response_.flush(*stream_);
  if (response_.broken()) {
    if (exchange_ != nullptr) log_stderr();
    log_request();
    close();
    return;
  }
  if (response_.all_sent(*stream_)) {
    end_request();
  } else if (stream_->unsent_bytes() > 0) {
    watch_writing();
  }
  count_memory();
}

void ClientConnection::watch_writing() {
  const bool holds = !held_worker_.held() && holds_worker();
  if (delivery_.watching() && !holds) return;
  const core::Time now = context_.now();
  const std::uint64_t delivered = stream_->delivered_bytes();
  if (!delivery_.watching()) floor_.restart(delivered);
  delivery_.start(now, delivered);
  if (holds) held_worker_.hold(now, delivered);
  deadline_.set(next_look(now));
}

bool ClientConnection::congested() const {
  return response_.congested(*stream_) || (gzip_ && gzip_->congested());
}

void ClientConnection::on_drained() {
  if (state_ != State::answering) return;
  deadline_.clear();
  delivery_.stop();
  response_.on_drained(*stream_);
  if (response_.broken()) {
    log_request();
    close();
    return;
  }
  if (stream_->unsent_bytes() > 0) {
    watch_writing();
    return;
  }
  if (response_.all_sent(*stream_)) {
    end_request();
    return;
  }
  held_worker_.let_go();
  if (gzip_ && gzip_->has_work()) want_compressing();
  if (file_ != nullptr) {
    send_file_pieces();
  } else if (exchange_ != nullptr) {
    exchange_->upstream().client_caught_up(*exchange_);
    if (eof_ && !response_.started()) look_again();
  }
}

void ClientConnection::end_request() {
  const bool runs_on = exchange_ != nullptr && exchange_->state() != core::ExchangeState::done;
  if (exchange_ != nullptr && !runs_on) log_stderr();
  log_request();
  if (runs_on) detach_exchange();
  exchange_.reset();
  file_.reset();
  gzip_.reset();
  request_body_.clear();
  refusal_ = {};
  // A head that was out before the end was known has told the client that it may go on. What it sent since is
  // answered, and that answer says close; on a reload so is what it sends next, as with an idle client.
  const bool told = unread_head_ || !response_.keep_alive();
  if (told || (host_.draining() && unparsed_.empty())) {
    linger();
    return;
  }
  parser_.next_request();
  plan_ = {};
  state_ = State::idle;
  host_.client_idle(*this);
  delivery_.stop();  // also if the stream has not said yet that it took all: the next answer is watched anew
  deadline_.set(context_.now() + config().client.timeouts.keep_alive);
  if (!unparsed_.empty() || eof_) {
    want_turn();
  } else {
    rest();
  }
  update_reading();
}

// ----------------------------------------------------------------------------------------------------------------
// log

// "php: GET example.com/x.php: ", the begin of each line about what php said.
std::string ClientConnection::php_log_prefix() const {
  const http::RequestHead& head = parser_.head();
  std::string prefix = "php: ";
  core::append_cut(prefix,
                   core::escape_for_log(head.method_text) + " " + core::escape_for_log(head.authority) +
                       core::escape_for_log(head.target),
                   2048);
  return prefix + ": ";
}

// What was wrong with its head: once a script, not once an answer.
void ClientConnection::log_complaint() {
  const std::string& complaint = exchange_->complaint();
  if (complaint.empty()) return;
  const std::string about = core::escape_for_log(plan_.site->php_root + plan_.script_name) + ": " + complaint;
  core::RecentTexts& recent = context_.complaints;
  if (!recent.is_new(about, context_.now())) return;
  std::string line = php_log_prefix() + about;
  if (const std::uint64_t held = recent.take_held_back(); held > 0)
    line += " (" + std::to_string(held) + " more since the last such line)";
  context_.log.warn(line);
}

void ClientConnection::log_stderr() {
  log_complaint();
  log_php_stderr(context_.log, *exchange_, plan_.site->php_root + plan_.script_name);
}

// The client has its whole answer, and its script runs on: it is not the client's business any more.
void ClientConnection::detach_exchange() {
  log_complaint();
  Upstream& upstream = exchange_->upstream();
  upstream.client_caught_up(*exchange_);
  upstream.detach(std::make_unique<DetachedExchange>(std::move(exchange_), std::move(request_body_),
                                                     plan_.site->php_root + plan_.script_name));
}

void ClientConnection::log_request() {
  if (role_ == Role::admin) return;  // looking at the numbers does not change them
  Metrics& metrics = context_.metrics;
  const int status = left_ ? 499 : response_.status();
  metrics.count_response(status);
  metrics.bytes_sent += response_.body_bytes();
  const core::Time now = context_.now();
  if (exchange_ != nullptr && exchange_->connection() != 0) {
    PoolTimes& times = metrics.pool_times[exchange_->upstream().config().name];
    const core::Exchange::Timings& timings = exchange_->timings();
    times.queue_wait.observe(timings.queue);
    if (timings.connect > core::Duration::zero()) times.connect.observe(timings.connect);
    if (timings.first_byte) times.first_byte.observe(*timings.first_byte - timings.leased);
    times.total.observe(now - begun_);
  }
  if (!context_.access_log.enabled()) return;
  context_.access_log.add(access_record(status, now));
}

core::AccessRecord ClientConnection::access_record(int status, core::Time now) const {
  core::AccessRecord record;
  record.client_address =
      origin_.address.empty() ? std::string_view(peer_.address) : std::string_view(origin_.address);
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(
      begun_wall_.value_or(std::chrono::system_clock::now()).time_since_epoch());
  record.time = static_cast<std::time_t>(wall.count() / 1000);
  record.milliseconds = static_cast<int>(wall.count() % 1000);
  record.status = status;
  record.body_bytes = response_.body_bytes();
  record.request_time = now - begun_;
  record.outcome = left_                ? "client_left"
                   : !given_up_.empty() ? given_up_
                   : refusal_.empty()   ? "ok"
                                        : refusal_;
  if (unread_head_) {
    record.first_bytes = parser_.first_bytes();
  } else {
    const http::RequestHead& head = parser_.head();
    record.method = head.method_text;
    record.target = head.target;
    record.version_minor = head.version_minor;
    record.host = head.authority;
    record.referer = head.find("Referer").value_or(std::string_view{});
    record.user_agent = head.find("User-Agent").value_or(std::string_view{});
  }
  if (exchange_ != nullptr) {
    const core::Exchange::Timings& timings = exchange_->timings();
    record.pool = exchange_->upstream().config().name;
    record.queue_time = timings.queue;
    if (timings.connect > core::Duration::zero()) record.connect_time = timings.connect;
    if (timings.first_byte) record.first_byte_time = *timings.first_byte - timings.leased;
    record.connection_id = exchange_->connection();
    record.reused = exchange_->reused();
    record.retried = exchange_->retries();
    const bool runs_on = exchange_->outcome() == core::Outcome::none && response_.finished();
    const core::Outcome outcome = runs_on ? exchange_->outcome_if_whole() : exchange_->outcome();
    if (outcome != core::Outcome::none && given_up_.empty()) record.outcome = core::outcome_name(outcome);
  }
  if (record.outcome == "ok" && response_.broken())
    record.outcome = core::outcome_name(core::Outcome::truncated);
  return record;
}

}  // namespace holdfast
