// See fpm_numbers.h.
#include "proxy/fpm/fpm_numbers.h"

#include <utility>

#include "proxy/json/json.h"

namespace holdfast {

std::optional<FpmNumbers> parse_fpm_status(std::string_view json) {
  const std::optional<Json> status = Json::parse(json);
  if (!status) return std::nullopt;
  FpmNumbers numbers;
  bool any = false;
  for (const FpmField& field : kFpmFields) {
    const Json& found = std::as_const(*status)[field.key];
    if (!found.number()) continue;
    // php-fpm's counters may pass below zero for a moment (GH-18956); that is no worker.
    numbers.*field.number = found.count().value_or(0);
    any = true;
  }
  if (!any) return std::nullopt;
  return numbers;
}

}  // namespace holdfast
