// Asks php-fpm for its own numbers (`pm.status_path`), as one more request of its pool: through the same
// queue and the same bounded connections, never beside them. So it is asked rarely, never while requests
// wait, and the answer is kept. Owned by Upstream, and a client of its own: it asks by the mailbox.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/core/exchange.h"
#include "proxy/core/time.h"
#include "proxy/fpm/fpm_numbers.h"
#include "proxy/upstream/mailbox.h"

namespace holdfast {

class Upstream;

class FpmStatus final : public DeliveryReader {
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

  // --- DeliveryReader
  void on_delivery(std::unique_ptr<Delivery> delivery) override;

 private:
  void ask();
  void take_answer(core::Outcome outcome);

  Upstream& upstream_;
  ExchangeId exchange_ = 0;  // the question under way
  bool stopped_ = false;     // and its answer is not wanted any more
  int status_ = 0;
  std::string answer_;

  std::optional<core::Time> asked_;
  core::Time answered_{};
  std::optional<bool> up_;
  FpmNumbers numbers_;
  std::string error_;
};

}  // namespace holdfast
