// See router.h for the order of the rules.
#include "proxy/core/router.h"

#include <optional>

#include "config/config.h"
#include "config/site.h"
#include "proxy/core/withheld.h"

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

std::string_view segment_at(std::string_view path, std::size_t slash) {
  return path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);  // npos - n is "to the end" too
}

// Where the first hidden segment begins (its slash), or npos. The path is normalised: no "." and ".." in it.
std::size_t hidden_at(std::string_view path, const std::vector<std::string>& publish) {
  std::size_t at = path.find("/.");
  while (at != std::string_view::npos) {
    const std::string_view name = segment_at(path, at);
    const bool well_known = at == 0 && name == ".well-known";  // RFC 8615: at the top only
    if (!well_known && !is_published(name, publish)) break;
    at = path.find("/.", at + 1);
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

// What a URI allows elsewhere, but not as part of a path.
constexpr std::string_view kPathOnly = "%?#[]^`{|}";

void append_percent_encoded(std::string& out, std::string_view text, std::string_view encoded_too) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_uri_byte(c) && encoded_too.find(c) == std::string_view::npos) {
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
    append_percent_encoded(target.location, head.path, kPathOnly);
  }
  target.location += '/';
  if (!head.query.empty()) {
    target.location += '?';
    append_percent_encoded(target.location, head.query, {});  // raw bytes that a client sent as they are
  }
  return target;
}

// One resolution: the request, and the path that is being probed.
class Resolution {
 public:
  // `root`: the site's, or what it is without links. Outlives this.
  Resolution(const config::Site& site, std::string_view root, const http::RequestHead& head, FileProbe& probe)
      : site_(site),
        root_(root),
        path_(head.path),
        head_(head),
        probe_(probe),
        hidden_at_(hidden_at(path_, site.publish)) {}

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
    if (hidden_at_ != std::string_view::npos && !has_front_controller()) return hidden_error();
    if (site_.front_controller.empty() && path_.ends_with('/')) {
      for (const std::string& name : site_.index) {
        if (name.ends_with(kScriptSuffix)) return php(std::string(path_) + name, {});
      }
    }
    return not_found();
  }

 private:
  bool runs_php() const { return !site_.pool.empty(); }
  bool has_front_controller() const { return runs_php() && !site_.front_controller.empty(); }

  FileKind kind(std::string_view path, std::string_view name = {}) {
    full_.assign(root_).append(path).append(name);
    return probe_.kind(full_);
  }

  static Target hidden_error() { return error(404, "names that begin with a dot are not served"); }
  static Target forbidden() { return error(403, "no permission to read the file"); }

  Target not_found(std::string_view why = "no such file") const {
    if (has_front_controller()) return php(site_.front_controller, {});
    return error(404, why);
  }

  // Rule 2. What is not there may be a page of the application (/wiki/.NET_Framework).
  Target hidden() {
    if (!has_front_controller()) return hidden_error();
    const FileKind there = kind(path_.substr(0, path_.find('/', hidden_at_ + 1)));
    return there == FileKind::missing ? not_found() : hidden_error();
  }

  bool withheld(std::string_view name) const {
    return is_withheld(name) && !is_published(name, site_.publish);
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
          return not_found();
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
      if (script && runs_php() ? false : withheld(name)) continue;
      const FileKind index = kind(path_, name);
      if (index == FileKind::forbidden) return forbidden();
      if (index != FileKind::file) continue;
      if (script && runs_php()) return php(std::string(path_) + name, {});
      return file();
    }
    return not_found("the folder has none of the files of index");
  }

  // Rule 4.
  Target plain() {
    switch (kind(path_)) {
      case FileKind::file:
        if (withheld(path_.substr(path_.rfind('/') + 1)))
          return not_found("a name like this is not sent as a file: see publish");
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
        target.path = full_.substr(root_.size());
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
  std::string_view root_;
  std::string_view path_;
  const http::RequestHead& head_;
  FileProbe& probe_;
  std::size_t hidden_at_;
  std::string full_;  // what was probed last
};

}  // namespace

namespace {
bool root_is_there(const config::Site& site, FileProbe& probe) {
  // Empty: "/" without its trailing slash.
  return probe.kind(site.root.empty() ? "/" : site.root) != FileKind::missing;
}
}  // namespace

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
    root_unseen_[i] = !root_is_there(config_.sites[i], probe);
  }
}

Target Router::resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe) const {
  if (head.path == "*") return options(kServerMethods);
  std::string real_root;
  if (site.resolve_root) real_root = probe.real_path(site.root);
  Resolution resolution(site, real_root.empty() ? site.root : real_root, head, probe);
  const auto index = static_cast<std::size_t>(&site - config_.sites.data());
  Target target = root_unseen_[index] && !root_is_there(site, probe) ? resolution.without_files()
                                                                     : resolution.with_files();
  target.root = std::move(real_root);
  return target;
}

}  // namespace holdfast::core
