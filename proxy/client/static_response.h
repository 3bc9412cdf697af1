// A file of a site as a response: validators, conditions, ranges, and the bytes by piece as the client takes
// them. Owns the open file. Knows no socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "proxy/client/site_files.h"
#include "proxy/core/exchange.h"
#include "proxy/http/message.h"
#include "proxy/http/range.h"
#include "proxy/net/static_file.h"

namespace holdfast {

class StaticResponse {
 public:
  // `root`: the site's, or what it is without links. `site` is not kept.
  struct As {
    std::string type;              // Content-Type
    std::string_view coding = {};  // of the file's bytes: "gzip"; empty: none
    bool varies = false;           // with the client's Accept-Encoding
    bool gzips = false;            // the sink is a GzipResponse
  };
  StaticResponse(const config::Site& site, std::string_view root, const std::string& path, As as);

  // 0, or the status to answer instead: 404, 403, 503 (no descriptor left).
  int failure() const { return refusal_.status; }
  net::Error error() const { return file_.info().error; }
  std::string_view why() const { return refusal_.why; }  // of a failure, for the log
  // Gives the head; the whole response when it has no body. `now`: for the conditions' dates.
  void start(const http::RequestHead& request, std::time_t now, core::ResponseSink& sink);
  // Gives the next piece, `bytes_most` of the file at most, and, after the last, the end. False when there is
  // no more.
  static constexpr std::size_t kPieceBytes = 64 * 1024;
  bool give_piece(core::ResponseSink& sink, std::size_t bytes_most = kPieceBytes);

 private:
  // A stretch of the body: literal text (multipart framing), then a range of the file.
  struct Part {
    std::string text;
    http::ByteRange range;
  };
  bool is_compressed(const http::RequestHead& request) const;
  void start_parts(const http::RangeResult& ranges, std::string_view type, http::ResponseHead& head);

  net::StaticFile file_;
  As as_;
  FileRefusal refusal_;
  std::string etag_;
  std::string last_modified_;
  std::string content_range_;
  std::string multipart_type_;
  std::string piece_;
  std::vector<Part> parts_;
  std::size_t part_ = 0;
  bool text_given_ = false;
  bool done_ = false;
};

}  // namespace holdfast
