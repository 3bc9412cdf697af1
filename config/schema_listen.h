// The key `listen`: addresses for HTTP, and blocks for FastCGI, in one list.
#pragma once

#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/reader.h"
#include "config/snapshot.h"
#include "config/writer.h"

namespace holdfast::config {

void read_listen(Reader& reader, const Slot& slot, const Limits& limits, std::vector<Address>& http,
                 std::vector<FastcgiListener>& fastcgi);
void write_listen(Writer& writer, std::string_view name, const std::vector<Address>& http,
                  const std::vector<FastcgiListener>& fastcgi);

// The keys of a FastCGI listener with their defaults, as "listen[].pool".
std::vector<WrittenKey> fastcgi_listener_keys();

}  // namespace holdfast::config
