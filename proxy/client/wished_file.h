// A file that a script wants sent in place of its answer: X-Accel-Redirect names it by a prefix of the site's
// `internal`, X-Sendfile by its path below one of those folders. Opens nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "proxy/core/exchange.h"
#include "proxy/http/response_writer.h"

namespace holdfast {

// The field that names it; nullptr: there is none. Points into `head`.
const http::Field* wished_file(const http::ResponseHead& head);

struct WishedFile {
  std::string_view root;  // a folder of `internal`
  std::string path;       // below it, begins with '/'
  std::string_view why;   // not empty: it may not be sent; a sentence for the log
};
// The value of X-Accel-Redirect is percent-decoded, that of X-Sendfile is a path as it is.
// `internal`: of the site; outlives what is returned.
WishedFile find_wished_file(const std::map<std::string, std::string>& internal, const http::Field& field);

// The head of such a file with what the script has said of it: its type, its name, cookies, how long it may
// be kept; validators, length and ranges are the file's.
class WishedFileSink final : public core::ResponseSink {
 public:
  // Both outlive it; what `of_script` points to, until the head is sent.
  WishedFileSink(const http::ResponseHead& of_script, core::ResponseSink& next)
      : of_script_(of_script), next_(next) {}
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override { next_.response_body(bytes); }
  void finish_response() override { next_.finish_response(); }
  void break_response() override { next_.break_response(); }

 private:
  const http::ResponseHead& of_script_;
  core::ResponseSink& next_;
};

}  // namespace holdfast
