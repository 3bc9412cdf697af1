// Private to proxy/net: Background on libuv's thread pool.
#pragma once

#include <uv.h>

#include <deque>
#include <memory>

#include "proxy/net/background.h"

namespace holdfast::net {

class UvBackground final : public Background {
 public:
  // `loop` ends after close(), and before this does.
  explicit UvBackground(uv_loop_t* loop) : loop_(loop) {}
  bool run(std::unique_ptr<Task> task) override;
  // No task is told any more; those that run are waited for by the loop.
  void close();

 private:
  struct Running;
  void start_more();
  void finish(std::unique_ptr<Running> running);

  uv_loop_t* loop_;
  std::deque<std::unique_ptr<Task>> waiting_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace holdfast::net
