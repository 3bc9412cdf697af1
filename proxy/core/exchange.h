// One request to a FastCGI application and its response: what was asked, how often it was tried, what has
// come back, and when. Pure: bytes and time in, calls on a ResponseSink out. Owns all it needs of the request
// (parameters, body, what logs tell of it), so that a retry can send it again and no client is needed for
// that; knows neither the client's nor the upstream's socket.
//
//   waiting --lease--> sending --all bytes out--> awaiting_head --head--> responding --END_REQUEST--> done
//      ^                  |             |
//      +---- retry -------+-------------+            any failure that may not be retried: done (failed)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fastcgi/cgi_head.h"
#include "fastcgi/param_list.h"
#include "fastcgi/session.h"
#include "proxy/core/body_store.h"
#include "proxy/core/connection_set.h"
#include "proxy/core/error_page.h"
#include "proxy/core/retry_rule.h"
#include "proxy/core/time.h"
#include "proxy/http/message.h"
#include "proxy/http/response_writer.h"

namespace holdfast::core {

// Where the response goes: the client's side of the exchange. Calls come in this order, the last two exclude
// each other.
class ResponseSink {
 public:
  // `stream`: each flush of the application goes to the client at once, and the client's pace reaches the
  // application.
  virtual void start_response(const http::ResponseHead& head, bool stream) = 0;
  virtual void response_body(std::string_view bytes) = 0;
  virtual void finish_response() = 0;
  // The response cannot be completed: the client must be able to tell.
  virtual void break_response() = 0;

 protected:
  ~ResponseSink() = default;
};

enum class ExchangeState : std::uint8_t { waiting, sending, awaiting_head, responding, done };

// How it ended, one word for the access log.
enum class Outcome : std::uint8_t {
  none,
  ok,
  queue_full,
  queue_timeout,
  client_left,
  upstream_reset,  // the connection was lost before END_REQUEST
  upstream_timeout,
  upstream_bad_head,
  upstream_no_head,    // END_REQUEST without a head
  upstream_poisoned,   // bytes of another request on the connection
  upstream_send_file,  // it asked for a file by X-Accel-Redirect or its kin, which is not served
  truncated,           // the body ended short of its Content-Length: php's, or a file that shrank
  spool_failed,
  pool_removed,  // by a reload, before the request was queued
};
std::string_view outcome_name(Outcome outcome);

// What rules and logs want to know of a request.
class Asked {
 public:
  // Copies the texts. Keeps its memory for the next ones.
  void assign(http::Method method, std::string_view method_text, std::string_view authority,
              std::string_view target) {
    method_ = method;
    method_bytes_ = method_text.size();
    authority_bytes_ = authority.size();
    text_.assign(method_text).append(authority).append(target);
  }
  http::Method method() const { return method_; }
  std::string_view method_text() const { return std::string_view(text_).substr(0, method_bytes_); }
  std::string_view authority() const {
    return std::string_view(text_).substr(method_bytes_, authority_bytes_);
  }
  std::string_view target() const { return std::string_view(text_).substr(method_bytes_ + authority_bytes_); }

 private:
  http::Method method_ = http::Method::get;
  std::string text_;
  std::size_t method_bytes_ = 0;
  std::size_t authority_bytes_ = 0;
};

class Exchange {
 public:
  struct Timings {
    Time leased{};                   // the last attempt
    Duration queue{};                // from the whole request to that
    Duration connect{};              // of the connection it was leased on, when it waited for that
    std::optional<Time> first_byte;  // first byte of the response head
    std::optional<Time> ended;       // END_REQUEST or failure
  };

  // `sink` outlives the exchange.
  explicit Exchange(ResponseSink& sink) : sink_(&sink) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // A request, from the start. Takes `asked` and `params` by exchanging their memory with that of the last
  // one; `body` is whole.
  void begin(Asked& asked, fastcgi::ParamList& params, BodyStore body,
             std::size_t head_bytes_max = 64 * 1024);
  // Over: gives back what it holds, but memory that the next request is likely to need.
  void clear();

  // Php's wish that a file be sent in its place (X-Accel-Redirect, X-Sendfile) goes to the sink, as the last
  // field of a head whose body is dropped. Else it is refused, 502.
  void pass_file_wishes(bool pass) { passes_file_wishes_ = pass; }

  // The client is a web server: the sink gets the head's text as well, and a file that it asks for is the
  // web server's to send.
  void pass_head_on(bool pass) { passes_head_on_ = pass; }
  bool passes_head_on() const { return passes_head_on_; }

  // --- the upstream side
  // The request is whole and waits for a connection.
  void begin_waiting(Time now) { enqueued_ = now; }
  // A lease was granted: forgets what an earlier try has left.
  void begin_attempt(ConnectionId connection, bool reused, Time now);
  // Appends the next request bytes to `out`: BEGIN, PARAMS and the first of STDIN, then more STDIN with each
  // call. False when the stored body cannot be read.
  [[nodiscard]] bool write_request(fastcgi::Session& session, bool keep_connection, std::string& out);
  bool request_written() const;
  // Bytes that write_request() has appended up to the end of PARAMS, counted from the start of this attempt.
  std::size_t params_end() const { return params_end_; }
  void all_sent();  // the kernel has taken the request

  // False: the head is malformed or too large; the connection is to be closed and fail() to be called.
  // Interim answers (1xx) are left out: FastCGI's own have nothing that a client waits for. A page that php
  // sent with such a status is a 200.
  [[nodiscard]] bool on_stdout(std::string_view bytes, Time now);
  void on_stderr(std::string_view bytes);
  // END_REQUEST. False when no head has come: fail() is to be called. A body that is short of its
  // Content-Length is broken off.
  [[nodiscard]] bool on_end(Time now);
  // Ends it without a whole response: an error answer when nothing was sent yet, else the response is broken
  // off.
  void fail(Outcome outcome, Time now);
  void count_retry(RetryReason reason);
  // The last failure may not have been this request's doing: other workers died with its own. Counts once; a
  // restart seldom takes two in a row, a page that kills its worker does.
  void forgive();
  // Whoever reads the answer wants no more of it: it is whole as it is. Precondition: response_started().
  void take_for_whole();

  // --- looking in
  ExchangeState state() const { return state_; }
  Outcome outcome() const { return outcome_; }
  // What it is for a client that has its whole answer, when the script still runs.
  Outcome outcome_if_whole() const { return whole_outcome_; }
  const Asked& asked() const { return asked_; }
  bool repeatable() const { return http::is_repeatable(asked_.method()); }
  bool streaming() const { return streaming_; }
  bool response_started() const { return state_ == ExchangeState::responding; }
  unsigned retries() const { return retries_; }
  unsigned blamed() const { return blamed_; }
  Time enqueued() const { return enqueued_; }
  ConnectionId connection() const { return connection_; }
  bool reused() const { return reused_; }
  std::uint16_t fastcgi_id() const { return fastcgi_id_; }
  const Timings& timings() const { return timings_; }
  void set_connect_time(Duration connect) { timings_.connect = connect; }
  // What PHP wrote to FCGI_STDERR, up to a limit; not escaped.
  const std::string& stderr_text() const { return stderr_text_; }
  bool stderr_cut() const { return stderr_cut_; }
  // Of END_REQUEST: what the application says of how it ended. 0 before that.
  std::uint32_t app_status() const { return app_status_; }
  void set_app_status(std::uint32_t app_status) { app_status_ = app_status; }
  // Why on_stdout() was false; may hold bytes of the application.
  std::string head_error() const;
  // What in the answer was left out or not done, for the log, escaped. Empty when all was in order.
  const std::string& complaint() const { return complaint_; }
  // The answer has grown since the last call: a head, or content that goes to the client. STDERR, empty
  // records, interim answers and bytes beyond the Content-Length are no progress.
  bool take_progress() { return std::exchange(progress_, false); }
  // Its client has all that it will get of the answer: there is no content, or the Content-Length is reached.
  bool answer_whole() const { return state_ == ExchangeState::responding && content_left_ == 0U; }
  // Bytes that came behind a whole answer since the last call, for nobody.
  std::size_t take_surplus() { return std::exchange(surplus_, 0); }

 private:
  bool take_head(std::string_view& bytes);
  bool is_only_head() const;
  void deliver_head();
  void deliver_headless();
  void deliver_body(std::string_view bytes);
  void refuse_file(const fastcgi::CgiField& field);
  void note_bad_lines();
  void complain(std::string_view what);

  Asked asked_;
  fastcgi::ParamList params_;
  std::optional<BodyStore> body_;
  ResponseSink* sink_;
  fastcgi::CgiHeadParser head_;
  http::ResponseHead response_;
  ExchangeState state_ = ExchangeState::waiting;
  Outcome outcome_ = Outcome::none;
  Timings timings_;

  Time enqueued_{};
  ConnectionId connection_ = 0;
  std::uint16_t fastcgi_id_ = 0;
  std::uint64_t body_written_ = 0;
  std::optional<std::uint64_t> content_left_;  // of the response's Content-Length, where it has content
  std::size_t params_end_ = 0;
  std::size_t surplus_ = 0;
  unsigned retries_ = 0;
  unsigned blamed_ = 0;  // see FailureFacts
  bool forgiven_ = false;
  std::uint32_t app_status_ = 0;
  bool passes_head_on_ = false;
  bool begun_ = false;
  bool reused_ = false;
  bool streaming_ = false;
  bool interim_seen_ = false;
  bool progress_ = false;
  bool passes_file_wishes_ = false;
  Outcome whole_outcome_ = Outcome::ok;  // of an answer that comes whole
  std::unique_ptr<ErrorPage> page_;      // in place of php's answer
  std::string complaint_;
  std::string stderr_text_;
  bool stderr_cut_ = false;
};

}  // namespace holdfast::core
