// See router.h for the order of the rules.
#include "proxy/core/router.h"

#include <algorithm>
#include <optional>
#include <utility>

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

// One resolution: the request, what the routes say, and the path that is being probed.
class Resolution {
 public:
  // `plan`: of the path asked for, which nothing has decided yet. `root`: the site's, or what it is without
  // links. All outlive this.
  struct Given {
    const config::Site& site;
    const SiteRoutes& routes;
    std::string_view root;
    bool root_is_there;
    FileProbe& probe;
  };
  Resolution(const Given& given, const RouteFacts& facts, RoutePlan& plan)
      : given_(given), site_(given.site), facts_(facts), plan_(plan) {
    if (plan.action == RoutePlan::Action::rewrite) {
      go_to(std::move(plan.rewrite.path));
      rewritten_ = elsewhere_;
      query_ = std::move(plan.rewrite.query);
    } else {
      look_at(facts.path);
    }
  }

  Target run() {
    Target target = find();
    if (target.kind == Target::Kind::php) target.query = std::move(query_);
    return target;
  }

 private:
  Target find() {
    // Only a script may name these.
    for (const auto& [prefix, folder] : site_.internal) {
      if ((std::string(path_) + '/').starts_with(prefix)) return error(404, "a prefix of internal");
    }
    return given_.root_is_there ? with_files() : without_files();
  }

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
      return script(path_.substr(0, end), path_.substr(end));
    if (hidden_at_ != std::string_view::npos && !has_fallback()) return hidden_error();
    if (!has_fallback() && path_.ends_with('/')) {
      for (const std::string& name : site_.index) {
        if (name.ends_with(kScriptSuffix)) return script(std::string(path_) + name, {});
      }
    }
    return not_found();
  }

  void look_at(std::string_view path) {
    path_ = path;
    hidden_at_ = hidden_at(path_, site_.publish);
  }
  void go_to(std::string path) {
    elsewhere_ = std::move(path);
    look_at(elsewhere_);
  }

  bool runs_php() const { return !site_.pool.empty() || plan_.pool != nullptr; }

  // Where the script that `fallback` writes out ends in its path; 0: it names none.
  static std::size_t written_script(const Fallback& fallback) {
    using Part = config::TargetTemplate::Part;
    const Part& first = fallback.target.parts.front();
    if (first.kind != Part::Kind::text || first.in_query) return 0;
    const std::size_t end = script_end(first.text, 0);
    return end == std::string_view::npos ? 0 : end;
  }
  bool has_fallback() const {
    return !falling_back_ && plan_.fallback != nullptr && !plan_.fallback->not_found &&
           (runs_php() || written_script(*plan_.fallback) == 0);
  }

  FileKind kind(std::string_view path, std::string_view name = {}) {
    full_.assign(given_.root).append(path).append(name);
    return given_.probe.kind(full_);
  }

  static Target hidden_error() { return error(404, "names that begin with a dot are not served"); }
  static Target forbidden() { return error(403, "no permission to read the file"); }

  // What is done with what was found depends on its own name, too. An error where the routes refuse it.
  std::optional<Target> refused(std::string_view found) {
    if (given_.routes.empty() || found == facts_.path || found == rewritten_) return std::nullopt;
    facts_.resolved = found;
    plan_ = given_.routes.plan(facts_);
    facts_.resolved = {};
    by_found_ = true;
    if (plan_.action != RoutePlan::Action::deny) return std::nullopt;
    return error(plan_.status, plan_.why);
  }

  // Nothing was found by it, after all.
  void forget_found() {
    if (by_found_) plan_ = given_.routes.plan(facts_);
    by_found_ = false;
  }

  // The script is there.
  Target script(std::string_view name, std::string_view path_info) {
    if (std::optional<Target> no = refused(name)) return *std::move(no);
    if (!plan_.php.value_or(true)) return error(404, "php: false keeps scripts of this path from running");
    if (!given_.routes.may_run(name)) return not_found("run leaves this script out");
    return php(name, path_info);
  }

  Target not_found(std::string_view why = "no such file") {
    forget_found();
    if (!has_fallback()) return error(404, why);
    const Fallback& fallback = *plan_.fallback;
    const auto& parts = fallback.target.parts;
    const std::size_t written = written_script(fallback);
    if (parts.size() == 1 && fallback.target.adds_query && written == parts[0].text.size()) {
      query_.reset();
      return php(parts[0].text, {});
    }
    auto target = internal_target(fallback.target, {facts_.path, facts_.head.path, facts_.head.query,
                                                    facts_.host, &plan_.fallback_captures});
    if (!target) return error(404, "the fallback would leave the root");
    const bool own_query =
        !fallback.target.adds_query ||
        std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.in_query; });
    query_.reset();
    if (own_query) query_ = std::move(target->query);
    const std::size_t end = written == 0 ? 0 : script_end(target->path, 0);
    if (end != 0 && end <= written) return php(target->path.substr(0, end), target->path.substr(end));
    falling_back_ = true;
    go_to(std::move(target->path));
    return find();
  }

  // Rule 2. What is not there may be a page of the application (/wiki/.NET_Framework).
  Target hidden() {
    if (!has_fallback()) return hidden_error();
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
        case FileKind::file: return script(path_.substr(0, end), path_.substr(end));
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

  // Rule 3. The directory itself is probed before its index files: a page of the fallback that ends in a
  // slash then costs one probe. The root is known to be there.
  Target directory() {
    if (path_.size() > 1) {
      const FileKind here = kind(path_.substr(0, path_.size() - 1));
      if (here == FileKind::forbidden) return forbidden();
      if (here != FileKind::directory) return not_found();
    }
    for (const std::string& name : site_.index) {
      const bool is_script = name.ends_with(kScriptSuffix) && runs_php();
      if (!is_script && withheld(name)) continue;
      const FileKind index = kind(path_, name);
      if (index == FileKind::forbidden) return forbidden();
      if (index != FileKind::file) continue;
      if (!is_script) return file();
      const std::string found = std::string(path_) + name;
      if (std::optional<Target> no = refused(found)) return *std::move(no);
      if (plan_.php.value_or(true) && given_.routes.may_run(found)) return php(found, {});
    }
    if (plan_.list) return answer(Target::Kind::list, std::string(path_));
    return not_found("the folder has none of the files of index");
  }

  // Rule 4.
  Target plain() {
    switch (kind(path_)) {
      case FileKind::file:
        if (withheld(path_.substr(path_.rfind('/') + 1)))
          return not_found("a name like this is not sent as a file: see publish");
        return file();
      case FileKind::directory:
        if (path_.data() == facts_.path.data()) return redirect_to_directory(facts_.head);
        go_to(std::string(path_) + '/');  // a name of our own: the client need not know
        return directory();
      case FileKind::missing: return not_found();
      case FileKind::forbidden: return forbidden();
      case FileKind::other: return error(404, "not a regular file");
    }
    return not_found();  // unreachable: all kinds return above
  }

  // The file at full_.
  Target file() {
    const std::string found = full_.substr(given_.root.size());
    if (std::optional<Target> no = refused(found)) return *std::move(no);
    return answer(Target::Kind::file, found);
  }

  // What is below the root, by the method.
  Target answer(Target::Kind kind, std::string path) const {
    switch (facts_.head.method) {
      case Method::get:
      case Method::head: {
        Target target;
        target.kind = kind;
        target.path = std::move(path);
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

  Given given_;
  const config::Site& site_;
  RouteFacts facts_;
  RoutePlan& plan_;
  std::string_view path_;  // looked at: the one asked for, or elsewhere_
  std::string elsewhere_;
  std::string rewritten_;             // where `to` leads, which the plan knows of
  std::optional<std::string> query_;  // in place of the client's
  std::size_t hidden_at_ = 0;
  bool by_found_ = false;      // plan_ counts what was found in
  bool falling_back_ = false;  // there is no second fallback
  std::string full_;           // what was probed last
};

bool root_is_there(const config::Site& site, FileProbe& probe) {
  // Empty: "/" without its trailing slash.
  return probe.kind(site.root.empty() ? "/" : site.root) != FileKind::missing;
}

}  // namespace

Router::Router(const config::Config& config)
    : config_(config), sites_(config.sites), root_unseen_(config.sites.size(), false) {
  routes_.reserve(config.sites.size());
  for (const config::Site& site : config.sites) routes_.emplace_back(site);
}

bool Router::shows(const config::Site& site, const http::RequestHead& head, const Asker& asker,
                   std::string_view path) const {
  if (hidden_at(path, site.publish) != std::string_view::npos) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (is_withheld(name) && !is_published(name, site.publish)) return false;
  const RoutePlan plan = routes(site).plan(
      {.head = head, .path = path, .host = asker.host, .client = asker.client, .secure = asker.secure});
  return plan.action != RoutePlan::Action::deny;
}

void Router::look_at_roots(FileProbe& probe) {
  for (std::size_t i = 0; i < config_.sites.size(); ++i) {
    root_unseen_[i] = !root_is_there(config_.sites[i], probe);
  }
}

Target Router::resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe,
                       const Asker& asker) const {
  if (head.path == "*") return options(kServerMethods);
  const SiteRoutes& routes = this->routes(site);
  const std::string_view path = path_below(site, head.path);
  const RouteFacts facts{.head = head,
                         .path = path.empty() ? std::string_view("/") : path,
                         .host = asker.host,
                         .client = asker.client,
                         .secure = asker.secure};
  RoutePlan plan = routes.plan(facts);
  Target target;
  if (plan.action == RoutePlan::Action::deny) {
    target = error(plan.status, plan.why);
  } else if (plan.action == RoutePlan::Action::redirect) {
    target.kind = Target::Kind::redirect;
    target.status = plan.status;
    target.location = std::move(plan.location);
  } else if (path.empty()) {
    target = redirect_to_directory(head);
  } else {
    std::string real_root;
    if (site.resolve_root) real_root = probe.real_path(site.root);
    const bool there = !root_unseen_[index_of(site)] || root_is_there(site, probe);
    const std::string_view root = real_root.empty() ? std::string_view(site.root) : real_root;
    target = Resolution({site, routes, root, there, probe}, facts, plan).run();
    target.root = std::move(real_root);
  }
  target.plan = std::move(plan);
  return target;
}

std::size_t Router::index_of(const config::Site& site) const {
  return static_cast<std::size_t>(&site - config_.sites.data());
}

}  // namespace holdfast::core
