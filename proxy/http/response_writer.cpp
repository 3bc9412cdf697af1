// Framing, status line and head of responses.
#include "proxy/http/response_writer.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "proxy/http/header_rules.h"
#include "proxy/http/request_rules.h"
#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

bool is_interim(int status) {
  return status >= 100 && status < 200;
}

// What can split a response in two, or end a C string on the way (CWE-113). Other control characters are
// PHP's own business.
bool is_injection(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_named_in_connection(const std::vector<Field>& fields, std::string_view name) {
  for (const Field& field : fields)
    if (equals_ignore_case(field.name, "Connection") && names_in_connection(field.value, name)) return true;
  return false;
}

}  // namespace

void ResponseWriter::start(const ResponseHead& head, std::string_view date, std::string& out) {
  assert(!started_);
  started_ = true;
  decide_framing(head);

  // Status outside three digits is a mistake of the caller; the client gets a valid line all the same.
  assert(head.status >= 100 && head.status <= 999);
  const int status = head.status >= 100 && head.status <= 999 ? head.status : 500;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(status));
  out += ' ';
  out += head.reason.empty() || !is_field_value(head.reason) ? reason_phrase(status) : head.reason;
  out += kLineEnd;
  write_fields(head, date, out);
  out += kLineEnd;
}

void ResponseWriter::decide_framing(const ResponseHead& head) {
  if (traits_.head_method || is_contentless(head.status)) {
    framing_ = Framing::none;
  } else if (head.content_length) {
    framing_ = Framing::content_length;
    body_bytes_left_ = *head.content_length;
  } else if (traits_.version_minor >= 1) {
    framing_ = Framing::chunked;
  } else {
    framing_ = Framing::until_close;
  }
  // An application's own `Connection: close` is honoured: it may want to see the client gone.
  keep_alive_ =
      traits_.keep_alive && framing_ != Framing::until_close && !is_named_in_connection(head.fields, "close");
}

void ResponseWriter::write_fields(const ResponseHead& head, std::string_view date, std::string& out) const {
  const bool has_connection = std::any_of(head.fields.begin(), head.fields.end(), [](const Field& field) {
    return equals_ignore_case(field.name, "Connection");
  });
  bool has_date = false;
  for (const Field& field : head.fields) {
    if (is_hop_by_hop(field.name) || equals_ignore_case(field.name, "Content-Length")) continue;
    if (!is_field_name(field.name) || is_injection(field.value)) continue;
    if (has_connection && is_named_in_connection(head.fields, field.name)) continue;
    if (equals_ignore_case(field.name, "Date")) {
      if (has_date) continue;
      has_date = true;
    }
    out += field.name;
    out += ": ";
    out += field.value;
    out += kLineEnd;
  }
  if (!has_date && !date.empty()) {
    out += "Date: ";
    out += date;
    out += kLineEnd;
  }
  // The length that a body has, or would have (HEAD, 304). RFC 9110 8.6: never with 1xx and 204; 15.3.6: a
  // 205 is told from one with content by a length of 0.
  if (head.status == 205) {
    out += "Content-Length: 0\r\n";
  } else if (head.content_length && !is_interim(head.status) && head.status != 204) {
    out += "Content-Length: ";
    append_number(out, *head.content_length);
    out += kLineEnd;
  } else if (framing_ == Framing::chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (is_interim(head.status)) return;
  // Our status line says 1.1, so a close is always told. An HTTP/1.0 client must be told of the opposite too.
  if (!keep_alive_) {
    out += "Connection: close\r\n";
  } else if (traits_.version_minor == 0) {
    out += "Connection: keep-alive\r\n";
  }
}

void ResponseWriter::write_continue(std::string& out) {
  out += "HTTP/1.1 100 Continue\r\n\r\n";
}

void ResponseWriter::body(std::string_view bytes, std::string& out) {
  const Frame around = frame(bytes);
  out.append(around.prefix, around.prefix_bytes);
  out.append(bytes.substr(0, around.take));
  out.append(around.suffix);
}

ResponseWriter::Frame ResponseWriter::frame(std::string_view bytes) {
  assert(started_ && !finished_);
  Frame around;
  if (bytes.empty()) return around;  // a chunk of size 0 would be the end
  switch (framing_) {
    case Framing::none: return around;
    case Framing::content_length:
      around.take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_bytes_left_));
      body_bytes_left_ -= around.take;
      overflowed_ = overflowed_ || around.take < bytes.size();
      break;
    case Framing::chunked: {
      around.take = bytes.size();
      char* const end = std::to_chars(around.prefix, around.prefix + 16, bytes.size(), 16).ptr;
      end[0] = '\r';
      end[1] = '\n';
      around.prefix_bytes = static_cast<std::uint8_t>(end + 2 - around.prefix);
      around.suffix = kLineEnd;
      break;
    }
    case Framing::until_close: around.take = bytes.size(); break;
  }
  body_bytes_ += around.take;
  return around;
}

bool ResponseWriter::finish(std::string& out) {
  assert(started_);
  if (finished_) return body_bytes_left_ == 0;
  finished_ = true;
  if (framing_ == Framing::chunked) out += "0\r\n\r\n";
  if (body_bytes_left_ > 0) keep_alive_ = false;
  return body_bytes_left_ == 0;
}

}  // namespace holdfast::http
