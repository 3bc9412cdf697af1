// The rules of content coding.
#include "proxy/http/content_coding.h"

#include <algorithm>
#include <array>

#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

constexpr std::array<std::string_view, 12> kCompressibleTypes = {
    "application/json",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/rtf",
    "application/wasm",
    "application/vnd.ms-fontobject",
    "application/x-yaml",
    "application/manifest+json",
    "image/bmp",
    "font/ttf",
    "font/otf",
};

// The next element of a comma-separated list; `list` goes on behind it.
std::string_view take_element(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

// The weight behind a coding, in thousandths. `parameters` begins with ';' or is empty. RFC 9110 12.4.2: 0 to 1
// with at most three decimals; none is 1.
int weight_of(std::string_view parameters) {
  constexpr int kWhole = 1000;
  if (parameters.empty()) return kWhole;
  parameters = trim(parameters.substr(1));
  if (parameters.size() < 3 || to_lower(parameters[0]) != 'q' || parameters[1] != '=') return 0;
  const std::string_view weight = parameters.substr(2);
  if (weight[0] != '0' && weight[0] != '1') return 0;
  if (weight.size() > 5 || (weight.size() > 1 && weight[1] != '.')) return 0;
  const std::string_view decimals = weight.size() > 2 ? weight.substr(2) : std::string_view{};
  if (!std::all_of(decimals.begin(), decimals.end(), is_digit)) return 0;
  if (weight[0] == '1') return kWhole;
  int thousandths = 0;
  for (std::size_t i = 0; i < 3; ++i)
    thousandths = thousandths * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
  return thousandths;
}

bool ends_with_ignore_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && equals_ignore_case(text.substr(text.size() - end.size()), end);
}

bool has_no_transform(const ResponseHead& response) {
  for (const Field& field : response.fields) {
    if (!equals_ignore_case(field.name, "Cache-Control")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      if (equals_ignore_case(take_element(list), "no-transform")) return true;
    }
  }
  return false;
}

std::string_view find(const ResponseHead& response, std::string_view name) {
  for (const Field& field : response.fields)
    if (equals_ignore_case(field.name, name)) return field.value;
  return {};
}

// With a body that a cache may hand to others, or an error page. Not 206: its ranges count plain bytes.
bool has_whole_body(int status) {
  return !is_contentless(status) && status != 206;
}

}  // namespace

bool accepts_gzip(const RequestHead& request) {
  return coding_weight(request, "gzip") > 0;
}

int coding_weight(const RequestHead& request, std::string_view wanted) {
  int any = 0;
  for (const Field& field : request.fields) {
    if (!equals_ignore_case(field.name, "Accept-Encoding")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::string_view element = take_element(list);
      const std::size_t semicolon = element.find(';');
      const std::string_view coding = trim(element.substr(0, semicolon));
      const std::string_view rest =
          semicolon == std::string_view::npos ? std::string_view{} : element.substr(semicolon);
      if (equals_ignore_case(coding, wanted) || (wanted == "gzip" && equals_ignore_case(coding, "x-gzip")))
        return weight_of(rest);
      if (coding == "*") any = weight_of(rest);
    }
  }
  return any;
}

void vary_by_encoding(ResponseHead& head) {
  for (const Field& field : head.fields) {
    if (!equals_ignore_case(field.name, "Vary")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::string_view element = take_element(list);
      if (element == "*" || equals_ignore_case(element, "Accept-Encoding")) return;
    }
  }
  head.fields.push_back({"Vary", "Accept-Encoding"});
}

bool is_compressible(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (equals_ignore_case(type, "text/event-stream")) return false;
  if (equals_ignore_case(type.substr(0, 5), "text/")) return true;
  if (ends_with_ignore_case(type, "+json") || ends_with_ignore_case(type, "+xml")) return true;
  return std::any_of(kCompressibleTypes.begin(), kCompressibleTypes.end(),
                     [type](std::string_view known) { return equals_ignore_case(type, known); });
}

Compression decide_compression(const RequestHead& request, const ResponseHead& response,
                               std::uint64_t bytes_min) {
  if (response.status == 304) return Compression::not_here;  // it names what the 200 would have varied by
  if (!has_whole_body(response.status) || !is_compressible(find(response, "Content-Type")))
    return Compression::never;
  if (!find(response, "Content-Encoding").empty() || !find(response, "Content-Range").empty())
    return Compression::never;
  if (has_no_transform(response)) return Compression::never;
  if (response.content_length.value_or(bytes_min) < bytes_min) return Compression::never;
  // HTTP/1.0 caches do not know Vary.
  if (request.version_minor == 0 || !accepts_gzip(request)) return Compression::not_here;
  return request.method == Method::head ? Compression::head : Compression::gzip;
}

}  // namespace holdfast::http
