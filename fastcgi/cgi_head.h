// The head of a CGI response (RFC 3875 section 6; what php-fpm sends before the body): header lines up to an
// empty line, with Status in place of a status line. Sans-I/O; fed in any cut.
//
// Judged line by line: one bad header() does not cost the page.
//   left out   no colon; a name that is no token; a control character in the value; a Content-Length that is
//              no number; a second, different Status; an empty Status
//   refused    what could split or hide a header, or leaves in doubt what the answer is: white space in or
//              behind a name, a bare CR or NUL, a folded first line (later ones are unfolded, RFC 9112 5.2),
//              lengths that contradict each other, a Status that names no number of 100 to 999; a head
//              without one line that has a field's name, whatever its value
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::fastcgi {

struct CgiField {
  std::string_view name;
  std::string_view value;  // without leading and trailing white space
};

struct CgiBadLine {
  std::size_t number = 0;  // from 1; folded lines count as one
  std::string_view why;    // static text: "line 2 of the response head " and this
  std::string_view text;   // as sent, not escaped
};

enum class CgiHeadState {
  incomplete,
  complete,
  malformed,
  too_large,
};

class CgiHeadParser {
 public:
  static constexpr std::size_t kBadLinesTold = 4;

  // `bytes_max`: limit for the whole head.
  explicit CgiHeadParser(std::size_t bytes_max = 64 * 1024);
  CgiHeadParser(const CgiHeadParser&) = delete;
  CgiHeadParser& operator=(const CgiHeadParser&) = delete;

  // Consumes bytes of the head from the front of `in`; what is left in `in` after `complete` is body. Once
  // the state is another than `incomplete` nothing more is consumed.
  CgiHeadState feed(std::string_view& in);
  CgiHeadState state() const { return state_; }
  // True once any byte was fed.
  bool started() const { return !text_.empty(); }
  // Why it is malformed or too large: one sentence for the log, not escaped. Empty otherwise.
  std::string_view error() const { return error_; }
  // All that was consumed, as sent.
  std::string_view text() const { return text_; }
  // A line had the name of a field, its value in order or not: a head, not something else.
  bool began_well() const { return has_status_ || named_; }

  // The limit from the next head on.
  void set_bytes_max(std::size_t bytes_max) { bytes_max_ = bytes_max; }
  // Gives back what the text takes above `kept` bytes. After reset().
  void shrink(std::size_t kept) {
    if (text_.capacity() > kept) std::string().swap(text_);
  }

  // The following are valid in state complete, until reset().
  // From Status or a status line (cgi.rfc2616_headers=1); else 302 when there is a Location; else 200.
  // 100..999.
  int status() const { return status_; }
  bool interim() const { return status_ < 200; }
  // Has what a CGI response has one of (RFC 3875 section 6.2: Status, Content-Type, Location), or a length. Also of a
  // malformed one, as far as it was read.
  bool is_response() const {
    return has_status_ || content_length_ || find("Content-Type") || find("Location");
  }
  // The text after the number in Status; empty when there was none that may be passed on.
  std::string_view reason() const { return reason_; }
  // All good fields but Status, in the order sent. Views into the parser.
  const std::vector<CgiField>& fields() const { return fields_; }
  // The first lines that were left out, and how many there were.
  const std::vector<CgiBadLine>& bad_lines() const { return bad_lines_; }
  std::size_t bad_line_count() const { return bad_line_count_; }
  // Value of the first field of this name (ASCII case ignored), if any.
  std::optional<std::string_view> find(std::string_view name) const;
  std::optional<std::uint64_t> content_length() const { return content_length_; }

  // Ready for another head (a retry); keeps the memory.
  void reset();

 private:
  CgiHeadState parse();
  std::string_view unfold();
  // These are false, with error_ set, when the head is malformed. `line` has no line end.
  bool parse_line(std::string_view line, std::size_t number);
  bool take_status(std::string_view value, std::string_view line, std::size_t number);
  bool take_content_length(const CgiField& field, std::string_view line, std::size_t number);
  bool leave_out(std::string_view line, std::size_t number, std::string_view why);
  bool refuse(std::size_t number, std::string_view what);

  std::size_t bytes_max_;
  std::string text_;      // the whole head, copied as it comes; fields_ point into it only after `complete`
  std::string unfolded_;  // the same with folded lines joined, where there are any
  std::size_t line_start_ = 0;  // in text_, of the line under way: nothing before it is looked at again
  CgiHeadState state_ = CgiHeadState::incomplete;
  std::string error_;
  int status_ = 200;
  bool has_status_ = false;
  bool named_ = false;
  bool folded_ = false;
  std::string_view reason_;
  std::vector<CgiField> fields_;
  std::vector<CgiBadLine> bad_lines_;
  std::size_t bad_line_count_ = 0;
  std::optional<std::uint64_t> content_length_;
  std::optional<std::uint64_t> told_length_;  // also by a line that was left out: another one contradicts it
};

}  // namespace holdfast::fastcgi
