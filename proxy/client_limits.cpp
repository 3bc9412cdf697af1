// The client connection: what it owes to other clients, and tells of strangers.
#include "proxy/client_connection.h"
#include "proxy/core/log_text.h"
#include "proxy/worker.h"

namespace holdfast {

// What came in place of a request is in the access log as well; there it is one line of many.
void ClientConnection::tell_unread_head(int status) {
  Context& context = worker_.context();
  if (!context.log.wants(config::LogLevel::info)) return;
  if (const auto more = context.unread_head_line.due(worker_.now())) {
    context.log.info("client " + (peer_.address.empty() ? "on a Unix socket" : peer_.address) +
                     ": refused, " + std::to_string(status) + ": " + std::string(refusal_) +
                     "; it began with \"" + core::escape_for_log(parser_.first_bytes()) + "\"" + *more);
  }
}

}  // namespace holdfast
