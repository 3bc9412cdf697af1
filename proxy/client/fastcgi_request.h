// One request on a web server's connection: what it is made of, and its answer as a FastCGI stream. Owned by
// FastcgiConnection, which it asks for the records' way; recycled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fastcgi/param_list.h"
#include "fastcgi/server_session.h"
#include "proxy/client/fastcgi_head.h"
#include "proxy/client/request.h"
#include "proxy/client/request_owner.h"
#include "proxy/core/recycler.h"

namespace holdfast {

class FastcgiRequest;

// What a request asks of its connection.
class FastcgiChannel {
 public:
  virtual fastcgi::ServerSession& session() = 0;
  // Records that leave with the next send_output().
  virtual std::string& output() = 0;
  // `serial`: whose bytes they are.
  virtual void send_output(std::uint64_t serial) = 0;
  virtual std::size_t unsent_bytes() const = 0;
  virtual std::uint64_t delivered_bytes() const = 0;
  // Do bytes of this request stand first among those that the web server has not taken?
  virtual bool holds_up_others(std::uint64_t serial) const = 0;
  virtual std::string listener() const = 0;  // its address
  virtual bool has_left(const FastcgiRequest& request) const = 0;
  virtual void request_over(FastcgiRequest& request) = 0;
  virtual void request_waits() = 0;

 protected:
  ~FastcgiChannel() = default;
};

class FastcgiRequest final : public RequestOwner {
 public:
  FastcgiRequest(ClientHost& host, Context& context) : request_(host, context) {}

  // `id`: of the session. `serial`: never used again. The channel outlives the request until reset().
  void begin(FastcgiChannel& channel, std::uint16_t id, std::uint64_t serial, const RequestSource& source,
             core::Time now);
  // The session has refused it: its answer is written as that of a refused request.
  void refuse(int status, std::string_view why);
  // Its parameters have not come, and are not taken: its answer is written whole, and the rest of its input is
  // ignored.
  void refuse_unread(int status, std::string_view why, core::ClientCloseReason reason);
  // It will not be answered as it should: the session is told so. Nothing when it has closed the request.
  // `status`: of an answer that has not begun.
  void end_short(int status);
  void reset();

  Request& request() { return request_; }
  const Request& request() const { return request_; }
  FastcgiHead& head_of() { return head_; }
  fastcgi::ParamList& params() { return params_; }
  std::uint16_t id() const { return id_; }
  std::uint64_t serial() const { return serial_; }
  // Its end is written, or the web server has aborted it: the id may be another request's by now.
  bool ended() const { return ended_; }
  void abort();
  core::Time begun() const { return begun_; }
  bool has_params() const { return has_params_; }
  core::Time params_ended() const { return params_ended_; }
  void set_has_params(core::Time now) {
    has_params_ = true;
    params_ended_ = now;
  }
  // Its parameters have come, they tell of no body, and none has begun: only the end of STDIN is missing.
  bool lacks_stdin_end() const {
    return has_params_ && !ended_ && request_.state() == Request::State::reading &&
           request_.body() == Request::Body::none;
  }
  // CONTENT_LENGTH says that there is none. Where it is left out a body may come, whatever the method.
  bool is_told_empty() const { return head_.head().content_length == 0U; }
  core::Time completed() const { return completed_; }  // its last byte came
  void set_completed(core::Time now) { completed_ = now; }

  // --- ResponseOut
  void head(const http::ResponseHead& head) override;
  void body(std::string_view bytes) override;
  void end() override;
  void break_off() override;
  void make_last() override {}  // other requests may follow: the rest of this one's input is ignored
  void send() override { channel_->send_output(serial_); }
  // What is refused before its parameters have come is answered whole, at once.
  std::size_t unsent_bytes() const override { return at_once_ && !ended_ ? 0 : channel_->unsent_bytes(); }
  std::uint64_t delivered_bytes() const override;
  // --- RequestOwner
  void request_over() override { channel_->request_over(*this); }
  void request_waits() override { channel_->request_waits(); }
  bool client_gone() const override { return channel_->has_left(*this); }

 private:
  void hold_stderr();

  FastcgiChannel* channel_ = nullptr;
  std::uint16_t id_ = 0;
  std::uint64_t serial_ = 0;
  core::Time begun_{};
  core::Time params_ended_{};
  core::Time completed_{};
  fastcgi::ParamList params_;
  FastcgiHead head_;
  Request request_;
  std::string text_;  // a head of our own; of a refused request, all of its answer
  mutable std::uint64_t waited_bytes_ = 0;
  bool has_params_ = false;
  bool refused_ = false;  // by the session
  bool at_once_ = false;
  bool head_written_ = false;
  bool ended_ = false;
};
using FastcgiStock = core::Recycler<FastcgiRequest>;

}  // namespace holdfast
