// See route_target.h.
#include "proxy/core/route_target.h"

#include <algorithm>

#include "proxy/text/uri_text.h"

namespace holdfast::core {
namespace {

using TargetPart = config::TargetTemplate::Part;

constexpr std::string_view kInPath = "%?#[]^`{|}";       // allowed in a URI, but not as part of a path
constexpr std::string_view kInQuery = "%?#[]^`{|}&+=;";  // what would end a value, or change it
constexpr std::string_view kInUrl = "^`{|}#";            // text of the configuration, a URL already

std::string_view value_of(const TargetPart& part, const TargetFacts& facts) {
  switch (part.kind) {
    case TargetPart::Kind::text: return part.text;
    case TargetPart::Kind::capture:
      return facts.captures != nullptr && part.number <= facts.captures->count
                 ? facts.captures->texts[part.number - 1]
                 : std::string_view();
    case TargetPart::Kind::path: return facts.path;
    case TargetPart::Kind::uri: return facts.uri;
    case TargetPart::Kind::query: return facts.query;
    case TargetPart::Kind::host: return facts.host;
  }
  return {};
}

void append_query_part(std::string& out, const TargetPart& part, const TargetFacts& facts) {
  const bool is_url = part.kind == TargetPart::Kind::text || part.kind == TargetPart::Kind::query;
  text::append_percent_encoded(out, value_of(part, facts), is_url ? kInUrl : kInQuery);
}

// `has_query`: a '?' stands in `out` already.
void add_client_query(std::string& out, bool has_query, const TargetFacts& facts) {
  if (facts.query.empty()) return;
  if (has_query && !out.ends_with('?') && !out.ends_with('&')) out += '&';
  if (!has_query) out += '?';
  text::append_percent_encoded(out, facts.query, kInUrl);
}

// "//evil" would name a host; it comes of a star behind a slash that took one itself.
void merge_slashes(std::string& path, std::size_t from) {
  std::size_t to = from;
  for (std::size_t i = from; i < path.size(); ++i) {
    if (path[i] == '/' && to > from && path[to - 1] == '/') continue;
    path[to++] = path[i];
  }
  path.resize(to);
}

bool has_dot_segment(std::string_view path) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const std::string_view name = path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
    if (name == "." || name == "..") return true;
  }
  return false;
}

// A request may name none (HTTP/1.0), and a trusted proxy anything.
bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

// Where the path begins: behind the host of http(s)://HOST.
std::size_t path_start(std::string_view location) {
  if (location.starts_with('/')) return 0;
  const std::size_t host = location.find("://");
  if (host == std::string_view::npos) return 0;
  return std::min(location.find('/', host + 3), location.size());
}

}  // namespace

std::optional<std::string> redirect_location(const config::TargetTemplate& target, const TargetFacts& facts) {
  std::string out;
  bool in_query = false;
  for (const TargetPart& part : target.parts) {
    if (part.in_query && !in_query) {
      merge_slashes(out, path_start(out));
      in_query = true;
    }
    if (part.kind == TargetPart::Kind::host && !is_host(facts.host)) return std::nullopt;
    if (part.in_query) {
      append_query_part(out, part, facts);
    } else if (part.kind == TargetPart::Kind::text) {
      text::append_percent_encoded(out, part.text, kInUrl);
    } else if (part.kind == TargetPart::Kind::host) {
      out += facts.host;
    } else {
      text::append_percent_encoded(out, value_of(part, facts), kInPath);
    }
  }
  if (!in_query) merge_slashes(out, path_start(out));
  if (target.adds_query) add_client_query(out, in_query, facts);
  return out;
}

std::optional<InternalTarget> internal_target(const config::TargetTemplate& target,
                                              const TargetFacts& facts) {
  InternalTarget out;
  bool in_query = false;
  for (const TargetPart& part : target.parts) {
    if (!part.in_query) {
      out.path += value_of(part, facts);
      continue;
    }
    append_query_part(out.query, part, facts);
    if (!in_query) out.query.erase(0, 1);  // the '?' that begins it
    in_query = true;
  }
  merge_slashes(out.path, 0);
  if (!out.path.starts_with('/') || has_dot_segment(out.path)) return std::nullopt;
  if (target.adds_query && !facts.query.empty()) {
    if (!out.query.empty() && !out.query.ends_with('&')) out.query += '&';
    out.query += facts.query;
  }
  return out;
}

}  // namespace holdfast::core
