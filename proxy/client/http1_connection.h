// A client that speaks HTTP/1.x: reads requests, one after the other, and frames their responses. Between
// requests it holds no more than its socket: what a request needs (Http1Work) is taken from the worker's
// stock with its first byte and given back with its last.
//
//   idle -> reading_head -> in_request -+-> idle        (keep-alive; pipelined bytes go on at the end of the
//   turn)
//    |          |   |           |       +-> lingering   (Connection: close, refusals) -> closing
//    |          |   +- refused -+
//    +----------+--- client left, time is up, server stops ---> closing
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/client/client_connection.h"
#include "proxy/client/request.h"
#include "proxy/client/request_owner.h"
#include "proxy/core/input_queue.h"
#include "proxy/core/recycler.h"
#include "proxy/http/request_parser.h"
#include "proxy/http/response_writer.h"

namespace holdfast {

// Of one request at a time: its head's bytes, the request, and its response's frame.
struct Http1Work {
  Http1Work(ClientHost& host, Context& context) : request(host, context) {}

  http::RequestParser parser;
  Request request;
  http::ResponseWriter::RequestTraits traits;
  std::optional<http::ResponseWriter> writer;  // from the response's head on
  // What leaves with the next send(): head or chunk size, body, chunk end.
  std::string before;
  std::string_view body;
  std::string after;
};
using Http1Stock = core::Recycler<Http1Work>;

class Http1Connection final : public ClientConnection, public RequestOwner, public TurnTaker {
 public:
  enum class State : std::uint8_t { idle, reading_head, in_request, lingering, closing };

  // All but `arrival` outlive it.
  Http1Connection(ClientHost& host, Context& context, Http1Stock& stock, std::uint64_t id, Arrival arrival);
  ~Http1Connection() override;

  // --- ClientConnection
  void finish() override;
  void shut_down() override;
  void cut_off(core::ClientCloseReason reason) override;
  void resume_reading() override;
  bool idle() const override { return state_ == State::idle && unparsed_.empty(); }
  std::size_t memory_bytes() const override;
  const char* check() const override;

  // --- net::StreamHandler
  void on_read(std::string_view bytes) override;
  void on_eof() override;
  void on_error(net::Error error) override;
  void on_drained() override;
  // --- DeadlineTarget
  void on_deadline(core::Time now) override;
  // --- TurnTaker: pipelined bytes are waiting, or a body that was held back
  void on_turn() override;

  // --- ResponseOut, http1_response.cpp
  void head(const http::ResponseHead& head) override;
  void body(std::string_view bytes) override;
  void end() override;
  void break_off() override {}  // its end tells: request_over()
  void make_last() override;
  void send() override;
  std::size_t unsent_bytes() const override { return stream_->unsent_bytes(); }
  std::uint64_t delivered_bytes() const override { return stream_->delivered_bytes(); }
  // --- RequestOwner
  void request_over() override;
  void request_waits() override { recount(); }
  void body_released() override;
  bool client_gone() const override;
  bool client_shut() const override;

 private:
  void move_to(State next);
  RequestSource source() const { return {peer_, local_, id(), role() == Role::admin}; }
  // Also while its end is awaited.
  bool is_answering() const;
  // What its client sends is kept for later: the password comes first.
  bool holds_body() const { return state_ == State::in_request && work_->request.holds_body(); }
  // Nothing of an answer is there, and it may take a while: php or a password is waited for.
  bool answer_far() const;
  core::Duration keep_alive() const;
  void take_work();
  void release_work();

  // http1_connection.cpp: reading
  void take_input(std::string_view bytes);
  void answer_waiting();
  bool feed(std::string_view& input);
  bool is_reading() const;
  void on_first_byte();
  void on_head();
  void complete();
  void refuse_head(int status, std::string_view why, core::ClientCloseReason reason);
  bool wants_input() const;
  void update_reading();
  void want_turn();
  void send_continue();
  void ask_for_body();
  void recount();

  // http1_leaving.cpp: the end
  void end_request(core::ClientCloseReason reason);
  void watch_for_leaving();
  void look_for_leaving();
  void look_again();
  void linger(core::ClientCloseReason reason, bool gave_up = false);
  void on_lingering_read(std::size_t bytes);
  void close(core::ClientCloseReason reason, bool by_reset = false);

  struct Lingering {
    core::Time until{};
    std::size_t bytes = 0;  // read and thrown away
  };

  Http1Stock& stock_;
  std::unique_ptr<Http1Work> work_;
  core::InputQueue unparsed_;  // bytes of later requests
  core::Ring<TurnTaker>::Link turn_;
  std::uint64_t requests_ = 0;
  std::unique_ptr<Lingering> lingering_;
  State state_ = State::idle;
  core::ClientCloseReason ends_for_ = core::ClientCloseReason::last_answer;  // while lingering
  std::uint8_t probes_ = 0;  // looks at a half-closed client so far, in this answer
  bool refused_ = false;     // nothing more of its input will be parsed
  bool eof_ = false;
  bool last_ = false;  // finish() was called: the next head written says close
};

}  // namespace holdfast
