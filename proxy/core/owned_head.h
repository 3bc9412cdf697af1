// A response head with its bytes: as plain data it goes from one side to another, whoever made it.
#pragma once

#include <string>

#include "proxy/http/response_writer.h"

namespace holdfast::core {

class OwnedHead {
 public:
  OwnedHead() = default;
  OwnedHead(const OwnedHead&) = delete;  // views point into text_
  OwnedHead& operator=(const OwnedHead&) = delete;

  // A copy of `head`. Keeps its memory for the next one.
  void assign(const http::ResponseHead& head);
  // Valid until the next assign() or clear().
  const http::ResponseHead& head() const { return head_; }
  void clear();

 private:
  std::string text_;
  http::ResponseHead head_;
};

}  // namespace holdfast::core
