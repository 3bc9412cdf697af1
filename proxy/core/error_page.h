// The body and head of an answer that Holdfast gives by itself: a status, a sentence, no detail an attacker
// could use.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/response_writer.h"

namespace holdfast::core {

class ErrorPage {
 public:
  // `location`: for 3xx. `allow`: for 405. Both must outlive head().
  explicit ErrorPage(int status, std::string_view location = {}, std::string_view allow = {});
  const http::ResponseHead& head() const { return head_; }
  const std::string& body() const { return body_; }

 private:
  http::ResponseHead head_;
  std::string body_;
};

enum class Outcome : std::uint8_t;
// The status a client gets when an exchange ends so without a response of its own.
int status_of(Outcome outcome);

}  // namespace holdfast::core
