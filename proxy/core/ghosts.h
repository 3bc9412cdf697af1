// How many of the application's workers a pool can not count on: each ghost (a connection that was closed
// while its script may still run) holds one, and nobody tells when its script has ended.
//
// The pool may count on `most` workers (max_connections, below pm.max_children), perhaps there are more. So a
// new connection is sure of a worker as long as all connections and all ghosts together are no more than
// `most`; beyond that it must be proven before it carries a request.
//
// What brings the count down? Not that a new connection is taken: the worker that took it was free, the
// ghost's may be busy still. But k connections that are held by workers at one same moment leave ghosts only
// most - k of the `most` workers. If more ghosts live, there are more workers too, and the ghosts on those
// are in nobody's way. "At one same moment" wants care, because an end of file may be on its way behind any
// answer: what is counted is connections that were known to be taken before a moment, and have answered a
// question that was put after it. With pings a full pool answers within one ping, and the ghosts are
// forgotten.
//
// A pool that never again has `most` connections at once can not learn it so, and hardly pays for it. For one
// whose connections do not live long enough (pm.max_requests = 1) each ghost is believed dead after
// kRunOnMost, the time that a script is granted to run on before the pool's eyes.
#pragma once

#include <cstdint>
#include <deque>

#include "proxy/core/time.h"

namespace holdfast::core {

// Work after fastcgi_finish_request() may be long, and closing would break it off: only a lost worker is
// meant here.
inline constexpr Duration kRunOnMost = std::chrono::minutes(10);

class Ghosts {
 public:
  // What the count knows of one connection; part of it.
  struct Witness {
    bool taken = false;  // a worker is known to have accepted the connection
    std::uint64_t round = 0;
  };

  explicit Ghosts(std::uint32_t most) : most_(most) {}

  void set_most(std::uint32_t most);

  void add(Time now);
  // A new connection found no free worker, while `held` of ours were held by workers: all the others are
  // busy with ghosts, or with what others than this pool have sent them, which is the same to us.
  void crowded(std::uint32_t held, Time now);
  // A worker has answered on this connection a question (a barrier, a request) that was put at `asked`.
  void answered(Witness& witness, Time asked, Time now);

  // Is each of so many connections sure of a worker?
  bool leave_room(std::size_t connections, Time now);
  std::size_t count() const { return until_.size(); }

 private:
  void begin_round(Time now);

  std::uint32_t most_;
  std::deque<Time> until_;  // each one's end at the latest, in order; never more than most_
  // Connections that were all held at the moment when the round began. A new ghost or a newly taken
  // connection begins another.
  std::uint64_t round_ = 0;
  Time moment_{};
  std::uint32_t held_at_once_ = 0;
};

}  // namespace holdfast::core
