// net::Stream on a Link: short reads, writes taken in part and sent later, errors that come late, closes that
// take their time. Keeps the promises of stream.h and none beyond them. Owned by the proxy; its FakeNetwork
// knows it until it is destroyed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "link.h"
#include "proxy/net/stream.h"

namespace holdfast::sim {

class FakeNetwork;

class FakeStream final : public net::Stream {
 public:
  enum class State { connecting, open, failed, closing, closed };

  // Accepted: `link` is there. Outgoing: told later by connect_ends_at().
  FakeStream(FakeNetwork& network, std::shared_ptr<Link> link, bool unix_socket);
  ~FakeStream() override;
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;

  void connect_ends_at(net::StreamHandler& handler, Time when, int error);

  // --- net::Stream
  void set_handler(net::StreamHandler& handler) override { handler_ = &handler; }
  void start_read() override;
  void stop_read() override;
  void read_again() override {}  // by chance it does without
  using net::Stream::write;
  bool write(std::span<const std::string_view> slices) override;
  std::size_t unsent_bytes() const override { return state_ == State::open ? queue_.size() : 0; }
  std::uint64_t delivered_bytes() const override;
  void shutdown_write() override;
  void give_up_sending() override;
  void close() override;
  void reset() override;
  bool closing() const override { return state_ == State::closing || state_ == State::closed; }
  void quick_ack() override {}
  bool has_unread_input() const override;
  bool peer_gone() const override;
  bool is_unix() const override { return unix_; }

  // --- for the network
  bool ready() const;
  void deliver();           // the callbacks of one readiness
  void deliver_deferred();  // an error found inside a call of the owner
  void deliver_closed();
  std::optional<Time> next_time() const;
  State state() const { return state_; }
  Time ready_since = Time::max();
  int close_delay = 0;  // turns
  std::shared_ptr<Link> link() const { return link_; }

 private:
  enum class Reading { stopped, started, ended };

  bool input_there() const;
  void deliver_connected();
  void deliver_input();
  void deliver_output();
  void read_some(std::size_t most);
  void fail(int code);
  bool begin_call();

  FakeNetwork& network_;
  Universe& universe_;
  std::shared_ptr<Link> link_;  // nullptr: the connect has failed or has not got so far
  const bool unix_;
  net::StreamHandler* handler_ = nullptr;
  State state_;
  Reading reading_ = Reading::stopped;
  std::string queue_;  // unsent
  std::uint64_t sent_ = 0;
  bool draining_ = false;  // on_drained() is owed
  bool shut_wanted_ = false;
  bool shut_done_ = false;
  int pending_error_ = 0;
  int connect_error_ = 0;
  Time connect_due_{};
};

}  // namespace holdfast::sim
