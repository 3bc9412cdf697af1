// See roots_group.h.
#include "config/roots_group.h"

namespace holdfast::config {

namespace {
bool is_roots(std::string_view account) {
  const bool is_zero = !account.empty() && account.find_first_not_of('0') == std::string_view::npos;
  return account == "root" || is_zero;
}
}  // namespace

bool names_roots_group(std::string_view user, std::string_view group) {
  return is_roots(group) && !is_roots(user);
}

}  // namespace holdfast::config
