// Whether a request meets the `when` of a route. Query and cookies are compared as php would see them, so that
// no other spelling of a parameter goes unseen. Pure; looks at nothing but the head and the client's address.
//
// Of a query php decodes names and values. Of a cookie it decodes the value; the name it takes as it was sent
// since 7.2.34, 7.3.23 and 7.4.11 (CVE-2020-7070: __%48ost-a was taken for __Host-a), and decoded it before.
// Which php answers is not known here, so that it depends on what the route does (Cookies).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/snapshot.h"
#include "proxy/http/message.h"

namespace holdfast::core {

using ClientAddress = std::array<std::uint8_t, 16>;  // IPv4 mapped; all zero: not known

enum class Cookies : std::uint8_t {
  any_reading,  // what any php takes for the cookie: a rule that refuses is passed by no spelling
  as_sent,  // what a browser was given by that name, and php as it is now takes for it: for a rule that opens
};

// `head` and `client` of the request; `client` is the one that trusted proxies name.
bool meets(const config::RouteWhen& when, const http::RequestHead& head, const ClientAddress& client,
           Cookies cookies = Cookies::any_reading);

// `*` stands for any bytes, none too. Takes time of the text's length times the pattern's at most.
bool text_matches(std::string_view pattern, std::string_view text, bool ignore_case);

}  // namespace holdfast::core
