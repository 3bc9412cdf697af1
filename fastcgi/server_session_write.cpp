// One connection of a web server, the writing side and the ends: see server_session.h.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "fastcgi/record_writer.h"
#include "fastcgi/server_session.h"

namespace holdfast::fastcgi {
namespace {

constexpr std::size_t kSpareParamsBytesMax = 16 * 1024;

}  // namespace

std::string_view verdict_name(ServerVerdict verdict) {
  switch (verdict) {
    case ServerVerdict::keep: return "keep";
    case ServerVerdict::finish: return "finish";
    case ServerVerdict::drain: return "drain";
    case ServerVerdict::close: return "close";
    case ServerVerdict::reset: return "reset";
  }
  std::abort();
}

ServerVerdict ServerSession::verdict() const {
  if (fault_ == ServerFault::none && !closing_ && !cut_short_) return ServerVerdict::keep;
  if (!open_.empty()) return ServerVerdict::finish;
  if (cut_short_) return ServerVerdict::reset;
  const bool is_input_over = fault_ == ServerFault::eof || fault_ == ServerFault::eof_in_record ||
                             fault_ == ServerFault::eof_in_request || !has_written_;
  if (fault_ != ServerFault::none) return is_input_over ? ServerVerdict::close : ServerVerdict::drain;
  const bool all_read = unread_.empty() && !unread_more_ && reader_.at_record_boundary();
  return all_read ? ServerVerdict::close : ServerVerdict::drain;
}

// The request must be open: what is written for another one would be taken for a stranger's answer.
ServerSession::Request& ServerSession::request(std::uint16_t id) {
  const std::size_t index = find(id);
  if (index == kNone) std::abort();
  return open_[index];
}

bool ServerSession::is_complete(std::uint16_t request_id) const {
  const std::size_t index = find(request_id);
  return index != kNone && is_whole(open_[index]);
}

void ServerSession::take_params(std::uint16_t request_id, ParamList& into) {
  Request& from = request(request_id);
  if (from.phase == Phase::params) std::abort();
  from.params.take(into);
}

void ServerSession::pause(std::uint16_t request_id) {
  request(request_id).is_paused = true;
}

void ServerSession::resume(std::uint16_t request_id) {
  request(request_id).is_paused = false;
}

void ServerSession::end_stdin(std::uint16_t request_id) {
  Request& of = request(request_id);
  if (of.phase == Phase::params) std::abort();
  if (of.phase == Phase::stdin_data) of.phase = Phase::assumed;
}

void ServerSession::write_head(std::uint16_t request_id, std::string_view head, std::string& out) {
  Request& of = request(request_id);
  if (of.head_written || head.empty()) std::abort();
  write_stream(RecordType::stdout_data, request_id, head, out);
  of.head_written = has_written_ = true;
}

void ServerSession::write_body(std::uint16_t request_id, std::string_view bytes, std::string& out) {
  Request& of = request(request_id);
  if (!of.head_written) std::abort();
  // An empty record would be the end: HAProxy loses what comes behind it, Apache breaks.
  if (bytes.empty()) return;
  write_held_stderr(of, out);
  write_stream(RecordType::stdout_data, request_id, bytes, out);
}

bool ServerSession::hold_stderr(std::uint16_t request_id, std::string_view bytes) {
  Request& of = request(request_id);
  const std::size_t room = limits_.stderr_held_bytes_max - of.held_stderr.size();
  of.held_stderr.append(bytes.substr(0, room));
  return bytes.size() <= room;
}

void ServerSession::write_held_stderr(Request& from, std::string& out) {
  write_stream(RecordType::stderr_data, from.id, from.held_stderr, out);
  from.held_stderr.clear();
}

void ServerSession::write_end(std::uint16_t request_id, std::uint32_t app_status, std::string& out) {
  Request& of = request(request_id);
  if (!of.head_written) std::abort();
  write_held_stderr(of, out);
  write_stream_end(RecordType::stdout_data, request_id, out);
  write_end_request(request_id, app_status, ProtocolStatus::request_complete, out);
  close_request(find(request_id));
}

void ServerSession::write_refusal(std::uint16_t request_id, std::string_view answer, std::string& out) {
  if (request_id == 0 || request_id != refused_id_ || answer.empty()) std::abort();
  refused_id_ = 0;
  has_written_ = true;
  write_stream(RecordType::stdout_data, request_id, answer, out);
  write_stream_end(RecordType::stdout_data, request_id, out);
  write_end_request(request_id, 0, ProtocolStatus::request_complete, out);
  const std::size_t index = find(request_id);
  if (index != kNone) return close_request(index);
  ended(request_id, refused_keep_, Phase::params);
}

void ServerSession::break_off(std::uint16_t request_id, std::string& out) {
  if (!request(request_id).head_written) std::abort();
  if (open_.size() == 1) {
    cut_short_ = closing_ = true;
    out.append(kHeaderBytes, '\0');
  } else {
    write_end_request(request_id, 1, ProtocolStatus::request_complete, out);
  }
  close_request(find(request_id));
}

void ServerSession::close_request(std::size_t index) {
  Request& of = open_[index];
  params_held_bytes_ -= of.params_bytes;
  if (of.params_bytes <= kSpareParamsBytesMax) {
    of.params.reset();
    spare_params_ = std::exchange(of.params, {});
  }
  const std::uint16_t id = of.id;
  const bool keep = of.keep_connection;
  const Phase phase = of.phase;
  if (index + 1 < open_.size()) of = std::move(open_.back());
  open_.pop_back();
  ended(id, keep, phase);
}

// The last word on a request is written, or it has none.
void ServerSession::ended(std::uint16_t id, bool keep_connection, Phase phase) {
  if (!keep_connection) closing_ = true;
  if (phase == Phase::complete) return;
  add_unread(id, phase == Phase::params ? Phase::params : Phase::stdin_data);
}

void ServerSession::check() const {
  const auto must = [](bool holds) {
    if (!holds) std::abort();
  };
  must(open_.size() <= limits_.requests_max);
  must(unread_.size() <= kUnreadMost);
  must(params_held_bytes_ <= limits_.params_held_bytes_max);
  must(begin_body_filled_ <= kBeginBodyBytes);
  must(values_content_.size() <= kContentBytesMax);
  std::size_t held = 0;
  for (const Request& of : open_) {
    held += of.params_bytes;
    must(of.id != 0);
    must(of.params_bytes <= limits_.params_bytes_max);
    must(of.held_stderr.size() <= limits_.stderr_held_bytes_max);
    must(std::count_if(open_.begin(), open_.end(), [&of](const Request& r) { return r.id == of.id; }) == 1);
    must(std::none_of(unread_.begin(), unread_.end(), [&of](const Unread& u) { return u.id == of.id; }));
  }
  must(held == params_held_bytes_);
}

}  // namespace holdfast::fastcgi
