// See password_queue.h.
#include "proxy/client/password_queue.h"

#include <utility>
#include <vector>

namespace holdfast {

class PasswordQueue::Check final : public net::Background::Task {
 public:
  Check(core::WaiterId id, PasswordQuestion question, std::shared_ptr<Link> link)
      : id_(id), question_(std::move(question)), link_(std::move(link)) {}
  void work() override { verdict_ = check_password(question_); }
  void done() override {
    if (link_->queue != nullptr) link_->queue->on_checked(id_, verdict_);
  }

 private:
  core::WaiterId id_;
  PasswordQuestion question_;
  std::shared_ptr<Link> link_;
  PasswordVerdict verdict_;
};

PasswordQueue::PasswordQueue(net::Background* background, std::uint64_t seed)
    : background_(background), queue_(seed), link_(std::make_shared<Link>(Link{this})) {}

PasswordQueue::~PasswordQueue() {
  link_->queue = nullptr;
}

core::WaiterId PasswordQueue::ask(core::AddressKey address, PasswordQuestion question,
                                  PasswordReader& reader) {
  if (background_ == nullptr) return 0;
  if (queue_.size() >= kPlaces) push_out_gone();
  const core::WaiterId id = ++last_id_;
  queue_.add(queue_.issue(id, false, address, {}), core::WaitQueue::Entry::first_time);
  if (queue_.size() > kPlaces) {
    const core::WaiterId victim = one_too_many(id, address);
    if (victim == id) {
      queue_.remove(id);
      return 0;
    }
    push_out(victim);
  }
  entries_[id] = {&reader, address, std::move(question)};
  start_more();
  return id;
}

void PasswordQueue::leave(core::WaiterId id) {
  queue_.remove(id);
  entries_.erase(id);
}

void PasswordQueue::push_out(core::WaiterId id) {
  PasswordReader* const reader = entries_.at(id).reader;
  leave(id);
  reader->on_pushed_out();
}

void PasswordQueue::push_out_gone() {
  std::vector<core::WaiterId> gone;
  for (const auto& [id, entry] : entries_) {
    if (queue_.contains(id) && entry.reader->presence() == PasswordReader::Presence::gone) gone.push_back(id);
  }
  for (const core::WaiterId id : gone) push_out(id);
}

// Who has to go: of the address with most places, the newest that is shut, else the newest.
core::WaiterId PasswordQueue::one_too_many(core::WaiterId newcomer, core::AddressKey address) const {
  const core::WaiterId newest = queue_.one_too_many(newcomer);
  const core::AddressKey most = newest == newcomer ? address : entries_.at(newest).address;
  for (auto each = entries_.rbegin(); each != entries_.rend(); ++each) {
    const auto& [id, entry] = *each;
    if (entry.address == most && queue_.contains(id) &&
        entry.reader->presence() == PasswordReader::Presence::shut)
      return id;
  }
  return newest;
}

void PasswordQueue::start_more() {
  while (running_ < net::Background::kRunningMost && !queue_.empty()) {
    const core::WaiterId id = queue_.next()->id;
    Entry& entry = entries_.at(id);
    if (entry.reader->presence() == PasswordReader::Presence::gone) {
      push_out(id);
      continue;
    }
    static_cast<void>(queue_.take_next());
    if (background_->run(std::make_unique<Check>(id, std::move(entry.question), link_))) {
      ++running_;
    } else {
      push_out(id);  // the network ends
    }
  }
}

void PasswordQueue::on_checked(core::WaiterId id, const PasswordVerdict& verdict) {
  --running_;
  const auto found = entries_.find(id);
  PasswordReader* const reader = found == entries_.end() ? nullptr : found->second.reader;
  leave(id);
  start_more();
  if (reader != nullptr) reader->on_password(verdict);
}

}  // namespace holdfast
