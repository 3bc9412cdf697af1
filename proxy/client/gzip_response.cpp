// Compressing: zlib's deflate with a gzip frame (RFC 1952).
#include "proxy/client/gzip_response.h"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "proxy/http/content_coding.h"

namespace holdfast {

namespace {
// Level 4: pages shrink about as much as with 6, for two thirds of the time. It all happens on the one loop.
constexpr int kLevel = 4;
// A window of 16 KiB and 2^14 hash entries: 128 KiB a compressor instead of 256, for a percent of size.
constexpr int kWindowBits = 14;
constexpr int kGzipFrame = 16;
constexpr int kMemoryLevel = 7;
constexpr std::size_t kPieceBytes = 16 * 1024;

// Did the client ask by the weak form of the tag that this 304 carries? We have given it that one with the
// compressed 200, so the 304 carries it too (RFC 9110 15.4.5).
bool names_weak_etag(const http::RequestHead& request, const http::ResponseHead& head) {
  for (const http::Field& tag : head.fields) {
    if (!http::equals_ignore_case(tag.name, "ETag") || !tag.value.starts_with('"')) continue;
    const std::string weak = "W/" + std::string(tag.value);
    return std::any_of(request.fields.begin(), request.fields.end(), [&weak](const http::Field& field) {
      return http::equals_ignore_case(field.name, "If-None-Match") &&
             field.value.find(weak) != std::string_view::npos;
    });
  }
  return false;
}
}  // namespace

struct GzipResponse::Compressor {
  Compressor() {
    // It fails for want of memory only, as every allocation of ours: the process ends there.
    if (deflateInit2(&stream, kLevel, Z_DEFLATED, kWindowBits + kGzipFrame, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      std::abort();
  }
  ~Compressor() { deflateEnd(&stream); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  z_stream stream{};
};

GzipResponse::GzipResponse(const http::RequestHead& request, core::ResponseSink& next,
                           std::size_t& compressors, core::BodyStore store)
    : request_(request), next_(next), compressors_(compressors), store_(std::move(store)) {}

GzipResponse::~GzipResponse() = default;

void GzipResponse::start_response(const http::ResponseHead& head, bool stream) {
  const http::Compression decision =
      stream ? http::Compression::never : http::decide_compression(request_, head, kBytesMin);
  if (decision == http::Compression::never) {
    next_.start_response(head, stream);
    return;
  }
  head_ = head;
  http::vary_by_encoding(head_);
  // Without a length a page may turn out to be small: what is said is right either way.
  if (decision == http::Compression::head) tell_of_gzip(head.content_length.has_value());
  if (head.status == 304 && names_weak_etag(request_, head)) weaken_etag();
  if (decision != http::Compression::gzip || compressors_ >= kCompressorsMost) {
    next_.start_response(head_, stream);
  } else {
    left_ = head.content_length;
    mode_ = Mode::deciding;
    place_.emplace(compressors_);
  }
}

// The compressed bytes are another representation: a strong tag would say they are the same (RFC 9110
// 8.8.3.3).
void GzipResponse::weaken_etag() {
  for (http::Field& field : head_.fields) {
    if (!http::equals_ignore_case(field.name, "ETag") || !field.value.starts_with('"')) continue;
    etag_ = "W/" + std::string(field.value);
    field.value = etag_;
  }
}

// Makes the head that of the compressed response; of one that may stay as it is what holds for both.
void GzipResponse::tell_of_gzip(bool is_certain) {
  head_.content_length.reset();
  std::erase_if(head_.fields, [](const http::Field& field) {
    return http::equals_ignore_case(field.name, "Accept-Ranges");  // ranges would count compressed bytes
  });
  weaken_etag();
  if (is_certain) head_.fields.push_back({"Content-Encoding", "gzip"});
}

void GzipResponse::begin_gzip() {
  mode_ = Mode::gzip;
  tell_of_gzip(true);
  compressor_ = std::make_unique<Compressor>();
  next_.start_response(head_, false);
}

// All of it is there, and it is small: it goes out as it is.
void GzipResponse::pass_on() {
  mode_ = Mode::plain;
  next_.start_response(head_, false);
  taken_.clear();
  const bool read = store_.take(kBytesMin, taken_);
  assert(read);  // it is in memory, or in the tail of its file
  static_cast<void>(read);
  taken_ += waiting_;
  if (!taken_.empty()) next_.response_body(taken_);
  place_.reset();
}

void GzipResponse::response_body(std::string_view bytes) {
  switch (mode_) {
    case Mode::plain: next_.response_body(bytes); return;
    case Mode::over: return;
    case Mode::deciding:
    case Mode::gzip: break;
  }
  if (ended_) return;
  if (left_) {
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), *left_)));
    *left_ -= bytes.size();
    ended_ = *left_ == 0;
  }
  store(bytes);
}

void GzipResponse::store(std::string_view bytes) {
  if (bytes.empty()) return;
  // No room on disk: into memory instead; congested() now holds the source back.
  if (!store_failed_ && store_.append(bytes) == core::Append::ok) return;
  store_failed_ = true;
  waiting_.append(bytes);
}

bool GzipResponse::has_work() const {
  return at_work() && (mode_ == Mode::deciding || ended_ || holding_ || !store_.empty() || !waiting_.empty());
}

std::size_t GzipResponse::work(std::size_t bytes_most, bool at_hand) {
  if (!at_work()) return 0;
  if (mode_ == Mode::deciding) {
    if (ended_ && !cut_ && stored_bytes() < kBytesMin) {
      pass_on();
      next_.finish_response();
      mode_ = Mode::over;
      return 0;
    }
    begin_gzip();
  }
  taken_.clear();
  if (store_.empty()) {
    taken_.swap(waiting_);
    store_failed_ = false;
  } else if (!store_.take(bytes_most, taken_)) {
    cut_ = true;
    end();
    return 0;
  }
  const std::size_t bytes = taken_.size();
  if (bytes > 0) compress(taken_, Z_NO_FLUSH);
  holding_ = holding_ || bytes > 0;
  if (store_.empty() && waiting_.empty()) {
    if (ended_) {
      end();
    } else if (holding_ && !at_hand) {
      compress({}, Z_SYNC_FLUSH);
      holding_ = false;
    }
  }
  return bytes;
}

void GzipResponse::end() {
  mode_ = Mode::over;
  if (cut_) {
    next_.break_response();
  } else {
    compress({}, Z_FINISH);
    next_.finish_response();
  }
  compressor_.reset();
  place_.reset();
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
  if (mode_ == Mode::plain) next_.finish_response();
  if (!at_work() || ended_) return;
  ended_ = true;
  cut_ = left_.value_or(0) > 0;
}

void GzipResponse::break_response() {
  if (mode_ == Mode::plain) next_.break_response();
  if (!at_work() || ended_) return;
  ended_ = cut_ = true;
}

}  // namespace holdfast
