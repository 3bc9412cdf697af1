// /metrics: the same numbers as /status in the Prometheus text format, names and units after Prometheus'
// rules.
#pragma once

#include <string>

#include "proxy/core/prometheus_text.h"

namespace holdfast {

class SocketCensus;
class ServerView;

std::string metrics_text(const ServerView& server, SocketCensus& sockets);

}  // namespace holdfast
