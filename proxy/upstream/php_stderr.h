// What PHP said on stderr in one request, for the log.
#pragma once

#include <string_view>

#include "proxy/core/exchange.h"
#include "proxy/observe/log.h"

namespace holdfast {

// `text`: what it said, not empty, not escaped; `cut`: there was more. `script`: its path as php should see
// it.
void log_php_stderr(Log& log, const core::Asked& asked, std::string_view text, bool cut,
                    std::string_view script);

}  // namespace holdfast
