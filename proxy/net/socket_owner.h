// Whose the file of a Unix socket is to be: accounts of this machine, by name or number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "proxy/net/network.h"

namespace holdfast::net {

struct SocketOwner {
  std::optional<uid_t> user;
  std::optional<gid_t> group;

  // False with errno. Does not follow a link.
  [[nodiscard]] bool apply(const std::string& path) const;
};

// As `endpoint` names them. False with a sentence in `error`: there is no such account.
[[nodiscard]] bool find_owner(const Endpoint& endpoint, SocketOwner& owner, std::string& error);

}  // namespace holdfast::net
