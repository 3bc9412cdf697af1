// A question to the admin endpoint of a running server, for commands: it blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "config/address.h"

namespace holdfast {

// Why there is no answer, and what to do about it.
struct AdminTrouble {
  std::string what;
  std::string remedy =
      "is Holdfast running, and is this its `admin.listen`? Another: --admin ADDRESS or -c FILE";
};

// Body of the answer 200 to GET `path`, or nothing with `trouble`. `limit`: for the connection, and again for
// the answer.
std::optional<std::string> ask_admin(const config::Address& address, const std::string& path,
                                     std::chrono::milliseconds limit, AdminTrouble& trouble);

}  // namespace holdfast
