// The admin endpoint's answers: /healthz, /readyz, /status, /metrics, the live page with its
// events, and the operator's POSTs. None waits for php-fpm. Owns what it remembers from second to second.
// A Host that is not ours is refused: see core/admin_hosts.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::string_view policy = kNothing;

  // Content-Security-Policy: what is not the live page is no page, and loads nothing.
  static constexpr std::string_view kNothing = "default-src 'none'; frame-ancestors 'none'";
};

// How a request reached us.
struct AdminCaller {
  std::string_view address;  // of the client, as text
  bool unix_socket = false;
};

// The fields of every answer of the admin endpoint, its own errors too: nobody frames it, guesses another
// type, or loads it into a page of another site.
void add_admin_fields(std::string_view policy, std::vector<http::Field>& fields);

class Admin {
 public:
  explicit Admin(Worker& worker) : worker_(worker) {}
  AdminAnswer answer(const http::RequestHead& request, const AdminCaller& caller);
  // Once a second: pushes an event to each open event stream.
  void on_second();
  // Somebody reads along: the worker wakes up each second.
  bool wants_seconds(core::Time now) const { return streams_ > 0 || now < metrics_until_; }
  void stream_opened() { ++streams_; }
  void stream_closed() { --streams_; }
  std::uint64_t refused() const { return refused_; }

 private:
  AdminAnswer answer_trusted(const http::RequestHead& request);
  AdminAnswer refuse(const http::RequestHead& request, const AdminCaller& caller);
  AdminAnswer ready() const;
  std::string event();
  void refresh_fpm();
  AdminAnswer act_on_pool(const http::RequestHead& request);

  Worker& worker_;
  std::size_t streams_ = 0;
  core::Time metrics_until_{};  // a reader of /metrics comes again
  std::uint64_t refused_ = 0;   // requests with a foreign Host
  std::uint64_t refused_told_ = 0;
  std::optional<core::Time> refused_told_at_;
  SocketCensus sockets_;
};

}  // namespace holdfast
