// One request of any protocol, from its head to its line in the log: what it asks, its body, who answers it
// (php, a file, ourselves), and its response on the way to the client. Owned by its connection, which frames
// its response (ResponseOut) and tells it what the client does; recycled.
//
//   unused -> reading -> answering -+-> answered      the whole answer is with the kernel
//                |           +-> ending -+-> broken   it cannot be completed, and the connection must say so
//                |               |       +-> given_up the client takes its answer too slowly, or not
//                +---------------+-------+-> left     the client has gone, or is cut off
//
// ending, where php has a part in it: it is told, and what became of its part is awaited, for the log: it comes at the end of this turn.
// The last four are reported by RequestOwner::request_over(), once; the log line is written by then.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/client/client_host.h"
#include "proxy/client/gzip_response.h"
#include "proxy/client/password_queue.h"
#include "proxy/client/request_owner.h"
#include "proxy/client/responder.h"
#include "proxy/client/response_store.h"
#include "proxy/client/route_response.h"
#include "proxy/client/site_files.h"
#include "proxy/client/static_response.h"
#include "proxy/core/access_log_line.h"
#include "proxy/core/body_store.h"
#include "proxy/core/client_close_reason.h"
#include "proxy/core/delivery_watch.h"
#include "proxy/core/error_page.h"
#include "proxy/core/forwarded.h"
#include "proxy/core/held_worker.h"
#include "proxy/core/rate_floor.h"
#include "proxy/core/ring.h"
#include "proxy/core/spill_shares.h"
#include "proxy/http/message.h"
#include "proxy/loop/context.h"
#include "proxy/loop/deadline.h"
#include "proxy/upstream/mailbox.h"

namespace holdfast {

// For the log: why a request is refused at buffers.memory_max.
inline constexpr std::string_view kMemoryFull = "buffers.memory_max is reached";

class Request final : public DeliveryReader,
                      public EventStream,
                      public PasswordReader,
                      public DeadlineTarget,
                      public TurnTaker,
                      public Compressing {
 public:
  enum class State : std::uint8_t { unused, reading, answering, ending, answered, broken, given_up, left };
  // What is to happen to its body.
  enum class Body : std::uint8_t { none, stored, discarded };

  // Both outlive it.
  Request(ClientHost& host, Context& context);
  ~Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // --- its life, told by its owner
  // `begun`: its first byte came. The owner outlives the request until reset().
  void begin(RequestOwner& owner, const RequestSource& source, core::Time begun);
  // Its head is there, and stays until reset(). May answer at once: then state() is no more `reading`.
  void on_head(const http::RequestHead& head);
  // The same for one that is planned already, by what a web server sent.
  void on_planned_head(const http::RequestHead& head, Plan plan, core::ClientOrigin origin);
  // Body bytes, without framing, as they come; then on_body_wait() when no more are there now, or
  // on_complete(). Neither while holds_body(): until RequestOwner::body_released().
  void on_body(std::span<const std::string_view> slices);
  void on_body_wait();
  void on_complete();
  // While it is being read: where its pool is now, when a reload has taken the one of its plan away.
  const std::string& pool() const { return plan_.pool(); }
  void replan(Plan plan) { plan_ = std::move(plan); }
  // A body comes that the head did not tell of: it is stored, and watched, as one of php's.
  void expect_body();
  // No request: what came is answered with an error, and ends the connection. `first_bytes` (for the log)
  // stay.
  struct NoHead {
    bool head_method = false;  // the answer has no body
    std::string_view first_bytes;
    std::string_view listener = {};  // of a web server: where it speaks to
  };
  void refuse_head(int status, std::string_view why, core::ClientCloseReason reason, const NoHead& beginning);
  // The same for one whose head is known: the rest of it is not read.
  void refuse(int status, std::string_view why, core::ClientCloseReason reason);
  void on_drained();  // ResponseOut has sent all
  // It will read nothing more; or, with another reason, the server cuts it off.
  void on_client_left(core::ClientCloseReason reason);
  // Php has it, and nothing of the answer is there.
  bool waits_for_php() const { return php_at_work() && state_ == State::answering && !response_.started(); }
  // Its password is being checked, or waits for that, and its body is not read meanwhile.
  bool holds_body() const { return state_ == State::reading && password_id_ != 0; }
  // The same, body or not.
  bool waits_for_password() const { return password_id_ != 0; }
  // The check has not begun: others come first.
  bool queues_for_password() const;
  // Its client has shut its sending side: is looked after before php gets the request.
  void on_half_closed();
  // Its client has gone, as far as that can be known: left, unless php has it already.
  void leave_queue();
  // Ready for the next one. Nothing points to it any more.
  void reset();
  // Gives memory back that is kept for the next one.
  void shrink();

  // --- looking in
  State state() const { return state_; }
  Body body() const { return body_; }
  bool is_event_stream() const { return event_stream_; }
  // Its client left before an answer was begun.
  bool left_unanswered() const { return state_ == State::left && !response_.started(); }
  // Why the connection ends with this request, where it does.
  core::ClientCloseReason close_reason() const { return close_reason_; }
  // Over, and php has had nothing of it.
  bool never_ran() const { return !report_ || (report_->connection == 0 && report_->retries == 0); }
  // What php has said on stderr since the last call, up to `bytes_most`; until the next delivery. What nobody
  // takes is logged.
  std::string_view take_stderr(std::size_t bytes_most);
  // How php says that it ended.
  std::uint32_t app_status() const { return report_ ? report_->app_status : 0; }
  // What php said goes to the log, whatever the plan says.
  void want_stderr_logged() { plan_.log_stderr = true; }
  // Held for it in memory; `uncounted`: of that, what context.memory does not know yet.
  std::size_t memory_bytes() const;
  std::size_t uncounted_bytes() const { return response_.batch_bytes(); }
  // nullptr, or what does not hold of its state.
  const char* check() const;

  // --- DeliveryReader
  void on_delivery(std::unique_ptr<Delivery> delivery) override;
  // --- EventStream
  void push_event(std::string_view bytes) override;
  // --- PasswordReader
  void on_password(const PasswordVerdict& verdict) override;
  void on_pushed_out() override;
  Presence presence() const override;
  // --- DeadlineTarget
  void on_deadline(core::Time now) override;
  // --- TurnTaker: more pieces of a file, or its place among the passwords is lost
  void on_turn() override;
  // --- Compressing
  std::size_t compress(std::size_t bytes_most) override;

 private:
  Mailbox& mail() const { return host_.mailbox(); }
  void move_to(State next);
  void end(State how);
  void stop(State how, core::ClientCloseReason reason);
  bool php_at_work() const { return exchange_ != 0; }

  // request.cpp: what it asks
  void begin_answer(const http::RequestHead& head);
  void begin_body();
  void take_body();
  std::uint64_t most_storable() const;
  void watch_body();
  bool refuse_for_memory();
  void set_origin();
  void set_spool_share();
  void make_plan();
  void refuse_unstored_body();
  void tell_unread_head(int status, std::string_view listener);

  // request_auth.cpp
  void look_for_credentials();
  void want_password(std::string_view why);
  bool check_password();
  void refuse_password(int status, std::string_view why);
  void lose_password_place();
  void go_on_after_password();
  void forget_password();

  // request_answering.cpp
  void answer_plan();
  core::ResponseSink& response_sink();
  core::ResponseSink& first_sink();
  void answer_without_body();
  void answer_options();
  void answer_admin();
  void answer_own(const core::ErrorPage& page);
  void answer_error(int status, std::string_view why);
  void break_off();
  void forward_to_php();
  bool make_params(fastcgi::ParamList& params);
  void take(Delivery& delivery);
  void watch_pace();
  void catch_up();
  bool congested() const;
  void flush();
  void send_file_pieces();
  void want_compressing();
  void drop_answer();

  // request_files.cpp
  void answer_file();
  void answer_sent_file();
  void answer_list();
  std::optional<SiteErrorPage> load_own_page(int status) const;
  bool replace_answer(const Delivery& delivery);

  // request_pace.cpp
  void watch_writing();
  void look_at_delivery(core::Time now);
  bool keeps_pace(core::Time now, std::uint64_t delivered);
  bool holds_worker() const;
  core::Time next_look(core::Time now) const;
  void give_up(core::ClientCloseReason reason);
  void on_body_deadline(core::Time now);
  void tell_slow_client(std::string_view what);

  // request_log.cpp
  void log_request();
  int status_to_log() const;
  bool cut_off() const;
  void count_times(core::Time now);
  core::AccessRecord access_record(int status, core::Time now) const;
  void add_exchange(core::AccessRecord& record) const;
  std::string script() const;
  std::string php_log_prefix() const;
  std::string client_text() const;
  void note_stderr(const Delivery& delivery);
  void log_stderr();
  void log_complaint(const Delivery& delivery);

  ClientHost& host_;
  Context& context_;
  RequestOwner* owner_ = nullptr;
  const http::RequestHead* head_ = nullptr;  // nullptr: there is none, or not yet
  const net::Peer* peer_ = nullptr;
  const net::Peer* local_ = nullptr;
  std::uint64_t connection_ = 0;
  Deadline deadline_;
  core::Ring<TurnTaker>::Link turn_;
  core::Ring<Compressing>::Link compressing_;

  core::ClientSpill upload_spill_;
  core::ClientSpill answer_spill_;
  core::BodyStore request_body_;
  ResponseStore response_;
  std::optional<GzipResponse> gzip_;      // in front of response_, where the site asks for it
  ExchangeId exchange_ = 0;               // php's part is under way
  std::unique_ptr<Delivery> head_kept_;   // whose bytes response_ and gzip_ point to
  std::unique_ptr<Delivery> last_;        // with what php said of this request
  std::optional<ExchangeReport> report_;  // of php's part, as far as it has come
  std::string php_stderr_;                // not escaped
  std::size_t stderr_taken_ = 0;          // bytes of it
  std::unique_ptr<StaticResponse> file_;
  std::optional<core::OwnedHead> sent_file_;  // php's head, which names a file to be sent; it ends first

  Plan plan_;
  RouteFields route_fields_;
  std::optional<core::Credentials> credentials_;  // where the path wants some
  core::WaiterId password_id_ = 0;                // they are being checked: in host_.passwords()
  std::string password_key_;
  core::ClientOrigin origin_;  // behind trusted proxies: the client they name
  core::Time begun_{};         // first byte
  std::optional<std::chrono::system_clock::time_point> begun_wall_;  // of the whole head, for the log
  std::uint64_t body_bytes_ = 0;                                     // that have come
  core::Time body_stalls_at_{};
  core::RateFloor floor_;         // of the body, then of the answer
  core::DeliveryWatch delivery_;  // while bytes wait for the client
  core::HeldWorker held_worker_;  // by an answer that is stored as far as may be
  std::string_view refusal_;      // why we refused, for the log
  std::string_view first_bytes_;  // of what came in place of a request
  core::ClientCloseReason close_reason_ = core::ClientCloseReason::last_answer;
  State state_ = State::unused;
  Body body_ = Body::none;
  bool admin_ = false;
  bool password_right_ = false;
  bool password_refused_ = false;     // what body there is is not waited for
  bool password_pushed_out_ = false;  // host_.passwords() has no place for it any more
  bool half_closed_ = false;          // by its client
  bool event_stream_ = false;
  bool stderr_cut_ = false;      // there was more of it
  bool behind_ = false;          // php was told to wait
  State ends_as_ = State::left;  // while ending
};

}  // namespace holdfast
