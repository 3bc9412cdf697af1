// A script that runs on after its client has the whole answer (its Content-Length bytes, or an answer without
// a body): the client has gone on to its next request, the script is not cut off. Stands in for the client
// until END_REQUEST; what the script still prints is thrown away, what it says on stderr is logged. Owned by
// Upstream; owns the exchange and what the exchange refers to.
#pragma once

#include <memory>
#include <string>

#include "proxy/core/body_store.h"
#include "proxy/core/exchange.h"
#include "proxy/http/message.h"
#include "proxy/upstream/exchange_client.h"
#include "proxy/upstream/php_exchange.h"

namespace holdfast {

class DetachedExchange final : public ExchangeClient, public core::ResponseSink {
 public:
  // `exchange` is responding. `script`: its path as php should see it, for the log.
  DetachedExchange(std::unique_ptr<PhpExchange> exchange, core::BodyStore body, std::string script);
  DetachedExchange(const DetachedExchange&) = delete;
  DetachedExchange& operator=(const DetachedExchange&) = delete;

  bool done() const { return exchange_->state() == core::ExchangeState::done; }
  PhpExchange& exchange() { return *exchange_; }

  // --- ExchangeClient
  void flush() override;
  bool congested() const override { return false; }
  bool gone() const override { return false; }
  void on_gone() override {}
  // --- core::ResponseSink
  void start_response(const http::ResponseHead&, bool) override {}
  void response_body(std::string_view) override {}
  void finish_response() override {}
  void break_response() override {}

 private:
  std::string text_;  // what the head's views point to
  http::RequestHead request_;
  core::BodyStore body_;  // php may answer before it has read it
  std::string script_;
  std::unique_ptr<PhpExchange> exchange_;
};

}  // namespace holdfast
