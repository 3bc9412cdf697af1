// What logs, retry rules and counters ask of a request's head, made of the parameters that a web server sent:
// its method, target, host and the fields that are logged. Owns the texts; what php gets is the parameters
// themselves.
#pragma once

#include <string>

#include "fastcgi/param_list.h"
#include "proxy/core/forwarded.h"
#include "proxy/http/message.h"

namespace holdfast {

class FastcgiHead {
 public:
  FastcgiHead() = default;
  FastcgiHead(const FastcgiHead&) = delete;
  FastcgiHead& operator=(const FastcgiHead&) = delete;

  // Replaces what was there. `params` need not outlive the call.
  void set(const fastcgi::ParamList& params);
  // Valid until the next set(). Without a body where CONTENT_LENGTH and the method say that STDIN will be empty.
  const http::RequestHead& head() const { return head_; }
  // The client, as the web server tells it; without an address when REMOTE_ADDR is none.
  core::ClientOrigin take_origin() { return std::move(origin_); }
  // Gives memory back that is kept for the next one.
  void shrink();

 private:
  std::string text_;
  http::RequestHead head_;
  core::ClientOrigin origin_;
};

}  // namespace holdfast
