// One connection of a web server, the reading side: see server_session.h. Cutting into records is
// RecordReader's work; here is the judgement: which record may come now, for which request, and what it
// means. The writing side is server_session_write.cpp.
#include "fastcgi/server_session.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "fastcgi/record_writer.h"

namespace holdfast::fastcgi {
namespace {

// What one record of GET_VALUES may leave behind as memory.
constexpr std::size_t kKeptValuesBytes = 1024;
constexpr std::size_t kReservedRequests = 4;

std::string_view decimal(std::size_t number, std::array<char, 20>& digits) {
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

}  // namespace

ServerSession::ServerSession(const ServerLimits& limits, const ServerValues& values)
    : limits_(limits), values_(values) {
  // Ids are of 16 bits, and 0 is none.
  limits_.requests_max = std::clamp<std::size_t>(limits_.requests_max, 1, 65535);
  open_.reserve(std::min(limits_.requests_max, kReservedRequests));
}

ServerEvent ServerSession::next(std::string_view& input, std::string& out) {
  if (refused_id_ != 0) std::abort();  // the host left a request without its answer
  ServerEvent event;
  while (fault_ == ServerFault::none) {
    if (is_stalled(input)) {
      event.kind = ServerEvent::Kind::paused;
      event.request_id = reader_.record().request_id;
      return event;
    }
    const RecordReader::Piece piece = reader_.next(input);
    switch (piece.kind) {
      case RecordReader::Kind::need_bytes: event.kind = ServerEvent::Kind::need_bytes; return event;
      case RecordReader::Kind::header:
        fail(judge(reader_.record()));
        if (take_ == Take::params && !count_params(event)) return event;
        break;
      case RecordReader::Kind::content:
        if (take_content(piece.content, event)) return event;
        break;
      case RecordReader::Kind::content_end:
        if (finish_content(event, out)) return event;
        break;
      case RecordReader::Kind::padding: break;
      case RecordReader::Kind::failed: fail(ServerFault::bad_version); break;
    }
  }
  input = {};
  return next_of_failed();
}

// Requests that will never be whole, one by one; then the end.
ServerEvent ServerSession::next_of_failed() {
  ServerEvent event;
  event.fault = fault_;
  const auto lost = std::find_if(open_.begin(), open_.end(),
                                 [this](const Request& request) { return gone_ || !is_whole(request); });
  if (lost == open_.end()) {
    event.kind = ServerEvent::Kind::failed;
    return event;
  }
  event.kind = ServerEvent::Kind::aborted;
  event.request_id = lost->id;
  close_request(static_cast<std::size_t>(lost - open_.begin()));
  return event;
}

void ServerSession::end_input(InputEnd end) {
  gone_ = gone_ || end == InputEnd::gone;
  if (fault_ != ServerFault::none) return;
  const bool all_whole = std::all_of(open_.begin(), open_.end(), is_whole);
  if (!reader_.at_record_boundary()) return fail(ServerFault::eof_in_record);
  fail(all_whole ? ServerFault::eof : ServerFault::eof_in_request);
}

std::size_t ServerSession::find(std::uint16_t id) const {
  if (found_ < open_.size() && open_[found_].id == id) return found_;
  const auto found =
      std::find_if(open_.begin(), open_.end(), [id](const Request& request) { return request.id == id; });
  if (found == open_.end()) return kNone;
  found_ = static_cast<std::size_t>(found - open_.begin());
  return found_;
}

ServerFault ServerSession::judge(const RecordHeader& record) {
  take_ = Take::ignore;
  switch (record.type) {
    // Answered with any id, as php-fpm does.
    case RecordType::get_values: take_ = Take::values; return ServerFault::none;
    case RecordType::end_request:
    case RecordType::stdout_data:
    case RecordType::stderr_data:
    case RecordType::get_values_result:
    case RecordType::unknown_type: return ServerFault::wrong_direction;
    case RecordType::begin_request: return judge_begin(record);
    case RecordType::abort_request:
    case RecordType::params:
    case RecordType::stdin_data:
    case RecordType::data: {
      if (record.request_id == 0) return ServerFault::null_request_id;
      const std::size_t index = find(record.request_id);
      return index == kNone ? ServerFault::none : judge_open(record, open_[index]);
    }
  }
  // A number that the specification does not name. Section 4.2 asks for an answer where it is a management
  // record; Go's library gives it for an open request too.
  if (record.request_id == 0 || find(record.request_id) != kNone) take_ = Take::unknown;
  return ServerFault::none;
}

ServerFault ServerSession::judge_begin(const RecordHeader& record) {
  if (record.request_id == 0) return ServerFault::null_request_id;
  if (record.content_bytes != kBeginBodyBytes) return ServerFault::begin_length;
  if (find(record.request_id) != kNone) return ServerFault::begin_again;
  // Behind the end of a request that asked for the connection's close, or while we close: it never runs, and
  // gets no byte, so that a web server may send it again.
  if (!closing_) take_ = Take::begin;
  return ServerFault::none;
}

// The judge of a record for a request that is open.
ServerFault ServerSession::judge_open(const RecordHeader& record, const Request& request) {
  if (record.type == RecordType::data) return ServerFault::data_for_responder;
  if (record.type == RecordType::abort_request) {
    if (record.content_bytes != 0) return ServerFault::abort_with_content;
    take_ = Take::abort;
    return ServerFault::none;
  }
  if (record.type == RecordType::params) {
    if (request.phase != Phase::params) return ServerFault::params_after_end;
    take_ = Take::params;
    return ServerFault::none;
  }
  if (request.phase == Phase::params) return ServerFault::stdin_before_params;
  if (request.phase == Phase::assumed) {
    take_ = Take::late_stdin;
    return ServerFault::none;
  }
  // A second empty record says what is known; php-fpm skips it too.
  if (request.phase == Phase::complete) {
    return record.content_bytes == 0 ? ServerFault::none : ServerFault::stdin_after_end;
  }
  take_ = Take::stdin_data;
  return ServerFault::none;
}

bool ServerSession::is_stalled(std::string_view input) const {
  if (take_ != Take::stdin_data || input.empty() || !reader_.in_content()) return false;
  const std::size_t index = find(reader_.record().request_id);
  return index != kNone && open_[index].is_paused;
}

bool ServerSession::take_content(std::string_view content, ServerEvent& event) {
  switch (take_) {
    case Take::begin:
      std::memcpy(begin_body_.data() + begin_body_filled_, content.data(), content.size());
      begin_body_filled_ += content.size();
      return false;
    case Take::params: {
      const std::size_t index = find(reader_.record().request_id);
      if (index == kNone || open_[index].params.feed(content)) return false;
      refuse(open_[index].id, ServerRefusal::param_too_large, event);
      return true;
    }
    case Take::stdin_data: {
      const std::size_t index = find(reader_.record().request_id);
      if (index == kNone) return false;  // answered meanwhile
      open_[index].stdin_bytes += content.size();
      event.kind = ServerEvent::Kind::stdin_data;
      event.request_id = open_[index].id;
      event.bytes = content;
      return true;
    }
    case Take::values: values_content_.append(content); return false;
    case Take::ignore:
    case Take::abort:
    case Take::late_stdin:
    case Take::unknown: return false;
  }
  std::abort();
}

// A record's bytes count as soon as it is announced, so that the verdict does not hang on how it was cut.
// False, with the event filled, when they are too many.
bool ServerSession::count_params(ServerEvent& event) {
  const RecordHeader& record = reader_.record();
  Request& to = open_[find(record.request_id)];
  if (to.params_bytes + record.content_bytes > limits_.params_bytes_max) {
    return refuse(to.id, ServerRefusal::params_too_large, event), false;
  }
  if (params_held_bytes_ + record.content_bytes > limits_.params_held_bytes_max) {
    return refuse(to.id, ServerRefusal::params_held, event), false;
  }
  to.params_bytes += record.content_bytes;
  params_held_bytes_ += record.content_bytes;
  return true;
}

// The host writes the answer before the next step, and the request is closed then: the rest of its input is
// ignored.
void ServerSession::refuse(std::uint16_t id, ServerRefusal refusal, ServerEvent& event) {
  event.kind = ServerEvent::Kind::refused;
  event.request_id = id;
  event.refusal = refusal;
  refused_id_ = id;
}

bool ServerSession::finish_content(ServerEvent& event, std::string& out) {
  const RecordHeader& record = reader_.record();
  const bool is_stream_end = record.content_bytes == 0;
  switch (take_) {
    case Take::ignore: note_ignored(record); return false;
    case Take::begin: return begin(event, out);
    case Take::abort: return abort_request(event, out);
    case Take::params: return is_stream_end && end_params(event);
    case Take::stdin_data: return is_stream_end && end_stdin_record(event);
    case Take::late_stdin: {
      const std::size_t index = find(record.request_id);
      if (index == kNone) {
        note_ignored(record);  // answered meanwhile
      } else if (is_stream_end) {
        open_[index].phase = Phase::complete;
      }
      return false;
    }
    case Take::values: answer_values(out); return false;
    case Take::unknown: write_unknown_type(static_cast<std::uint8_t>(record.type), out); return false;
  }
  std::abort();
}

bool ServerSession::begin(ServerEvent& event, std::string& out) {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(begin_body_[i]); };
  const std::uint16_t id = reader_.record().request_id;
  const bool is_responder = (byte(0) << 8 | byte(1)) == static_cast<int>(Role::responder);
  const bool keep = (byte(2) & kFlagKeepConnection) != 0;
  begin_body_filled_ = 0;
  if (closing_) {  // told so since the record's header came: as in judge_begin()
    note_ignored(reader_.record());
    return false;
  }
  event.request_id = id;
  event.keep_connection = keep;
  if (!is_responder) {
    event.kind = ServerEvent::Kind::refused;
    event.refusal = ServerRefusal::unknown_role;
    write_end_request(id, 0, ProtocolStatus::unknown_role, out);
    has_written_ = true;
    ended(id, keep, Phase::params);
    return true;
  }
  if (open_.size() >= limits_.requests_max) {
    refuse(id, ServerRefusal::too_many_requests, event);
    refused_keep_ = keep;
    return true;
  }
  if (!unread_.empty()) std::erase_if(unread_, [id](const Unread& unread) { return unread.id == id; });
  Request& added = open_.emplace_back();
  added.id = id;
  added.keep_connection = keep;
  added.params = std::exchange(spare_params_, {});
  found_ = open_.size() - 1;
  event.kind = ServerEvent::Kind::begun;
  return true;
}

bool ServerSession::end_params(ServerEvent& event) {
  const std::size_t index = find(reader_.record().request_id);
  if (index == kNone) return false;
  Request& of = open_[index];
  if (of.params.in_pair()) {
    fail(ServerFault::params_cut);
    return false;
  }
  of.phase = Phase::stdin_data;
  event.kind = ServerEvent::Kind::params_ended;
  event.request_id = of.id;
  event.keep_connection = of.keep_connection;
  return true;
}

bool ServerSession::end_stdin_record(ServerEvent& event) {
  const std::size_t index = find(reader_.record().request_id);
  if (index == kNone) return false;
  Request& of = open_[index];
  of.phase = Phase::complete;
  event.kind = ServerEvent::Kind::stdin_ended;
  event.request_id = of.id;
  event.keep_connection = of.keep_connection;
  event.stdin_bytes = of.stdin_bytes;
  return true;
}

bool ServerSession::abort_request(ServerEvent& event, std::string& out) {
  const std::size_t index = find(reader_.record().request_id);
  if (index == kNone) return false;
  event.kind = ServerEvent::Kind::aborted;
  event.request_id = open_[index].id;
  write_end_request(open_[index].id, 0, ProtocolStatus::request_complete, out);
  has_written_ = true;
  open_[index].phase = Phase::complete;  // nothing more will come
  close_request(index);
  return true;
}

// Each name once, however often it is asked for: the answer stays small.
void ServerSession::answer_values(std::string& out) {
  bool asks_conns = false;
  bool asks_reqs = false;
  bool asks_multiplex = false;
  std::string_view rest = values_content_;
  std::string_view name;
  std::string_view value;
  while (!rest.empty()) {
    if (!decode_pair(rest, name, value)) return fail(ServerFault::malformed_values);
    asks_conns = asks_conns || name == "FCGI_MAX_CONNS";
    asks_reqs = asks_reqs || name == "FCGI_MAX_REQS";
    asks_multiplex = asks_multiplex || name == "FCGI_MPXS_CONNS";
  }
  values_content_.clear();
  if (values_content_.capacity() > kKeptValuesBytes) std::string().swap(values_content_);

  std::string pairs;
  const auto add = [&pairs](std::string_view key, std::string_view text) {
    // Both lengths are below 128: one byte each (specification 3.4).
    pairs.push_back(static_cast<char>(key.size()));
    pairs.push_back(static_cast<char>(text.size()));
    pairs.append(key).append(text);
  };
  std::array<char, 20> digits;
  if (asks_conns) add("FCGI_MAX_CONNS", decimal(values_.max_conns, digits));
  if (asks_reqs) add("FCGI_MAX_REQS", decimal(values_.max_reqs, digits));
  if (asks_multiplex) add("FCGI_MPXS_CONNS", values_.multiplex ? "1" : "0");
  write_get_values_result(pairs, out);
}

void ServerSession::fail(ServerFault fault) {
  if (fault_ == ServerFault::none) fault_ = fault;
}

void ServerSession::add_unread(std::uint16_t id, Phase phase) {
  const auto same =
      std::find_if(unread_.begin(), unread_.end(), [id](const Unread& unread) { return unread.id == id; });
  if (same != unread_.end()) {
    same->phase = phase;  // of the last use of the id: what came before is over
  } else if (unread_.size() < kUnreadMost) {
    unread_.push_back({id, phase});
  } else {
    unread_more_ = true;
  }
}

// Input of a request that is not open is ignored, but its end is waited for before the connection closes.
void ServerSession::note_ignored(const RecordHeader& record) {
  if (record.type == RecordType::begin_request) return add_unread(record.request_id, Phase::params);
  const auto rest = std::find_if(unread_.begin(), unread_.end(),
                                 [&record](const Unread& unread) { return unread.id == record.request_id; });
  if (rest == unread_.end()) return;
  const bool is_stream_end = record.content_bytes == 0;
  if (record.type == RecordType::params && is_stream_end) rest->phase = Phase::stdin_data;
  const bool is_last =
      record.type == RecordType::stdin_data && is_stream_end && rest->phase == Phase::stdin_data;
  if (is_last || record.type == RecordType::abort_request) unread_.erase(rest);
}

}  // namespace holdfast::fastcgi
