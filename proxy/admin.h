// The admin endpoint's answers: /healthz, /readyz, /status, /metrics, the live page with its
// events, and the operator's POSTs. None waits for php-fpm. Owns what it remembers from second to second.
#pragma once

#include <string>
#include <string_view>

#include "proxy/admin_sockets.h"
#include "proxy/core/time.h"
#include "proxy/http/message.h"

namespace holdfast {

class Worker;

struct AdminAnswer {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string_view allow = {};  // 405
  bool event_stream = false;    // the connection stays open and gets on_second()'s events
};

class Admin {
 public:
  explicit Admin(Worker& worker) : worker_(worker) {}
  AdminAnswer answer(const http::RequestHead& request);
  // Once a second: pushes an event to each open event stream.
  void on_second();
  // Somebody reads along: the worker wakes up each second.
  bool wants_seconds(core::Time now) const { return streams_ > 0 || now < metrics_until_; }
  void stream_opened() { ++streams_; }
  void stream_closed() { --streams_; }

 private:
  AdminAnswer ready() const;
  std::string event();
  void refresh_fpm();
  AdminAnswer act_on_pool(const http::RequestHead& request);

  Worker& worker_;
  std::size_t streams_ = 0;
  core::Time metrics_until_{};  // a reader of /metrics comes again
  SocketCensus sockets_;
};

}  // namespace holdfast
