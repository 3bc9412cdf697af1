// See back_off.h.
#include "proxy/core/back_off.h"

#include <algorithm>

namespace holdfast::core {

using namespace std::chrono_literals;

namespace {
constexpr Duration kFirst = 10ms;
constexpr Duration kMost = 500ms;
}  // namespace

void BackOff::failed(Time now) {
  const Duration delay = std::min<Duration>(kFirst * (1U << std::min(failures_, 6U)), kMost);
  ++failures_;
  std::uniform_int_distribution<Duration::rep> spread(0, delay.count() / 4);
  until_ = now + delay + Duration(spread(random_));
}

void BackOff::succeeded() {
  failures_ = 0;
  until_ = {};
}

std::optional<Time> BackOff::until(Time now) const {
  if (now >= until_) return std::nullopt;
  return until_;
}

void BackOff::broke(Time now) {
  std::erase_if(breaks_, [now](Time broken) { return now - broken > 4 * kRetryPause; });
  breaks_.push_back(now);
}

bool BackOff::in_company(Time moment) const {
  const auto near = std::count_if(breaks_.begin(), breaks_.end(), [moment](Time broken) {
    return (broken > moment ? broken - moment : moment - broken) <= kRetryPause;
  });
  return near > 1;  // its own is among them
}

void BackOff::park(const Ticket& ticket, Time now) {
  parked_.push_back({.ticket = ticket, .failed = now});
}

bool BackOff::unpark(WaiterId id) {
  return std::erase_if(parked_, [id](const Parked& each) { return each.ticket.id == id; }) > 0;
}

std::optional<Ticket> BackOff::take_due(Time now) {
  if (parked_.empty() || now < parked_.front().failed + kRetryPause) return std::nullopt;
  Ticket due = parked_.front().ticket;
  due.in_company = in_company(parked_.front().failed);
  parked_.erase(parked_.begin());
  return due;
}

std::optional<Time> BackOff::next_due() const {
  if (parked_.empty()) return std::nullopt;
  return parked_.front().failed + kRetryPause;
}

std::vector<Ticket> BackOff::take_parked() {
  std::vector<Ticket> tickets;
  tickets.reserve(parked_.size());
  for (const Parked& each : parked_) tickets.push_back(each.ticket);
  parked_.clear();
  return tickets;
}

}  // namespace holdfast::core
