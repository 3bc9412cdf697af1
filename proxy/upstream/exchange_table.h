// All exchanges under way, of all pools, by the ids under which the clients' side knows them. Owns them: one
// that is done stays until the end of the turn, so that nobody's frame loses it.
#pragma once

#include <memory>
#include <vector>

#include "proxy/upstream/mailbox.h"
#include "proxy/upstream/php_exchange.h"

namespace holdfast {

class ExchangeTable {
 public:
  explicit ExchangeTable(Mailbox& mailbox) : mailbox_(mailbox) {}

  // Exchanges the memory of `submission` for that of an earlier one.
  PhpExchange& add(ExchangeId id, Submission& submission, Upstream& upstream);
  // nullptr: it is done, or detached.
  PhpExchange* find(ExchangeId id) const;
  // Its id may be used again from now on.
  void detach(PhpExchange& exchange);
  // It is done, and nothing points to it any more: goes with the next erase_done().
  void done(PhpExchange& exchange) { done_.push_back(&exchange); }
  void erase_done();

  Delivery& begin_delivery(PhpExchange& exchange);
  // What was filled goes to its readers. True: there was some.
  bool deliver();

  // Detached ones of a pool.
  template <typename Visit>
  void each_detached(const Upstream& upstream, const Visit& visit) const {
    for (std::size_t i = aside_.size(); i-- > 0;) {
      PhpExchange& exchange = *aside_[i];
      if (exchange.detached() && !exchange.done() && &exchange.upstream() == &upstream) visit(exchange);
    }
  }

 private:
  void retire(std::unique_ptr<PhpExchange> exchange);
  static std::size_t slot(ExchangeId id) { return id & UINT32_MAX; }

  // Kept for the next ones.
  static constexpr std::size_t kStockMost = 64;

  Mailbox& mailbox_;
  core::Recycler<PhpExchange> stock_{kStockMost};
  std::vector<std::unique_ptr<PhpExchange>> by_slot_;
  std::vector<std::unique_ptr<PhpExchange>> aside_;  // whose ids may be others' by now: detached, or done
  std::vector<PhpExchange*> done_;
  std::vector<PhpExchange*> filling_;  // have a delivery that is being filled
};

}  // namespace holdfast
