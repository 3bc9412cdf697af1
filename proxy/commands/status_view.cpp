// See status_view.h.
#include "proxy/commands/status_view.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>

namespace holdfast {

namespace {

std::optional<double> number(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    const std::string_view key = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), key.size() + 1));
    at = &(*at)[key];
  }
  return at->number();
}

std::string text(const Json& object, const char* key, const char* otherwise) {
  return std::string(object[key].text().value_or(otherwise));
}

bool is(const Json& object, const char* key) {
  return object[key].boolean().value_or(false);
}

std::string cell(std::optional<double> value, int width, int decimals = 0, const char* unit = "") {
  std::array<char, 64> out{};
  if (value) {
    std::snprintf(out.data(), out.size(), " %*.*f%s", width, decimals, *value, unit);
  } else {
    std::snprintf(out.data(), out.size(), " %*s", width + static_cast<int>(std::string_view(unit).size()),
                  "-");
  }
  return out.data();
}

std::string plain(std::optional<double> value) {
  return cell(value, 0).substr(1);
}

std::string head_line(const Json& status) {
  return "holdfast " + text(status, "version", "?") + ", pid " + plain(number(status, "pid")) + ", up " +
         plain(number(status, "uptime_seconds")) + " s; " + plain(number(status, "clients/connections")) +
         " clients, " + plain(number(status, "clients/requests")) + " requests\n\n";
}

// Requests a second of this pool since `before`.
std::optional<double> rate(const Json& status, const Json* before, const std::string& name) {
  if (before == nullptr || number(*before, "pid") != number(status, "pid")) return std::nullopt;
  const auto now = number(status["pools"][name], "requests");
  const auto then = number((*before)["pools"][name], "requests");
  const auto ended = number(status, "uptime_seconds");
  const auto began = number(*before, "uptime_seconds");
  if (!now || !then || !ended || !began || *ended <= *began || *now < *then) return std::nullopt;
  return (*now - *then) / (*ended - *began);
}

std::string pool_line(const std::string& name, const Json& pool, std::optional<double> per_second) {
  const auto requests = number(pool, "requests");
  const auto reused = number(pool, "reused");
  std::optional<double> share;
  if (requests && reused) share = *requests > 0 ? 100.0 * *reused / *requests : 0.0;
  std::string line = name + std::string(name.size() < 12 ? 12 - name.size() : 0, ' ');
  line += cell(number(pool, "max_connections"), 5) + cell(number(pool, "leased"), 7) +
          cell(number(pool, "idle"), 7) + cell(number(pool, "settling"), 9) +
          cell(number(pool, "draining"), 9) + cell(number(pool, "connecting"), 6) +
          cell(number(pool, "waiting"), 8) + cell(number(pool, "oldest_wait_seconds"), 8, 3, "s") +
          cell(requests, 10) + cell(per_second, 8) + cell(share, 7, 2, "%") + cell(number(pool, "opened"), 8);
  const char* state = is(pool, "paused") ? "paused" : is(pool, "reachable") ? "ok" : "not reachable";
  return line + "  " + state + "\n";
}

}  // namespace

std::string status_table(const Json& status, const Json* before) {
  std::string out = head_line(status);
  const Json& config = status["config"];
  if (!config["error"].is_null()) {
    out += "the last reload was refused, an older configuration is in force: " + text(config, "error", "?") +
           "\n\n";
  }
  out +=
      "pool           max  leased    idle  settling  draining  conn.  waiting   maxwait   requests    req/s"
      "   reused   opened  state\n";
  for (const auto& [name, pool] : status["pools"].members())
    out += pool_line(name, pool, rate(status, before, name));
  return out;
}

bool all_reachable(const Json& status) {
  const Json::Object& pools = status["pools"].members();
  return status["pools"].is_object() && std::all_of(pools.begin(), pools.end(), [](const auto& pool) {
           return is(pool.second, "reachable");
         });
}

}  // namespace holdfast
