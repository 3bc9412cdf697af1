// RFC 9110 13.1 and 13.2.2.
#include "proxy/http/conditional.h"

#include "proxy/http/etag_list.h"
#include "proxy/http/http_date.h"

namespace holdfast::http {

namespace {

enum class Tags : std::uint8_t { absent, match, no_match };

// If-Match and If-None-Match are lists and may come in several fields. "*" matches whatever exists.
Tags match_tags(const RequestHead& head, std::string_view name, std::string_view etag, bool weak) {
  Tags tags = Tags::absent;
  for (const Field& field : head.fields) {
    if (!equals_ignore_case(field.name, name)) continue;
    if (field.value == "*" || etag_list_matches(field.value, etag, weak)) return Tags::match;
    tags = Tags::no_match;
  }
  return tags;
}

// The value of a field that must come once; more make it invalid (RFC 9110 13.1.3: "more than one member").
std::optional<std::string_view> find_once(const RequestHead& head, std::string_view name) {
  std::optional<std::string_view> value;
  for (const Field& field : head.fields) {
    if (!equals_ignore_case(field.name, name)) continue;
    if (value) return std::nullopt;
    value = field.value;
  }
  return value;
}

std::optional<std::time_t> find_date(const RequestHead& head, std::string_view name, std::time_t now) {
  const auto value = find_once(head, name);
  return value ? parse_http_date(*value, now) : std::nullopt;
}

// RFC 9110 13.1.5: a strong tag, or the exact date while that is a strong validator: the file was not written
// in this very second (8.8.2.2), else it could have changed twice within it.
bool if_range_matches(std::string_view value, const Validators& validators, std::time_t now) {
  if (is_etag(value)) return strong_match(value, validators.etag);
  const auto date = parse_http_date(value, now);
  return date && validators.last_modified == date && *date < now;
}

}  // namespace

Precondition evaluate_conditions(const RequestHead& head, const Validators& validators, std::time_t now) {
  const bool reads = head.method == Method::get || head.method == Method::head;
  const auto modified = validators.last_modified;

  const Tags if_match = match_tags(head, "If-Match", validators.etag, false);
  if (if_match == Tags::no_match) return Precondition::precondition_failed;
  if (if_match == Tags::absent && modified) {
    const auto since = find_date(head, "If-Unmodified-Since", now);
    if (since && *modified > *since) return Precondition::precondition_failed;
  }

  const Tags if_none_match = match_tags(head, "If-None-Match", validators.etag, true);
  if (if_none_match == Tags::match)
    return reads ? Precondition::not_modified : Precondition::precondition_failed;
  if (if_none_match == Tags::absent && modified && reads) {
    const auto since = find_date(head, "If-Modified-Since", now);
    if (since && *modified <= *since) return Precondition::not_modified;
  }

  if (head.method == Method::get && head.find("Range")) {
    if (!head.find("If-Range")) return Precondition::proceed;
    const auto value = find_once(head, "If-Range");
    if (!value || !if_range_matches(*value, validators, now)) return Precondition::ignore_range;
  }
  return Precondition::proceed;
}

}  // namespace holdfast::http
