// A connected byte stream and what its owner hears of it. The seam below which real sockets (uv_network.h)
// and the simulation (tests/sim) are exchanged; no libuv here.
//
//   open --close()--> closing --on_closed()--> gone: the owner destroys the Stream after on_closed(), from
//   its own frame
//
// No handler method is ever called from inside a call the owner makes on the Stream. After close() only
// on_closed() comes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::net {

// The monotonic clock of the loop, sampled once a turn.
using Time = std::chrono::steady_clock::time_point;

// errno values (positive), 0 for none.
struct Error {
  int code = 0;
  explicit operator bool() const { return code != 0; }
  std::string text() const;       // "ECONNREFUSED: connection refused"
  std::string_view name() const;  // "ECONNREFUSED"
};

class StreamHandler {
 public:
  // `bytes` die with the call.
  virtual void on_read(std::string_view bytes) = 0;
  // The peer closed its sending side in order. Reading has stopped.
  virtual void on_eof() = 0;
  // Reading or writing failed (ECONNRESET, EPIPE, ETIMEDOUT, ...): nothing more can be read or written.
  virtual void on_error(Error error) = 0;
  // All bytes given to write() are with the kernel; comes only after a write() that returned false.
  virtual void on_drained() = 0;
  // The last callback. The owner may destroy the Stream now or later.
  virtual void on_closed() = 0;
  // Outgoing streams only: the result of the connect. On error the owner still has to close().
  virtual void on_connected(Error error) { static_cast<void>(error); }

 protected:
  ~StreamHandler() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;                           // precondition: on_closed() was delivered
  virtual void set_handler(StreamHandler& handler) = 0;  // before start_read(); may be changed later
  virtual void start_read() = 0;                         // idempotent
  virtual void stop_read() = 0;                          // idempotent
  // Called in on_read(): looks for more when that returns, not in the next turn of the loop. For who knows
  // that the peer is about to close.
  virtual void read_again() = 0;
  // Sends the slices in one writev where the kernel takes them; keeps a copy of what it does not take and
  // sends that later. True: all is with the kernel. False: on_drained() will follow (or on_error()). Errors
  // come by on_error(), never from here.
  virtual bool write(std::span<const std::string_view> slices) = 0;
  bool write(std::string_view bytes) { return write(std::span(&bytes, 1)); }
  // Bytes held for the kernel.
  virtual std::size_t unsent_bytes() const = 0;
  // Of all bytes ever given to write(), those that have reached the peer: acknowledged on TCP, read on a Unix
  // socket (where the kernel counts by pieces of up to 48 KiB). What the kernel holds is not among them: it
  // takes megabytes from a client that reads nothing. Never falls. One system call: not for each write.
  virtual std::uint64_t delivered_bytes() const = 0;
  // Closes our sending side once all is sent. Reading goes on.
  virtual void shutdown_write() = 0;
  // Closes our sending side now: the peer gets what the kernel has taken, then an end. What it has not taken
  // is dropped, without on_drained().
  virtual void give_up_sending() = 0;
  virtual void close() = 0;  // idempotent; unsent bytes are dropped
  // Like close(), but the peer sees a reset (SO_LINGER 0) instead of an orderly end. Unix sockets know no
  // reset: their peer sees one only when we left bytes unread.
  virtual void reset() = 0;
  virtual bool closing() const = 0;
  // Rule R1: asks for an immediate ACK of what was read. No effect on Unix sockets.
  virtual void quick_ack() = 0;
  // Looks at the socket without taking anything: bytes or EOF or an error that were not delivered yet.
  virtual bool has_unread_input() const = 0;
  // The peer can neither send nor receive any more (POLLHUP or POLLERR): for one that only shut its sending
  // side, false.
  virtual bool peer_gone() const = 0;
  virtual bool is_unix() const = 0;
};

// Where a connection comes from or goes to, for logs and CGI params.
struct Peer {
  std::string address;  // "192.0.2.1", "::1"; empty for Unix sockets
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> bytes{};  // IPv4 mapped; all zero for Unix sockets
};

}  // namespace holdfast::net
