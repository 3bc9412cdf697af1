// Between the source of a response and the client's protocol.
#include "proxy/client/response_store.h"

#include <algorithm>
#include <utility>

#include "proxy/core/kept_buffer.h"

namespace holdfast {

namespace {
// Bytes moved from the store to the socket at once.
constexpr std::size_t kStoredPieceBytes = 64 * 1024;
// A streaming client may be this far behind before the application has to wait.
constexpr std::size_t kStreamUnsentMost = 128 * 1024;
// A buffer may keep so much for the next answer.
constexpr std::size_t kKeptStoreBytes = 32 * 1024;
}  // namespace

void ResponseStore::begin(bool head_method, std::size_t memory_max) {
  stored_.clear();
  stored_.set_memory_max(memory_max);
  batch_.clear();
  waiting_.clear();
  left_.reset();
  body_bytes_ = 0;
  status_ = 0;
  head_method_ = head_method;
  started_ = stream_ = finished_ = broken_ = spill_failed_ = head_given_ = end_given_ = false;
}

void ResponseStore::shrink() {
  for (std::string* each : {&batch_, &waiting_}) {
    core::shed(*each, kKeptStoreBytes);
  }
  stored_.shrink();
}

void ResponseStore::start_response(const http::ResponseHead& head, bool stream) {
  started_ = true;
  stream_ = stream;
  status_ = head.status;
  head_ = head;
  if (head_method_ || http::is_contentless(head.status)) {
    left_ = 0;
  } else {
    left_ = head.content_length;
  }
  if (left_ == 0) finished_ = true;
}

void ResponseStore::response_body(std::string_view bytes) {
  if (finished_) return;
  if (left_) {
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), *left_)));
    *left_ -= bytes.size();
    if (*left_ == 0) finished_ = true;
  }
  batch_.append(bytes);
}

void ResponseStore::finish_response() {
  if (finished_) return;
  finished_ = true;
  if (left_) broken_ = true;  // shorter than its Content-Length
}

// One whose promised bytes are all here is whole for its client.
void ResponseStore::break_response() {
  if (!finished_) finished_ = broken_ = true;
}

void ResponseStore::cut(ResponseOut& out) {
  finished_ = broken_ = true;
  stored_.clear();
  batch_.clear();
  std::string().swap(waiting_);
  out.break_off();
}

void ResponseStore::flush(ResponseOut& out) {
  if (!started_) return;
  if (!head_given_) give_head(out);
  give_batch(out);
  batch_.clear();
  if (broken_) out.break_off();
}

// The whole answer is there with its head: then its length is known.
void ResponseStore::give_head(ResponseOut& out) {
  head_given_ = true;
  const bool whole = finished_ && !broken_ && !stream_ && !left_;
  if (whole) head_.content_length = batch_.size();
  out.head(head_);
}

void ResponseStore::give_batch(ResponseOut& out) {
  std::string_view rest = batch_;
  if (stored_.empty() && waiting_.empty() && stream_) {
    give(rest, out);
    return;
  }
  // By pieces: what the kernel does not take of one is held for it, and the others are stored.
  while (stored_.empty() && waiting_.empty() && !rest.empty() && out.unsent_bytes() == 0) {
    const std::string_view piece = rest.substr(0, kStoredPieceBytes);
    rest.remove_prefix(piece.size());
    out.body(piece);
    body_bytes_ += piece.size();
    if (rest.empty()) give_end_if_due(out);
    out.send();
  }
  store(rest);
  give_end_if_due(out);  // without a body it has no piece
  out.send();
}

void ResponseStore::give(std::string_view bytes, ResponseOut& out) {
  if (!bytes.empty()) out.body(bytes);
  body_bytes_ += bytes.size();
  give_end_if_due(out);
  out.send();
}

void ResponseStore::store(std::string_view bytes) {
  if (bytes.empty()) return;
  // No room on disk: into our memory instead; congested() now holds the source back.
  if (!spill_failed_ && stored_.append(bytes) == core::Append::ok) {
    stored_.relieve();
    return;
  }
  spill_failed_ = true;
  waiting_.append(bytes);
}

void ResponseStore::give_end_if_due(ResponseOut& out) {
  if (end_given_ || broken_ || !finished_ || !stored_.empty() || !waiting_.empty()) return;
  end_given_ = true;
  out.end();
}

void ResponseStore::on_drained(ResponseOut& out) {
  std::string piece;
  while (out.unsent_bytes() == 0 && !stored_.empty()) {
    std::string_view part = stored_.front().substr(0, kStoredPieceBytes);
    if (part.empty()) {
      piece.clear();
      if (!stored_.take(kStoredPieceBytes, piece)) {
        cut(out);
        return;
      }
      give(piece, out);
      continue;
    }
    out.body(part);
    body_bytes_ += part.size();
    out.send();
    stored_.drop(part.size());
  }
  if (stored_.empty() && out.unsent_bytes() == 0 && !waiting_.empty()) {
    std::string last;
    last.swap(waiting_);
    spill_failed_ = false;
    give(last, out);
  }
  if (started_ && out.unsent_bytes() == 0 && finished_ && !end_given_ && head_given_) {
    give_end_if_due(out);
    out.send();
  }
}

bool ResponseStore::congested(const ResponseOut& out) const {
  return spill_failed_ || (stream_ && out.unsent_bytes() > kStreamUnsentMost);
}

}  // namespace holdfast
