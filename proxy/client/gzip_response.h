// A response on its way to the client, compressed by gzip where http::decide_compression() says so: a
// ResponseSink in front of another. The one place that uses zlib. Compressing is the one thing here that
// costs milliseconds, so nothing is compressed when it comes: it is stored (memory, then a spill file, so
// that no php worker waits), and compressed by work() in pieces, a few a turn of the loop for all clients
// together. Owned by ClientConnection, for one response; owns the compressor and what it has not compressed
// yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proxy/core/body_store.h"
#include "proxy/core/exchange.h"
#include "proxy/http/message.h"

namespace holdfast {

class GzipResponse final : public core::ResponseSink {
 public:
  // `request` and `next` outlive this. `compressors`: how many of the worker are at work, counted here; at
  // the limit responses go out as they are, so that slow clients cannot fill the memory with them. `store`:
  // for what waits to be compressed.
  GzipResponse(const http::RequestHead& request, core::ResponseSink& next, std::size_t& compressors,
               core::BodyStore store);
  ~GzipResponse();
  GzipResponse(const GzipResponse&) = delete;
  GzipResponse& operator=(const GzipResponse&) = delete;

  static constexpr std::size_t kCompressorsMost = 256;  // of 128 KiB each
  // Below this the frame and the lost Content-Length outweigh the gain; it all fits into one packet anyway.
  static constexpr std::size_t kBytesMin = 1024;

  // --- core::ResponseSink. The views in `head` must live until work() has passed it on.
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override;
  void break_response() override;

  // Bytes, an end, or what the coder holds back wait for work().
  bool has_work() const;
  // Compresses up to `bytes_most` bytes of what waits; returns how many. When none are left and more is to
  // come, the coder is flushed, unless more is `at_hand`: what the application has flushed is not held back.
  // A response that is there whole by then is one deflate stream without such marks, and a small one goes out
  // as it is.
  std::size_t work(std::size_t bytes_most, bool at_hand = false);
  std::uint64_t stored_bytes() const { return store_.size() + waiting_.size(); }
  // What comes is compressed, or that is not decided yet.
  bool at_work() const { return mode_ == Mode::deciding || mode_ == Mode::gzip; }
  // There is no room to store more: the source should wait.
  bool congested() const { return store_failed_; }
  std::size_t memory_bytes() const { return store_.memory_bytes() + waiting_.size(); }

 private:
  // deciding: the head waits for enough bytes. Then plain, or gzip and at its end over.
  enum class Mode : std::uint8_t { deciding, plain, gzip, over };
  struct Compressor;
  // Among those that are counted.
  struct Place {
    explicit Place(std::size_t& count_of) : count(count_of) { ++count; }
    ~Place() { --count; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    std::size_t& count;
  };

  void store(std::string_view bytes);
  void pass_on();
  void tell_of_gzip(bool is_certain);
  void weaken_etag();
  void begin_gzip();
  void compress(std::string_view bytes, int flush);
  void end();

  const http::RequestHead& request_;
  core::ResponseSink& next_;
  std::size_t& compressors_;
  Mode mode_ = Mode::plain;
  http::ResponseHead head_;
  std::optional<std::uint64_t> left_;  // of the Content-Length that was promised to us
  core::BodyStore store_;
  std::string waiting_;  // what the full store could not take; bounded by one batch, then the source waits
  std::string etag_;
  std::string taken_;
  std::string piece_;
  std::optional<Place> place_;  // from the start of a response that may be compressed
  std::unique_ptr<Compressor> compressor_;
  bool store_failed_ = false;
  bool ended_ = false;    // by finish_response(), or by the last byte of the Content-Length
  bool cut_ = false;      // ended, but short
  bool holding_ = false;  // the coder has bytes that it has not given out
};

}  // namespace holdfast
