// A gzip stream read as it comes: what it says so far, and whether it has come to its end.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace holdfast::sim {

class Gunzip {
 public:
  Gunzip() { failed_ = inflateInit2(&stream_, 15 + 16) != Z_OK; }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // What `bytes` add to the text.
  std::string take(std::string_view bytes) {
    std::string out;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (!failed_ && !ended_) {
      char piece[16384];
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = sizeof piece;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      out.append(piece, sizeof piece - stream_.avail_out);
      ended_ = status == Z_STREAM_END;
      if (status == Z_BUF_ERROR || (status == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0)) break;
      failed_ = status != Z_OK && status != Z_STREAM_END;
    }
    failed_ = failed_ || (ended_ && stream_.avail_in > 0);  // something behind the end
    return out;
  }
  bool failed() const { return failed_; }
  bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  bool failed_ = false;
  bool ended_ = false;
};

}  // namespace holdfast::sim
