// See body_store.h.
#include "proxy/core/body_store.h"

#include <algorithm>
#include <cassert>

namespace holdfast::core {

namespace {

// An emptied store keeps this much memory for what comes next, and gives more than that back.
constexpr std::size_t kKeptBytesMax = 64 * 1024;

}  // namespace

Append BodyStore::append(std::string_view bytes) {
  // Once the file has begun, order demands that all further bytes go there.
  const std::size_t room = file_ ? 0 : memory_max_ - std::min(memory_max_, memory_bytes());
  if (bytes.size() <= room) {
    append_to_memory(bytes);
    return Append::ok;
  }
  // The file first: when it fails, memory is untouched, and the caller may wait and try again.
  if (!append_to_file(bytes.substr(room))) return Append::spill_failed;
  append_to_memory(bytes.substr(0, room));
  return Append::ok;
}

bool BodyStore::append_to_file(std::string_view bytes) {
  if (file_broken_) return false;
  const bool fresh = file_ == nullptr;
  if (fresh) {
    error_.clear();
    if (!spill_) {
      error_ = "the body is larger than its memory and may not spill";
      return false;
    }
    file_ = spill_->create(error_);
    if (!file_) return false;
  }
  if (!file_->append(bytes)) {
    error_ = "cannot write to the spill file";
    if (fresh) {
      file_.reset();  // holds nothing; a later append may try another
    } else {
      file_broken_ = true;
    }
    return false;
  }
  file_bytes_ += bytes.size();
  return true;
}

void BodyStore::append_to_memory(std::string_view bytes) {
  // Moves the rest to the start once at least as much was taken: each byte is moved at most once on average.
  if (taken_ > 0 && taken_ >= memory_bytes()) {
    memory_.erase(0, taken_);
    taken_ = 0;
  }
  memory_.append(bytes);
}

bool BodyStore::read(std::uint64_t offset, std::size_t bytes_max, std::string& out) const {
  const std::string_view memory = front();
  if (offset < memory.size()) {
    const std::string_view piece = memory.substr(static_cast<std::size_t>(offset), bytes_max);
    out.append(piece);
    bytes_max -= piece.size();
    offset += piece.size();
  }
  if (bytes_max == 0 || offset >= size()) return true;
  const std::uint64_t in_file = offset - memory.size();
  const std::uint64_t wanted = std::min<std::uint64_t>(bytes_max, file_bytes_ - in_file);
  const std::size_t before = out.size();
  if (!file_->read(file_front_ + in_file, static_cast<std::size_t>(wanted), out)) return false;
  // The file holds these bytes: if it gives none it is damaged, and the caller must not wait for more.
  return out.size() > before;
}

void BodyStore::drop(std::uint64_t bytes) {
  assert(bytes <= size());
  const auto from_memory = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, memory_bytes()));
  taken_ += from_memory;
  const std::uint64_t from_file = bytes - from_memory;
  if (size() == from_file) {
    clear();
    return;
  }
  if (taken_ == memory_.size()) {
    memory_.clear();
    taken_ = 0;
    if (memory_.capacity() > kKeptBytesMax) std::string().swap(memory_);
  }
  if (from_file > 0) {
    file_front_ += from_file;
    file_bytes_ -= from_file;
    file_->discard_before(file_front_);
  }
}

bool BodyStore::take(std::size_t bytes_max, std::string& out) {
  // The usual small response: the whole string changes hands, nothing is copied.
  if (out.empty() && !file_ && taken_ == 0 && memory_.size() <= bytes_max) {
    out.swap(memory_);
    return true;
  }
  const std::size_t before = out.size();
  const bool read_ok = read(0, bytes_max, out);
  drop(out.size() - before);
  return read_ok;
}

void BodyStore::clear() {
  memory_.clear();
  taken_ = 0;
  if (memory_.capacity() > kKeptBytesMax) std::string().swap(memory_);
  file_.reset();
  file_front_ = 0;
  file_bytes_ = 0;
  file_broken_ = false;
}

}  // namespace holdfast::core
