// What the routes of a site say about the head of an answer, whoever gives it (php, a file, ourselves):
// `headers`, `expires`, Strict-Transport-Security of `https: required`; and of which type a file is. Knows no
// socket.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "config/snapshot.h"
#include "proxy/client/dispatcher.h"
#include "proxy/core/exchange.h"
#include "proxy/http/response_writer.h"

namespace holdfast {

// Seconds since 1970.
using WallClock = std::time_t (*)();

class RouteFields {
 public:
  // `head` itself where nothing is said, else its copy as the routes want it; that holds, with what it points
  // to, until the next call. `clock`: for Expires, asked only where there is one.
  //   headers  replace those of the same name, or remove them, whatever the status
  //   expires  Cache-Control and Expires of answers that are worth keeping (2xx, redirects, 304); php's own
  //            stand: it knows which page is private
  const http::ResponseHead& apply(const Plan& plan, const http::ResponseHead& head, WallClock clock);

 private:
  void set(std::string_view name, std::string_view value);
  bool has(std::string_view name) const;
  void add_expires(const config::Expires& expires, WallClock clock);

  http::ResponseHead head_;
  std::string cache_control_;
  std::string expires_;
};

// Passes an answer on with its head so changed. All outlive it.
class RouteSink final : public core::ResponseSink {
 public:
  RouteSink(RouteFields& fields, const Plan& plan, WallClock clock, core::ResponseSink& next)
      : fields_(fields), plan_(plan), clock_(clock), next_(next) {}
  void start_response(const http::ResponseHead& head, bool stream) override {
    next_.start_response(fields_.apply(plan_, head, clock_), stream);
  }
  void response_body(std::string_view bytes) override { next_.response_body(bytes); }
  void finish_response() override { next_.finish_response(); }
  void break_response() override { next_.break_response(); }

 private:
  RouteFields& fields_;
  const Plan& plan_;
  WallClock clock_;
  core::ResponseSink& next_;
};

}  // namespace holdfast
