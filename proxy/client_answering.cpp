// The client connection: answering. From a whole request to the last byte of the response, and its line in
// the log.
#include <algorithm>
#include <array>
#include <ctime>

#include "fastcgi/protocol.h"
#include "proxy/admin.h"
#include "proxy/client_connection.h"
#include "proxy/core/cgi_params.h"
#include "proxy/core/error_page.h"
#include "proxy/core/log_text.h"
#include "proxy/wall_clock.h"
#include "proxy/worker.h"

namespace holdfast {

namespace {
// Pieces of a file written in one go before other clients get their turn.
constexpr int kFilePiecesAtOnce = 4;
// Of those that hold the target, with the lengths of a pair.
constexpr std::size_t kParamNameBytesMost = 32;
}  // namespace

void ClientConnection::on_request_complete() {
  state_ = State::answering;
  deadline_.clear();
  held_worker_.let_go();
  // A reload has taken its pool away since the head came: then what the present configuration says.
  if (plan_.kind == Plan::Kind::php && worker_.find_upstream(plan_.site->pool) == nullptr) {
    make_plan();
  }
  switch (plan_.kind) {
    case Plan::Kind::php: forward_to_php(); return;
    case Plan::Kind::file:
      file_ = std::make_unique<StaticResponse>(*plan_.site, plan_.root_or(plan_.site->root), plan_.file);
      if (const int failure = file_->failure(); failure != 0) {
        worker_.context().descriptors.note(DescriptorWatch::Place::file, file_->error(), worker_.now());
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
  return gzip_.emplace(parser_.head(), response_, worker_.context().compressors);
}

void ClientConnection::forward_to_php() {
  Upstream* upstream = worker_.find_upstream(plan_.site->pool);
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
  exchange_ = std::make_unique<PhpExchange>(worker_.context().next_id(), parser_.head(), std::move(params),
                                            request_body_, response_sink(), *this, *upstream,
                                            worker_.config().buffers.response_head);
  upstream->submit(*exchange_, core::address_key(origin_.bytes));
  if (eof_) probe();
}

void ClientConnection::answer_admin() {
  AdminAnswer answer = worker_.admin().answer(
      parser_.head(), {.address = peer_.address, .unix_socket = local_.address.empty()});
  http::ResponseHead head;
  head.status = answer.status;
  head.fields = {{"Content-Type", answer.content_type}};
  add_admin_fields(answer.policy, head.fields);
  if (!answer.allow.empty()) head.fields.push_back({"Allow", answer.allow});
  if (answer.event_stream) {
    event_stream_ = true;
    worker_.admin().stream_opened();
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
  stream_->stop_read();
  // RFC 9110 15.5.6: a 405 says what is allowed.
  answer_own(core::ErrorPage(status, {}, status == 405 ? core::kServerMethods : std::string_view()));
}

void ClientConnection::answer_own(const core::ErrorPage& page) {
  http::ResponseHead head = page.head();
  if (role_ == Role::admin) add_admin_fields(AdminAnswer::kNothing, head.fields);
  response_.start_response(head, false);
  response_.response_body(page.body());
  response_.finish_response();
  flush();
}

void ClientConnection::send_file_pieces() {
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
    worker_.client_wants_turn(id_);
  }
}

void ClientConnection::flush() {
  if (state_ != State::answering) return;
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
}

void ClientConnection::watch_writing() {
  const bool holds = !held_worker_.held() && holds_worker();
  if (delivery_.watching() && !holds) return;
  const core::Time now = worker_.now();
  const std::uint64_t delivered = stream_->delivered_bytes();
  if (!delivery_.watching()) floor_.restart(delivered);
  delivery_.start(now, delivered);
  if (holds) held_worker_.hold(now, delivered);
  deadline_.set(next_look(now));
}

bool ClientConnection::congested() const {
  return response_.congested(*stream_);
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
  if (file_ != nullptr) {
    send_file_pieces();
  } else if (exchange_ != nullptr) {
    exchange_->upstream().client_caught_up(*exchange_);
    if (eof_ && !response_.started()) watch_for_leaving();
  }
}

void ClientConnection::end_request() {
  if (exchange_ != nullptr) log_stderr();
  log_request();
  exchange_.reset();
  file_.reset();
  gzip_.reset();
  request_body_.clear();
  refusal_ = {};
  // A head that was out before the end was known has told the client that it may go on. What it sent since is
  // answered, and that answer says close; on a reload so is what it sends next, as with an idle client.
  const bool told = unread_head_ || !response_.keep_alive();
  if (told || (worker_.draining() && pipelined_.empty())) {
    linger();
    return;
  }
  parser_.next_request();
  plan_ = {};
  state_ = State::idle;
  worker_.client_idle(*this);
  deadline_.set(worker_.now() + worker_.config().client.timeouts.keep_alive);
  // More is here already: in a turn of its own, so that one pipeliner does not starve the others.
  if (!pipelined_.empty() || eof_) {
    worker_.client_wants_turn(id_);
  } else {
    stream_->start_read();
  }
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
  core::RecentTexts& recent = worker_.context().complaints;
  if (!recent.is_new(about, worker_.now())) return;
  std::string line = php_log_prefix() + about;
  if (const std::uint64_t held = recent.take_held_back(); held > 0)
    line += " (" + std::to_string(held) + " more since the last such line)";
  worker_.context().log.warn(line);
}

void ClientConnection::log_stderr() {
  log_complaint();
  const std::string& text = exchange_->stderr_text();
  if (text.empty()) return;
  std::string end = exchange_->stderr_cut() ? " [cut]" : "";
  if (text.find("Primary script unknown") != std::string::npos) {
    end += "; php-fpm does not see " + core::escape_for_log(plan_.site->php_root + plan_.script_name) +
           ": set php_root to the path of the root as php-fpm sees it";
  }
  worker_.context().log.warn_lines(php_log_prefix(), text, end);
}

void ClientConnection::log_request() {
  if (role_ == Role::admin) return;  // looking at the numbers does not change them
  Metrics& metrics = worker_.context().metrics;
  const int status = left_ ? 499 : response_.status();
  metrics.count_response(status);
  metrics.bytes_sent += response_.body_bytes();
  const core::Time now = worker_.now();
  if (exchange_ != nullptr && exchange_->connection() != 0) {
    PoolTimes& times = metrics.pool_times[exchange_->upstream().config().name];
    const core::Exchange::Timings& timings = exchange_->timings();
    times.queue_wait.observe(timings.queue);
    if (timings.connect > core::Duration::zero()) times.connect.observe(timings.connect);
    if (timings.first_byte) times.first_byte.observe(*timings.first_byte - timings.leased);
    times.total.observe(now - begun_);
  }
  if (!worker_.context().access_log.enabled()) return;
  worker_.context().access_log.add(access_record(status, now));
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
    if (exchange_->outcome() != core::Outcome::none && given_up_.empty())
      record.outcome = core::outcome_name(exchange_->outcome());
  }
  if (record.outcome == "ok" && response_.broken())
    record.outcome = core::outcome_name(core::Outcome::truncated);
  return record;
}

}  // namespace holdfast
