// See target_template.h.
#include "config/target_template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/diagnostics.h"

namespace holdfast::config {
namespace {

using TargetPart = TargetTemplate::Part;

struct Variable {
  std::string_view name;
  TargetPart::Kind kind;
};
constexpr std::array kVariables = {
    Variable{"path", TargetPart::Kind::path}, Variable{"uri", TargetPart::Kind::uri},
    Variable{"query", TargetPart::Kind::query}, Variable{"host", TargetPart::Kind::host}};

// What nginx, Caddy and Apache call them.
std::string variable_hint(std::string_view name) {
  const auto is_any = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is_any({"request_uri", "document_uri"})) return "here it is $uri; the client's query is added anyway";
  if (is_any({"args", "query_string", "is_args"}))
    return "here it is $query; without it the client's query is added anyway";
  if (is_any({"http_host", "server_name"})) return "here it is $host";
  if (name == "scheme") return "write http:// or https://";
  if (is_any({"fastcgi_script_name", "fastcgi_path_info"})) return "here it is $path";
  const std::string found = closest(name, {"path", "uri", "query", "host"});
  return found.empty() ? "known are $1 to $9, $path, $uri, $query and $host; $$ is a dollar sign"
                       : "did you mean '$" + found + "'?";
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class TargetParser {
 public:
  explicit TargetParser(std::string_view text) : text_(text) {}

  Parsed<TargetTemplate> parse() {
    if (text_.empty()) return refuse("is empty", "write a path such as /index.php");
    if (text_.size() > kTargetMax) return refuse("is longer than 2048 bytes", {});
    for (const char c : text_) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7F) return refuse("holds a control character", {});
      if (c == '\\') return refuse("holds a backslash", "browsers take it for a slash; write /");
      if (c == '#') return refuse("holds '#'", "the client's query could not be added behind a fragment");
    }
    while (at_ < text_.size()) {
      if (text_[at_] != '$') {
        literal(std::min(text_.find('$', at_), text_.size()));
      } else if (!variable()) {
        return std::move(out_);
      }
    }
    flush();
    finish();
    out_.value = std::move(target_);
    return std::move(out_);
  }

 private:
  Parsed<TargetTemplate> refuse(std::string_view why, std::string_view hint) {
    out_.value.reset();
    out_.error = "the target " + quote(text_) + " " + std::string(why);
    out_.hint = hint;
    return out_;
  }

  void literal(std::size_t end) {
    std::string_view piece = text_.substr(at_, end - at_);
    at_ = end;
    if (const auto mark = piece.find('?'); mark != std::string_view::npos && !in_query_) {
      pending_ += piece.substr(0, mark);
      flush();
      in_query_ = true;
      piece.remove_prefix(mark);
    }
    pending_ += piece;
  }

  void flush() {
    if (!pending_.empty())
      target_.parts.push_back({TargetPart::Kind::text, std::move(pending_), 0, in_query_});
    pending_.clear();
  }

  bool variable() {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '$') {
      pending_ += '$';
      ++at_;
      return true;
    }
    if (at_ < text_.size() && text_[at_] >= '1' && text_[at_] <= '9') {
      flush();
      const auto number = static_cast<std::size_t>(text_[at_++] - '0');
      target_.captures = std::max(target_.captures, number);
      target_.parts.push_back({TargetPart::Kind::capture, {}, number, in_query_});
      return true;
    }
    std::size_t end = at_;
    while (end < text_.size() && is_name_char(text_[end])) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    const auto* const known = std::find_if(kVariables.begin(), kVariables.end(),
                                           [name](const Variable& each) { return each.name == name; });
    if (known == kVariables.end()) {
      refuse(
          name.empty() ? std::string("has a single '$'") : "names an unknown variable $" + std::string(name),
          variable_hint(name));
      return false;
    }
    flush();
    target_.parts.push_back({known->kind, {}, 0, in_query_});
    at_ = end;
    return true;
  }

  void finish() {
    std::vector<TargetPart>& parts = target_.parts;
    target_.adds_query = std::none_of(parts.begin(), parts.end(), [](const TargetPart& part) {
      return part.kind == TargetPart::Kind::query;
    });
    if (!parts.empty() && parts.back().kind == TargetPart::Kind::text && parts.back().text.ends_with('?')) {
      target_.adds_query = false;
      parts.back().text.pop_back();
      if (parts.back().text.empty()) parts.pop_back();
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_query_ = false;
  std::string pending_;
  TargetTemplate target_;
  Parsed<TargetTemplate> out_;
};

Parsed<TargetTemplate> refused(std::string_view text, const std::string& why, std::string hint) {
  Parsed<TargetTemplate> out;
  out.error = "the target " + quote(text) + " " + why;
  out.hint = std::move(hint);
  return out;
}

bool begins_with_slash(const TargetPart& part) {
  return part.kind == TargetPart::Kind::path || part.kind == TargetPart::Kind::uri ||
         (part.kind == TargetPart::Kind::text && (part.text.starts_with('/') || part.text.starts_with('?')));
}

// The host of http://HOST/...: literal, or $host whole; what comes next begins with a slash by itself.
// ":8443" and the path, in front of all that a client chooses: "https://$host:8443$1" with $1 "@evil.example"
// would name another host.
bool is_port(const std::vector<TargetPart>& parts) {
  const std::string& text = parts[0].text;
  if (parts[0].kind != TargetPart::Kind::text || !text.starts_with(':')) return false;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  if (end == 1) return false;
  if (end < text.size()) return text[end] == '/' || text[end] == '?';
  return parts.size() == 1 || begins_with_slash(parts[1]);
}

std::string host_problem(std::vector<TargetPart> parts, std::size_t scheme) {
  parts[0].text.erase(0, scheme);
  if (parts[0].text.empty()) {
    parts.erase(parts.begin());
    if (parts.empty() || parts[0].kind != TargetPart::Kind::host) return "names no host";
    parts.erase(parts.begin());
    if (parts.empty() || begins_with_slash(parts[0]) || is_port(parts)) return {};
    return "has something between its host and the path";
  }
  const std::string& first = parts[0].text;
  const std::size_t end = std::min(first.find_first_of("/?"), first.size());
  if (end == 0) return "names no host";
  if (first.find('@') < end) return "holds '@' in its host";
  if (end < first.size() || parts.size() == 1 || begins_with_slash(parts[1])) return {};
  return "lets a variable choose its host";
}

}  // namespace

Parsed<TargetTemplate> parse_redirect_target(std::string_view text) {
  Parsed<TargetTemplate> out = TargetParser(text).parse();
  if (!out.value) return out;
  if (out.value->parts.empty()) return refused(text, "is empty", "write a path such as /new/");
  const TargetPart& first = out.value->parts.front();
  if (first.kind == TargetPart::Kind::path || first.kind == TargetPart::Kind::uri) return out;
  if (first.kind == TargetPart::Kind::text) {
    if (text.starts_with("//")) return refused(text, "begins with '//'", "write https:// before a host");
    if (first.text.starts_with('/')) return out;
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!first.text.starts_with(scheme)) continue;
      const std::string problem = host_problem(out.value->parts, scheme.size());
      return problem.empty() ? out
                             : refused(text, problem,
                                       "write the host, and a '/' before the first variable: "
                                       "https://example.com/$1");
    }
  }
  return refused(text, "is no place to go to", "write a path that begins with '/', or https:// and a host");
}

Parsed<TargetTemplate> parse_internal_target(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://"))
    return refused(text, "is an address", "a client is sent there by redirect");
  Parsed<TargetTemplate> out = TargetParser(text).parse();
  if (!out.value) return out;
  const std::vector<TargetPart>& parts = out.value->parts;
  if (parts.empty() || !(begins_with_slash(parts.front()) && !parts.front().text.starts_with('?')))
    return refused(text, "does not begin with '/'", "write /" + std::string(text.substr(0, 64)));
  std::string path;  // the literal parts of it
  for (const TargetPart& part : parts) {
    if (!part.in_query) path += part.kind == TargetPart::Kind::text ? part.text : "x";
    if (!part.in_query && (part.kind == TargetPart::Kind::query || part.kind == TargetPart::Kind::host))
      return refused(text, "has $query or $host in its path", "they belong behind '?'");
  }
  const std::string padded = path + "/";
  if (padded.find("/../") != std::string::npos || padded.find("/./") != std::string::npos)
    return refused(text, "holds '.' or '..' as a segment", {});
  if (path.find('%') != std::string::npos)
    return refused(text, "holds '%' in its path", "write the path as it is when decoded");
  return out;
}

}  // namespace holdfast::config
