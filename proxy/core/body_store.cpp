// See body_store.h.
#include "proxy/core/body_store.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/core/kept_buffer.h"

namespace holdfast::core {

namespace {

// An emptied store keeps this much memory for what comes next, and gives more than that back.
constexpr std::size_t kKeptBytesMax = 64 * 1024;
// Pieces are joined up to this before they go to the file.
constexpr std::size_t kJoinedBytes = 32 * 1024;

void keep_little(std::string& text, std::size_t most) {
  text.clear();
  shed(text, most);
}

}  // namespace

BodyStore::~BodyStore() {
  if (budget_ != nullptr) budget_->recount(counted_, 0);
}

BodyStore::BodyStore(BodyStore&& other) noexcept
    : spill_(other.spill_),
      budget_(other.budget_),
      counted_(std::exchange(other.counted_, 0)),
      memory_max_(other.memory_max_),
      memory_(std::exchange(other.memory_, {})),
      taken_(std::exchange(other.taken_, 0)),
      file_(std::move(other.file_)),
      file_front_(std::exchange(other.file_front_, 0)),
      file_bytes_(std::exchange(other.file_bytes_, 0)),
      tail_(std::exchange(other.tail_, {})),
      file_broken_(std::exchange(other.file_broken_, false)),
      error_(std::exchange(other.error_, {})) {}

void BodyStore::recount() {
  if (budget_ != nullptr) budget_->recount(counted_, memory_.size() + tail_.size());
}

Append BodyStore::append(std::string_view bytes) {
  // Once the file has begun, order demands that all further bytes go there.
  std::size_t room = 0;
  if (file_ == nullptr && tail_.empty()) {
    room = memory_max_ - std::min(memory_max_, memory_bytes());
    if (budget_ != nullptr)
      room = static_cast<std::size_t>(std::min<std::uint64_t>(room, budget_->room_for_bodies()));
  }
  if (bytes.size() <= room) {
    append_to_memory(bytes);
    recount();
    return Append::ok;
  }
  // The file first: when it fails, memory is untouched, and the caller may wait and try again.
  if (!append_to_file(bytes.substr(room))) return Append::spill_failed;
  append_to_memory(bytes.substr(0, room));
  recount();
  return Append::ok;
}

bool BodyStore::append_to_file(std::string_view bytes) {
  if (file_broken_) return false;
  if (file_ == nullptr) {
    error_.clear();
    if (!spill_) {
      error_ = "the body is larger than its memory and may not spill";
      return false;
    }
    file_ = spill_->create(error_);
    if (!file_) return false;
  }
  if (bytes.size() >= kJoinedBytes) {
    if (!tail_.empty()) {
      if (!write_to_file(tail_)) return false;
      tail_.clear();
    }
    return write_to_file(bytes);
  }
  const std::size_t before = tail_.size();
  tail_.append(bytes);
  if (tail_.size() < kJoinedBytes) return true;
  if (!write_to_file(tail_)) {
    tail_.resize(before);
    return false;
  }
  tail_.clear();
  return true;
}

bool BodyStore::write_to_file(std::string_view bytes) {
  if (file_->append(bytes)) {
    file_bytes_ += bytes.size();
    return true;
  }
  error_ = "cannot write to the spill file";
  if (file_bytes_ == 0) {
    file_.reset();  // holds nothing; a later append may try another
    file_front_ = 0;
  } else {
    file_broken_ = true;
  }
  return false;
}

// One that fails keeps its tail: the next append, if there is one, tells.
void BodyStore::relieve() {
  if (budget_ == nullptr || budget_->room_for_bodies() > 0) return;
  if (tail_.empty() || file_ == nullptr || file_broken_ || !write_to_file(tail_)) return;
  keep_little(tail_, 0);
  recount();
}

void BodyStore::append_to_memory(std::string_view bytes) {
  // Moves the rest to the start once at least as much was taken: each byte is moved at most once on average.
  if (taken_ > 0 && taken_ >= memory_.size() - taken_) {
    memory_.erase(0, taken_);
    taken_ = 0;
  }
  memory_.append(bytes);
}

bool BodyStore::read(std::uint64_t offset, std::size_t bytes_max, std::string& out) const {
  const auto piece_of = [&](std::string_view held) {
    const std::string_view piece = held.substr(static_cast<std::size_t>(offset), bytes_max);
    out.append(piece);
    bytes_max -= piece.size();
    offset += piece.size();
  };
  const std::string_view memory = front();
  if (offset < memory.size()) piece_of(memory);
  if (bytes_max == 0 || offset >= size()) return true;
  offset -= memory.size();
  if (offset < file_bytes_) {
    const std::uint64_t wanted = std::min<std::uint64_t>(bytes_max, file_bytes_ - offset);
    const std::size_t before = out.size();
    if (!file_->read(file_front_ + offset, static_cast<std::size_t>(wanted), out)) return false;
    // The file holds these bytes: if it gives none it is damaged, and the caller must not wait for more.
    if (out.size() == before) return false;
    bytes_max -= out.size() - before;
    offset += out.size() - before;
    if (offset < file_bytes_) return true;
  }
  offset -= file_bytes_;
  piece_of(tail_);
  return true;
}

void BodyStore::drop(std::uint64_t bytes) {
  assert(bytes <= size());
  if (bytes == size()) {
    clear();
    return;
  }
  const std::uint64_t from_memory = std::min<std::uint64_t>(bytes, memory_.size() - taken_);
  taken_ += static_cast<std::size_t>(from_memory);
  bytes -= from_memory;
  if (taken_ == memory_.size()) {
    taken_ = 0;
    keep_little(memory_, kKeptBytesMax);
  }
  if (const std::uint64_t from_file = std::min(bytes, file_bytes_); from_file > 0) {
    file_front_ += from_file;
    file_bytes_ -= from_file;
    bytes -= from_file;
    file_->discard_before(file_front_);
  }
  tail_.erase(0, static_cast<std::size_t>(bytes));
  recount();
}

bool BodyStore::take(std::size_t bytes_max, std::string& out) {
  // The usual small response: the whole string changes hands, nothing is copied.
  if (out.empty() && !file_ && tail_.empty() && taken_ == 0 && memory_.size() <= bytes_max) {
    out.swap(memory_);
    recount();
    return true;
  }
  const std::size_t before = out.size();
  const bool read_ok = read(0, bytes_max, out);
  drop(out.size() - before);
  return read_ok;
}

void BodyStore::clear() {
  taken_ = 0;
  keep_little(memory_, kKeptBytesMax);
  keep_little(tail_, 0);
  file_.reset();
  file_front_ = 0;
  file_bytes_ = 0;
  file_broken_ = false;
  recount();
}

void BodyStore::shrink() {
  if (memory_.empty()) std::string().swap(memory_);
  if (tail_.empty()) std::string().swap(tail_);
}

}  // namespace holdfast::core
