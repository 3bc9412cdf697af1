// `holdfast status` as text: /status in pgbouncer's manner, a line a pool.
#pragma once

#include <string>

#include "proxy/json/json.h"

namespace holdfast {

// `status` as GET /status gives it. `before`: an earlier one of the same process, for requests a second; or
// nullptr. What is missing or of another type (another version's answer) is shown as "-".
std::string status_table(const Json& status, const Json* before);

// Is every pool of `status` there?
bool all_reachable(const Json& status);

}  // namespace holdfast
