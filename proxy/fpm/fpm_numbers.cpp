// See fpm_numbers.h.
#include "proxy/fpm/fpm_numbers.h"

#include <nlohmann/json.hpp>

namespace holdfast {

std::optional<FpmNumbers> parse_fpm_status(std::string_view json) {
  const auto status = nlohmann::json::parse(json, nullptr, false);
  if (!status.is_object()) return std::nullopt;
  FpmNumbers numbers;
  bool any = false;
  for (const FpmField& field : kFpmFields) {
    const auto found = status.find(field.key);
    if (found == status.end() || !found->is_number()) continue;
    // php-fpm's counters may pass below zero for a moment (GH-18956); that is no worker.
    const bool negative = found->is_number_float() || (!found->is_number_unsigned() && *found < 0);
    numbers.*field.number = negative ? 0 : found->get<std::uint64_t>();
    any = true;
  }
  if (!any) return std::nullopt;
  return numbers;
}

}  // namespace holdfast
