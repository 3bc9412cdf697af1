// One step takes a run of like bytes, or one byte; each run is bounded and charged before the byte after it
// is judged, so that the first offence in byte order wins in every cut of the input.
#include "proxy/http/line_scanner.h"

#include <cassert>

#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

constexpr std::size_t kEmptyLinesMax = 4;     // RFC 9112 2.2: at least one; a few do no harm
constexpr std::size_t kMethodBytesMax = 32;   // the longest registered one has 17
constexpr std::size_t kVersionBytesMax = 16;  // "HTTP/1.1" has 8
constexpr std::size_t kSizeDigitsMax = 16;    // 64 bits

constexpr std::string_view kBareCr = "CR without LF";
constexpr std::string_view kBareLf = "LF without CR";

}  // namespace

void LineScanner::set_limits(const ParserLimits& limits) {
  limits_ = limits;
  budget_bytes_ = limits_.head_bytes;
}

void LineScanner::start_head() {
  refusal_ = {};
  state_ = State::before;
  in_trailer_ = false;
  chunk_bytes_left_ = 0;
  budget_bytes_ = limits_.head_bytes;
  empty_lines_ = method_bytes_ = target_bytes_ = version_bytes_ = field_count_ = size_digits_ = 0;
}

void LineScanner::start_chunks() {
  state_ = State::size_start;
  budget_bytes_ = limits_.head_bytes;
  field_count_ = 0;
}

LineScanner::Result LineScanner::scan(std::string_view input) {
  Result result;
  while (result.consumed < input.size() && state_ != State::end && state_ != State::data) {
    std::size_t taken = 1;
    const bool before = at_start();
    if (!step(input.substr(result.consumed), taken)) {
      result.outcome = Outcome::refused;
      return result;
    }
    result.consumed += taken;
    if (before) result.skipped += taken;
  }
  if (state_ == State::end) result.outcome = Outcome::end;
  if (state_ == State::data) result.outcome = Outcome::data;
  return result;
}

void LineScanner::take_data(std::size_t bytes) {
  assert(state_ == State::data && bytes <= chunk_bytes_left_);
  chunk_bytes_left_ -= bytes;
  if (chunk_bytes_left_ == 0) state_ = State::data_cr;
}

bool LineScanner::step(std::string_view rest, std::size_t& taken) {
  switch (state_) {
    case State::before:
    case State::before_lf:
      if (rest.front() != '\r' && state_ == State::before) {
        taken = 0;  // first byte of a request line, or a bare LF: the next state judges it
        state_ = State::method;
        return true;
      }
      return step_before(rest.front());
    case State::method:
    case State::target:
    case State::version: return step_request_line(rest, taken);
    case State::line_lf: return charge(1) && expect_lf(rest.front(), State::field_start);
    case State::field_start:
    case State::field_name:
    case State::field_value: return step_field(rest, taken);
    case State::end_lf: return charge(1) && expect_lf(rest.front(), State::end);
    case State::size_start:
    case State::size:
    case State::size_space:
    case State::size_lf:
    case State::data_cr:
    case State::data_lf: return step_chunk(rest.front());
    case State::ext_start:
    case State::ext_name:
    case State::ext_equals:
    case State::ext_value_start:
    case State::ext_value:
    case State::ext_quoted:
    case State::ext_escape:
    case State::ext_end:
    case State::ext_space: return step_extension(rest, taken);
    case State::data:
    case State::end: break;  // scan() stops before
  }
  assert(false);
  return false;
}

bool LineScanner::step_before(char c) {
  if (state_ == State::before) {
    state_ = State::before_lf;
    return true;
  }
  if (!expect_lf(c, State::before)) return false;
  return ++empty_lines_ <= kEmptyLinesMax || refuse(400, "too many empty lines before the request line");
}

bool LineScanner::step_request_line(std::string_view rest, std::size_t& taken) {
  const bool in_method = state_ == State::method;
  const bool in_target = state_ == State::target;
  std::size_t& bytes = in_method ? method_bytes_ : in_target ? target_bytes_ : version_bytes_;
  // A target may take what the head may.
  const std::size_t most = in_method ? kMethodBytesMax : in_target ? limits_.head_bytes : kVersionBytesMax;
  const ByteClass wanted = in_method ? kToken : kTarget;

  taken = run_of(rest.substr(0, most - bytes + 1), wanted);
  if (!charge(taken)) return false;
  bytes += taken;
  if (bytes > most) return in_method ? refuse(501, "method too long") : refuse(400, "malformed HTTP version");
  if (taken == rest.size()) return true;

  const char c = rest[taken++];
  if (!charge(1)) return false;
  if (c == '\n') return refuse(400, kBareLf);
  if (in_method) {
    if (c != ' ' || method_bytes_ == 0) return refuse(400, "malformed request line");
    state_ = State::target;
    return true;
  }
  if (in_target) {
    if (c == '\r') return refuse(400, "request line without HTTP version");
    if (c == '#') return refuse(400, "fragment in the request target");
    if (c != ' ' || target_bytes_ == 0) return refuse(400, "invalid character in the request target");
    state_ = State::version;
    return true;
  }
  if (c != '\r') return refuse(400, "malformed request line");
  state_ = State::line_lf;
  return true;
}

bool LineScanner::step_field(std::string_view rest, std::size_t& taken) {
  if (state_ == State::field_start) {
    if (!charge(1)) return false;
    const char c = rest.front();
    if (c == '\r') {
      state_ = State::end_lf;
      return true;
    }
    if (c == '\n') return refuse(400, kBareLf);
    if (is_space(c)) return refuse(400, "folded or indented header line");
    if (c == ':') return refuse(400, "empty header name");
    if (!is_class(c, kToken)) return refuse(400, "invalid character in a header name");
    if (++field_count_ > limits_.field_count) return refuse(431, "too many header fields");
    state_ = State::field_name;
    return true;
  }
  const bool in_name = state_ == State::field_name;
  taken = in_name ? run_of(rest, kToken) : run_of_value(rest);
  if (!charge(taken)) return false;
  if (taken == rest.size()) return true;

  const char c = rest[taken++];
  if (!charge(1)) return false;
  if (in_name) {
    if (is_space(c)) return refuse(400, "white space before the colon of a header");
    if (c == '\r' || c == '\n') return refuse(400, "header line without a colon");
    if (c != ':') return refuse(400, "invalid character in a header name");
    state_ = State::field_value;
    return true;
  }
  if (c == '\n') return refuse(400, kBareLf);
  if (c != '\r') return refuse(400, "control character in a header value");
  state_ = State::line_lf;
  return true;
}

bool LineScanner::step_chunk(char c) {
  switch (state_) {
    case State::size_start:
    case State::size:
    case State::size_space: return step_chunk_size(c);
    case State::size_lf:
      in_trailer_ = chunk_bytes_left_ == 0;
      return expect_lf(c, in_trailer_ ? State::field_start : State::data);
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r' || refuse(400, c == '\n' ? kBareLf : "chunk data longer than its size");
    case State::data_lf: return expect_lf(c, State::size_start);
    default: return false;  // the states of a head: step() never comes here with them
  }
}

bool LineScanner::step_chunk_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0 && state_ != State::size_space) {
    if (state_ == State::size_start) {
      size_digits_ = 0;
      chunk_bytes_left_ = 0;
      state_ = State::size;
    }
    chunk_bytes_left_ = chunk_bytes_left_ * 16 + static_cast<std::uint64_t>(digit);
    return ++size_digits_ <= kSizeDigitsMax || refuse(400, "chunk size too large");
  }
  if (c == '\n') return refuse(400, kBareLf);
  if (state_ == State::size && is_space(c)) state_ = State::size_space;
  if (state_ == State::size_space && is_space(c)) return charge(1);
  const bool fits = c == ';' || (c == '\r' && state_ == State::size);
  if (state_ == State::size_start || !fits) return refuse(400, "malformed chunk size");
  state_ = c == ';' ? State::ext_start : State::size_lf;
  return true;
}

// A run of bytes that leave the state as it is, then the byte that moves it.
bool LineScanner::step_extension(std::string_view rest, std::size_t& taken) {
  taken = 0;
  if (state_ == State::ext_name || state_ == State::ext_value) taken = run_of(rest, kToken);
  if (state_ == State::ext_quoted) taken = run_of(rest, kQuoted);
  if (!charge(taken)) return false;
  if (taken == rest.size()) return true;
  const char c = rest[taken++];
  if (c == '\n') return refuse(400, kBareLf);
  return judge_extension(c) && (state_ == State::size_lf || charge(1));
}

bool LineScanner::judge_extension(char c) {
  const bool is_token = is_class(c, kToken);
  State next = state_;
  bool fits = false;
  switch (state_) {
    case State::ext_start:  // BWS, then a name
      next = is_token ? State::ext_name : state_;
      fits = is_token || is_space(c);
      break;
    case State::ext_name:
    case State::ext_equals:  // behind a name: "=", or what may stand behind a whole extension
    case State::ext_value:
    case State::ext_end:
    case State::ext_space: {
      const bool in_name = state_ == State::ext_name || state_ == State::ext_equals;
      const bool behind_space = state_ == State::ext_equals || state_ == State::ext_space;
      if (is_space(c)) next = in_name ? State::ext_equals : State::ext_space;
      if (c == '=') next = State::ext_value_start;
      if (c == ';') next = State::ext_start;
      if (c == '\r') next = State::size_lf;
      fits = is_space(c) || c == ';' || (c == '=' && in_name) || (c == '\r' && !behind_space);
      break;
    }
    case State::ext_value_start:  // BWS, then a token or a quoted string
      if (is_token) next = State::ext_value;
      if (c == '"') next = State::ext_quoted;
      fits = is_token || is_space(c) || c == '"';
      break;
    case State::ext_quoted:
      next = c == '"' ? State::ext_end : State::ext_escape;
      fits = c == '"' || c == '\\';
      break;
    case State::ext_escape:
      next = State::ext_quoted;
      fits = is_class(c, kValue);
      break;
    default: break;  // the states of other parts: step() never comes here with them
  }
  if (!fits) return refuse(400, "malformed chunk extension");
  state_ = next;
  return true;
}

// Takes bytes from what head_bytes allows for the head, or for extensions and trailer together.
bool LineScanner::charge(std::size_t bytes) {
  if (bytes <= budget_bytes_) {
    budget_bytes_ -= bytes;
    return true;
  }
  switch (state_) {
    case State::method:
    case State::target:
    case State::version: return refuse(414, "request line too long");
    case State::size_space:
    case State::ext_start:
    case State::ext_name:
    case State::ext_equals:
    case State::ext_value_start:
    case State::ext_value:
    case State::ext_quoted:
    case State::ext_escape:
    case State::ext_end:
    case State::ext_space: return refuse(400, "chunk extensions too long");
    default: return refuse(431, in_trailer_ ? "trailer section too large" : "request head too large");
  }
}

bool LineScanner::expect_lf(char c, State next) {
  if (c != '\n') return refuse(400, kBareCr);
  state_ = next;
  return true;
}

bool LineScanner::refuse(int status, std::string_view why) {
  refusal_ = {status, why};
  return false;
}

}  // namespace holdfast::http
