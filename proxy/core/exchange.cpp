// The exchange: request bytes out, response records in.
#include "proxy/core/exchange.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "fastcgi/protocol.h"
#include "proxy/core/kept_buffer.h"
#include "proxy/core/log_text.h"
#include "proxy/http/header_rules.h"

namespace holdfast::core {

namespace {
// One piece of a stored body: what is held in memory for the upstream socket at most.
constexpr std::size_t kBodyPieceBytes = 64 * 1024;
// PHP's stderr of one request that is kept for the log.
constexpr std::size_t kStderrBytesMost = 64 * 1024;
// Of a line of php's head that is left out.
constexpr std::size_t kBadLineBytesTold = 100;
// Of the file that an answer asks for.
constexpr std::size_t kFilePathBytesTold = 300;
// What is kept for the next request's head.
constexpr std::size_t kKeptHeadBytes = 4 * 1024;
}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::none: return "none";
    case Outcome::ok: return "ok";
    case Outcome::queue_full: return "queue_full";
    case Outcome::queue_timeout: return "queue_timeout";
    case Outcome::client_left: return "client_left";
    case Outcome::upstream_reset: return "upstream_reset";
    case Outcome::upstream_timeout: return "upstream_timeout";
    case Outcome::upstream_bad_head: return "upstream_bad_head";
    case Outcome::upstream_no_head: return "upstream_no_head";
    case Outcome::upstream_poisoned: return "upstream_poisoned";
    case Outcome::upstream_send_file: return "upstream_send_file";
    case Outcome::truncated: return "truncated";
    case Outcome::spool_failed: return "spool_failed";
    case Outcome::pool_removed: return "pool_removed";
  }
  return "";
}

void Exchange::begin(Asked& asked, fastcgi::ParamList& params, BodyStore body, std::size_t head_bytes_max) {
  std::swap(asked_, asked);
  params_.swap(params);
  body_.emplace(std::move(body));
  head_.set_bytes_max(head_bytes_max);
  state_ = ExchangeState::waiting;
  outcome_ = Outcome::none;
  whole_outcome_ = Outcome::ok;
  timings_ = {};
  connection_ = 0;
  fastcgi_id_ = 0;
  content_left_.reset();
  surplus_ = 0;
  retries_ = blamed_ = 0;
  forgiven_ = false;
  app_status_ = 0;
  reused_ = streaming_ = stderr_cut_ = false;
}

void Exchange::clear() {
  body_.reset();
  head_.reset();
  head_.shrink(kKeptHeadBytes);
  params_.clear();
  page_.reset();
  for (std::string* each : {&complaint_, &stderr_text_}) {
    each->clear();
    shed(*each, kKeptHeadBytes);
  }
}

void Exchange::begin_attempt(ConnectionId connection, bool reused, Time now) {
  assert(state_ == ExchangeState::waiting);
  state_ = ExchangeState::sending;
  connection_ = connection;
  reused_ = reused;
  timings_.leased = now;
  timings_.queue = now - enqueued();
  body_written_ = 0;
  params_end_ = 0;
  begun_ = false;
  interim_seen_ = progress_ = false;
  head_.reset();
}

bool Exchange::write_request(fastcgi::Session& session, bool keep_connection, std::string& out) {
  if (!begun_) {
    begun_ = true;
    const std::size_t before = out.size();
    fastcgi_id_ =
        session.begin_request(fastcgi::Role::responder, keep_connection, params_, body_->size(), out);
    // Without a body the empty STDIN record follows at once; php starts the script when it has read PARAMS.
    params_end_ = out.size() - before - (body_->size() == 0 ? fastcgi::kHeaderBytes : 0);
  }
  const std::uint64_t left = body_->size() - body_written_;
  if (left == 0) return true;
  std::string piece;
  if (!body_->read(body_written_, kBodyPieceBytes, piece) || piece.empty()) return false;
  session.write_stdin(fastcgi_id_, piece, out);
  body_written_ += piece.size();
  return true;
}

bool Exchange::request_written() const {
  return begun_ && body_written_ == body_->size();
}

void Exchange::all_sent() {
  if (state_ == ExchangeState::sending) state_ = ExchangeState::awaiting_head;
}

bool Exchange::on_stdout(std::string_view bytes, Time now) {
  if (bytes.empty()) return true;
  if (!timings_.first_byte) timings_.first_byte = now;
  if (state_ != ExchangeState::responding && !take_head(bytes)) return false;
  if (state_ == ExchangeState::responding) deliver_body(bytes);
  return true;
}

bool Exchange::take_head(std::string_view& bytes) {
  for (;;) {
    switch (head_.feed(bytes)) {
      case fastcgi::CgiHeadState::incomplete: return true;
      case fastcgi::CgiHeadState::complete:
        if (interim_seen_ && !head_.is_response()) {
          deliver_headless();
          return true;
        }
        if (!head_.interim() || is_only_head()) {
          deliver_head();
          return true;
        }
        interim_seen_ = true;
        head_.reset();
        break;
      case fastcgi::CgiHeadState::malformed:
      case fastcgi::CgiHeadState::too_large:
        if (!interim_seen_ || head_.is_response()) return false;
        deliver_headless();
        return true;
    }
  }
}

// php has one head only: where it shows to be php's, or has what a page has, it is that of the page, whatever the status
// says. What follows is the page then, and no line of it a header.
bool Exchange::is_only_head() const {
  const std::string_view by = head_.find("X-Powered-By").value_or("");
  return head_.find("Content-Type") || head_.content_length() ||
         http::equals_ignore_case(by.substr(0, 3), "PHP");
}

namespace {
// The two that say it plainly; the rest is lighttpd's and LiteSpeed's.
bool names_file(std::string_view field_name) {
  return http::equals_ignore_case(field_name, "X-Accel-Redirect") ||
         http::equals_ignore_case(field_name, "X-Sendfile");
}
}  // namespace

void Exchange::deliver_head() {
  note_bad_lines();
  const bool misnamed = head_.interim();
  if (misnamed)
    complain("a page with the interim status " + std::to_string(head_.status()) + ", sent as 200");
  response_.status = misnamed ? 200 : head_.status();
  response_.reason = misnamed ? std::string_view() : head_.reason();
  response_.content_length = head_.content_length();
  // An interim status would break nginx, Apache and HAProxy.
  response_.cgi_text = passes_head_on_ && !misnamed ? head_.text() : std::string_view();
  response_.fields.clear();
  response_.fields.reserve(head_.fields().size());
  const fastcgi::CgiField* file = nullptr;
  for (const fastcgi::CgiField& field : head_.fields()) {
    if (http::is_for_server(field.name)) {
      if (http::asks_for_file(field.name) && !passes_head_on_) {
        if (!passes_file_wishes_ || !names_file(field.name)) {
          refuse_file(field);
          return;
        }
        if (file == nullptr) file = &field;
      }
      if (http::equals_ignore_case(field.name, "X-Accel-Buffering"))
        streaming_ = streaming_ || http::equals_ignore_case(field.value, "no");
      continue;
    }
    if (http::equals_ignore_case(field.name, "Content-Type") &&
        http::equals_ignore_case(field.value.substr(0, 17), "text/event-stream")) {
      streaming_ = true;
    }
    response_.fields.push_back({field.name, field.value});
  }
  content_left_ = head_.content_length();
  if (file != nullptr) {
    response_.fields.push_back({file->name, file->value});
    content_left_ = 0;
    streaming_ = false;
  }
  if (asked_.method() == http::Method::head || http::is_contentless(response_.status)) content_left_ = 0;
  state_ = ExchangeState::responding;
  progress_ = true;
  sink_->start_response(response_, streaming_);
}

// Behind an interim head came what is no head of a response: the interim one was php's only, and this is its page.
void Exchange::deliver_headless() {
  complain("a page with an interim status, sent as 200");
  response_ = {};
  state_ = ExchangeState::responding;
  progress_ = true;
  sink_->start_response(response_, false);
  deliver_body(head_.text());
}

void Exchange::deliver_body(std::string_view bytes) {
  if (content_left_) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), *content_left_));
    surplus_ += bytes.size() - wanted;
    bytes = bytes.substr(0, wanted);
    *content_left_ -= wanted;
  }
  if (bytes.empty()) return;
  progress_ = true;
  sink_->response_body(bytes);
}

// Nobody here sends the file, and the path is not for the client: its page in place of php's answer, which is
// read to its end, so that the connection is kept.
void Exchange::refuse_file(const fastcgi::CgiField& field) {
  complain(
      "asks for a file by " + std::string(field.name) + ": " +
      std::string(field.value.substr(0, kFilePathBytesTold)) +
      (!names_file(field.name)
           ? ", a field that holdfast does not follow; the client gets 502. Send X-Accel-Redirect or "
             "X-Sendfile"
           : ", which holdfast sends where `internal` of the site names its folder; the client gets 502. Add "
             "`internal`, or let the script send it (readfile())"));
  whole_outcome_ = Outcome::upstream_send_file;
  page_ = std::make_unique<ErrorPage>(status_of(whole_outcome_));
  content_left_ = 0;
  streaming_ = false;
  state_ = ExchangeState::responding;
  progress_ = true;
  sink_->start_response(page_->head(), false);
  sink_->response_body(page_->body());
}

void Exchange::note_bad_lines() {
  for (const fastcgi::CgiBadLine& line : head_.bad_lines()) {
    complain("line " + std::to_string(line.number) + " of the response head " + std::string(line.why) +
             ", left out: " + std::string(line.text.substr(0, kBadLineBytesTold)));
  }
  if (head_.bad_line_count() > head_.bad_lines().size())
    complain(std::to_string(head_.bad_line_count() - head_.bad_lines().size()) + " more lines left out");
}

void Exchange::complain(std::string_view what) {
  if (!complaint_.empty()) complaint_ += "; ";
  append_escaped_for_log(complaint_, what);
}

std::string Exchange::head_error() const {
  std::string error(head_.error());
  if (head_.state() == fastcgi::CgiHeadState::too_large) error += " (buffers.response_head)";
  return error;
}

void Exchange::on_stderr(std::string_view bytes) {
  const std::size_t room = kStderrBytesMost - stderr_text_.size();
  stderr_cut_ = stderr_cut_ || bytes.size() > room;
  stderr_text_.append(bytes.substr(0, room));
}

bool Exchange::on_end(Time now) {
  if (state_ != ExchangeState::responding && interim_seen_) deliver_headless();
  if (state_ != ExchangeState::responding) return false;
  timings_.ended = now;
  state_ = ExchangeState::done;
  if (content_left_.value_or(0) > 0) {
    outcome_ = Outcome::truncated;
    sink_->break_response();
  } else {
    outcome_ = whole_outcome_;
    sink_->finish_response();
  }
  return true;
}

void Exchange::fail(Outcome outcome, Time now) {
  assert(state_ != ExchangeState::done);
  const bool started = state_ == ExchangeState::responding;
  if (state_ == ExchangeState::waiting) timings_.queue = now - enqueued();
  timings_.ended = now;
  outcome_ = outcome;
  state_ = ExchangeState::done;
  if (outcome == Outcome::client_left) return;
  if (started) {
    sink_->break_response();
    return;
  }
  ErrorPage page(status_of(outcome));
  sink_->start_response(page.head(), false);
  sink_->response_body(page.body());
  sink_->finish_response();
}

void Exchange::forgive() {
  assert(blamed_ > 0);
  if (forgiven_) return;
  forgiven_ = true;
  --blamed_;
}

void Exchange::take_for_whole() {
  assert(state_ == ExchangeState::responding);
  content_left_ = 0;
}

void Exchange::count_retry(RetryReason reason) {
  ++retries_;
  if (reason == RetryReason::repeatable) ++blamed_;
  state_ = ExchangeState::waiting;
  connection_ = 0;
  timings_.first_byte.reset();
}

}  // namespace holdfast::core
