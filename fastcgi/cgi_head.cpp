// Finds the end of a CGI head while it comes in, and parses it once, when it is whole. Each byte is looked at
// once by the search and once by the parse, whatever the cut. Owns the copy of the head that the fields point
// into. Lines end in LF or CRLF (RFC 3875 section 6.2: NL; php-fpm sends CRLF).
#include "fastcgi/cgi_head.h"

#include <algorithm>
#include <charconv>

#include "fastcgi/field_text.h"

namespace holdfast::fastcgi {
namespace {

constexpr std::size_t kUsualFields = 16;
constexpr std::size_t kQuotedBytesMax = 40;
constexpr std::size_t kStatusDigits = 3;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Digits only, no overflow: from_chars takes no sign for an unsigned type and no white space.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (text.empty() || code != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// "HTTP/1.1 404 Gone fishing": php's first line with cgi.rfc2616_headers=1. What follows the version; nothing
// when it is no status line.
std::optional<std::string_view> after_version(std::string_view line) {
  constexpr std::string_view kProtocol = "HTTP/";
  if (!same_name(line.substr(0, kProtocol.size()), kProtocol)) return std::nullopt;
  line.remove_prefix(kProtocol.size());
  const std::size_t version = line.find_first_not_of("0123456789.");
  if (version == 0 || version == std::string_view::npos || !is_blank(line[version])) return std::nullopt;
  return trimmed(line.substr(version));
}

}  // namespace

CgiHeadParser::CgiHeadParser(std::size_t bytes_max) : bytes_max_(bytes_max) {}

CgiHeadState CgiHeadParser::feed(std::string_view& in) {
  if (state_ != CgiHeadState::incomplete) return state_;
  // One byte beyond the limit is enough to know that the head exceeds it.
  const std::size_t room = bytes_max_ - text_.size();
  const std::string_view scanned = room < in.size() ? in.substr(0, room + 1) : in;
  std::size_t line_begin = 0;                           // in `scanned`
  std::size_t held_bytes = text_.size() - line_start_;  // of the line under way, from feeds before
  const char* held = text_.data() + line_start_;
  bool is_whole = false;
  std::size_t taken = scanned.size();
  while (!is_whole) {
    const std::size_t lf = scanned.find('\n', line_begin);
    if (lf == std::string_view::npos) break;
    const std::size_t line_bytes = held_bytes + lf - line_begin;
    const char first = held_bytes > 0 ? *held : scanned[line_begin];
    is_whole = line_bytes == 0 || (line_bytes == 1 && first == '\r');
    folded_ = folded_ || is_blank(first);
    line_begin = lf + 1;
    held_bytes = 0;
    if (is_whole) taken = line_begin;
  }
  // Where the line under way begins once `taken` bytes are in text_; unchanged when no line ended here.
  if (line_begin > 0) line_start_ = text_.size() + line_begin;
  text_.append(in.substr(0, taken));
  in.remove_prefix(taken);

  if (text_.size() > bytes_max_) {
    state_ = CgiHeadState::too_large;
    error_ = "the response head is longer than " + std::to_string(bytes_max_) + " bytes";
  } else if (is_whole) {
    state_ = parse();
  }
  return state_;
}

std::optional<std::string_view> CgiHeadParser::find(std::string_view name) const {
  for (const CgiField& field : fields_) {
    if (same_name(field.name, name)) return field.value;
  }
  return std::nullopt;
}

void CgiHeadParser::reset() {
  text_.clear();
  line_start_ = 0;
  state_ = CgiHeadState::incomplete;
  error_.clear();
  status_ = 200;
  has_status_ = named_ = folded_ = false;
  reason_ = {};
  fields_.clear();
  bad_lines_.clear();
  bad_line_count_ = 0;
  content_length_.reset();
  told_length_.reset();
}

CgiHeadState CgiHeadParser::parse() {
  fields_.reserve(kUsualFields);
  std::string_view rest = folded_ ? unfold() : text_;
  for (std::size_t number = 1;; ++number) {
    const std::size_t lf = rest.find('\n');  // there is one: feed() saw the empty line
    std::string_view line = rest.substr(0, lf);
    rest.remove_prefix(lf + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (!parse_line(line, number)) return CgiHeadState::malformed;
  }
  if (bad_line_count_ > 0 && !began_well()) {
    const CgiBadLine& first = bad_lines_.front();
    refuse(first.number, std::string(first.why) + ", and no other line is a header");
    return CgiHeadState::malformed;
  }
  // RFC 3875 section 6.2.3: a redirect needs no Status.
  if (!has_status_ && find("Location")) status_ = 302;
  return CgiHeadState::complete;
}

// RFC 9112 section 5.2: each line end before white space becomes spaces. The first line continues nothing and
// stays as it is, to be refused.
std::string_view CgiHeadParser::unfold() {
  unfolded_ = text_;
  for (std::size_t lf = unfolded_.find('\n'); lf + 1 < unfolded_.size(); lf = unfolded_.find('\n', lf + 1)) {
    if (!is_blank(unfolded_[lf + 1])) continue;
    unfolded_[lf] = ' ';
    if (lf > 0 && unfolded_[lf - 1] == '\r') unfolded_[lf - 1] = ' ';
  }
  return unfolded_;
}

bool CgiHeadParser::parse_line(std::string_view line, std::size_t number) {
  // A way to hide a header from one of two readers.
  if (is_blank(line.front())) return refuse(number, "begins with white space (a folded line)");
  // A bare CR would split the header for a client that takes it for a line end.
  if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos)
    return refuse(number, "has a CR or a NUL in it");
  if (const auto status = after_version(line)) return take_status(*status, line, number);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return leave_out(line, number, "has no colon");
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) return leave_out(line, number, "has no name before the colon");
  if (std::any_of(name.begin(), name.end(), is_blank))
    return refuse(number, "has white space in or behind its name");
  if (!is_field_name(name)) return leave_out(line, number, "has a name that is not a token of RFC 9110");
  named_ = true;

  const CgiField field{.name = name, .value = trimmed(line.substr(colon + 1))};
  if (same_name(name, "Status")) return take_status(field.value, line, number);
  if (!is_field_value(field.value)) return leave_out(line, number, "has a control character in its value");
  if (same_name(name, "Content-Length")) return take_content_length(field, line, number);
  fields_.push_back(field);
  return true;
}

// Its number is what was meant, whatever follows: "404: Not Found" is what php makes of
// header("HTTP/1.1 404: Not Found").
bool CgiHeadParser::take_status(std::string_view value, std::string_view line, std::size_t number) {
  if (value.empty()) return leave_out(line, number, "has an empty Status");
  const std::size_t digits = std::min(value.size(), value.find_first_not_of("0123456789"));
  const int status =
      digits == kStatusDigits ? (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0') : 0;
  if (status < 100) {
    return refuse(number, "has a Status that does not begin with a number of 100 to 999: \"" +
                              std::string(value.substr(0, kQuotedBytesMax)) + '"');
  }
  if (has_status_) return status == status_ || leave_out(line, number, "has a second, different Status");
  status_ = status;
  has_status_ = true;
  value.remove_prefix(kStatusDigits);
  const bool is_reason = !value.empty() && is_blank(value.front()) && is_field_value(value);
  reason_ = is_reason ? trimmed(value) : std::string_view();
  return true;
}

// A list of equal lengths ("12, 12") would be one (RFC 9110 section 8.6), but not to every reader.
bool CgiHeadParser::take_content_length(const CgiField& field, std::string_view line, std::size_t number) {
  constexpr std::string_view kNoNumber = "has a Content-Length that is not a number of 64 bits";
  std::optional<std::uint64_t> length;
  bool is_list = false;
  for (std::string_view rest = field.value;;) {
    const std::size_t comma = rest.find(',');
    const std::optional<std::uint64_t> member = number_of(trimmed(rest.substr(0, comma)));
    if (!member) return leave_out(line, number, kNoNumber);
    if (length && *length != *member) return refuse(number, "has a Content-Length of two different numbers");
    length = member;
    if (comma == std::string_view::npos) break;
    is_list = true;
    rest.remove_prefix(comma + 1);
  }
  if (told_length_ && *told_length_ != *length)
    return refuse(number, "has a second, different Content-Length");
  told_length_ = length;
  if (is_list) return leave_out(line, number, kNoNumber);
  content_length_ = length;
  fields_.push_back(field);
  return true;
}

bool CgiHeadParser::leave_out(std::string_view line, std::size_t number, std::string_view why) {
  ++bad_line_count_;
  if (bad_lines_.size() < kBadLinesTold) bad_lines_.push_back({.number = number, .why = why, .text = line});
  return true;
}

bool CgiHeadParser::refuse(std::size_t number, std::string_view what) {
  error_ = "line " + std::to_string(number) + " of the response head " + std::string(what);
  return false;
}

}  // namespace holdfast::fastcgi
