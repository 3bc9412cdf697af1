// The client connection: clients that do not take their answer.
#include "proxy/client_connection.h"
#include "proxy/worker.h"

namespace holdfast {

// Bytes wait for the client, and it is time to see whether it takes any.
void ClientConnection::look_at_delivery(core::Time now) {
  const std::uint64_t delivered = stream_->delivered_bytes();
  if (!delivery_.look(now, delivered, worker_.config().client.timeouts.write)) {
    worker_.context().log.debug("client " + std::to_string(id_) +
                                ": takes nothing for client.timeouts.write");
    give_up("client_stalled");
  } else if (keeps_pace(now, delivered)) {
    deadline_.set(next_look(now));
  }
}

// A client that has stopped taking its answer. In order: it gets what the kernel holds for it and then an
// end, so that it can tell what it has; a reset would take that away. What it still sends is read, because
// closing with unread bytes is a reset, too. Only an answer that nothing but the end delimits must be reset.
void ClientConnection::give_up(std::string_view end) {
  if (role_ == Role::site) ++worker_.context().metrics.client_left;
  given_up_ = end;
  response_.cut();
  if (exchange_ != nullptr) log_stderr();
  log_request();
  if (response_.cut_by_reset()) {
    close();
    return;
  }
  drop_answer();
  stream_->give_up_sending();
  linger();
}

}  // namespace holdfast
