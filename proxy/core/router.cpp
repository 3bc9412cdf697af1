// See router.h for the order of the rules.
#include "proxy/core/router.h"

#include <optional>

namespace holdfast::core {

namespace {

using http::Method;

constexpr std::string_view kScriptSuffix = ".php";
constexpr std::string_view kFileMethods = "GET, HEAD, OPTIONS";

Target error(int status, std::string_view why, std::string_view allow = {}) {
  Target target;
  target.kind = Target::Kind::error;
  target.status = status;
  target.why = why;
  target.allow = allow;
  return target;
}

Target options(std::string_view allow) {
  Target target;
  target.kind = Target::Kind::options;
  target.status = 204;
  target.allow = allow;
  return target;
}

Target php(std::string_view script_name, std::string_view path_info) {
  Target target;
  target.kind = Target::Kind::php;
  target.script_name = script_name;
  target.path_info = path_info;
  return target;
}

// End of the first ".php" at or after `from` that ends a segment; npos when there is none. Compares bytes:
// what Unicode calls equal is another file name (a Caddy advisory of 2026 was a split on folded text).
std::size_t script_end(std::string_view path, std::size_t from) {
  for (std::size_t at = path.find(kScriptSuffix, from); at != std::string_view::npos;
       at = path.find(kScriptSuffix, at + 1)) {
    const std::size_t end = at + kScriptSuffix.size();
    if (end == path.size() || path[end] == '/') return end;
  }
  return std::string_view::npos;
}

// Where the first hidden segment begins (its slash), or npos. The path is normalised: no "." and ".." in it.
std::size_t hidden_at(std::string_view path) {
  std::size_t at = path.find("/.");
  constexpr std::string_view kWellKnown = "/.well-known";  // RFC 8615: at the top only
  if (at == 0 && path.starts_with(kWellKnown) &&
      (path.size() == kWellKnown.size() || path[kWellKnown.size()] == '/')) {
    at = path.find("/.", 1);
  }
  return at;
}

bool is_uri_byte(char c) {
  return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
}

// True when `raw` followed by "/" is a path on this host to every browser: "//evil.example" and
// "/\evil.example" would name another host.
bool is_safe_location(std::string_view raw) {
  if (!raw.starts_with('/') || raw.starts_with("//")) return false;
  for (const char c : raw) {
    if (!is_uri_byte(c)) return false;
  }
  return true;
}

void append_percent_encoded(std::string& out, std::string_view path) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  for (const char c : path) {
    if (is_uri_byte(c) && std::string_view("%?#[]^`{|}").find(c) == std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
}

// To the same path with a slash behind it. The client's own spelling is kept where it is harmless.
Target redirect_to_directory(const http::RequestHead& head) {
  Target target;
  target.kind = Target::Kind::redirect;
  // 308 keeps the method and the body; GET and HEAD get the answer that everything understands.
  target.status = head.method == Method::get || head.method == Method::head ? 301 : 308;
  if (is_safe_location(head.raw_path)) {
    target.location = head.raw_path;
  } else {
    append_percent_encoded(target.location, head.path);
  }
  target.location += '/';
  if (!head.query.empty()) target.location += '?';
  for (const char c : head.query) {
    if (static_cast<unsigned char>(c) < 0x80) {
      target.location += c;
    } else {
      append_percent_encoded(target.location, std::string_view(&c, 1));  // a URL is ASCII
    }
  }
  return target;
}

// One resolution: the request, and the path that is being probed.
class Resolution {
 public:
  Resolution(const config::Site& site, const http::RequestHead& head, FileProbe& probe)
      : site_(site), path_(head.path), head_(head), probe_(probe), hidden_at_(hidden_at(path_)) {}

  Target with_files() {
    if (runs_php()) {
      if (std::optional<Target> target = try_script()) return *std::move(target);
    }
    if (hidden_at_ != std::string_view::npos) return hidden();
    return path_.ends_with('/') ? directory() : plain();
  }

  // The root is not on our side: what php-fpm has there can only be told from the text.
  Target without_files() {
    if (!runs_php()) return error(404, "the root of the site does not exist");
    const std::size_t end = script_end(path_, 0);
    if (end != std::string_view::npos && end <= hidden_at_)
      return php(path_.substr(0, end), path_.substr(end));
    if (hidden_at_ != std::string_view::npos) return hidden();
    if (site_.front_controller.empty() && path_.ends_with('/')) {
      for (const std::string& name : site_.index) {
        if (name.ends_with(kScriptSuffix)) return php(std::string(path_) + name, {});
      }
    }
    return not_found();
  }

 private:
  bool runs_php() const { return !site_.pool.empty(); }

  FileKind kind(std::string_view path, std::string_view name = {}) {
    full_.assign(site_.root).append(path).append(name);
    return probe_.kind(full_);
  }

  static Target hidden() { return error(404, "names that begin with a dot are not served"); }
  static Target forbidden() { return error(403, "no permission to read the file"); }

  Target not_found() const {
    if (runs_php() && !site_.front_controller.empty()) return php(site_.front_controller, {});
    return error(404, "no such file");
  }

  // Rule 1. Hidden names are allowed in PATH_INFO: they are php's (WebDAV serves dot files there).
  std::optional<Target> try_script() {
    for (std::size_t end = script_end(path_, 0); end <= hidden_at_ && end != std::string_view::npos;
         end = script_end(path_, end)) {
      switch (kind(path_.substr(0, end))) {
        case FileKind::file: return php(path_.substr(0, end), path_.substr(end));
        case FileKind::directory: break;  // a directory called x.php: the script may lie in it
        case FileKind::missing:
          // Then nothing below it exists either: one probe, however many ".php/" a client strings together.
          return hidden_at_ == std::string_view::npos ? not_found() : hidden();
        case FileKind::forbidden: return forbidden();
        case FileKind::other: return error(404, "not a regular file");
      }
    }
    return std::nullopt;
  }

  // Rule 3. The directory itself is probed before its index files: a route of the front controller that ends
  // in a slash then costs one probe. The root is known to be there.
  Target directory() {
    if (path_.size() > 1) {
      const FileKind here = kind(path_.substr(0, path_.size() - 1));
      if (here == FileKind::forbidden) return forbidden();
      if (here != FileKind::directory) return not_found();
    }
    for (const std::string& name : site_.index) {
      const bool script = name.ends_with(kScriptSuffix);
      if (script ? !runs_php() : is_php_source(name)) continue;
      const FileKind index = kind(path_, name);
      if (index == FileKind::forbidden) return forbidden();
      if (index != FileKind::file) continue;
      if (script) return php(std::string(path_) + name, {});
      return file();
    }
    return not_found();
  }

  // Rule 4.
  Target plain() {
    switch (kind(path_)) {
      case FileKind::file:
        if (is_php_source(path_)) return error(404, "PHP source is not served as a file");
        return file();
      case FileKind::directory: return redirect_to_directory(head_);
      case FileKind::missing: return not_found();
      case FileKind::forbidden: return forbidden();
      case FileKind::other: return error(404, "not a regular file");
    }
    return not_found();  // unreachable: all kinds return above
  }

  // The file at full_, by the method.
  Target file() {
    switch (head_.method) {
      case Method::get:
      case Method::head: {
        Target target;
        target.kind = Target::Kind::file;
        target.path = std::move(full_);
        return target;
      }
      case Method::options: return options(kFileMethods);
      case Method::post:
      case Method::put:
      case Method::delete_:
      case Method::patch:
      case Method::query:
      case Method::other: break;
    }
    return error(405, "a file answers only GET and HEAD", kFileMethods);
  }

  const config::Site& site_;
  std::string_view path_;
  const http::RequestHead& head_;
  FileProbe& probe_;
  std::size_t hidden_at_;
  std::string full_;  // what was probed last
};

}  // namespace

bool is_php_source(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view extension = path.substr(dot + 1);
  for (const std::string_view source : {"php", "phar", "phtml", "phps", "pht"}) {
    if (http::equals_ignore_case(extension, source)) return true;
  }
  // php3 to php8, as old Apache configurations map them.
  return extension.size() == 4 && http::equals_ignore_case(extension.substr(0, 3), "php") &&
         extension[3] >= '0' && extension[3] <= '9';
}

Router::Router(const config::Config& config) : config_(config), root_unseen_(config.sites.size(), false) {
  for (const config::Site& site : config.sites) {
    if (site.hosts.empty() && !any_host_) any_host_ = &site;
    for (const std::string& host : site.hosts) {
      // emplace: of two sites with one host the first stands.
      if (host.starts_with("*.")) {
        wildcard_.emplace(host.substr(1), &site);
      } else {
        exact_.emplace(host, &site);
      }
    }
  }
}

const config::Site* Router::find_site(std::string_view host) const {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);  // "example.com." is the same host
  if (const auto found = exact_.find(host); found != exact_.end()) return found->second;
  if (!wildcard_.empty()) {
    // From the left, so the longest suffix comes first; at least one byte stands for the star.
    for (std::size_t dot = host.find('.', 1); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      if (const auto found = wildcard_.find(host.substr(dot)); found != wildcard_.end()) return found->second;
    }
  }
  return any_host_;
}

void Router::look_at_roots(FileProbe& probe) {
  for (std::size_t i = 0; i < config_.sites.size(); ++i) {
    const std::string& root = config_.sites[i].root;  // empty: "/" without its trailing slash
    root_unseen_[i] = probe.kind(root.empty() ? "/" : root) == FileKind::missing;
  }
}

Target Router::resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe) const {
  if (head.path == "*") return options(kServerMethods);
  Resolution resolution(site, head, probe);
  const auto index = static_cast<std::size_t>(&site - config_.sites.data());
  return root_unseen_[index] ? resolution.without_files() : resolution.with_files();
}

}  // namespace holdfast::core
