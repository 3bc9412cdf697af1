// See roots_group.h.
#include "config/roots_group.h"

#include <string>

#include "config/config.h"

namespace holdfast::config {

namespace {
bool is_roots(const std::string& account) {
  const bool is_zero = !account.empty() && account.find_first_not_of('0') == std::string::npos;
  return account == "root" || is_zero;
}
}  // namespace

bool names_roots_group(const Config& config) {
  return is_roots(config.group) && !is_roots(config.user);
}

}  // namespace holdfast::config
