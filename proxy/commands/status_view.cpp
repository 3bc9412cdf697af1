// See status_view.h.
#include "proxy/commands/status_view.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace holdfast {

namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    const std::string key(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(path.size(), key.size() + 1));
    if (!at->is_object() || !at->contains(key)) return std::nullopt;
    at = &(*at)[key];
  }
  if (!at->is_number()) return std::nullopt;
  return at->get<double>();
}

std::string text(const Json& object, const char* key, const char* otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

bool is(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
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

const Json* pool_of(const Json& status, const std::string& name) {
  const auto pools = status.find("pools");
  if (pools == status.end() || !pools->is_object()) return nullptr;
  const auto pool = pools->find(name);
  return pool == pools->end() ? nullptr : &*pool;
}

// Requests a second of this pool since `before`.
std::optional<double> rate(const Json& status, const Json* before, const std::string& name) {
  if (before == nullptr || number(*before, "pid") != number(status, "pid")) return std::nullopt;
  const Json* pool = pool_of(status, name);
  const Json* earlier = pool_of(*before, name);
  if (pool == nullptr || earlier == nullptr) return std::nullopt;
  const auto now = number(*pool, "requests");
  const auto then = number(*earlier, "requests");
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
  const auto config = status.find("config");
  if (config != status.end() && config->is_object() && config->contains("error")) {
    out += "the last reload was refused, an older configuration is in force: " + text(*config, "error", "?") +
           "\n\n";
  }
  out +=
      "pool           max  leased    idle  settling  draining  conn.  waiting   maxwait   requests    req/s"
      "   reused   opened  state\n";
  const auto pools = status.find("pools");
  if (pools == status.end() || !pools->is_object()) return out;
  for (const auto& [name, pool] : pools->items()) out += pool_line(name, pool, rate(status, before, name));
  return out;
}

bool all_reachable(const Json& status) {
  const auto pools = status.find("pools");
  if (pools == status.end() || !pools->is_object()) return false;
  return std::all_of(pools->begin(), pools->end(), [](const Json& pool) { return is(pool, "reachable"); });
}

}  // namespace holdfast
