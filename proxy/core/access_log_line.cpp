// See access_log_line.h. Runs once a request: appends to one string, no streams, no locale, no allocation of
// its own.
#include "proxy/core/access_log_line.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "proxy/core/log_text.h"
#include "proxy/text/ascii.h"
#include "proxy/text/utf8.h"

namespace holdfast::core {

namespace {

// Bytes that stand for themselves in every field of either format. Space is judged apart.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}();

// Eight bytes at once: true when none is a control, quote, backslash, DEL or above 0x7e. The usual SWAR tests
// of "has a byte below n" and "has a zero byte": with all top bits clear they can err only towards false.
bool eight_plain(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTops = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t quote = word ^ kOnes * '"';
  const std::uint64_t slash = word ^ kOnes * '\\';
  const std::uint64_t del = word ^ kOnes * 0x7f;
  const std::uint64_t bad = word | (word - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes) | (del - kOnes);
  return (bad & kTops) == 0;
}

std::size_t plain_prefix(std::string_view text) {
  std::size_t n = 0;
  while (text.size() - n >= 8 && eight_plain(text.data() + n)) n += 8;
  while (n < text.size() && kPlain[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  out.append(digits,
             static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits));
}

// Writes `value` in exactly `width` digits.
void put_digits(char* at, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// Seconds with `decimals` digits after the point (cut, not rounded: 0.9999 must not look like a whole
// second).
template <int decimals>
void append_seconds(std::string& out, AccessRecord::Duration duration) {
  static_assert(decimals == 3 || decimals == 6);
  constexpr unsigned kPerSecond = decimals == 3 ? 1000 : 1000000;
  const auto units = static_cast<std::uint64_t>(duration.count()) / (1000000000U / kPerSecond);
  if (units < 10 * std::uint64_t{kPerSecond}) {
    out += static_cast<char>('0' + units / kPerSecond);
  } else {
    append_number(out, units / kPerSecond);
  }
  char fraction[1 + decimals] = {'.'};
  put_digits(fraction + 1, static_cast<unsigned>(units % kPerSecond), decimals);
  out.append(fraction, sizeof fraction);
}

// As nginx escapes: quote and backslash too become \xHH, so a quote in the line is always one of ours.
void append_hex_escaped(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.data(), plain);
    if (plain == text.size()) return;
    const auto byte = static_cast<unsigned char>(text[plain]);
    const char escape[] = {'\\', 'x', text::kHexDigits[byte >> 4], text::kHexDigits[byte & 15]};
    out.append(escape, sizeof escape);
    text.remove_prefix(plain + 1);
  }
}

void append_quoted(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "\"-\"";
    return;
  }
  out += '"';
  append_hex_escaped(out, text);
  out += '"';
}

// A field without quotes around it: there a space would end it.
void append_bare(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  for (std::size_t space = text.find(' '); space != std::string_view::npos; space = text.find(' ')) {
    append_hex_escaped(out, text.substr(0, space));
    out += "\\x20";
    text.remove_prefix(space + 1);
  }
  append_hex_escaped(out, text);
}

void append_timing(std::string& out, std::string_view key, AccessRecord::Duration duration) {
  out += key;
  if (duration < AccessRecord::Duration::zero()) {
    out += '-';
  } else {
    append_seconds<3>(out, duration);
  }
}

void append_json_escape(std::string& out, std::uint32_t unit) {
  char text[] = "\\u0000";
  for (int i = 5; i >= 2; --i, unit >>= 4) text[i] = text::kHexDigits[unit & 15];
  out.append(text, 6);
}

// RFC 8259: quote, backslash and C0 must be escaped; what is no UTF-8 becomes U+FFFD. C1 controls, DEL and
// overrides may stand, but such a log is read in terminals too.
void append_json_text(std::string& out, std::string_view text) {
  for (;;) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.data(), plain);
    if (plain == text.size()) return;
    text.remove_prefix(plain);
    const text::CodePoint point = text::decode_utf8(text);
    if (point.bytes == 0) {
      append_json_escape(out, 0xfffd);
      text.remove_prefix(1);
      continue;
    }
    if (text[0] == '"' || text[0] == '\\') {
      out += '\\';
      out += text[0];
    } else if (point.value < 0xa0 || text::is_deceptive(point.value)) {
      append_json_escape(out, point.value);
    } else {
      out.append(text.substr(0, point.bytes));
    }
    text.remove_prefix(point.bytes);
  }
}

// `key` is `,"name":"`, the text and the closing quote follow.
void append_json_string(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  append_json_text(out, text);
  out += '"';
}

void append_json_timing(std::string& out, std::string_view key, AccessRecord::Duration duration) {
  out += key;
  if (duration < AccessRecord::Duration::zero()) {
    out += "null";
  } else {
    append_seconds<6>(out, duration);
  }
}

// As much of `text` as takes at most `most` bytes in the line once escaped, and how much that leaves out.
std::string shortened(std::string_view text, std::size_t most,
                      void (*escape)(std::string&, std::string_view)) {
  std::string line;
  std::size_t kept = 0;
  while (kept < text.size()) {
    const std::size_t bytes = std::max<std::size_t>(text::decode_utf8(text.substr(kept)).bytes, 1);
    escape(line, text.substr(kept, bytes));
    if (line.size() > most) break;
    kept += bytes;
  }
  std::string out(text.substr(0, kept));
  if (kept < text.size()) append_more_bytes(out, text.size() - kept);
  return out;
}

constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

std::string_view AccessLogFormatter::second_text(std::time_t time) {
  if (time != second_ || second_bytes_ == 0) {
    // The calendar of std::chrono takes no lock; gmtime() does.
    const std::chrono::sys_seconds moment{std::chrono::seconds(std::max<std::time_t>(time, 0))};
    const auto midnight = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss in_day(moment - midnight);
    const auto month = static_cast<unsigned>(date.month());
    char* const at = second_text_.data();
    const bool json = format_ == config::LogFormat::json;
    const std::string_view shape = json ? "yyyy-mm-ddThh:mm:ss" : "dd/mmm/yyyy:hh:mm:ss +0000";
    shape.copy(at, shape.size());
    put_digits(at + (json ? 0 : 7), static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put_digits(at + (json ? 8 : 0), static_cast<unsigned>(date.day()), 2);
    if (json) {
      put_digits(at + 5, month, 2);
    } else {
      std::memcpy(at + 3, kMonths + std::size_t{month - 1} * 3, 3);
    }
    char* const clock = at + (json ? 11 : 12);
    put_digits(clock, static_cast<unsigned>(in_day.hours().count()), 2);
    put_digits(clock + 3, static_cast<unsigned>(in_day.minutes().count()), 2);
    put_digits(clock + 6, static_cast<unsigned>(in_day.seconds().count()), 2);
    second_ = time;
    second_bytes_ = shape.size();
  }
  return {second_text_.data(), second_bytes_};
}

void AccessLogFormatter::append(const AccessRecord& record, std::string& out) {
  const std::size_t begin = out.size();
  append_whole(record, out);
  if (out.size() - begin <= kLogLineMost) return;
  // The bounds leave more than 2000 bytes for what is not from outside.
  out.resize(begin);
  const auto escape = format_ == config::LogFormat::json ? append_json_text : append_hex_escaped;
  const std::string method = shortened(record.method, 64, escape);
  const std::string user = shortened(record.user, 256, escape);
  const std::string target = shortened(record.target, 2048, escape);
  const std::string referer = shortened(record.referer, 2048, escape);
  const std::string user_agent = shortened(record.user_agent, 1024, escape);
  const std::string host = shortened(record.host, 256, escape);
  AccessRecord cut = record;
  cut.method = method;
  cut.user = user;
  cut.target = target;
  cut.referer = referer;
  cut.user_agent = user_agent;
  cut.host = host;
  append_whole(cut, out);
}

void AccessLogFormatter::append_whole(const AccessRecord& record, std::string& out) {
  switch (format_) {
    case config::LogFormat::combined: append_combined(record, out); break;
    case config::LogFormat::json: append_json(record, out); break;
  }
}

void AccessLogFormatter::append_combined(const AccessRecord& record, std::string& out) {
  append_bare(out, record.client_address);
  out += " - ";
  append_bare(out, record.user);
  out += " [";
  out += second_text(record.time);
  if (record.method.empty() && record.target.empty()) {
    out += "] \"";
    if (record.first_bytes.empty()) out += '-';
    append_hex_escaped(out, record.first_bytes);
    out += "\" ";
  } else {
    out += "] \"";
    append_hex_escaped(out, record.method);
    out += ' ';
    append_hex_escaped(out, record.target);
    out += record.version_minor == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ";
  }
  append_number(out, static_cast<std::uint64_t>(record.status));
  out += ' ';
  append_number(out, record.body_bytes);
  out += ' ';
  append_quoted(out, record.referer);
  out += ' ';
  append_quoted(out, record.user_agent);
  out += " host=";
  append_bare(out, record.host);
  append_timing(out, " rt=", record.request_time);
  append_timing(out, " qt=", record.queue_time);
  append_timing(out, " ct=", record.connect_time);
  append_timing(out, " fb=", record.first_byte_time);
  out += " pool=";
  append_bare(out, record.pool);
  if (!record.listener.empty()) {
    out += " listener=";
    append_bare(out, record.listener);
    out += " script=";
    append_bare(out, record.script);
  }
  out += " conn=";
  if (record.connection_id == 0) {
    out += '-';
  } else {
    append_number(out, record.connection_id);
  }
  out += record.reused ? " reused=1 retried=" : " reused=0 retried=";
  append_number(out, record.retried);
  out += " end=";
  append_bare(out, record.outcome);
  out += '\n';
}

void AccessLogFormatter::append_json(const AccessRecord& record, std::string& out) {
  out += "{\"time\":\"";
  out += second_text(record.time);
  char milliseconds[] = ".000Z";
  put_digits(milliseconds + 1, static_cast<unsigned>(record.milliseconds), 3);
  out.append(milliseconds, 5);
  append_json_string(out, "\",\"client\":\"", record.client_address);
  append_json_string(out, ",\"user\":\"", record.user);
  append_json_string(out, ",\"method\":\"", record.method);
  append_json_string(out, ",\"target\":\"", record.target);
  if (!record.first_bytes.empty()) append_json_string(out, ",\"first_bytes\":\"", record.first_bytes);
  out += record.version_minor == 0 ? ",\"protocol\":\"HTTP/1.0\",\"status\":"
                                   : ",\"protocol\":\"HTTP/1.1\",\"status\":";
  append_number(out, static_cast<std::uint64_t>(record.status));
  out += ",\"body_bytes\":";
  append_number(out, record.body_bytes);
  append_json_string(out, ",\"referer\":\"", record.referer);
  append_json_string(out, ",\"user_agent\":\"", record.user_agent);
  append_json_string(out, ",\"host\":\"", record.host);
  append_json_timing(out, ",\"request_time\":", record.request_time);
  append_json_timing(out, ",\"queue_time\":", record.queue_time);
  append_json_timing(out, ",\"connect_time\":", record.connect_time);
  append_json_timing(out, ",\"first_byte_time\":", record.first_byte_time);
  append_json_string(out, ",\"pool\":\"", record.pool);
  if (!record.listener.empty()) {
    append_json_string(out, ",\"listener\":\"", record.listener);
    append_json_string(out, ",\"script\":\"", record.script);
  }
  out += ",\"connection\":";
  if (record.connection_id == 0) {
    out += "null";
  } else {
    append_number(out, record.connection_id);
  }
  out += record.reused ? ",\"reused\":true,\"retried\":" : ",\"reused\":false,\"retried\":";
  append_number(out, record.retried);
  append_json_string(out, ",\"outcome\":\"", record.outcome);
  out += "}\n";
}

}  // namespace holdfast::core
