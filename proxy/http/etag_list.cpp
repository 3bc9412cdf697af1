// Entity tags hold commas and backslashes as ordinary characters, so lists of them need a walk of their own.
#include "proxy/http/etag_list.h"

#include "proxy/http/text.h"

namespace holdfast::http {

namespace {

std::string_view without_weakness(std::string_view etag) {
  if (etag.substr(0, 2) == "W/") etag.remove_prefix(2);
  return etag;
}

// Length of the entity tag at the front of `text`; 0 when there is none. etagc: %x21, %x23-7E, obs-text.
std::size_t etag_bytes(std::string_view text) {
  std::size_t at = text.substr(0, 2) == "W/" ? 2 : 0;
  if (at >= text.size() || text[at] != '"') return 0;
  for (++at; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"') return at + 1;
    if (byte <= 0x20 || byte == 0x7f) return 0;
  }
  return 0;
}

}  // namespace

bool is_etag(std::string_view text) {
  return !text.empty() && etag_bytes(text) == text.size();
}

bool strong_match(std::string_view a, std::string_view b) {
  return a == b && is_etag(a) && a.front() == '"';
}

bool weak_match(std::string_view a, std::string_view b) {
  return is_etag(a) && is_etag(b) && without_weakness(a) == without_weakness(b);
}

bool etag_list_matches(std::string_view list, std::string_view etag, bool weak) {
  while (true) {
    while (!list.empty() && (is_space(list.front()) || list.front() == ',')) list.remove_prefix(1);
    const std::size_t bytes = etag_bytes(list);
    if (bytes == 0) return false;
    const std::string_view member = list.substr(0, bytes);
    list.remove_prefix(bytes);
    while (!list.empty() && is_space(list.front())) list.remove_prefix(1);
    if (!list.empty() && list.front() != ',') return false;
    if (weak ? weak_match(member, etag) : strong_match(member, etag)) return true;
  }
}

}  // namespace holdfast::http
