// Does a client still take its answer? Looked at now and then while bytes wait for it. Progress is what has
// reached the client (net::Stream::delivered_bytes()), not what the kernel took: it holds megabytes, and a
// steady slow client frees none of that for a minute. Pure: times and counts in.
#pragma once

#include <cstdint>

#include "proxy/core/time.h"

namespace holdfast::core {

class DeliveryWatch {
 public:
  // Bytes have begun to wait. Nothing while it watches already: more bytes that wait are no progress.
  void start(Time now, std::uint64_t delivered) {
    if (watching_) return;
    watching_ = true;
    delivered_ = delivered;
    progress_at_ = now;
  }
  void stop() { watching_ = false; }
  bool watching() const { return watching_; }

  // Takes note of what is delivered by now. False: none of it is new for `patience`.
  [[nodiscard]] bool look(Time now, std::uint64_t delivered, Duration patience) {
    if (delivered > delivered_) {
      delivered_ = delivered;
      progress_at_ = now;
    }
    return now - progress_at_ < patience;
  }
  // When to look next, so that a client is given up at most a quarter of `patience` late.
  static Time next_look(Time now, Duration patience) { return now + patience / 4; }

 private:
  Time progress_at_{};
  std::uint64_t delivered_ = 0;
  bool watching_ = false;
};

}  // namespace holdfast::core
