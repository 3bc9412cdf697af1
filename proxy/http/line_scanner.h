// Reads the raw bytes of a request by lines: request line, field lines, chunk size lines, trailer. Knows byte
// classes, line ends and chunk sizes, not the meaning of fields. Everything it says depends on the bytes
// alone, never on how reads cut them. Why not llhttp alone: 8.1.0 (Debian 12) takes a bare CR, a bare LF or a
// folded line in places where RFC 9112 2.2 and 5.2 want a refusal, refuses valid chunk extensions
// (`;a=1;b=2`), and has no limits.
//
// Chunk extensions follow RFC 9112 7.1.1, white space (BWS) included. White space with nothing behind it, with
// which old senders padded the size, is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/http/request_parser.h"

namespace holdfast::http {

class LineScanner {
 public:
  enum class Outcome : std::uint8_t {
    more,     // all input is in order so far
    data,     // chunk data comes next: take_data()
    end,      // the line that ends the head, or the chunked body, is complete
    refused,  // refusal() says why
  };
  struct Result {
    Outcome outcome = Outcome::more;
    std::size_t consumed = 0;
    std::size_t skipped = 0;  // of `consumed`: empty lines before the request line
  };

  explicit LineScanner(const ParserLimits& limits) : limits_(limits) { start_head(); }

  void set_limits(const ParserLimits& limits);  // precondition at_start(), which it does not change
  void start_head();
  // As new, also after a refusal.
  void start_over() { *this = LineScanner(limits_); }
  void start_chunks();
  // Scans the head up to its end; after start_chunks(), the framing of a chunked body up to data or its end.
  Result scan(std::string_view input);
  // Chunk data that comes before the next framing byte. Tell of what was taken of it, at most that much.
  std::uint64_t data_bytes_left() const { return state_ == State::data ? chunk_bytes_left_ : 0; }
  void take_data(std::size_t bytes);

  const Refusal& refusal() const { return refusal_; }
  // No byte of a request line was seen yet.
  bool at_start() const { return state_ == State::before || state_ == State::before_lf; }
  // Layout of the request line: method SP target SP version CRLF. Valid once the head is complete.
  std::size_t method_bytes() const { return method_bytes_; }
  std::size_t target_bytes() const { return target_bytes_; }
  std::size_t version_bytes() const { return version_bytes_; }
  std::size_t field_count() const { return field_count_; }

 private:
  // Head:   before (<-> before_lf) -> method -> target -> version -> line_lf -> field_start
  // Fields: field_start -> field_name -> field_value -> line_lf -> field_start; field_start -> end_lf -> end
  // Chunks: size_start -> size (-> size_space, BWS) (-> extensions) -> size_lf -> data -> data_cr -> data_lf -> size_start;
  //         after size 0 field_start, for the trailer.
  // Extensions: ext_start (BWS) -> ext_name (-> ext_equals, BWS) -> ext_value_start (BWS) -> ext_value, or
  //         ext_quoted (<-> ext_escape) -> ext_end; ext_space is BWS before the ";" of another one, which
  //         ext_name, ext_value and ext_end may have right behind them.
  enum class State : std::uint8_t {
    before,
    before_lf,
    method,
    target,
    version,
    line_lf,
    field_start,
    field_name,
    field_value,
    end_lf,
    size_start,
    size,
    size_space,
    ext_start,
    ext_name,
    ext_equals,
    ext_value_start,
    ext_value,
    ext_quoted,
    ext_escape,
    ext_end,
    ext_space,
    size_lf,
    data,
    data_cr,
    data_lf,
    end,
  };

  bool step(std::string_view rest, std::size_t& taken);
  bool step_before(char c);
  bool step_request_line(std::string_view rest, std::size_t& taken);
  bool step_field(std::string_view rest, std::size_t& taken);
  bool step_chunk(char c);
  bool step_chunk_size(char c);
  bool step_extension(std::string_view rest, std::size_t& taken);
  bool judge_extension(char c);
  bool charge(std::size_t bytes);
  bool expect_lf(char c, State next);
  bool refuse(int status, std::string_view why);

  ParserLimits limits_;
  Refusal refusal_;
  State state_ = State::before;
  bool in_trailer_ = false;
  std::size_t budget_bytes_ = 0;  // what is left of head_bytes
  std::size_t empty_lines_ = 0;
  std::size_t method_bytes_ = 0;
  std::size_t target_bytes_ = 0;
  std::size_t version_bytes_ = 0;
  std::size_t field_count_ = 0;
  std::size_t size_digits_ = 0;
  std::uint64_t chunk_bytes_left_ = 0;
};

}  // namespace holdfast::http
