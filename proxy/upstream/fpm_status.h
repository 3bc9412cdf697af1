// Asks php-fpm for its own numbers (`pm.status_path`), as one more request of its pool: through the same
// queue and the same bounded connections, never beside them. So it is asked rarely, never while requests
// wait, and the answer is kept. Owned by Upstream; owns the exchange under way.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/core/body_store.h"
#include "proxy/core/exchange.h"
#include "proxy/core/time.h"
#include "proxy/fpm/fpm_numbers.h"
#include "proxy/http/message.h"
#include "proxy/upstream/exchange_client.h"

namespace holdfast {

class PhpExchange;
class Upstream;

class FpmStatus final : public ExchangeClient, public core::ResponseSink {
 public:
  static constexpr core::Duration kAskAgainAfter = std::chrono::seconds(5);

  explicit FpmStatus(Upstream& upstream);
  ~FpmStatus();
  FpmStatus(const FpmStatus&) = delete;
  FpmStatus& operator=(const FpmStatus&) = delete;

  // Somebody reads the numbers: asks, if it is time and php-fpm has a moment.
  void refresh();
  // Gives up the question under way.
  void stop();

  // Nothing before the first answer; false when the last question failed.
  std::optional<bool> up() const { return up_; }
  // Of the last answer.
  const FpmNumbers& numbers() const { return numbers_; }
  core::Duration age() const;
  // Why it failed.
  const std::string& error() const { return error_; }

  // --- ExchangeClient
  void flush() override;
  bool congested() const override { return false; }
  bool gone() const override { return false; }
  void on_gone() override {}

 private:
  // --- core::ResponseSink
  void start_response(const http::ResponseHead& head, bool stream) override;
  void response_body(std::string_view bytes) override;
  void finish_response() override {}
  void break_response() override { status_ = 0; }

  void ask();
  void take_answer();

  Upstream& upstream_;
  http::RequestHead request_;
  core::BodyStore no_body_;
  std::unique_ptr<PhpExchange> exchange_;
  int status_ = 0;
  std::string answer_;

  std::optional<core::Time> asked_;
  core::Time answered_{};
  std::optional<bool> up_;
  FpmNumbers numbers_;
  std::string error_;
};

}  // namespace holdfast
