// The numbers of /status as JSON: what `holdfast status` and the live page show too.
#pragma once

#include <string>

#include "proxy/core/time.h"

namespace holdfast {

class SocketCensus;
class Upstream;
class ServerView;

std::string status_json(const ServerView& server, SocketCensus& sockets);
std::string pool_json(const Upstream& upstream, core::Time now);

}  // namespace holdfast
