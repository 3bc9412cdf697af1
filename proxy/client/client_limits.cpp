// The client connection: what it owes to other clients. Its share of the spool, its place.
#include "proxy/client/client_connection.h"
#include "proxy/core/log_text.h"

namespace holdfast {

// Behind a trusted proxy the share is that of the client it names.
void ClientConnection::set_spool_share() {
  const core::ClientKey key =
      origin_.address.empty() ? core::client_key_of_connection(id_) : core::client_key(origin_.bytes);
  upload_spill_.set_client(key);
  answer_spill_.set_client(key);
}

void ClientConnection::refuse_unstored_body() {
  const core::SpillShare share = upload_spill_.refused();
  const bool of_store = share == core::SpillShare::store;
  const bool known =
      of_store && context_.descriptors.note(DescriptorWatch::Place::spool,
                                            net::Error{upload_spill_.error_code()}, context_.now());
  if (!known) {
    if (const auto more = context_.unstored_body_line.due(context_.now())) {
      context_.log.error("a request body cannot be stored: " +
                         (of_store ? request_body_.error() : upload_spill_.refusal()) + *more);
    }
  }
  std::string_view why;
  switch (share) {
    case core::SpillShare::whole: why = "no room for the body: spool full"; break;
    case core::SpillShare::use: why = "no room for the body: share of uploads"; break;
    case core::SpillShare::client: why = "no room for the body: share of this client"; break;
    case core::SpillShare::store: why = "no room for the body: spool_dir"; break;
  }
  answer_error(503, why);
}

// What came in place of a request is in the access log as well; there it is one line of many.
void ClientConnection::tell_unread_head(int status) {
  if (!context_.log.wants(config::LogLevel::info)) return;
  if (const auto more = context_.unread_head_line.due(context_.now())) {
    context_.log.info("client " + (peer_.address.empty() ? "on a Unix socket" : peer_.address) +
                      ": refused, " + std::to_string(status) + ": " + std::string(refusal_) +
                      "; it began with \"" + core::escape_for_log(parser_.first_bytes()) + "\"" + *more);
  }
}

}  // namespace holdfast
