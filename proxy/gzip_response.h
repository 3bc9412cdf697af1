// A response on its way to the client, compressed by gzip where http::decide_compression() says so: a
// ResponseSink in front of another. The one place that uses zlib. Owned by ClientConnection, for one
// response; owns the compressor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "proxy/core/exchange.h"
#include "proxy/http/message.h"

namespace holdfast {

class GzipResponse final : public core::ResponseSink {
 public:
  // `request` and `next` outlive this. `compressors`: how many of the worker are at work, counted here; at
  // the limit responses go out as they are, so that slow clients cannot fill the memory with them.
  GzipResponse(const http::RequestHead& request, core::ResponseSink& next, std::size_t& compressors);
  ~GzipResponse();
  GzipResponse(const GzipResponse&) = delete;
  GzipResponse& operator=(const GzipResponse&) = delete;

  static constexpr std::size_t kCompressorsMost = 256;  // of 128 KiB each

  // --- core::ResponseSink. A response of unknown length is held back until it is long enough to be worth it,
  // or ends; what is held is at most kBytesMin. The views in `head` must live until then.
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override;
  void break_response() override;

 private:
  // deciding: the head waits for enough bytes. Then one of the two others until the end.
  enum class Mode : std::uint8_t { deciding, plain, gzip };
  struct Compressor;

  void pass_on();
  void begin_gzip();
  void compress(std::string_view bytes, int flush);

  const http::RequestHead& request_;
  core::ResponseSink& next_;
  std::size_t& compressors_;
  Mode mode_ = Mode::plain;
  http::ResponseHead head_;
  std::string held_;
  std::string etag_;
  std::string piece_;
  std::unique_ptr<Compressor> compressor_;
};

}  // namespace holdfast
