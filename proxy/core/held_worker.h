// A php worker that must wait for a client: what it has written is as much as may be stored for that client.
// It is not to wait for one that does not read, least of all while others wait for a worker. Pure: times and
// counts in.
#pragma once

#include <chrono>
#include <cstdint>

#include "proxy/core/time.h"

namespace holdfast::core {

class HeldWorker {
 public:
  // A client that takes less holds the worker for nothing: 16 KiB a second, measured over so long.
  static constexpr std::uint64_t kRate = 16 * 1024;
  static constexpr std::chrono::seconds kOthersWait{2};
  static constexpr std::chrono::seconds kNobodyWaits{5};
  static constexpr Duration kLookEvery = std::chrono::milliseconds(500);

  bool held() const { return held_; }
  void let_go() { held_ = false; }
  // Nothing while it is held already. `delivered`: bytes that have reached the client, in all.
  void hold(Time now, std::uint64_t delivered) {
    if (held_) return;
    held_ = true;
    begun_ = now;
    delivered_ = delivered;
  }
  // False: the answer is to be cut. `stream`: its application wants the client's pace, so any pace will do,
  // and none where nobody else waits.
  [[nodiscard]] bool look(Time now, std::uint64_t delivered, bool others_wait, bool stream) {
    const std::chrono::seconds limit = others_wait ? kOthersWait : kNobodyWaits;
    if (now - begun_ < limit) return true;
    const std::uint64_t wanted = stream ? 1 : kRate * static_cast<std::uint64_t>(limit.count());
    const bool enough = delivered - delivered_ >= wanted || (stream && !others_wait);
    begun_ = now;
    delivered_ = delivered;
    return enough;
  }

 private:
  Time begun_{};
  std::uint64_t delivered_ = 0;
  bool held_ = false;
};

}  // namespace holdfast::core
