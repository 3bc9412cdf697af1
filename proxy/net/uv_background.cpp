// See uv_background.h.
#include "proxy/net/uv_background.h"

#include <cstdlib>
#include <utility>

namespace holdfast::net {

struct UvBackground::Running {
  uv_work_t request{};
  UvBackground* owner = nullptr;
  std::unique_ptr<Task> task;
};

bool UvBackground::run(std::unique_ptr<Task> task) {
  if (closed_ || waiting_.size() >= kWaitingMost) return false;
  waiting_.push_back(std::move(task));
  start_more();
  return true;
}

void UvBackground::start_more() {
  while (running_ < kRunningMost && !waiting_.empty()) {
    auto running = std::make_unique<Running>();
    running->owner = this;
    running->task = std::move(waiting_.front());
    waiting_.pop_front();
    running->request.data = running.get();
    const int status = uv_queue_work(
        loop_, &running->request, [](uv_work_t* work) { static_cast<Running*>(work->data)->task->work(); },
        [](uv_work_t* work, int) {
          auto* const self = static_cast<Running*>(work->data);
          self->owner->finish(std::unique_ptr<Running>(self));
        });
    if (status != 0) std::abort();         // only without a function to call
    static_cast<void>(running.release());  // finish() owns it
    ++running_;
  }
}

void UvBackground::finish(std::unique_ptr<Running> running) {
  --running_;
  if (closed_) return;
  running->task->done();
  start_more();
}

void UvBackground::close() {
  closed_ = true;
  waiting_.clear();
}

}  // namespace holdfast::net
