// `holdfast status` as text: /status in pgbouncer's manner, a line a pool.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace holdfast {

// `status` as GET /status gives it. `before`: an earlier one of the same process, for requests a second; or
// nullptr. What is missing or of another type (another version's answer) is shown as "-".
std::string status_table(const nlohmann::ordered_json& status, const nlohmann::ordered_json* before);

// Is every pool of `status` there?
bool all_reachable(const nlohmann::ordered_json& status);

}  // namespace holdfast
