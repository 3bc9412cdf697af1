// The states of an upstream connection, and each move from one to another that there is: ConnectionSet makes
// no other without telling, and check() asserts what the rules below say of each state.
//
//   (gone) --open--> connecting --up--> proving --answer--> proving_again --answer--+
//                        |                 +------------------- answer -------------+
//                        +-- up, where barriers do not work ------------------------+
//                                                                                   v
//           +-----------------------------------------------------------------> [ idle ] <--> pinging
//           |                                                                       | lease
//           +-- answer -- settling <-- END_REQUEST --+                              v
//           +-- 5 ms ---- quiet    <-- END_REQUEST --+------------------------- [ leased ] --> leased (handed
//                                                    |                              |                  over)
//              settling <-- ending <-- END_REQUEST --+--------- draining <-- client left
//              (not closed) (keep_alive: false)
//
//   any of them --failure, limit, EOF--> closing --closed--> (gone)
//               --the same, its script may run, no barrier would show its end--> closing_held --closed-->
//                                                                                   held --in time--> (gone)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::core {

enum class ConnectionState : std::uint8_t {
  connecting,     // connect() is under way
  proving,        // up; asked for FCGI_GET_VALUES before its first request: a worker is to show itself
  proving_again,  // the first of an address: asked once more, for php before 8.2.13 closes after one answer
  idle,
  leased,
  settling,  // its request has ended; a barrier is to show that the script has, too
  quiet,     // the same where barriers do not work: a moment for an EOF or stray bytes to show
  pinging,   // was idle; a barrier is to show that it is well
  draining,  // its client has left, its request runs
  ending,    // keep_alive: false, its request has ended: the application closes next
  closing,
  closing_held,  // as closing, and a script may run on in it
  held,          // closed; nobody tells when its script ends, so its place stays taken for a while
  gone,          // before and after: no such connection
  count_
};
inline constexpr std::size_t kConnectionStates = static_cast<std::size_t>(ConnectionState::count_);

// What is shown of a state: /status, metrics.
enum class ConnectionPhase : std::uint8_t { connecting, idle, leased, settling, draining, closing, count_ };
inline constexpr std::size_t kConnectionPhases = static_cast<std::size_t>(ConnectionPhase::count_);

// What holds in each state; asserted by ConnectionSet::check().
struct StateRule {
  enum class Deadline : std::uint8_t { always, never, perhaps };
  ConnectionState state;
  ConnectionPhase phase;
  Deadline deadline;
  bool carries;  // a request: slots of it are taken
  std::string_view name;
};

inline constexpr std::array<StateRule, kConnectionStates - 1> kStateRules = {{
    {ConnectionState::connecting, ConnectionPhase::connecting, StateRule::Deadline::always, false,
     "connecting"},
    {ConnectionState::proving, ConnectionPhase::connecting, StateRule::Deadline::always, false, "proving"},
    {ConnectionState::proving_again, ConnectionPhase::connecting, StateRule::Deadline::always, false,
     "proving_again"},
    // By recycle.idle, recycle.lifetime and ping, each of which may be 0: never.
    {ConnectionState::idle, ConnectionPhase::idle, StateRule::Deadline::perhaps, false, "idle"},
    // Its limits are those of the request, which the driver watches.
    {ConnectionState::leased, ConnectionPhase::leased, StateRule::Deadline::never, true, "leased"},
    {ConnectionState::settling, ConnectionPhase::settling, StateRule::Deadline::always, false, "settling"},
    {ConnectionState::quiet, ConnectionPhase::settling, StateRule::Deadline::always, false, "quiet"},
    {ConnectionState::pinging, ConnectionPhase::settling, StateRule::Deadline::always, false, "pinging"},
    {ConnectionState::draining, ConnectionPhase::draining, StateRule::Deadline::always, true, "draining"},
    {ConnectionState::ending, ConnectionPhase::draining, StateRule::Deadline::always, false, "ending"},
    {ConnectionState::closing, ConnectionPhase::closing, StateRule::Deadline::never, false, "closing"},
    {ConnectionState::closing_held, ConnectionPhase::closing, StateRule::Deadline::never, false,
     "closing_held"},
    {ConnectionState::held, ConnectionPhase::draining, StateRule::Deadline::always, false, "held"},
}};

// Precondition: not gone.
constexpr const StateRule& rule_of(ConnectionState state) {
  return kStateRules[static_cast<std::size_t>(state)];
}
constexpr ConnectionPhase phase_of(ConnectionState state) {
  return rule_of(state).phase;
}
constexpr std::string_view connection_state_name(ConnectionState state) {
  return state == ConnectionState::gone ? "gone" : rule_of(state).name;
}
constexpr std::string_view connection_phase_name(ConnectionPhase phase) {
  constexpr std::array<std::string_view, kConnectionPhases> kNames = {"connecting", "idle",     "leased",
                                                                      "settling",   "draining", "closing"};
  return kNames[static_cast<std::size_t>(phase)];
}

struct Transition {
  ConnectionState from;
  ConnectionState to;
  std::string_view why;
};

// Sorted by `from`. `any of them --> closing` is written out, so that what is missing is missing on purpose.
inline constexpr std::array kTransitions = {
    Transition{ConnectionState::gone, ConnectionState::connecting, "opened"},
    Transition{ConnectionState::connecting, ConnectionState::proving, "up"},
    Transition{ConnectionState::connecting, ConnectionState::idle, "up, and barriers do not work"},
    Transition{ConnectionState::connecting, ConnectionState::closing, "failed, too slow, or not needed"},
    Transition{ConnectionState::proving, ConnectionState::proving_again, "first answer of an address"},
    Transition{ConnectionState::proving, ConnectionState::idle, "answered"},
    Transition{ConnectionState::proving, ConnectionState::closing, "no worker took it, lost, not needed"},
    Transition{ConnectionState::proving, ConnectionState::closing_held, "lost after others gave up barriers"},
    Transition{ConnectionState::proving_again, ConnectionState::idle, "answered"},
    Transition{ConnectionState::proving_again, ConnectionState::closing, "lost, silent, not needed"},
    Transition{ConnectionState::idle, ConnectionState::leased, "a waiter's turn"},
    Transition{ConnectionState::idle, ConnectionState::pinging, "`ping` is due"},
    Transition{ConnectionState::idle, ConnectionState::settling, "a reload ended settle: never"},
    Transition{ConnectionState::idle, ConnectionState::closing, "lost, worn out, recycled"},
    Transition{ConnectionState::idle, ConnectionState::closing_held, "stray output: its script runs"},
    Transition{ConnectionState::leased, ConnectionState::leased, "handed over"},
    Transition{ConnectionState::leased, ConnectionState::idle, "settle: never, or the lease was not used"},
    Transition{ConnectionState::leased, ConnectionState::settling, "END_REQUEST, or the lease was not used"},
    Transition{ConnectionState::leased, ConnectionState::quiet, "END_REQUEST, or the lease was not used"},
    Transition{ConnectionState::leased, ConnectionState::ending, "END_REQUEST, keep_alive: false"},
    Transition{ConnectionState::leased, ConnectionState::draining, "its client left"},
    Transition{ConnectionState::leased, ConnectionState::closing, "lost, stale, not of use any more"},
    Transition{ConnectionState::leased, ConnectionState::closing_held, "lost, its script may run"},
    Transition{ConnectionState::settling, ConnectionState::idle, "answered"},
    Transition{ConnectionState::settling, ConnectionState::closing, "lost, too slow, worn out"},
    Transition{ConnectionState::settling, ConnectionState::closing_held, "too slow, and barriers given up"},
    Transition{ConnectionState::quiet, ConnectionState::idle, "nothing came"},
    Transition{ConnectionState::quiet, ConnectionState::closing, "lost, worn out"},
    Transition{ConnectionState::quiet, ConnectionState::closing_held, "stray output: its script runs"},
    Transition{ConnectionState::pinging, ConnectionState::idle, "answered"},
    Transition{ConnectionState::pinging, ConnectionState::closing, "lost, too slow, worn out"},
    Transition{ConnectionState::pinging, ConnectionState::closing_held, "too slow, and barriers given up"},
    Transition{ConnectionState::draining, ConnectionState::leased, "END_REQUEST, handed over"},
    Transition{ConnectionState::draining, ConnectionState::idle, "END_REQUEST, settle: never"},
    Transition{ConnectionState::draining, ConnectionState::settling, "END_REQUEST"},
    Transition{ConnectionState::draining, ConnectionState::quiet, "END_REQUEST"},
    Transition{ConnectionState::draining, ConnectionState::ending, "END_REQUEST, keep_alive: false"},
    Transition{ConnectionState::draining, ConnectionState::closing, "lost, not of use any more"},
    Transition{ConnectionState::draining, ConnectionState::closing_held, "too slow, its script may run"},
    Transition{ConnectionState::ending, ConnectionState::settling, "php-fpm did not close: it is asked"},
    Transition{ConnectionState::ending, ConnectionState::closing, "the application closed, or did not"},
    Transition{ConnectionState::ending, ConnectionState::closing_held, "stray output: its script runs"},
    Transition{ConnectionState::closing, ConnectionState::gone, "closed"},
    Transition{ConnectionState::closing_held, ConnectionState::held, "closed"},
    Transition{ConnectionState::held, ConnectionState::gone, "its time is over"},
};

constexpr std::array<std::uint16_t, kConnectionStates> legal_moves() {
  std::array<std::uint16_t, kConnectionStates> moves{};
  for (const Transition& each : kTransitions) {
    std::uint16_t& row = moves[static_cast<std::size_t>(each.from)];
    row = static_cast<std::uint16_t>(row | 1U << static_cast<unsigned>(each.to));
  }
  return moves;
}
inline constexpr std::array<std::uint16_t, kConnectionStates> kLegalMoves = legal_moves();

constexpr bool may_move(ConnectionState from, ConnectionState to) {
  return (kLegalMoves[static_cast<std::size_t>(from)] >> static_cast<unsigned>(to) & 1U) != 0;
}

}  // namespace holdfast::core
