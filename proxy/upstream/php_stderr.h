// What PHP said on stderr in one request, for the log.
#pragma once

#include <string_view>

#include "proxy/core/exchange.h"
#include "proxy/observe/log.h"

namespace holdfast {

// Nothing when it said nothing. `script`: its path as php should see it.
void log_php_stderr(Log& log, const core::Exchange& exchange, std::string_view script);

}  // namespace holdfast
