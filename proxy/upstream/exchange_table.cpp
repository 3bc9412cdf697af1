// See exchange_table.h.
#include "proxy/upstream/exchange_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace holdfast {

PhpExchange& ExchangeTable::add(ExchangeId id, Submission& submission, Upstream& upstream) {
  if (by_slot_.size() <= slot(id)) by_slot_.resize(slot(id) + 1);
  std::unique_ptr<PhpExchange>& place = by_slot_[slot(id)];
  if (place != nullptr) {  // its reader did not wait for the ending
    assert(place->done());
    aside_.push_back(std::move(place));
  }
  place = stock_.take();
  if (place == nullptr) place = std::make_unique<PhpExchange>(*this);
  place->begin(id, submission, upstream);
  return *place;
}

PhpExchange* ExchangeTable::find(ExchangeId id) const {
  if (slot(id) >= by_slot_.size()) return nullptr;
  PhpExchange* const exchange = by_slot_[slot(id)].get();
  return exchange != nullptr && exchange->id() == id && !exchange->done() ? exchange : nullptr;
}

void ExchangeTable::detach(PhpExchange& exchange) {
  aside_.push_back(std::move(by_slot_[slot(exchange.id())]));
}

void ExchangeTable::erase_done() {
  for (PhpExchange* const exchange : done_) {
    std::erase(filling_, exchange);
    std::unique_ptr<PhpExchange>& place = by_slot_[slot(exchange->id())];
    if (place.get() == exchange) {
      retire(std::move(place));
      continue;
    }
    const auto found = std::find_if(aside_.begin(), aside_.end(),
                                    [exchange](const auto& each) { return each.get() == exchange; });
    retire(std::move(*found));
    aside_.erase(found);
  }
  done_.clear();
  stock_.trim();
}

void ExchangeTable::retire(std::unique_ptr<PhpExchange> exchange) {
  exchange->clear();
  stock_.give_back(std::move(exchange));
}

Delivery& ExchangeTable::begin_delivery(PhpExchange& exchange) {
  filling_.push_back(&exchange);
  return mailbox_.begin_delivery(exchange.id());
}

bool ExchangeTable::deliver() {
  for (PhpExchange* const exchange : filling_) exchange->delivery_sent();
  filling_.clear();
  erase_done();
  return mailbox_.deliver();
}

}  // namespace holdfast
