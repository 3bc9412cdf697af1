// Work that takes too much processor time for the loop, in another thread.
#pragma once

#include <cstddef>
#include <memory>

namespace holdfast::net {

class Background {
 public:
  // More wait: run() refuses.
  static constexpr std::size_t kWaitingMost = 64;
  // At a time: the loop and php want the processors too.
  static constexpr std::size_t kRunningMost = 2;

  class Task {
   public:
    virtual ~Task() = default;
    // In another thread: touches nothing but the task.
    virtual void work() = 0;
    // On the loop's thread, when work() has returned; then the task is destroyed. Not called when the network
    // ends first.
    virtual void done() = 0;
  };

  virtual ~Background() = default;
  // False: too many wait, or the network ends.
  [[nodiscard]] virtual bool run(std::unique_ptr<Task> task) = 0;
};

}  // namespace holdfast::net
