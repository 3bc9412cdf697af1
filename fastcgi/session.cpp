// One FastCGI connection: see session.h. Reading is RecordReader's work, encoding record_writer's and
// ParamList's; here is the judgement: which record may come now, for which request, and what it means.
#include "fastcgi/session.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>

#include "fastcgi/record_writer.h"

namespace holdfast::fastcgi {
namespace {

constexpr std::uint16_t kLastId = 65535;
constexpr std::size_t kReservedExchanges = 8;

bool is_pairs(std::string_view content) {
  std::string_view name;
  std::string_view value;
  while (!content.empty()) {
    if (!decode_pair(content, name, value)) return false;
  }
  return true;
}

bool is_answer(RecordType type) {
  return type == RecordType::get_values_result || type == RecordType::unknown_type;
}

}  // namespace

std::string_view fault_name(Fault fault) {
  switch (fault) {
    case Fault::none: return "none";
    case Fault::bad_version: return "bad_version";
    case Fault::foreign_request_id: return "foreign_request_id";
    case Fault::unexpected_record: return "unexpected_record";
    case Fault::malformed_record: return "malformed_record";
    case Fault::record_after_end: return "record_after_end";
    case Fault::bytes_while_idle: return "bytes_while_idle";
    case Fault::eof_in_record: return "eof_in_record";
    case Fault::eof_in_request: return "eof_in_request";
    case Fault::eof: return "eof";
  }
  std::abort();
}

std::string_view verdict_name(ReuseVerdict verdict) {
  switch (verdict) {
    case ReuseVerdict::reusable: return "reusable";
    case ReuseVerdict::request_open: return "request_open";
    case ReuseVerdict::inside_record: return "inside_record";
    case ReuseVerdict::stdin_incomplete: return "stdin_incomplete";
    case ReuseVerdict::barrier_pending: return "barrier_pending";
    case ReuseVerdict::keep_not_asked: return "keep_not_asked";
    case ReuseVerdict::faulted: return "faulted";
  }
  std::abort();
}

Session::Session(std::size_t capacity, std::uint16_t first_id)
    // Above 65,535 there would be no free id for the next request.
    : capacity_(std::clamp<std::size_t>(capacity, 1, kLastId)),
      next_id_(std::max<std::uint16_t>(first_id, 1)) {
  open_.reserve(std::min(capacity_, kReservedExchanges));
}

std::uint16_t Session::begin_request(Role role, bool keep_connection, const ParamList& params,
                                     std::uint64_t content_length, std::string& out) {
  // A second BEGIN_REQUEST inside a request destroys the first at php-fpm (it takes the record for the end of
  // PARAMS or of the body): never, in any build.
  if (!can_begin()) std::abort();
  const std::uint16_t id = take_id();
  keep_asked_ = keep_connection;
  answer_began_ = false;

  // One growth for all of it, a small body included.
  std::size_t stdin_bytes = kHeaderBytes;
  if (content_length <= kWriteContentBytesMax) {
    stdin_bytes += stream_record_bytes(static_cast<std::size_t>(content_length));
  }
  out.reserve(out.size() + kBeginRequestBytes + params.record_bytes() + stdin_bytes);
  write_begin_request(id, role, keep_connection, out);
  params.write_records(id, out);
  if (content_length == 0) write_stream_end(RecordType::stdin_data, id, out);
  open_.push_back({id, content_length});
  return id;
}

void Session::write_stdin(std::uint16_t request_id, std::string_view bytes, std::string& out) {
  // An empty record would end the stream early; nothing to write is not the end.
  if (bytes.empty()) return;
  OpenRequest* request = find(request_id);
  // php-fpm before 8.2.36 parses STDIN beyond CONTENT_LENGTH as records: request smuggling by our own hand.
  if (request == nullptr || bytes.size() > request->stdin_left) std::abort();
  request->stdin_left -= bytes.size();
  const bool is_last = request->stdin_left == 0;
  out.reserve(out.size() + stream_record_bytes(bytes.size()) + (is_last ? kHeaderBytes : 0));
  write_stream(RecordType::stdin_data, request_id, bytes, out);
  if (is_last) write_stream_end(RecordType::stdin_data, request_id, out);
}

std::uint64_t Session::stdin_bytes_left(std::uint16_t request_id) const {
  const OpenRequest* request = find(request_id);
  return request == nullptr ? 0 : request->stdin_left;
}

void Session::write_barrier(std::string& out) {
  assert(open_.empty() && !barrier_pending_ && fault_ == Fault::none);
  write_get_values({}, out);
  barrier_pending_ = barrier_asked_ = true;
}

void Session::feed(std::string_view input, std::vector<Event>& out) {
  if (fault_ != Fault::none) return;
  Fault fault = Fault::none;
  while (fault == Fault::none) {
    // Asked at each record boundary, so that the first stray byte poisons the connection, not the eighth.
    if (!input.empty() && is_quiet() && !may_be_answer(input)) return fail(Fault::bytes_while_idle, out);
    const RecordReader::Piece piece = reader_.next(input);
    switch (piece.kind) {
      case RecordReader::Kind::need_bytes: return;
      case RecordReader::Kind::header:
        fault = judge_header(reader_.record());
        if (fault == Fault::none && !open_.empty()) answer_began_ = true;
        break;
      case RecordReader::Kind::content: take_content(piece.content, out); break;
      case RecordReader::Kind::content_end: fault = finish_content(out); break;
      case RecordReader::Kind::padding: break;
      case RecordReader::Kind::failed: fault = Fault::bad_version; break;
    }
  }
  fail(fault, out);
}

bool Session::answer_began() const {
  // Where the connection ended within the first record, or its header.
  const bool in_record = !open_.empty() && !reader_.at_record_boundary();
  return answer_began_ || (in_record && (fault_ == Fault::none || fault_ == Fault::eof_in_record));
}

void Session::feed_eof(std::vector<Event>& out) {
  if (fault_ != Fault::none) return;
  if (!reader_.at_record_boundary()) return fail(Fault::eof_in_record, out);
  fail(open_.empty() ? Fault::eof : Fault::eof_in_request, out);
}

ReuseVerdict Session::reuse_verdict() const {
  if (fault_ != Fault::none) return ReuseVerdict::faulted;
  if (open_.size() >= capacity_) return ReuseVerdict::request_open;
  if (!keep_asked_) return ReuseVerdict::keep_not_asked;
  if (stdin_cut_short_) return ReuseVerdict::stdin_incomplete;
  if (barrier_pending_) return ReuseVerdict::barrier_pending;
  // While other requests are open, a record under way is theirs, or the rest of one that has ended: the
  // reader lives as long as the connection, so neither can be taken for the new request's. With none open it
  // is what nginx forgot (its commit aad0a1dba): padding of END_REQUEST left in the socket.
  if (open_.empty() && !reader_.at_record_boundary()) return ReuseVerdict::inside_record;
  return ReuseVerdict::reusable;
}

const Session::OpenRequest* Session::find(std::uint16_t id) const {
  // A plain walk: one request with php-fpm, a handful with an application that multiplexes.
  const auto found = std::find_if(open_.begin(), open_.end(), [id](const auto& r) { return r.id == id; });
  return found == open_.end() ? nullptr : &*found;
}

Session::OpenRequest* Session::find(std::uint16_t id) {
  return const_cast<OpenRequest*>(static_cast<const Session*>(this)->find(id));
}

std::uint16_t Session::take_id() {
  const auto after = [](std::uint16_t id) {
    return id == kLastId ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
  };
  // Ends: fewer than 65,535 are open.
  while (find(next_id_) != nullptr) next_id_ = after(next_id_);
  const std::uint16_t id = next_id_;
  next_id_ = after(id);
  return id;
}

// One more answer to a question that was answered already, as Go gives it.
bool Session::may_be_answer(std::string_view input) const {
  if (!barrier_asked_ || input.front() != static_cast<char>(kVersion)) return false;
  return input.size() == 1 || is_answer(static_cast<RecordType>(static_cast<unsigned char>(input[1])));
}

Fault Session::judge_header(const RecordHeader& record) const {
  if (is_answer(record.type)) return barrier_asked_ ? Fault::none : Fault::unexpected_record;
  if (open_.empty() && !barrier_pending_) return Fault::bytes_while_idle;
  switch (record.type) {
    case RecordType::stdout_data:
    case RecordType::stderr_data:
    case RecordType::end_request:
      if (find(record.request_id) == nullptr) {
        const bool has_just_ended = record.request_id != 0 && record.request_id == last_ended_id_;
        return has_just_ended ? Fault::record_after_end : Fault::foreign_request_id;
      }
      if (record.type == RecordType::end_request && record.content_bytes < kEndBodyBytes) {
        return Fault::malformed_record;
      }
      return Fault::none;
    case RecordType::get_values_result:
    case RecordType::unknown_type:
    case RecordType::begin_request:
    case RecordType::abort_request:
    case RecordType::params:
    case RecordType::stdin_data:
    case RecordType::data:
    case RecordType::get_values: return Fault::unexpected_record;
  }
  return Fault::unexpected_record;  // a number that the specification does not name
}

void Session::take_content(std::string_view content, std::vector<Event>& out) {
  const RecordHeader& record = reader_.record();
  if (record.type == RecordType::stdout_data || record.type == RecordType::stderr_data) {
    Event& event = out.emplace_back();
    event.kind = record.type == RecordType::stdout_data ? Event::Kind::stdout_data : Event::Kind::stderr_data;
    event.request_id = record.request_id;
    event.bytes = content;
  } else if (record.type == RecordType::end_request) {
    // What follows the eight bytes is not for us.
    const std::size_t taken = std::min(content.size(), kEndBodyBytes - end_body_filled_);
    std::memcpy(end_body_.data() + end_body_filled_, content.data(), taken);
    end_body_filled_ += taken;
  } else {
    answer_.append(content);
  }
}

Fault Session::finish_content(std::vector<Event>& out) {
  const RecordHeader& record = reader_.record();
  if (record.type == RecordType::end_request) {
    end_request(out);
  } else if (is_answer(record.type)) {
    take_answer(out);
  }
  return Fault::none;
}

// It belongs to no request, so whatever is odd about it harms none.
void Session::take_answer(std::vector<Event>& out) {
  const RecordHeader& record = reader_.record();
  // Ours was asked with id 0 (specification 3.3: management records), and so should the answer be.
  const bool in_order = barrier_pending_ && record.type == RecordType::get_values_result &&
                        record.request_id == 0 && is_pairs(answer_);
  answer_.clear();
  if (!in_order) out.emplace_back().kind = Event::Kind::odd_answer;
  if (!barrier_pending_) return;
  barrier_pending_ = false;
  out.emplace_back().kind = Event::Kind::barrier_answered;
}

void Session::end_request(std::vector<Event>& out) {
  const std::uint16_t id = reader_.record().request_id;
  const auto byte = [this](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(end_body_[index]));
  };
  Event& event = out.emplace_back();
  event.kind = Event::Kind::request_ended;
  event.request_id = id;
  event.app_status = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  event.protocol_status = static_cast<ProtocolStatus>(byte(4));
  end_body_filled_ = 0;

  OpenRequest* request = find(id);  // judge_header() found it, and nothing else closes requests
  stdin_cut_short_ = stdin_cut_short_ || request->stdin_left > 0;
  *request = open_.back();
  open_.pop_back();
  last_ended_id_ = id;
}

void Session::fail(Fault fault, std::vector<Event>& out) {
  fault_ = fault;
  Event& event = out.emplace_back();
  event.kind = Event::Kind::failed;
  event.fault = fault;
}

}  // namespace holdfast::fastcgi
