// Whether a request meets the `when` of a route. Query and cookies are compared as php would see them: names
// and values decoded, so that no other spelling of a parameter goes unseen. Pure; looks at nothing but the
// head and the client's address.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/snapshot.h"
#include "proxy/http/message.h"

namespace holdfast::core {

using ClientAddress = std::array<std::uint8_t, 16>;  // IPv4 mapped; all zero: not known

// `head` and `client` of the request; `client` is the one that trusted proxies name.
bool meets(const config::RouteWhen& when, const http::RequestHead& head, const ClientAddress& client);

// `*` stands for any bytes, none too. Takes time of the text's length times the pattern's at most.
bool text_matches(std::string_view pattern, std::string_view text, bool ignore_case);

}  // namespace holdfast::core
