// Encoding, cutting and decoding of name-value pairs (specification 3.4). A length below 128 takes one byte,
// any other four with the top bit set.
#include "fastcgi/param_list.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "fastcgi/protocol.h"
#include "fastcgi/record_writer.h"

namespace holdfast::fastcgi {
namespace {

constexpr std::size_t kShortLengthMax = 127;
// A usual request has some thirty parameters in about a kilobyte: one allocation instead of seven.
constexpr std::size_t kFirstReserveBytes = 2048;

std::size_t length_bytes(std::size_t length) {
  return length <= kShortLengthMax ? 1 : 4;
}

// Writes at `at`, returns the next free place.
char* put_length(char* at, std::size_t length) {
  const auto put = [&at](std::size_t byte) {
    *at++ = static_cast<char>(static_cast<unsigned char>(byte & 0xff));
  };
  if (length > kShortLengthMax) {
    put(length >> 24 | 0x80);
    put(length >> 16);
    put(length >> 8);
  }
  put(length);
  return at;
}

// Reads a length at `offset` and moves it on. False when the bytes of the length itself are cut.
bool take_length(std::string_view in, std::size_t& offset, std::size_t& length) {
  const auto byte = [in](std::size_t index) {
    return static_cast<std::size_t>(static_cast<unsigned char>(in[index]));
  };
  if (offset >= in.size()) return false;
  if (byte(offset) <= kShortLengthMax) {
    length = byte(offset++);
    return true;
  }
  if (in.size() - offset < 4) return false;
  length = (byte(offset) & 0x7f) << 24 | byte(offset + 1) << 16 | byte(offset + 2) << 8 | byte(offset + 3);
  offset += 4;
  return true;
}

}  // namespace

bool ParamList::add(std::string_view name, std::string_view value) {
  // Each alone first, so that their sum cannot wrap.
  if (name.size() > kWriteContentBytesMax || value.size() > kWriteContentBytesMax) return false;
  const std::size_t prefix_bytes = length_bytes(name.size()) + length_bytes(value.size());
  const std::size_t pair_bytes = prefix_bytes + name.size() + value.size();
  if (pair_bytes > kWriteContentBytesMax) return false;

  char* at = put_length(put_length(extend(pair_bytes), name.size()), value.size());
  at = std::copy(name.begin(), name.end(), at);
  std::copy(value.begin(), value.end(), at);
  return true;
}

void ParamList::append_encoded(std::string_view pair) {
  if (pair.size() > kContentBytesMax) std::abort();  // its record could not tell its length
  std::copy(pair.begin(), pair.end(), extend(pair.size()));
}

void ParamList::append(const ParamList& other) {
  std::string_view rest = other.encoded();
  if (size_ - record_start_ + rest.size() <= kWriteContentBytesMax) {  // all of it into the present record
    if (!rest.empty()) std::copy(rest.begin(), rest.end(), extend(rest.size()));
    return;
  }
  while (!rest.empty()) {
    const std::string_view before = rest;
    std::string_view name;
    std::string_view value;
    if (!decode_pair(rest, name, value)) std::abort();  // we wrote it
    append_encoded(before.substr(0, before.size() - rest.size()));
  }
}

// Room for a pair at the end, which counts as written; cuts a record before it where that is full.
char* ParamList::extend(std::size_t pair_bytes) {
  if (size_ > record_start_ && size_ - record_start_ + pair_bytes > kWriteContentBytesMax) {
    cuts_.push_back(size_);
    record_start_ = size_;
  }
  if (buffer_.size() - size_ < pair_bytes)
    buffer_.resize(std::max({kFirstReserveBytes, buffer_.size() * 2, size_ + pair_bytes}));
  size_ += pair_bytes;
  return buffer_.data() + size_ - pair_bytes;
}

void ParamList::write_records(std::uint16_t request_id, std::string& out) const {
  out.reserve(out.size() + record_bytes());
  const std::string_view all = encoded();
  std::size_t start = 0;
  for (const std::size_t end : cuts_) {
    write_record(RecordType::params, request_id, all.substr(start, end - start), 0, out);
    start = end;
  }
  // extend() cuts only when a pair follows, so the last record is empty only when the list is.
  if (!empty()) write_record(RecordType::params, request_id, all.substr(start), 0, out);
  write_stream_end(RecordType::params, request_id, out);
}

std::size_t ParamList::record_bytes() const {
  const std::size_t records = empty() ? 0 : cuts_.size() + 1;
  return size_ + (records + 1) * kHeaderBytes;
}

void ParamList::clear() {
  size_ = record_start_ = 0;
  cuts_.clear();
}

void ParamList::swap(ParamList& other) noexcept {
  buffer_.swap(other.buffer_);
  std::swap(size_, other.size_);
  std::swap(record_start_, other.record_start_);
  cuts_.swap(other.cuts_);
}

ParamList& ParamList::operator=(ParamList&& other) noexcept {
  swap(other);
  other.clear();
  return *this;
}

bool decode_any_pair(std::string_view& in, std::string_view& name, std::string_view& value) {
  std::size_t offset = 0;
  std::size_t name_bytes = 0;
  std::size_t value_bytes = 0;
  if (!take_length(in, offset, name_bytes) || !take_length(in, offset, value_bytes)) return false;
  // Compared with what is left, not added up: HAProxy forgot the offset here and read past the end (its
  // commit 96286b2a8).
  const std::size_t left = in.size() - offset;
  if (name_bytes > left || value_bytes > left - name_bytes) return false;
  name = in.substr(offset, name_bytes);
  value = in.substr(offset + name_bytes, value_bytes);
  in.remove_prefix(offset + name_bytes + value_bytes);
  return true;
}

std::optional<std::uint64_t> told_pair_bytes(std::string_view in) {
  std::size_t offset = 0;
  std::size_t name_bytes = 0;
  std::size_t value_bytes = 0;
  if (!take_length(in, offset, name_bytes) || !take_length(in, offset, value_bytes)) return std::nullopt;
  return std::uint64_t{offset} + name_bytes + value_bytes;
}

}  // namespace holdfast::fastcgi
