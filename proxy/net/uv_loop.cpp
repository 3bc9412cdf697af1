// The loop's phases. libuv runs timers, pending callbacks, idle and prepare handles, then polls, then closes:
// our prepare handle therefore sees all that one turn brought before the loop waits again.
#include "proxy/net/uv_loop.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "proxy/net/uv_stream.h"

namespace holdfast::net {

namespace {

template <typename Handle>
uv_handle_t* base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

// libuv counts in whole milliseconds of the clock below steady_clock. Rounded up, so that a wake-up never
// comes before its time.
std::uint64_t milliseconds_up(Time time) {
  const auto since = std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return since > 0 ? static_cast<std::uint64_t>(since) : 0;
}

}  // namespace

UvLoop::UvLoop() {
  std::signal(SIGPIPE, SIG_IGN);
  if (uv_loop_init(&loop_) != 0) std::abort();  // no epoll descriptor: nothing can run
  loop_.data = this;
  uv_prepare_init(&loop_, &prepare_);
  uv_prepare_start(&prepare_,
                   [](uv_prepare_t* handle) { static_cast<UvLoop*>(handle->loop->data)->end_turn(); });
  uv_idle_init(&loop_, &idle_);
  uv_timer_init(&loop_, &timer_);
  uv_unref(base(&timer_));
}

UvLoop::~UvLoop() {
  if (open_handles_ != 0) {  // their close callbacks would come into freed memory
    std::fprintf(stderr, "network destroyed with %zu open handles\n", open_handles_);
    std::abort();
  }
  turn_handler_ = nullptr;
  uv_close(base(&prepare_), nullptr);
  uv_close(base(&idle_), nullptr);
  uv_close(base(&timer_), nullptr);
  for (auto& signal : signals_) uv_close(base(signal.get()), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);  // also waits for name look-ups that could not be cancelled
  if (uv_loop_close(&loop_) != 0) std::abort();
}

void UvLoop::run() {
  update_keep_alive();
  do {
    uv_run(&loop_, UV_RUN_DEFAULT);
    // libuv leaves after the last close callback without another prepare: give that turn its end, too. The
    // owner may open something new in it.
    end_turn();
  } while (open_handles_ != 0 || !stopping_);
}

void UvLoop::run_once(bool wait) {
  stepping_ = true;
  uv_run(&loop_, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  stepping_ = false;
}

void UvLoop::stop() {
  stopping_ = true;
  update_keep_alive();
}

void UvLoop::watch_signal(int signal_number) {
  auto signal = std::make_unique<uv_signal_t>();
  uv_signal_init(&loop_, signal.get());
  const int status = uv_signal_start(
      signal.get(),
      [](uv_signal_t* handle, int number) {
        auto* self = static_cast<UvLoop*>(handle->loop->data);
        if (self->turn_handler_ != nullptr) self->turn_handler_->on_signal(number);
      },
      signal_number);
  if (status != 0) std::abort();  // not a signal that can be caught
  uv_unref(base(signal.get()));
  signals_.push_back(std::move(signal));
}

void UvLoop::set_wakeup(std::optional<Time> when) {
  if (when == wakeup_) return;
  wakeup_ = when;
  uv_timer_stop(&timer_);
  // A time that has come is not for a timer: rounded up it would be a millisecond's sleep, and libuv would serve one that
  // is set from on_wakeup() again and again before it looks at any socket.
  due_ = when && *when <= now();
  if (!when || due_) return;
  const std::uint64_t target = milliseconds_up(*when);
  const std::uint64_t base_time = uv_now(&loop_);
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { static_cast<UvLoop*>(handle->loop->data)->on_timer(); },
      target > base_time ? target - base_time : 0, 0);
}

void UvLoop::on_timer() {
  wakeup_.reset();
  progress_ = true;
  due_ = false;
  now_.reset();  // sampled before the timer was due, perhaps: the owner must find its deadlines passed
  if (turn_handler_ != nullptr) turn_handler_->on_wakeup();
}

Time UvLoop::now() const {
  if (!now_) now_ = std::chrono::steady_clock::now();
  return *now_;
}

void UvLoop::end_turn() {
  delivering_.swap(deferred_);  // what handlers add meanwhile waits for the next turn
  // None of them is destroyed meanwhile: that takes a close callback, which is another phase of the turn.
  for (UvStream* stream : delivering_) stream->deliver_deferred();
  progress_ = progress_ || !delivering_.empty();
  delivering_.clear();
  if (turn_handler_ != nullptr) turn_handler_->on_turn_end();
  // Who steps by hand looks at each result, so a step that had one does not wait for another.
  if (due_ || !deferred_.empty() || (stepping_ && progress_)) {  // a look at the sockets, and on
    uv_idle_start(&idle_, [](uv_idle_t* handle) {
      auto* self = static_cast<UvLoop*>(handle->loop->data);
      if (self->due_) self->on_timer();
    });
  } else {
    uv_idle_stop(&idle_);
  }
  for (UvStream* stream : read_next_turn_) stream->read_on();
  read_next_turn_.clear();
  ++turn_;
  progress_ = false;
  now_.reset();  // the loop waits now; the first to ask after that samples
}

void UvLoop::defer(UvStream& stream) {
  deferred_.push_back(&stream);
}

void UvLoop::forget(UvStream& stream) {
  std::erase(deferred_, &stream);
  std::erase(read_next_turn_, &stream);
}

void UvLoop::handle_opened() {
  ++open_handles_;
  update_keep_alive();
}

void UvLoop::handle_closed() {
  --open_handles_;
  update_keep_alive();
}

void UvLoop::update_keep_alive() {
  // A paused stream is not active in libuv's eyes, so the count is ours.
  if (stopping_ && open_handles_ == 0) {
    uv_unref(base(&prepare_));
  } else {
    uv_ref(base(&prepare_));
  }
}

}  // namespace holdfast::net
