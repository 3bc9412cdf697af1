// Private to proxy/net: a Stream on libuv, with ONE handle for its whole life. Connects (resolving names,
// trying each address), reads into the loop's shared buffer, writes with one uv_write in flight at a time.
// Does not know deadlines: its owner closes it.
//
//            .-> resolving --.   .-- address failed, next --.
//   new -----+               v   v                          |
//            '----------> connecting ----> open       reopening (handle closes, is initialised anew)
//                              '---> failed <--'            all but these two --close()--> closing -> closed
#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/network.h"
#include "proxy/net/socket_address.h"

namespace holdfast::net {

class UvLoop;

class UvStream final : public Stream {
 public:
  enum class Kind { tcp, unix_socket };

  UvStream(UvLoop& loop, Kind kind);
  ~UvStream() override;
  UvStream(const UvStream&) = delete;
  UvStream& operator=(const UvStream&) = delete;

  // One of these, once, before anything else.
  void connect(const Endpoint& endpoint);                  // the result comes by on_connected()
  void connect_any(std::vector<SocketAddress> addresses);  // the first that answers, tried in order
  void adopt(int fd);  // a connected socket; a failure comes by on_error()

  // Called by the loop after defer().
  void deliver_deferred();
  // Called by the loop after read_next_turn().
  void read_on();

  void set_handler(StreamHandler& handler) override { handler_ = &handler; }
  void start_read() override;
  void stop_read() override;
  void read_again() override { again_ = true; }
  using Stream::write;
  bool write(std::span<const std::string_view> slices) override;
  std::size_t unsent_bytes() const override;
  std::uint64_t delivered_bytes() const override;
  void shutdown_write() override;
  void give_up_sending() override;
  void close() override;
  void reset() override;
  bool closing() const override { return state_ == State::closing || state_ == State::closed; }
  void quick_ack() override;
  bool has_unread_input() const override;
  bool peer_gone() const override;
  bool is_unix() const override { return kind_ == Kind::unix_socket; }

 private:
  enum class State {
    fresh,       // neither connect() nor adopt() yet
    resolving,   // a name look-up runs in the thread pool; no socket yet
    connecting,  // libuv connects, or a failure to start waits in the deferred list
    reopening,   // one address failed: the handle closes to be used for the next one
    open,        // connected. pending_error_ set: writing failed, on_error() comes before the turn ends
    failed,      // on_connected(error) or on_error() was called; only close() is left
    closing,     // nothing but on_closed() comes
    closed,
  };
  enum class Reading { stopped, started, ended };  // ended: EOF was delivered
  enum class Sending { open, ending, ended };      // ending: shut down when all is sent
  struct Lookup;

  uv_handle_t* base() { return reinterpret_cast<uv_handle_t*>(&handle_); }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_); }
  const uv_stream_t* stream() const { return reinterpret_cast<const uv_stream_t*>(&handle_); }
  int fd() const;  // -1: no socket
  unsigned poll_events() const;

  // uv_stream_connect.cpp
  void init_handle();
  void connect_unix(const std::string& path);
  void look_up(const Endpoint& endpoint);
  void on_looked_up(int status, const addrinfo* list);
  void forget_name();
  void abandon_lookup();
  void try_next_address(int last_error);
  void on_connect_result(int status);
  void on_handle_closed();

  void begin_read();
  void on_read_result(ssize_t count, const uv_buf_t& buffer);
  void read_now();
  void count_read();
  bool under_way() const { return writing_ && writing_->under_way; }
  bool queued() const { return writing_ && !writing_->queued.empty(); }
  void drop_queued();
  std::size_t try_write(std::span<const std::string_view> slices);
  void send_queued();
  void on_write_result(int status);
  void end_sending();
  void defer_error(int code);
  void fail_after_input(int code);
  void fail(int code);

  UvLoop& loop_;
  StreamHandler* handler_ = nullptr;
  const Kind kind_;
  State state_ = State::fresh;
  Reading reading_ = Reading::stopped;
  bool again_ = false;  // read_again() was called in this on_read()
  std::uint64_t read_turn_ = 0;
  int reads_ = 0;                 // in that turn
  bool reads_next_turn_ = false;  // its share of this turn is read
  Sending sending_ = Sending::open;
  int pending_error_ = 0;  // found inside an owner's call, told by deliver_deferred()

  // Only while it is needed: an idle connection holds no more than its handle.
  struct Writing {
    uv_write_t request{};
    std::string in_flight;  // belongs to `request` while under_way
    std::string queued;     // written next
    bool under_way = false;
  };
  std::unique_ptr<Writing> writing_;     // from the first byte that the kernel does not take until it has all
  std::uint64_t accepted_ = 0;           // bytes that write() was given
  mutable std::uint64_t delivered_ = 0;  // the most that was seen to be with the peer

  struct Connecting {
    uv_connect_t request{};
    std::vector<SocketAddress> addresses;  // still to be tried, the next one last
    std::string name;                      // the host, when it was no literal, and
    std::uint16_t name_port = 0;           // the port that was looked up with it
    Lookup* lookup = nullptr;              // owned by its libuv request; cut loose by close()
  };
  std::unique_ptr<Connecting> connecting_;  // until it is open

  union Handle {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_{};
};

}  // namespace holdfast::net
