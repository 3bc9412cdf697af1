// All that passes between the clients' side and the side of php-fpm: values, by the exchange's id. Up go
// commands, down go deliveries; both are acted on at the end of a loop turn, in one place (Worker), so that
// neither side is ever called in the other's frame. For each Submit exactly one Delivery with an ending comes
// down, unless the client's side has let go of the exchange by Detach.
//
//   clients' side   -- submit, cancel, withdraw, fall_behind, catch_up, half_close, go_on, detach -->  Upstreams
//                   <-- Delivery: a question, head, body, stderr, ending ----------------------------
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fastcgi/param_list.h"
#include "proxy/core/body_store.h"
#include "proxy/core/client_key.h"
#include "proxy/core/exchange.h"
#include "proxy/core/owned_head.h"
#include "proxy/core/recycler.h"
#include "proxy/core/request_timeouts.h"
#include "proxy/core/slot_map.h"
#include "proxy/core/wait_queue.h"

namespace holdfast {

// Given by open(), never used twice. 0: none.
using ExchangeId = std::uint64_t;

// What became of an exchange, or has become so far: for the client's log and counters.
struct ExchangeReport {
  core::Exchange::Timings timings;
  core::Outcome outcome = core::Outcome::none;         // none: it is still under way
  core::Outcome outcome_if_whole = core::Outcome::ok;  // for a client that has its whole answer by then
  core::ConnectionId connection = 0;                   // 0: never had one
  unsigned retries = 0;
  std::uint32_t app_status = 0;  // of END_REQUEST
  bool reused = false;
  bool streaming = false;
};

struct Delivery {
  enum class Ending : std::uint8_t { none, whole, broken };

  ExchangeId exchange = 0;
  // A connection is free for this exchange, whose client has shut its sending side: is it still there?
  // go_on() or cancel() is the answer.
  bool asks = false;
  bool has_head = false;
  bool stream = false;  // see core::ResponseSink
  core::OwnedHead head;
  std::string body;
  Ending ending = Ending::none;
  ExchangeReport report;
  std::string complaint;  // with the head, or the ending: what was wrong with the head; escaped
  // What php has said on stderr since the last delivery; without `for_web_server` all of it, with the ending.
  // Not escaped.
  std::string stderr_text;
  bool stderr_cut = false;

  void clear();
};

// Whoever has submitted an exchange.
class DeliveryReader {
 public:
  // May keep the delivery as long as it needs what is in it; gives it back by Mailbox::give_back().
  virtual void on_delivery(std::unique_ptr<Delivery> delivery) = 0;

 protected:
  ~DeliveryReader() = default;
};

struct Submission {
  std::string pool;  // its name
  core::Asked asked;
  fastcgi::ParamList params;
  std::optional<core::BodyStore> body;
  core::AddressKey address{};  // of the client, for the queue's turns
  std::size_t head_bytes_max = 0;
  core::RequestTimeouts timeouts = {};  // in place of the pool's
  bool passes_file_wishes = false;      // see core::Exchange
  bool for_web_server = false;          // see core::Exchange::pass_head_on()
};

struct Command {
  enum class Kind : std::uint8_t {
    submit,
    cancel,
    withdraw,
    fall_behind,
    catch_up,
    half_close,
    go_on,
    detach,
  };
  Kind kind = Kind::cancel;
  ExchangeId exchange = 0;
  std::unique_ptr<Submission> submission = {};  // submit
  std::string script = {};                      // detach: its path as php should see it, for the log
};

class Mailbox {
 public:
  // --- the clients' side
  // A name for an exchange of `reader`, who is told of it until close().
  ExchangeId open(DeliveryReader& reader) { return readers_.insert(reader); }
  void close(ExchangeId id) { readers_.remove(id); }
  // An empty one, to be filled.
  std::unique_ptr<Submission> begin_submission();
  void submit(ExchangeId id, std::unique_ptr<Submission> submission) {
    commands_.push_back({.kind = Command::Kind::submit, .exchange = id, .submission = std::move(submission)});
  }
  // The client is gone: php is told to stop as far as that goes. The ending that follows says what was.
  void cancel(ExchangeId id) { command(Command::Kind::cancel, id); }
  // The same where php has nothing of it yet.
  void withdraw(ExchangeId id) { command(Command::Kind::withdraw, id); }
  // The client takes no more, and no more can be stored: php waits.
  void fall_behind(ExchangeId id) { command(Command::Kind::fall_behind, id); }
  void catch_up(ExchangeId id) { command(Command::Kind::catch_up, id); }
  // The client has shut its sending side: asked before php gets the request.
  void half_close(ExchangeId id) { command(Command::Kind::half_close, id); }
  void go_on(ExchangeId id) { command(Command::Kind::go_on, id); }
  // The client has its whole answer, and its script runs on: not its business any more, nothing more comes
  // down.
  void detach(ExchangeId id, std::string script) {
    commands_.push_back({.kind = Command::Kind::detach, .exchange = id, .script = std::move(script)});
  }
  void give_back(std::unique_ptr<Delivery> delivery);

  // --- the side of php-fpm
  // What has come up since the last call; the previous content of `commands` is dropped.
  void take_commands(std::vector<Command>& commands);
  void give_back(std::unique_ptr<Submission> submission);
  // An empty one, to be filled until the next deliver(), and sent with it.
  Delivery& begin_delivery(ExchangeId id);

  // --- the turn's end
  bool empty() const { return commands_.empty() && deliveries_.empty(); }
  // Deliveries to their readers; those that nobody reads any more are dropped. True: there were some.
  bool deliver();

 private:
  void command(Command::Kind kind, ExchangeId id) { commands_.push_back({.kind = kind, .exchange = id}); }

  // Deliveries kept for the next ones, of a turn's.
  static constexpr std::size_t kStockMost = 64;

  core::SlotMap<DeliveryReader> readers_;
  std::vector<Command> commands_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;
  std::vector<std::unique_ptr<Delivery>> now_;  // kept for its memory
  core::Recycler<Delivery> stock_{kStockMost};
  core::Recycler<Submission> submissions_{kStockMost};
};

}  // namespace holdfast
