// The record reader's state machine; see record_reader.h for the diagram. Owns at most the first seven bytes
// of a header that was cut; everything else stays in the caller's input.
#include "fastcgi/record_reader.h"

#include <algorithm>
#include <cstring>

namespace holdfast::fastcgi {
namespace {

std::size_t byte_at(const char* bytes, std::size_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

//   0        1     2   3       4    5          6         7
//   version  type  request id  content length  padding   reserved
RecordHeader decode_header(const char* bytes) {
  RecordHeader header;
  header.type = static_cast<RecordType>(byte_at(bytes, 1));
  header.request_id = static_cast<std::uint16_t>(byte_at(bytes, 2) << 8 | byte_at(bytes, 3));
  header.content_bytes = byte_at(bytes, 4) << 8 | byte_at(bytes, 5);
  header.padding_bytes = byte_at(bytes, 6);
  return header;
}

}  // namespace

RecordReader::Piece RecordReader::next(std::string_view& input) {
  switch (state_) {
    case State::header: return read_header(input);
    case State::content: {
      if (content_left_ == 0) {
        state_ = padding_left_ == 0 ? State::header : State::padding;
        return {Kind::content_end, {}};
      }
      if (input.empty()) return {Kind::need_bytes, {}};
      const std::string_view slice = input.substr(0, content_left_);
      input.remove_prefix(slice.size());
      content_left_ -= slice.size();
      return {Kind::content, slice};
    }
    case State::padding: {
      if (input.empty()) return {Kind::need_bytes, {}};
      const std::size_t skipped = std::min(padding_left_, input.size());
      input.remove_prefix(skipped);
      padding_left_ -= skipped;
      if (padding_left_ == 0) state_ = State::header;
      return {Kind::padding, {}};
    }
    case State::failed: break;
  }
  return fail(input);
}

RecordReader::Piece RecordReader::read_header(std::string_view& input) {
  if (input.empty()) return {Kind::need_bytes, {}};
  // The version is judged at its own byte: what is not FastCGI shall not keep us waiting for seven more.
  if (header_filled_ == 0 && byte_at(input.data(), 0) != kVersion) return fail(input);
  if (header_filled_ == 0 && input.size() >= kHeaderBytes) {
    record_ = decode_header(input.data());
    input.remove_prefix(kHeaderBytes);
  } else {
    const std::size_t taken = std::min(kHeaderBytes - header_filled_, input.size());
    std::memcpy(header_.data() + header_filled_, input.data(), taken);
    input.remove_prefix(taken);
    header_filled_ += taken;
    if (header_filled_ < kHeaderBytes) return {Kind::need_bytes, {}};
    header_filled_ = 0;
    record_ = decode_header(header_.data());
  }
  content_left_ = record_.content_bytes;
  padding_left_ = record_.padding_bytes;
  state_ = State::content;
  return {Kind::header, {}};
}

RecordReader::Piece RecordReader::fail(std::string_view& input) {
  state_ = State::failed;
  input = {};
  return {Kind::failed, {}};
}

}  // namespace holdfast::fastcgi
