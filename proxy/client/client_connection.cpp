// What the connections of all protocols share.
#include "proxy/client/client_connection.h"

#include <string>
#include <utility>

#include "config/choices.h"

namespace holdfast {

ClientConnection::ClientConnection(ClientHost& host, Context& context, std::uint64_t id, Arrival arrival)
    : host_(host),
      context_(context),
      stream_(std::move(arrival.stream)),
      deadline_(context.deadlines, *this),
      idle_link_(*this),
      id_(id),
      listener_(arrival.listener),
      peer_(std::move(arrival.peer)),
      local_(std::move(arrival.local)),
      role_(arrival.admin ? Role::admin : Role::site),
      fastcgi_(arrival.fastcgi.has_value()) {
  stream_->set_handler(*this);
}

ClientConnection::~ClientConnection() {
  count_memory(0);
}

void ClientConnection::close_socket(core::ClientCloseReason reason, bool by_reset) {
  deadline_.clear();
  if (role_ == Role::site) ++context_.metrics.clients_closed[static_cast<std::size_t>(reason)];
  if (context_.log.wants(config::LogLevel::debug)) {
    context_.log.debug("client " + std::to_string(id_) +
                       " closed: " + std::string(core::client_close_reason_name(reason)));
  }
  if (by_reset) {
    stream_->reset();
  } else {
    stream_->close();
  }
}

void ClientConnection::count_refused_for_memory() {
  ++context_.metrics.memory_refused;
  host_.note_memory_full();
}

void ClientConnection::on_closed() {
  host_.client_closed(id_);
}

}  // namespace holdfast
