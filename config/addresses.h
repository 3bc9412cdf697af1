// Text to addresses, host patterns and CIDR blocks, and back. Pure: no name is resolved here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/network.h"
#include "config/units.h"

namespace holdfast::config {

Parsed<Address> read_listen_address(std::string_view text);  // host:port, :port, [::1]:port, unix:/path
Parsed<Address> read_pool_address(std::string_view text);    // tcp:HOST:PORT, unix:/path
std::string pool_address_text(const Address& address);       // read_pool_address() reads it back

// A site's host: lower case; a name, an IP address ("[::1]" for IPv6), or "*." and a name.
Parsed<std::string> parse_host_pattern(std::string_view text);

// "10.0.0.0/8", "fd00::/8", a single address, or the words `private` (several blocks) and `none`.
Parsed<std::vector<Network>> parse_networks(std::string_view text);
std::string network_text(const Network& network);

}  // namespace holdfast::config
