// A small blocking FastCGI client for doctor: one connection, one question at a time, a time limit on each.
// Not for serving: the proxy's own upstream side is built on the event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/address.h"
#include "fastcgi/param_list.h"
#include "fastcgi/session.h"

namespace holdfast {

struct FpmReply {
  bool complete = false;  // END_REQUEST has come
  std::string error;      // else: why not
  int status = 0;
  std::string body;
  std::string errors;  // what came on FCGI_STDERR
};

enum class ValuesAnswer : std::uint8_t {
  answered,
  closed,     // the connection was closed without an answer
  silent,     // nothing came in time
  malformed,  // something else came
};

class FpmClient {
 public:
  FpmClient() = default;
  ~FpmClient();
  FpmClient(const FpmClient&) = delete;
  FpmClient& operator=(const FpmClient&) = delete;

  // 0, or the errno of the failure with `error` in words. The first address of a name is taken.
  [[nodiscard]] int connect(const config::Address& address, std::chrono::milliseconds limit,
                            std::string& error);
  // Our own address as the other end sees it; empty for Unix sockets.
  std::string local_address() const;
  // Sends an empty FCGI_GET_VALUES and waits for the answer. May be repeated.
  ValuesAnswer ask_values(std::chrono::milliseconds limit);
  // One request without a body. The connection is not used again.
  FpmReply request(const fastcgi::ParamList& params, std::chrono::milliseconds limit);

 private:
  bool send_all(const std::string& bytes, std::chrono::steady_clock::time_point deadline) const;
  // Reads once; appends the session's events. False at the end, or without input until the deadline.
  bool read_events(std::chrono::steady_clock::time_point deadline, std::string& buffer,
                   std::vector<fastcgi::Event>& events, bool& timed_out);

  int fd_ = -1;
  fastcgi::Session session_;
};

}  // namespace holdfast
