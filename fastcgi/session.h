// One FastCGI connection as the web server sees it: writes requests, reads records, checks each record
// against the requests that are open, and says whether the connection may carry another one. Sans-I/O: bytes
// in, events out; EOF is an input. Owns no socket and no time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/param_list.h"
#include "fastcgi/protocol.h"
#include "fastcgi/record_reader.h"

namespace holdfast::fastcgi {

// Why a connection must be closed. `none` = nothing wrong. Sticky: the first fault stays.
enum class Fault : std::uint8_t {
  none,
  bad_version,         // record header with a version other than 1
  foreign_request_id,  // a record for a request that is not open (stray output of an earlier one among them)
  unexpected_record,   // a type that an application never sends
  malformed_record,    // END_REQUEST shorter than 8 bytes
  record_after_end,    // STDOUT, STDERR or a second END_REQUEST for a request that has just ended
  bytes_while_idle,    // any byte while no request is open and no barrier is awaited
  eof_in_record,       // EOF between the first and the last byte of a record
  eof_in_request,      // EOF at a record boundary while a request is open
  eof,                 // EOF between requests: an orderly end
};
std::string_view fault_name(Fault fault);  // snake_case, for metrics and logs

struct Event {
  enum class Kind : std::uint8_t {
    stdout_data,       // `bytes`, request_id
    stderr_data,       // `bytes`, request_id
    request_ended,     // app_status, protocol_status, request_id
    barrier_answered,  // the FCGI_GET_VALUES_RESULT to write_barrier(), or FCGI_UNKNOWN_TYPE in its place
    odd_answer,        // one that proves nothing: unasked (Go sends a second, empty one), of a wrong id, with
                       // content that does not parse, FCGI_UNKNOWN_TYPE. Comes before barrier_answered
    failed,            // `fault`; nothing follows
  };
  Kind kind;
  std::uint16_t request_id = 0;
  std::string_view bytes;  // points into the input of feed(); dies with it
  std::uint32_t app_status = 0;
  ProtocolStatus protocol_status = ProtocolStatus::request_complete;
  Fault fault = Fault::none;
};

// May the connection carry another request now? `reusable`, or the reason why not.
enum class ReuseVerdict : std::uint8_t {
  reusable,
  request_open,      // capacity is taken
  inside_record,     // bytes of a record (padding included) are still to come
  stdin_incomplete,  // END_REQUEST came before all of STDIN was written
  barrier_pending,   // GET_VALUES is not answered yet
  keep_not_asked,    // the last request was sent without FCGI_KEEP_CONN: the application closes
  faulted,           // see fault()
};
// When several hold, the verdict is the first of: faulted, request_open, then the reasons that will not pass
// (keep_not_asked, stdin_incomplete: close), then those that will (barrier_pending, inside_record: wait).
std::string_view verdict_name(ReuseVerdict verdict);

class Session {
 public:
  // `capacity`: requests that may be open at once (1 for php-fpm, which answers FCGI_MPXS_CONNS=0).
  // `first_id`: the first request id used; each request takes the next of 1..65535, so that an id comes again
  // only after 65,535 requests and is never one that is open.
  explicit Session(std::size_t capacity = 1, std::uint16_t first_id = 1);

  // Opens a request: appends BEGIN_REQUEST, the PARAMS records and the empty one. Precondition: can_begin().
  // `content_length`: STDIN bytes that will follow by write_stdin(), exactly.
  std::uint16_t begin_request(Role role, bool keep_connection, const ParamList& params,
                              std::uint64_t content_length, std::string& out);
  // Appends STDIN records with `bytes`; after the last of content_length bytes, also the empty STDIN record
  // (a request with content_length 0 got it from begin_request()). Precondition: not more than
  // stdin_bytes_left(), which is 0 for a request that is not open. Empty `bytes` write nothing.
  void write_stdin(std::uint16_t request_id, std::string_view bytes, std::string& out);
  std::uint64_t stdin_bytes_left(std::uint16_t request_id) const;

  // Appends an empty FCGI_GET_VALUES. Its answer proves that the application reads again (php-fpm.md 8.3).
  // Precondition: no request is open, none awaited, no fault.
  void write_barrier(std::string& out);

  // Consumes all of `input`; appends events. After a `failed` event all further input is ignored.
  void feed(std::string_view input, std::vector<Event>& out);
  // The peer closed its sending side. Appends one `failed` event (eof, eof_in_request or eof_in_record),
  // unless failed before.
  void feed_eof(std::vector<Event>& out);

  // The same as reuse_verdict() == reusable.
  bool can_begin() const { return reuse_verdict() == ReuseVerdict::reusable; }
  bool barrier_pending() const { return barrier_pending_; }
  std::size_t open_requests() const { return open_.size(); }
  // A byte of an answer has come since the last begin_request(), were it of an empty record.
  bool answer_began() const;
  ReuseVerdict reuse_verdict() const;
  Fault fault() const { return fault_; }

 private:
  struct OpenRequest {
    std::uint16_t id;
    std::uint64_t stdin_left;
  };
  OpenRequest* find(std::uint16_t id);
  const OpenRequest* find(std::uint16_t id) const;
  std::uint16_t take_id();
  // No byte may come now: no request is open, no answer is awaited, the last record is over.
  bool is_quiet() const { return open_.empty() && !barrier_pending_ && reader_.at_record_boundary(); }
  Fault judge_header(const RecordHeader& record) const;
  bool may_be_answer(std::string_view input) const;
  void take_answer(std::vector<Event>& out);
  void take_content(std::string_view content, std::vector<Event>& out);
  Fault finish_content(std::vector<Event>& out);
  void end_request(std::vector<Event>& out);
  void fail(Fault fault, std::vector<Event>& out);

  // What END_REQUEST says (specification 5.5): appStatus in four bytes, protocolStatus, three reserved.
  static constexpr std::size_t kEndBodyBytes = 8;

  RecordReader reader_;
  std::array<char, kEndBodyBytes> end_body_{};  // of the END_REQUEST under way, which may come in any cut
  std::size_t end_body_filled_ = 0;
  std::string answer_;  // content of the GET_VALUES_RESULT under way; php-fpm's is empty
  std::vector<OpenRequest> open_;
  std::size_t capacity_;
  std::uint16_t next_id_;
  std::uint16_t last_ended_id_ = 0;
  bool answer_began_ = false;
  bool barrier_pending_ = false;
  bool barrier_asked_ = false;    // ever
  bool keep_asked_ = true;        // false for good after one request without FCGI_KEEP_CONN
  bool stdin_cut_short_ = false;  // for good: the rest of that STDIN would be read as new records
  Fault fault_ = Fault::none;
};

}  // namespace holdfast::fastcgi
