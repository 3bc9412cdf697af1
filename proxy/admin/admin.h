// The admin endpoint's answers: /healthz, /readyz, /status, /metrics, the live page with its
// events, and the operator's POSTs. None waits for php-fpm. Owns what it remembers from second to second.
// A Host that is not ours is refused: see core/admin_hosts.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/admin/admin_sockets.h"
#include "proxy/client/responder.h"
#include "proxy/core/time.h"
#include "proxy/http/message.h"

namespace holdfast {

class ServerView;

class Admin final : public Responder {
 public:
  // `server` outlives it.
  explicit Admin(ServerView& server) : server_(server) {}

  // --- Responder
  OwnAnswer answer(const http::RequestHead& request, const OwnCaller& caller) override;
  // Nobody frames an answer, guesses another type for it, or loads it into a page of another site.
  void add_fields(std::string_view policy, std::vector<http::Field>& fields) const override;
  void stream_opened(EventStream& stream) override { streams_.push_back(&stream); }
  void stream_closed(EventStream& stream) override { std::erase(streams_, &stream); }

  // Once a second: pushes an event to each open event stream.
  void on_second();
  // Somebody reads along: the worker wakes up each second.
  bool wants_seconds(core::Time now) const { return !streams_.empty() || now < metrics_until_; }

 private:
  OwnAnswer answer_trusted(const http::RequestHead& request);
  OwnAnswer refuse(const http::RequestHead& request, const OwnCaller& caller);
  OwnAnswer ready() const;
  std::string event();
  void refresh_fpm();
  OwnAnswer act_on_pool(const http::RequestHead& request);

  ServerView& server_;
  std::vector<EventStream*> streams_;
  core::Time metrics_until_{};      // a reader of /metrics comes again
  std::uint64_t refused_told_ = 0;  // of Metrics::admin_refused
  std::optional<core::Time> refused_told_at_;
  SocketCensus sockets_;
};

}  // namespace holdfast
