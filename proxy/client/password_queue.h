// Passwords that wait to be held against files of users, in other threads. Client addresses take turns
// (core::WaitQueue): one that guesses without a pause keeps another waiting for one check of its own, no
// more. One per worker; knows nothing of HTTP.
//
//   ask() -> waiting -> under check -> on_password()
//              |            |
//              |            +-> leave(): the thread ends it, nobody is told
//              +-> leave()
//              +-> pushed out: the queue is full, and its address has most places; or its client has gone
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "proxy/client/password_check.h"
#include "proxy/core/wait_queue.h"
#include "proxy/net/background.h"

namespace holdfast {

class PasswordReader {
 public:
  // Of whoever asks: shut, its client sends nothing more, and may be gone; gone, nobody can be answered.
  enum class Presence : std::uint8_t { there, shut, gone };
  // Called from the loop's own frame, once.
  virtual void on_password(const PasswordVerdict& verdict) = 0;
  // Its place is another's: no verdict will come. In the frame of whoever asks next: only to be noted.
  virtual void on_pushed_out() = 0;
  // A look at the socket.
  virtual Presence presence() const = 0;

 protected:
  ~PasswordReader() = default;
};

class PasswordQueue {
 public:
  // All addresses' together. When they are full, the newest of the address with most places goes, at best one
  // that is shut; a newcomer whose own has most, all of them there, is refused. So one address alone may have
  // all, and loses them to others.
  static constexpr std::size_t kPlaces = net::Background::kWaitingMost;

  // `background` outlives it; nullptr: all are refused. `seed`: see core::WaitQueue.
  PasswordQueue(net::Background* background, std::uint64_t seed);
  ~PasswordQueue();
  PasswordQueue(const PasswordQueue&) = delete;
  PasswordQueue& operator=(const PasswordQueue&) = delete;

  // 0: refused. The reader lives until it has been told, is pushed out, or leaves.
  [[nodiscard]] core::WaiterId ask(core::AddressKey address, PasswordQuestion question,
                                   PasswordReader& reader);
  // Whatever has become of it.
  void leave(core::WaiterId id);
  // Its check has not begun.
  bool waits(core::WaiterId id) const { return queue_.contains(id); }

 private:
  struct Entry {
    PasswordReader* reader = nullptr;
    core::AddressKey address = 0;
    PasswordQuestion question;  // until its check begins
  };
  class Check;
  // Shared with the checks under way, which may end after the queue.
  struct Link {
    PasswordQueue* queue = nullptr;
  };

  void push_out(core::WaiterId id);
  void push_out_gone();
  core::WaiterId one_too_many(core::WaiterId newcomer, core::AddressKey address) const;
  void start_more();
  void on_checked(core::WaiterId id, const PasswordVerdict& verdict);

  net::Background* background_;
  core::WaitQueue queue_;
  std::map<core::WaiterId, Entry> entries_;  // of all who wait for a verdict
  std::shared_ptr<Link> link_;
  core::WaiterId last_id_ = 0;
  std::size_t running_ = 0;
};

}  // namespace holdfast
