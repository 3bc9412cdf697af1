// One object's deadline in the worker's DeadlineQueue: taken out when the object goes, so none fires late.
#pragma once

#include <cstdint>

#include "proxy/core/deadline_queue.h"

namespace holdfast {

class DeadlineTarget {
 public:
  virtual void on_deadline(core::Time now) = 0;

 protected:
  ~DeadlineTarget() = default;
};

class Deadline {
 public:
  // `target` outlives this.
  Deadline(core::DeadlineQueue& queue, DeadlineTarget& target)
      : queue_(queue), id_(queue.add(reinterpret_cast<std::uintptr_t>(&target), 0)) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { queue_.remove(id_); }

  void set(core::Time when) { queue_.set(id_, when); }
  void clear() { queue_.clear(id_); }

  // The target of an entry that pop_expired() gave.
  static DeadlineTarget& target(const core::DeadlineQueue& queue, core::DeadlineQueue::Id id) {
    return *reinterpret_cast<DeadlineTarget*>(static_cast<std::uintptr_t>(queue.owner(id).object));
  }

 private:
  core::DeadlineQueue& queue_;
  core::DeadlineQueue::Id id_;
};

}  // namespace holdfast
