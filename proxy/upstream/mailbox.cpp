// See mailbox.h.
#include "proxy/upstream/mailbox.h"

#include <utility>

#include "proxy/core/kept_buffer.h"

namespace holdfast {

namespace {
// A body's buffer kept for the next delivery.
constexpr std::size_t kKeptDeliveryBytes = 32 * 1024;
}  // namespace

void Delivery::clear() {
  exchange = 0;
  asks = has_head = stream = stderr_cut = false;
  head.clear();
  body.clear();
  core::shed(body, kKeptDeliveryBytes);
  ending = Ending::none;
  report = {};
  complaint.clear();
  stderr_text.clear();
  core::shed(stderr_text, kKeptDeliveryBytes);
}

void Mailbox::give_back(std::unique_ptr<Delivery> delivery) {
  if (delivery == nullptr) return;
  delivery->clear();
  stock_.give_back(std::move(delivery));
}

std::unique_ptr<Submission> Mailbox::begin_submission() {
  std::unique_ptr<Submission> submission = submissions_.take();
  return submission != nullptr ? std::move(submission) : std::make_unique<Submission>();
}

void Mailbox::give_back(std::unique_ptr<Submission> submission) {
  submission->body.reset();
  submission->params.clear();
  submission->timeouts = {};
  submission->passes_file_wishes = submission->for_web_server = false;
  submissions_.give_back(std::move(submission));
}

void Mailbox::take_commands(std::vector<Command>& commands) {
  commands.clear();
  commands.swap(commands_);
}

Delivery& Mailbox::begin_delivery(ExchangeId id) {
  std::unique_ptr<Delivery> delivery = stock_.take();
  if (delivery == nullptr) delivery = std::make_unique<Delivery>();
  delivery->exchange = id;
  deliveries_.push_back(std::move(delivery));
  return *deliveries_.back();
}

bool Mailbox::deliver() {
  if (deliveries_.empty()) return false;
  now_.swap(deliveries_);
  for (std::unique_ptr<Delivery>& delivery : now_) {
    if (DeliveryReader* const reader = readers_.find(delivery->exchange)) {
      reader->on_delivery(std::move(delivery));
    } else {
      give_back(std::move(delivery));
    }
  }
  now_.clear();
  stock_.trim();
  submissions_.trim();
  return true;
}

}  // namespace holdfast
