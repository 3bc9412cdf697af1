// An exchange with both its sides: the only object that points to client and upstream connection alike. Owned
// by its client; the link to the upstream connection is made and cut by Upstream alone, on both
// ends at once.
#pragma once

#include "proxy/core/exchange.h"
#include "proxy/core/wait_queue.h"
#include "proxy/upstream/exchange_client.h"

namespace holdfast {

class Upstream;
class UpstreamConnection;

// Who is told of an exchange; another may take the place.
class ExchangeClientLink {
 public:
  explicit ExchangeClientLink(ExchangeClient& client) : client_(&client) {}
  void link(ExchangeClient& client) { client_ = &client; }
  void flush() { client_->flush(); }
  bool congested() const { return client_->congested(); }
  bool gone() const { return client_->gone(); }
  void on_gone() { client_->on_gone(); }

 private:
  ExchangeClient* client_;
};

class PhpExchange final : public core::Exchange {
 public:
  PhpExchange(std::uint64_t id, const http::RequestHead& request, fastcgi::ParamList params,
              const core::BodyStore& body, core::ResponseSink& sink, ExchangeClient& its_client,
              Upstream& its_upstream, std::size_t head_bytes_max = 64 * 1024);
  ~PhpExchange();

  ExchangeClientLink client;
  Upstream& upstream() const { return *upstream_; }

 private:
  friend class Upstream;
  friend class UpstreamConnection;
  void move_to(Upstream& next);  // while it waits

  Upstream* upstream_;
  core::Ticket ticket_;  // by which the pool knows it; the id is upstream_'s name for it
  UpstreamConnection* link_ = nullptr;
};

}  // namespace holdfast
