// Compressing: zlib's deflate with a gzip frame (RFC 1952).
#include "proxy/gzip_response.h"

#include <zlib.h>

#include <cassert>
#include <cstdlib>

#include "proxy/http/content_coding.h"

namespace holdfast {

namespace {
// Below this the frame and the lost Content-Length outweigh the gain; it all fits into one packet anyway.
constexpr std::size_t kBytesMin = 1024;
// Level 4: pages shrink about as much as with 6, for two thirds of the time. It all happens on the one loop.
constexpr int kLevel = 4;
// A window of 16 KiB and 2^14 hash entries: 128 KiB a compressor instead of 256, for a percent of size.
constexpr int kWindowBits = 14;
constexpr int kGzipFrame = 16;
constexpr int kMemoryLevel = 7;
constexpr std::size_t kPieceBytes = 16 * 1024;
}  // namespace

struct GzipResponse::Compressor {
  explicit Compressor(std::size_t& count_of) : count(count_of) {
    // It fails for want of memory only, as every allocation of ours: the process ends there.
    if (deflateInit2(&stream, kLevel, Z_DEFLATED, kWindowBits + kGzipFrame, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      std::abort();
    ++count;
  }
  ~Compressor() {
    deflateEnd(&stream);
    --count;
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  z_stream stream{};
  std::size_t& count;
};

GzipResponse::GzipResponse(const http::RequestHead& request, core::ResponseSink& next,
                           std::size_t& compressors)
    : request_(request), next_(next), compressors_(compressors) {}

GzipResponse::~GzipResponse() = default;

void GzipResponse::start_response(const http::ResponseHead& head, bool stream) {
  const http::Compression decision =
      stream ? http::Compression::never : http::decide_compression(request_, head, kBytesMin);
  if (decision == http::Compression::never) {
    next_.start_response(head, stream);
    return;
  }
  head_ = head;
  head_.fields.push_back({"Vary", "Accept-Encoding"});
  if (decision == http::Compression::not_here || compressors_ >= kCompressorsMost) {
    next_.start_response(head_, stream);
  } else if (head.content_length) {
    begin_gzip();
  } else {
    mode_ = Mode::deciding;
  }
}

void GzipResponse::begin_gzip() {
  mode_ = Mode::gzip;
  head_.content_length.reset();
  std::erase_if(head_.fields, [](const http::Field& field) {
    return http::equals_ignore_case(field.name, "Accept-Ranges");  // ranges would count compressed bytes
  });
  for (http::Field& field : head_.fields) {
    // The compressed bytes are another representation: a strong tag would say they are the same (RFC
    // 9110 8.8.3.3).
    if (http::equals_ignore_case(field.name, "ETag") && field.value.starts_with('"')) {
      etag_ = "W/" + std::string(field.value);
      field.value = etag_;
    }
  }
  head_.fields.push_back({"Content-Encoding", "gzip"});
  compressor_ = std::make_unique<Compressor>(compressors_);
  next_.start_response(head_, false);
}

// What was held back goes out as it is.
void GzipResponse::pass_on() {
  mode_ = Mode::plain;
  next_.start_response(head_, false);
  if (!held_.empty()) next_.response_body(held_);
  held_.clear();
}

void GzipResponse::response_body(std::string_view bytes) {
  switch (mode_) {
    case Mode::plain: next_.response_body(bytes); return;
    case Mode::gzip: compress(bytes, Z_NO_FLUSH); return;
    case Mode::deciding: break;
  }
  if (held_.size() + bytes.size() < kBytesMin) {
    held_.append(bytes);
    return;
  }
  begin_gzip();
  compress(held_, Z_NO_FLUSH);
  held_.clear();
  compress(bytes, Z_NO_FLUSH);
}

void GzipResponse::compress(std::string_view bytes, int flush) {
  z_stream& stream = compressor_->stream;
  // zlib does not change its input; its interface is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  assert(stream.avail_in == bytes.size());
  do {
    piece_.resize(kPieceBytes);
    stream.next_out = reinterpret_cast<Bytef*>(piece_.data());
    stream.avail_out = static_cast<uInt>(piece_.size());
    const int status = deflate(&stream, flush);
    assert(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR);
    static_cast<void>(status);
    piece_.resize(piece_.size() - stream.avail_out);
    if (!piece_.empty()) next_.response_body(piece_);
  } while (stream.avail_out == 0);
}

void GzipResponse::finish_response() {
  if (mode_ == Mode::deciding) pass_on();
  if (mode_ == Mode::gzip) {
    compress({}, Z_FINISH);
    compressor_.reset();
  }
  next_.finish_response();
}

void GzipResponse::break_response() {
  if (mode_ == Mode::deciding) pass_on();
  compressor_.reset();
  next_.break_response();
}

}  // namespace holdfast
