// Sending a response: one batch of the source, one writev.
#include "proxy/client/client_response.h"

#include <array>
#include <utility>

namespace holdfast {

namespace {
// Bytes moved from the store to the socket at once.
constexpr std::size_t kStoredPieceBytes = 64 * 1024;
// A streaming client may be this far behind before the application has to wait.
constexpr std::size_t kStreamUnsentMost = 128 * 1024;
// A buffer of an idle client may keep so much for its next answer.
constexpr std::size_t kIdleBytes = 2 * 1024;
}  // namespace

ClientResponse::ClientResponse(core::BodyStore store, const std::string& date)
    : stored_(std::move(store)), date_(date) {}

void ClientResponse::begin(http::ResponseWriter::RequestTraits traits) {
  stored_.clear();
  writer_.reset();
  traits_ = traits;
  head_bytes_.clear();
  body_bytes_.clear();
  tail_bytes_.clear();
  status_ = 0;
  waiting_.clear();
  head_waits_ = end_written_ = spill_failed_ = started_ = stream_ = finished_ = broken_ = surplus_ = false;
}

void ClientResponse::shrink() {
  for (std::string* each : {&head_bytes_, &body_bytes_, &tail_bytes_, &waiting_}) {
    if (each->capacity() > kIdleBytes) std::string().swap(*each);
  }
  stored_.shrink();
}

void ClientResponse::start_response(const http::ResponseHead& head, bool stream) {
  started_ = true;
  stream_ = stream;
  status_ = head.status;
  late_head_ = head;
  head_waits_ = true;
  const bool no_body = traits_.head_method || http::is_contentless(head.status);
  if (head.content_length || stream || no_body) write_head();
}

void ClientResponse::write_head() {
  head_waits_ = false;
  writer_.emplace(traits_);
  writer_->start(late_head_, date_, head_bytes_);
}

void ClientResponse::response_body(std::string_view bytes) {
  if (finished_) {
    surplus_ = surplus_ || (writer_ && writer_->framing() == http::Framing::content_length && !bytes.empty());
    return;
  }
  body_bytes_.append(bytes);
}

void ClientResponse::finish_response() {
  if (finished_) return;
  finished_ = true;
  if (head_waits_) {
    late_head_.content_length = body_bytes_.size();
    write_head();
  }
}

void ClientResponse::break_response() {
  const auto left = writer_ ? writer_->body_bytes_left() : std::nullopt;
  // The client gets all the same what it was promised.
  if (finished_ || (left && *left <= body_bytes_.size())) return;
  mark_broken();
}

void ClientResponse::cut() {
  mark_broken();
  stored_.clear();
  std::string().swap(waiting_);
}

void ClientResponse::flush(net::Stream& stream) {
  if (head_waits_ && started_) write_head();
  if (!writer_) return;
  if (!body_bytes_.empty()) {
    const http::ResponseWriter::Frame frame = writer_->frame(body_bytes_);
    head_bytes_.append(frame.prefix, frame.prefix_bytes);
    body_bytes_.resize(frame.take);
    tail_bytes_.append(frame.suffix);
  }
  if (writer_->body_bytes_left() == 0) finished_ = true;
  if (finished_ && !broken_ && !end_written_) {
    end_written_ = true;
    if (!writer_->finish(tail_bytes_)) broken_ = true;  // shorter than its Content-Length
  }
  send(stream);
}

void ClientResponse::send(net::Stream& stream) {
  const std::array<std::string_view, 3> slices = {head_bytes_, body_bytes_, tail_bytes_};
  if (stored_.empty() && stream.unsent_bytes() == 0) {
    if (!head_bytes_.empty() || !body_bytes_.empty() || !tail_bytes_.empty()) stream.write(slices);
  } else if (stream_ && stored_.empty()) {
    stream.write(slices);  // bounded: the source pauses while congested()
  } else {
    for (const std::string_view slice : slices) {
      // No room on disk: into the stream's memory instead; congested() now holds the source back.
      if (slice.empty()) continue;
      if (spill_failed_ || stored_.append(slice) != core::Append::ok) {
        spill_failed_ = true;
        waiting_.append(slice);
      }
    }
  }
  head_bytes_.clear();
  body_bytes_.clear();
  tail_bytes_.clear();
}

void ClientResponse::on_drained(net::Stream& stream) {
  std::string piece;
  while (stream.unsent_bytes() == 0 && !stored_.empty()) {
    const std::string_view front = stored_.front();
    if (!front.empty()) {
      const std::string_view part = front.substr(0, kStoredPieceBytes);
      const std::size_t bytes = part.size();
      stream.write(part);
      stored_.drop(bytes);
      continue;
    }
    piece.clear();
    if (!stored_.take(kStoredPieceBytes, piece)) {
      cut();
      return;
    }
    stream.write(piece);
  }
  if (stored_.empty() && stream.unsent_bytes() == 0 && !waiting_.empty()) {
    stream.write(waiting_);
    waiting_.clear();
    spill_failed_ = false;
  }
}

bool ClientResponse::all_sent(const net::Stream& stream) const {
  return finished_ && stored_.empty() && waiting_.empty() && stream.unsent_bytes() == 0;
}

bool ClientResponse::congested(const net::Stream& stream) const {
  return spill_failed_ || (stream_ && stream.unsent_bytes() > kStreamUnsentMost);
}

}  // namespace holdfast
