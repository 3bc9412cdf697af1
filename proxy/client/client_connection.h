// One client's socket: reads requests, one after the other, sends each to where it belongs, and writes the
// answers. Owns the stream, the parser, the request's body and the exchange or file under way. Owned by
// Worker; erased there after on_closed().
//
//   idle -> reading_head -> reading_body -> answering -+-> idle (keep-alive; pipelined bytes go on at the end
//   of the turn)
//                |               |                     +-> lingering -> closing   (Connection: close,
//                refusals)
//                +---------------+--- client left ------------------> closing
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proxy/client/arrival.h"
#include "proxy/client/client_host.h"
#include "proxy/client/client_response.h"
#include "proxy/client/dispatcher.h"
#include "proxy/client/gzip_response.h"
#include "proxy/client/idle_clients.h"
#include "proxy/client/responder.h"
#include "proxy/client/static_response.h"
#include "proxy/core/access_log_line.h"
#include "proxy/core/body_store.h"
#include "proxy/core/delivery_watch.h"
#include "proxy/core/error_page.h"
#include "proxy/core/forwarded.h"
#include "proxy/core/held_worker.h"
#include "proxy/core/input_queue.h"
#include "proxy/core/rate_floor.h"
#include "proxy/core/spill_shares.h"
#include "proxy/http/request_parser.h"
#include "proxy/loop/context.h"
#include "proxy/loop/deadline.h"
#include "proxy/net/stream.h"
#include "proxy/upstream/exchange_client.h"
#include "proxy/upstream/php_exchange.h"

namespace holdfast {

class ClientConnection final : public net::StreamHandler,
                               public DeadlineTarget,
                               public ExchangeClient,
                               public EventStream {
 public:
  enum class Role : std::uint8_t { site, admin };
  enum class State : std::uint8_t { idle, reading_head, reading_body, answering, lingering, closing };

  // Both outlive it.
  ClientConnection(ClientHost& host, Context& context, std::uint64_t id, Arrival arrival);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // --- ExchangeClient: called by the exchange's upstream side
  void flush() override;
  bool congested() const override;
  bool gone() const override;  // it shut its sending side, and the other one too
  void on_gone() override;     // leaves as after a reset

  // --- called by Worker
  void go_on();                                  // pipelined bytes are waiting
  std::size_t compress(std::size_t bytes_most);  // of its answer; returns how many
  void finish();                                 // one more answer at most: its listener has gone
  void shut_down();                              // close now if idle, else after the present answer
  void cut_off();                                // close now whatever runs
  bool idle() const { return state_ == State::idle && unparsed_.empty(); }
  bool has_unread_input() const { return stream_->has_unread_input(); }  // a system call
  std::uint64_t id() const { return id_; }
  const net::Peer& peer() const { return peer_; }
  IdleLink& idle_link() { return idle_link_; }
  std::uint64_t listener() const { return listener_; }
  State state() const { return state_; }
  Role role() const { return role_; }
  // Of bodies and pipelined requests, held in memory.
  std::size_t memory_bytes() const {
    return unparsed_.size() + request_body_.memory_bytes() + response_.memory_bytes() +
           (gzip_ ? gzip_->memory_bytes() : 0);
  }
  void resume_reading();  // there is memory again

  // --- EventStream
  void push_event(std::string_view bytes) override;

  // --- net::StreamHandler
  void on_read(std::string_view bytes) override;
  void on_eof() override;
  void on_error(net::Error error) override;
  void on_drained() override;
  void on_closed() override;
  // --- DeadlineTarget
  void on_deadline(core::Time now) override;

 private:
  void take_input(std::string_view bytes);
  void answer_waiting();
  bool feed(std::string_view& input);
  void want_turn();
  void want_compressing();
  bool wants_input() const;
  void update_reading();
  bool refuse_for_memory();
  void count_memory();
  void rest();
  void take_limits();
  void on_head();
  void set_origin(const http::RequestHead& head);
  void make_plan();  // of the head and its origin
  void on_body(std::span<const std::string_view> slices);
  void answer_without_body();
  void on_request_complete();
  void set_spool_share();
  void refuse_unstored_body();
  void tell_unread_head(int status);
  core::ResponseSink& response_sink();
  void forward_to_php();
  void answer_error(int status, std::string_view why);
  void answer_own(const core::ErrorPage& page);
  void answer_admin();
  void send_file_pieces();
  void end_request();
  void leave();
  void give_up(std::string_view end);
  void drop_answer();
  void close();
  void linger();
  bool lingers_on() const;
  void on_lingering_read(std::size_t bytes);
  void look_at_delivery(core::Time now);
  bool keeps_pace(core::Time now, std::uint64_t delivered);
  bool holds_worker() const;
  core::Time next_look(core::Time now) const;
  void watch_body();
  void on_body_deadline(core::Time now);
  void watch_for_leaving();
  void look_for_leaving();
  void look_again();
  void watch_writing();
  void log_request();
  core::AccessRecord access_record(int status, core::Time now) const;
  void log_stderr();
  void log_complaint();
  std::string php_log_prefix() const;
  void detach_exchange();

  const config::Config& config() const { return *context_.config; }

  ClientHost& host_;
  Context& context_;
  std::uint64_t id_;
  std::uint64_t listener_;
  IdleLink idle_link_;
  Role role_;
  std::unique_ptr<net::Stream> stream_;
  net::Peer peer_;
  net::Peer local_;
  Deadline deadline_;
  State state_ = State::idle;

  core::ClientSpill upload_spill_;
  core::ClientSpill answer_spill_;
  http::RequestParser parser_;
  core::BodyStore request_body_;
  ClientResponse response_;
  Plan plan_;
  std::optional<GzipResponse> gzip_;  // in front of response_, where the site asks for it
  std::unique_ptr<PhpExchange> exchange_;
  std::unique_ptr<StaticResponse> file_;
  std::uint64_t memory_counted_ = 0;  // in Context::memory, beside what the stores count there
  core::InputQueue unparsed_;         // bytes of later requests
  core::ClientOrigin origin_;         // behind trusted proxies: the client they name
  core::Time begun_{};                // first byte of the request
  std::optional<std::chrono::system_clock::time_point> begun_wall_;  // of the whole head, for the log
  std::uint64_t requests_ = 0;
  core::DeliveryWatch delivery_;  // while bytes wait for the client
  core::RateFloor floor_;         // of the body, then of the answer
  core::HeldWorker held_worker_;  // by an answer that is stored as far as may be
  core::Time body_stalls_at_{};
  std::string_view refusal_;   // why we refused, for the log
  std::string_view given_up_;  // the client took its answer too slowly, or not: the word for the log
  unsigned probes_ = 0;        // looks at a half-closed client so far, in this answer
  std::size_t lingered_ = 0;   // bytes read and thrown away
  core::Time lingers_until_{};
  bool turn_wanted_ = false;
  bool compressing_wanted_ = false;
  bool refused_ = false;  // nothing more of its input will be parsed
  bool eof_ = false;
  bool last_ = false;  // finish() was called: the next head written says close
  bool body_discarded_ = false;
  bool event_stream_ = false;
  bool left_ = false;         // the client went before its answer was whole
  bool unread_head_ = false;  // refused before there was a head
};

}  // namespace holdfast
