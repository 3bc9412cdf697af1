// One HTTP client on one connection, with its own manners: sends raw bytes at its own pace, reads at its own
// pace, may pipeline, shut its sending side, or leave at any moment. Knows what it has asked; what it gets is
// judged by ResponseReader and noted in the Ledger.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fake_network.h"
#include "ledger.h"
#include "response_reader.h"

namespace holdfast::sim {

struct ClientPlan {
  std::vector<Request> requests;
  Time arrives{};
  std::size_t pipeline = 1;    // requests that may be unanswered at once
  std::size_t head_bytes = 0;  // more than it needs, of each head
  std::size_t write_most = 65536;
  std::size_t read_most = 65536;
  Duration write_pause{};  // most, between two writes
  Duration read_pause{};   // most, between two reads
  Duration think{};        // most, between an answer and the next request
  bool http_1_0 = false;
  bool chunked = false;
  bool expect_continue = false;
  bool shuts = false;     // its sending side, when all is sent
  bool to_admin = false;  // it talks to the admin endpoint
  enum class Leave { never, close, reset } leave = Leave::never;
  std::size_t leave_after_sent = 0;      // bytes; both must be reached
  std::size_t leave_after_received = 0;  // bytes
  std::size_t leave_on_events = 0;       // instead: so many have come; 0: no matter
  Duration leave_delay{};                // most, after that
  std::size_t deaf_after = SIZE_MAX;     // bytes received: then it reads no more, and stays
  std::size_t mute_after = SIZE_MAX;     // bytes sent: then it says no more, and stays
  std::size_t sips_after = SIZE_MAX;     // bytes received: then it reads 100 bytes a second
  std::size_t drips_after = SIZE_MAX;    // bytes sent: then it sends a byte or two each second
  bool ill_mannered = false;             // one of these: what becomes of its requests is its own doing
};

class Client final : public Actor {
 public:
  Client(Universe& universe, Ledger& ledger, AnswerJudge& judge, FakeNetwork& network, ClientPlan plan,
         std::string name);
  void step() override;
  bool finished() const { return state_ == State::gone; }
  const std::string& name() const { return name_; }
  const std::vector<std::size_t>& tags() const { return tags_; }

 private:
  enum class State { coming, talking, gone };

  void connect();
  void receive();
  void take_responses();
  void send();
  void ask_next();
  void write_request(std::size_t tag);
  void on_end();
  bool leaves();
  void go(Outcome for_open);
  void set_due();
  bool may_ask() const;

  Universe& universe_;
  Ledger& ledger_;
  AnswerJudge& judge_;
  FakeNetwork& network_;
  ClientPlan plan_;
  std::string name_;
  State state_ = State::coming;
  std::shared_ptr<Link> link_;
  ResponseReader reader_;
  std::vector<std::size_t> tags_;
  std::size_t asked_ = 0;            // requests whose bytes are in out_ or sent
  std::deque<std::size_t> waiting_;  // asked and not answered, in order
  std::string out_;
  std::string held_body_;  // until 100 Continue, or until patience ends
  Time patience_ends_{};
  std::string in_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  bool close_told_ = false;
  std::size_t last_answered_ = SIZE_MAX;
  bool shut_ = false;
  Time next_read_{};
  Time next_write_{};
  Time next_ask_{};
  Time leaves_at_ = Time::max();
};

}  // namespace holdfast::sim
