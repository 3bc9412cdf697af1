// Finds the end of a CGI head while it comes in, and parses it once, when it is whole. Each byte is looked at
// once by the search and once by the parse, whatever the cut. Owns the copy of the head that the fields point
// into. Lines end in LF or CRLF (RFC 3875 section 6.2: NL; php-fpm sends CRLF).
#include "fastcgi/cgi_head.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace holdfast::fastcgi {
namespace {

constexpr std::size_t kUsualFields = 16;
constexpr std::size_t kQuotedBytesMax = 40;

using ByteSet = std::array<bool, 256>;

// RFC 9110 section 5.6.2: the bytes of a field name.
constexpr ByteSet make_token_bytes() {
  ByteSet set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}

// RFC 9110 section 5.5: visible bytes, space, tab and obs-text. No NUL, no CR: a bare CR would split the
// header for a client that takes it for a line end.
constexpr ByteSet make_value_bytes() {
  ByteSet set{};
  for (std::size_t c = 0x20; c <= 0xff; ++c) set[c] = c != 0x7f;
  set['\t'] = true;
  return set;
}

constexpr ByteSet kTokenBytes = make_token_bytes();
constexpr ByteSet kValueBytes = make_value_bytes();

bool all_in(const ByteSet& set, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&set](char c) { return set[static_cast<unsigned char>(c)]; });
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
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
  has_status_ = false;
  reason_ = {};
  fields_.clear();
  content_length_.reset();
}

CgiHeadState CgiHeadParser::parse() {
  fields_.reserve(kUsualFields);
  std::string_view rest = text_;
  for (std::size_t line_number = 1;; ++line_number) {
    const std::size_t lf = rest.find('\n');  // there is one: feed() saw the empty line
    std::string_view line = rest.substr(0, lf);
    rest.remove_prefix(lf + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (!parse_line(line, line_number)) {
      fields_.clear();
      return CgiHeadState::malformed;
    }
  }
  // RFC 3875 section 6.2.3: a redirect needs no Status.
  if (!has_status_ && find("Location")) status_ = 302;
  return CgiHeadState::complete;
}

bool CgiHeadParser::parse_line(std::string_view line, std::size_t line_number) {
  // Folding is obsolete (RFC 9112 section 5.2) and a way to hide a header from one of two readers.
  if (is_blank(line.front())) return refuse(line_number, "begins with white space (a folded line)");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(line_number, "has no colon");
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) return refuse(line_number, "has no name before the colon");
  if (!all_in(kTokenBytes, name)) return refuse(line_number, "has a name that is not a token of RFC 9110");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!all_in(kValueBytes, value)) return refuse(line_number, "has a control character in its value");

  if (same_name(name, "Status")) return take_status(value, line_number);
  if (same_name(name, "Content-Length") && !take_content_length(value, line_number)) return false;
  fields_.push_back({name, value});
  return true;
}

bool CgiHeadParser::take_status(std::string_view value, std::size_t line_number) {
  const bool is_number = value.size() >= 3 && std::all_of(value.begin(), value.begin() + 3, is_digit) &&
                         (value.size() == 3 || is_blank(value[3]));
  const int status = is_number ? (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0') : 0;
  if (status < 200 || status > 599) {
    return refuse(line_number, "has a Status that is not a number of 200 to 599 with a reason: \"" +
                                   std::string(value.substr(0, kQuotedBytesMax)) + '"');
  }
  if (has_status_ && status != status_) return refuse(line_number, "has a second, different Status");
  if (!has_status_) reason_ = trimmed(value.substr(3));
  status_ = status;
  has_status_ = true;
  return true;
}

bool CgiHeadParser::take_content_length(std::string_view value, std::size_t line_number) {
  std::uint64_t length = 0;
  const char* end = value.data() + value.size();
  // from_chars takes no sign for an unsigned type and no white space, and reports overflow.
  const auto [stop, code] = std::from_chars(value.data(), end, length);
  if (code != std::errc{} || stop != end) {
    return refuse(line_number, "has a Content-Length that is not a number of 64 bits: \"" +
                                   std::string(value.substr(0, kQuotedBytesMax)) + '"');
  }
  if (content_length_ && *content_length_ != length) {
    return refuse(line_number, "has a second, different Content-Length");
  }
  content_length_ = length;
  return true;
}

bool CgiHeadParser::refuse(std::size_t line_number, std::string_view what) {
  error_ = "line " + std::to_string(line_number) + " of the response head " + std::string(what);
  return false;
}

}  // namespace holdfast::fastcgi
