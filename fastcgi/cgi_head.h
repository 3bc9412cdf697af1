// The head of a CGI response (RFC 3875 section 6; what php-fpm sends before the body): header lines up to an
// empty line, with Status in place of a status line. Sans-I/O; fed in any cut.
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

enum class CgiHeadState {
  incomplete,
  complete,
  malformed,  // a line without a colon, an empty or invalid name, a folded line, a control character, a bad
              // Status or Content-Length
  too_large,
};

class CgiHeadParser {
 public:
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
  // Why it is malformed: one sentence for the log. Empty otherwise.
  std::string_view error() const { return error_; }

  // The following are valid in state complete, until reset().
  // From Status; else 302 when there is a Location; else 200. Always 200..599 (1xx is malformed).
  int status() const { return status_; }
  // The text after the number in Status; empty when there was none.
  std::string_view reason() const { return reason_; }
  // All fields but Status, in the order sent. Views into the parser.
  const std::vector<CgiField>& fields() const { return fields_; }
  // Value of the first field of this name (ASCII case ignored), if any.
  std::optional<std::string_view> find(std::string_view name) const;
  std::optional<std::uint64_t> content_length() const { return content_length_; }

  // Ready for another head (a retry); keeps the memory.
  void reset();

 private:
  CgiHeadState parse();
  // These are false, with error_ set, when the head is malformed. `line` has no line end.
  bool parse_line(std::string_view line, std::size_t line_number);
  bool take_status(std::string_view value, std::size_t line_number);
  bool take_content_length(std::string_view value, std::size_t line_number);
  bool refuse(std::size_t line_number, std::string_view what);

  std::size_t bytes_max_;
  std::string text_;  // the whole head, copied as it comes; fields_ point into it only after `complete`
  std::size_t line_start_ = 0;  // in text_, of the line under way: nothing before it is looked at again
  CgiHeadState state_ = CgiHeadState::incomplete;
  std::string error_;
  int status_ = 200;
  bool has_status_ = false;
  std::string_view reason_;
  std::vector<CgiField> fields_;
  std::optional<std::uint64_t> content_length_;
};

}  // namespace holdfast::fastcgi
