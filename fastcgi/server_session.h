// One FastCGI connection of a web server, as the application sees it (a Responder): reads requests, checks
// each record, writes answers, and says what becomes of the connection. The other side of it is Session.
// Sans-I/O: bytes in, events and bytes out; EOF is an input. Owns no socket, no time, no body.
//
// Many requests may be open at once, by id, whatever FCGI_MPXS_CONNS was told: HAProxy begins the next one
// before it has seen END_REQUEST of the last.
//
//   (no request) --BEGIN--> params --empty PARAMS--> stdin -----empty STDIN-----> complete
//         ^                   |                       |   \--end_stdin()--> assumed --^ |
//         +-------------------+-----------------------+----------------------+-----------+
//               write_end(), write_refusal(), break_off(), ABORT_REQUEST, EOF, a fault
//
// An answer may end before its input has: the id is free then, and the rest is ignored (specification 3.3).
//
// What it holds is bounded: the parameters of each request and of all, one cut pair each (64 KB), STDERR that
// waits for STDOUT, one GET_VALUES (64 KB). Bodies and answers are the host's: what it cannot store, it does
// not read (pause(), or no call of next()); before it reads on, it looks at what it has to write, since
// GET_VALUES and refused requests are answered at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/params_reader.h"
#include "fastcgi/protocol.h"
#include "fastcgi/record_reader.h"
#include "fastcgi/server_fault.h"

namespace holdfast::fastcgi {

struct ServerLimits {
  std::size_t requests_max = 1000;                       // open at once; at least 1
  std::size_t params_bytes_max = 16 * 1024 * 1024;       // of one request, encoded
  std::size_t params_held_bytes_max = 64 * 1024 * 1024;  // of all open requests, until their end
  std::size_t stderr_held_bytes_max = 8 * 1024;          // of one request; 40 KB crash HAProxy 2.6.12
};

// What FCGI_GET_VALUES is told (specification 4.1).
struct ServerValues {
  std::size_t max_conns = 1;  // FCGI_MAX_CONNS
  std::size_t max_reqs = 1;   // FCGI_MAX_REQS
  bool multiplex = false;     // FCGI_MPXS_CONNS: with 1, one slow client of HAProxy's stalls its others
};

struct ServerEvent {
  enum class Kind : std::uint8_t {
    need_bytes,    // the input is used up
    paused,        // the next bytes are STDIN of a request that is paused: they stay in the input
    begun,         // request_id is open; keep_connection
    params_ended,  // take_params() may be called
    stdin_data,    // bytes, never empty
    stdin_ended,   // the request is complete; stdin_bytes: all that came
    aborted,       // by ABORT_REQUEST (fault: none) or by the connection's end: a client that left. The
                   // request is not open any more, and what there was to write for it is written
    refused,       // refusal. Unless it is unknown_role, write_refusal() must follow before the next next()
    failed,  // fault; nothing else follows, at any call. Requests that are open still are complete: verdict()
             // is finish
  };
  Kind kind{};
  std::uint16_t request_id = 0;
  bool keep_connection = false;
  std::string_view bytes;  // points into the input of next()
  std::uint64_t stdin_bytes = 0;
  ServerRefusal refusal = ServerRefusal::none;
  ServerFault fault = ServerFault::none;
};

// What becomes of the connection.
enum class ServerVerdict : std::uint8_t {
  keep,    // read on
  finish,  // answer what is open, then look again. Nothing new is begun
  drain,   // nothing more will be written: shut our side down (nginx shows its client nothing before that),
           // read and drop until `close` or EOF, for a time; closed at once, input unread costs the answer
  close,
  reset,  // close in a way that tells that an answer was cut, by RST where that can be
};
std::string_view verdict_name(ServerVerdict verdict);

class ServerSession {
 public:
  explicit ServerSession(const ServerLimits& limits = {}, const ServerValues& values = {});

  // Takes one step: removes from the front of `input` what it used, appends to `out` what is answered without
  // the host (GET_VALUES, unknown types, unknown roles, ABORT_REQUEST). Call until need_bytes, paused or
  // failed; the calls below may come between two steps.
  ServerEvent next(std::string_view& input, std::string& out);

  enum class InputEnd : std::uint8_t {
    half_closed,  // the web server has shut its sending side: requests that are not whole are aborted
    gone,         // it has left: all are
  };
  // Call after all input was taken (`gone`: at any time), then next() with an empty input until failed.
  void end_input(InputEnd end);

  // The parameters, once after params_ended; `into` is replaced, its memory used again.
  void take_params(std::uint16_t request_id, ParamList& into);
  // Stops at the next STDIN bytes of this request, and with them the whole connection: FastCGI has no flow
  // control of its own. Records before them are read.
  void pause(std::uint16_t request_id);
  void resume(std::uint16_t request_id);
  // The web server owes the empty STDIN record (HAProxy issue 2499: a POST without a body by HTTP/2) and
  // the host waits no longer: the request is complete. No event follows; what comes of STDIN still is dropped.
  void end_stdin(std::uint16_t request_id);

  // An answer, appended to `out`, which goes to the web server in one write: the head once, in one record if
  // it can be (nginx), whole; the body in records; STDERR; the end. For a request that is open. Empty bodies
  // write nothing.
  void write_head(std::uint16_t request_id, std::string_view head, std::string& out);
  void write_body(std::uint16_t request_id, std::string_view bytes, std::string& out);
  // Held back until a record of STDOUT behind the head is written, then put in front of it: never alone,
  // since HAProxy 2.6.12 crashes on that. False when it is cut to what may be held.
  bool hold_stderr(std::uint16_t request_id, std::string_view bytes);
  // STDERR that is held, one empty STDOUT, END_REQUEST. The request is closed. Precondition: the head was
  // written, since Apache makes an empty 200 of END_REQUEST alone and HAProxy hangs.
  void write_end(std::uint16_t request_id, std::uint32_t app_status, std::string& out);
  // The whole answer to a request that was refused: head and body, as of a CGI program.
  void write_refusal(std::uint16_t request_id, std::string_view answer, std::string& out);
  // The answer cannot be completed, and its head was written (before that, a Status tells it). With other
  // requests open: END_REQUEST with application status 1, without the end of STDOUT. Else a header of version
  // 0, and the verdict is reset: no web server looks at the status, and at the connection's end nginx takes an
  // answer for whole (a Unix socket knows no reset), or leaves its client waiting for the rest. What cannot be a
  // record it calls an error. Caddy 2.6 and lighttpd take an answer without a length for whole whatever we do.
  void break_off(std::uint16_t request_id, std::string& out);

  // The host wants to be rid of the connection: as if the last request had come without FCGI_KEEP_CONN.
  void close_when_done() { closing_ = true; }
  ServerVerdict verdict() const;
  ServerFault fault() const { return fault_; }

  bool is_open(std::uint16_t request_id) const { return find(request_id) != kNone; }
  // The whole input has come.
  bool is_complete(std::uint16_t request_id) const;
  std::size_t open_requests() const { return open_.size(); }
  // Encoded parameters of all open requests, taken ones included.
  std::size_t params_held_bytes() const { return params_held_bytes_; }
  // Aborts the program when what must hold does not.
  void check() const;

 private:
  enum class Phase : std::uint8_t { params, stdin_data, assumed, complete };
  struct Request {
    std::uint16_t id = 0;
    Phase phase = Phase::params;
    bool keep_connection = false;
    bool is_paused = false;
    bool head_written = false;
    std::size_t params_bytes = 0;
    std::uint64_t stdin_bytes = 0;
    ParamsReader params;
    std::string held_stderr;
  };
  // The rest of the input of a request that has ended, or was never begun: all of it must have come before the
  // connection can be closed, or the kernel resets it, and an answer on its way may be lost.
  struct Unread {
    std::uint16_t id;
    Phase phase;
  };
  // What is done with the record under way.
  enum class Take : std::uint8_t { ignore, begin, abort, params, stdin_data, late_stdin, values, unknown };

  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kBeginBodyBytes = 8;
  static constexpr std::size_t kUnreadMost = 1000;

  std::size_t find(std::uint16_t id) const;
  Request& request(std::uint16_t id);
  ServerFault judge(const RecordHeader& record);
  ServerFault judge_begin(const RecordHeader& record);
  ServerFault judge_open(const RecordHeader& record, const Request& request);
  bool is_stalled(std::string_view input) const;
  // These fill `event` and are true when there is one.
  bool take_content(std::string_view content, ServerEvent& event);
  bool finish_content(ServerEvent& event, std::string& out);
  bool begin(ServerEvent& event, std::string& out);
  bool end_params(ServerEvent& event);
  bool end_stdin_record(ServerEvent& event);
  bool abort_request(ServerEvent& event, std::string& out);
  bool count_params(ServerEvent& event);
  void refuse(std::uint16_t id, ServerRefusal refusal, ServerEvent& event);
  void answer_values(std::string& out);
  ServerEvent next_of_failed();
  void fail(ServerFault fault);
  static bool is_whole(const Request& request) { return request.phase >= Phase::assumed; }
  void add_unread(std::uint16_t id, Phase phase);
  void note_ignored(const RecordHeader& record);
  void write_held_stderr(Request& from, std::string& out);
  void close_request(std::size_t index);
  void ended(std::uint16_t id, bool keep_connection, Phase phase);

  ServerLimits limits_;
  ServerValues values_;
  RecordReader reader_;
  Take take_ = Take::ignore;
  std::array<char, kBeginBodyBytes> begin_body_{};  // of the BEGIN_REQUEST under way, in any cut
  std::size_t begin_body_filled_ = 0;
  std::string values_content_;     // of the GET_VALUES under way
  std::vector<Request> open_;      // in no order
  std::vector<Unread> unread_;     // kUnreadMost at most
  mutable std::size_t found_ = 0;  // where find() last found one: STDIN comes in runs of one request
  ParamsReader spare_params_;      // memory of the last request's, where it was of usual size
  std::size_t params_held_bytes_ = 0;
  // A request that is refused and not open; its BEGIN's flag.
  std::uint16_t refused_id_ = 0;
  bool refused_keep_ = false;
  bool has_written_ = false;  // any part of an answer, ever
  bool unread_more_ = false;  // for good: more than are noted one by one
  bool closing_ = false;      // for good: no request is begun any more
  bool cut_short_ = false;    // for good: an answer was broken off, and only the connection's end can tell
  bool gone_ = false;         // nobody reads answers any more
  ServerFault fault_ = ServerFault::none;
};

}  // namespace holdfast::fastcgi
