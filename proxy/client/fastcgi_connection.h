// A web server that speaks FastCGI to us as it would to php-fpm: reads its requests, many at once by id, and
// sends their answers as records. What the records mean is fastcgi::ServerSession's; what becomes of a
// request is Request's.
//
//   open -+-> lingering -> closing    no request is begun any more: our side is shut, the rest is dropped
//         +-> leaving ---> closing    cut off: what became of its requests is awaited, within this turn
//         +--------------> closing    the web server left, or broke the rules
//
// A web server that has shut its side: on a Unix socket the kernel tells whether it still reads. On TCP only
// bytes of an answer could: it is taken for gone as far as its requests are not at php yet, since no web
// server half-closes. What shuts its side right behind its request is no web server, and is answered.
//
// Input is taken a few requests a turn, so that a web server that sends very many at once (refused ones cost
// as much as others) does not keep everybody else waiting; meanwhile no more is read.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/server_session.h"
#include "proxy/client/client_connection.h"
#include "proxy/client/fastcgi_plans.h"
#include "proxy/client/fastcgi_request.h"
#include "proxy/core/delivery_watch.h"
#include "proxy/core/input_queue.h"

namespace holdfast {

class FastcgiConnection final : public ClientConnection, public FastcgiChannel, public TurnTaker {
 public:
  enum class State : std::uint8_t { open, lingering, leaving, closing };

  // `host`, `context` and `stock` outlive it. `address`: of its listener, as configured.
  FastcgiConnection(ClientHost& host, Context& context, FastcgiStock& stock, std::uint64_t id,
                    config::Address address, Arrival arrival);
  ~FastcgiConnection() override;

  // --- ClientConnection
  void finish() override;
  void shut_down() override;
  void cut_off(core::ClientCloseReason reason) override;
  void resume_reading() override {}  // it never waits for memory: bodies go to the spool
  bool idle() const override {
    return state_ == State::open && requests_.empty() && waiting_.empty() && !eof_;
  }
  std::size_t memory_bytes() const override;
  const char* check() const override;

  // --- net::StreamHandler
  void on_read(std::string_view bytes) override;
  void on_eof() override;
  void on_error(net::Error error) override;
  void on_drained() override;
  // --- DeadlineTarget
  void on_deadline(core::Time now) override;
  // --- TurnTaker: more of what waits
  void on_turn() override;

  // --- FastcgiChannel
  fastcgi::ServerSession& session() override { return session_; }
  std::string& output() override { return output_; }
  void send_output(std::uint64_t serial) override;
  std::size_t unsent_bytes() const override { return stream_->unsent_bytes(); }
  std::uint64_t delivered_bytes() const override { return stream_->delivered_bytes(); }
  bool holds_up_others(std::uint64_t serial) const override;
  std::string listener() const override { return address_.text(); }
  bool has_left(const FastcgiRequest& request) const override;
  void request_over(FastcgiRequest& request) override;
  void request_waits() override { recount(); }

 private:
  // At once on one connection: those that are open (ServerLimits::requests_max), and those whose answer waits for the
  // web server to take it.
  static constexpr std::size_t kRequestsMost = 1100;

  // While it lives nobody but its maker looks at what becomes of the connection.
  class Busy {
   public:
    explicit Busy(FastcgiConnection& of) : of_(of), before_(of.busy_) { of.busy_ = true; }
    ~Busy() { of_.busy_ = before_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    FastcgiConnection& of_;
    bool before_;
  };

  void move_to(State next);
  void take_input(std::string_view& input);
  void take_nothing_more();
  void act_on(const fastcgi::ServerEvent& event);
  void begin_request(std::uint16_t id);
  void on_params(FastcgiRequest& request);
  void refresh_plans();
  void on_stdin_end(FastcgiRequest& request);
  void on_refused(const fastcgi::ServerEvent& event);
  void on_failed(fastcgi::ServerFault fault);
  FastcgiRequest* find(std::uint16_t id);
  core::Duration header_time() const;  // for the parameters of a request
  core::Duration stdin_end_time(const FastcgiRequest& request) const;
  void release(FastcgiRequest& request);
  void refuse_late(core::Time now);
  void refuse_unread();
  void leave_queue();
  bool has_input_waiting() const;
  void tell_last();
  bool is_too_late() const;
  void end();

  // fastcgi_leaving.cpp
  void settle();
  void look_at_end();
  void become_idle();
  void linger();
  void close(core::ClientCloseReason reason, bool by_reset = false);
  bool wants_input() const;
  void update_reading();
  void update_deadline();
  void set_deadline_without_requests();
  void look_at_nobodys_bytes(core::Time now);
  void recount();

  // Where the bytes of a request end among all that were sent; kept while some wait for the kernel.
  struct Sent {
    std::uint64_t serial;
    std::uint64_t end;
  };

  FastcgiStock& stock_;
  config::Address address_;
  std::shared_ptr<const FastcgiPlans> plans_;
  const FastcgiPlans::Listening* listening_;  // in plans_; of the last configuration that had the listener
  fastcgi::ServerSession session_;
  std::vector<std::unique_ptr<FastcgiRequest>> requests_;  // in the order they came
  std::size_t turn_ = 0;                                   // who of them sends next
  std::vector<std::uint16_t> got_stdin_;                   // in the input under way
  core::InputQueue waiting_;                               // input that has not had its turn
  core::Ring<TurnTaker>::Link turn_link_;
  std::string output_;
  mutable std::deque<Sent> sent_;
  std::uint64_t sent_bytes_ = 0;
  core::Time idle_since_{};
  core::Time eof_at_{};
  core::Time lingers_until_{};
  std::optional<core::Time> last_by_;  // it is to close, and a request may be on its way: served until then
  std::size_t lingered_bytes_ = 0;
  core::DeliveryWatch nobodys_bytes_;  // that wait for the web server while it has no request
  core::ClientCloseReason ends_for_ = core::ClientCloseReason::last_answer;
  State state_ = State::open;
  bool busy_ = false;
  bool eof_ = false;
  bool fault_told_ = false;
  bool awaits_request_ = true;  // the first ever, or the first since finish() found it idle
};

}  // namespace holdfast
