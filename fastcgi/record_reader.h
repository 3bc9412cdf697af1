// Cuts the byte stream of one FastCGI connection into records (specification 3.3). Sans-I/O: the caller
// pushes bytes and pulls pieces; content comes as slices of the caller's own input, as soon as it is there,
// without a copy. Knows lengths and padding and checks the version byte. Does not judge types, ids or
// content: that is Session's work, and so every record type of the specification passes here, in both
// directions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fastcgi/protocol.h"

namespace holdfast::fastcgi {

struct RecordHeader {
  RecordType type{};  // the byte on the wire: may be a number that the specification does not name
  std::uint16_t request_id = 0;
  // Wider than the wire's 16 and 8 bits, so that no sum of them can wrap: HAProxy added padding to a 16-bit
  // length, and 65535 + 1 made it parse content as headers (its commit 598527673).
  std::size_t content_bytes = 0;
  std::size_t padding_bytes = 0;
};

class RecordReader {
 public:
  enum class Kind : std::uint8_t {
    need_bytes,   // the input is used up
    header,       // record() is the next record
    content,      // `content`: one slice of it, never empty
    content_end,  // the content is whole (at once after `header` when there is none); padding may follow
    padding,      // padding was skipped: nothing to do, but a record may have ended here
    failed,       // version byte other than 1
  };
  struct Piece {
    Kind kind;
    std::string_view content;  // points into the input of next()
  };

  // Takes one step and removes from the front of `input` what it used. Call until need_bytes or failed.
  Piece next(std::string_view& input);

  // The record under way. Valid from `header` until the next `header`.
  const RecordHeader& record() const { return record_; }
  // True when the next byte belongs to the content of record().
  bool in_content() const { return state_ == State::content && content_left_ > 0; }
  // True only between records: the last byte of padding has come and no byte of the next header.
  bool at_record_boundary() const { return state_ == State::header && header_filled_ == 0; }
  // Sticky.
  bool failed() const { return state_ == State::failed; }

 private:
  //   header --8 bytes--> content --content_left_ == 0--> padding --padding_left_ == 0--> header
  //      |                            (no padding: straight back to header)
  //      +--version != 1--> failed    (no way out)
  enum class State : std::uint8_t { header, content, padding, failed };

  Piece read_header(std::string_view& input);
  Piece fail(std::string_view& input);

  State state_ = State::header;
  std::size_t header_filled_ = 0;  // bytes of header_ that are there; < kHeaderBytes
  std::array<char, kHeaderBytes> header_{};
  RecordHeader record_;
  std::size_t content_left_ = 0;
  std::size_t padding_left_ = 0;
};

}  // namespace holdfast::fastcgi
