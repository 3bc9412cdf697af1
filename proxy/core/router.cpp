// See router.h for the order of the rules.
#include "proxy/core/router.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/site.h"
#include "proxy/core/path_text.h"
#include "proxy/core/withheld.h"
#include "proxy/text/uri_text.h"

namespace holdfast::core {

namespace {

using http::Method;

constexpr std::string_view kFileMethods = "GET, HEAD, OPTIONS";

// True when `raw` followed by "/" is a path on this host to every browser: "//evil.example" and
// "/\evil.example" would name another host.
bool is_safe_location(std::string_view raw) {
  if (!raw.starts_with('/') || raw.starts_with("//")) return false;
  for (const char c : raw) {
    if (!text::is_uri_byte(c)) return false;
  }
  return true;
}

// What a URI allows elsewhere, but not as part of a path.
constexpr std::string_view kPathOnly = "%?#[]^`{|}";

void options(std::string_view allow, Target& target) {
  target.kind = Target::Kind::options;
  target.status = 204;
  target.allow = allow;
}

// To the same path with a slash behind it. The client's own spelling is kept where it is harmless.
void redirect_to_directory(const http::RequestHead& head, Target& target) {
  target.kind = Target::Kind::redirect;
  // 308 keeps the method and the body; GET and HEAD get the answer that everything understands.
  target.status = head.method == Method::get || head.method == Method::head ? 301 : 308;
  if (is_safe_location(head.raw_path)) {
    target.location = head.raw_path;
  } else {
    text::append_percent_encoded(target.location, head.path, kPathOnly);
  }
  target.location += '/';
  if (!head.query.empty()) {
    target.location += '?';
    text::append_percent_encoded(target.location, head.query,
                                 {});  // raw bytes that a client sent as they are
  }
}

// One resolution: the request, what the routes say, the path that is being probed, and the target that is
// filled in.
class Resolution {
 public:
  // `target.plan`: of the path asked for, which nothing has decided yet. `root`: the site's, or what it is
  // without links. All outlive this.
  struct Given {
    const config::Site& site;
    const SiteRoutes& routes;
    std::string_view root;
    bool root_is_there;
    FileProbe& probe;
  };
  Resolution(const Given& given, const RouteFacts& facts, Target& target)
      : given_(given), site_(given.site), facts_(facts), target_(target), plan_(target.plan) {
    if (plan_.action == RoutePlan::Action::rewrite) {
      go_to(std::move(plan_.rewrite.path));
      rewritten_ = elsewhere_;
      target_.query = std::move(plan_.rewrite.query);
    } else {
      look_at(facts.path);
    }
  }

  void run() {
    find();
    if (target_.kind != Target::Kind::php) target_.query.reset();
  }

 private:
  // ---- what it comes to

  void error(int status, std::string_view why, std::string_view allow = {}) {
    target_.kind = Target::Kind::error;
    target_.status = status;
    target_.why = why;
    target_.allow = allow;
  }
  void hidden_error() { error(404, "names that begin with a dot are not served"); }
  void forbidden() { error(403, "no permission to read the file"); }

  void php(std::string_view script_name, std::string_view path_info) {
    target_.kind = Target::Kind::php;
    target_.script_name = script_name;
    target_.path_info = path_info;
  }

  // The file or the folder target_.path, by the method.
  void answer(Target::Kind kind) {
    switch (facts_.head.method) {
      case Method::get:
      case Method::head: target_.kind = kind; return;
      case Method::options: options(kFileMethods, target_); return;
      case Method::post:
      case Method::put:
      case Method::delete_:
      case Method::patch:
      case Method::query:
      case Method::other: break;
    }
    error(405, "a file answers only GET and HEAD", kFileMethods);
  }

  // ---- the rules

  void find() {
    // Only a script may name these.
    for (const auto& [prefix, folder] : site_.internal) {
      if (is_below(path_, prefix)) return error(404, "a prefix of internal");
    }
    if (given_.root_is_there) {
      with_files();
    } else {
      without_files();
    }
  }

  void with_files() {
    if (runs_php() && try_script()) return;
    if (hidden_at_ != std::string_view::npos) return hidden();
    if (path_.ends_with('/')) return directory();
    plain();
  }

  // The root is not on our side: what php-fpm has there can only be told from the text.
  void without_files() {
    if (!runs_php()) return error(404, "the root of the site does not exist");
    const std::size_t end = script_end(path_, 0);
    if (end != std::string_view::npos && end <= hidden_at_)
      return script(path_.substr(0, end), path_.substr(end));
    if (hidden_at_ != std::string_view::npos && !has_fallback()) return hidden_error();
    if (!has_fallback() && path_.ends_with('/')) {
      for (const std::string& name : site_.index) {
        if (!name.ends_with(kScriptSuffix)) continue;
        target_.path.assign(path_).append(name);
        return script(target_.path, {});
      }
    }
    not_found();
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

  bool has_fallback() const {
    return !falling_back_ && plan_.fallback != nullptr && !plan_.fallback->not_found &&
           (runs_php() || plan_.fallback->script.empty());
  }

  FileKind kind(std::string_view path) { return given_.probe.kind(given_.root, path); }

  // What is done with what was found depends on its own name, too. True, and an error, where the routes
  // refuse it.
  bool refused(std::string_view found) {
    if (given_.routes.empty() || found == facts_.path || found == rewritten_) return false;
    facts_.resolved = found;
    given_.routes.plan(facts_, plan_);
    facts_.resolved = {};
    by_found_ = true;
    if (plan_.action != RoutePlan::Action::deny) return false;
    error(plan_.status, plan_.why);
    return true;
  }

  // Nothing was found by it, after all.
  void forget_found() {
    if (by_found_) given_.routes.plan(facts_, plan_);
    by_found_ = false;
  }

  // The script is there.
  void script(std::string_view name, std::string_view path_info) {
    if (refused(name)) return;
    if (!plan_.php.value_or(true)) return error(404, "php: false keeps scripts of this path from running");
    if (!given_.routes.may_run(name)) return not_found("run leaves this script out");
    php(name, path_info);
  }

  // The script that the fallback names; the path that was asked for stands for nothing where that is guarded.
  void fall_to(std::string_view script, std::string_view path_info) {
    if (plan_.fallback->guarded) {
      facts_.fallen_to = script;
      given_.routes.plan(facts_, plan_);
      facts_.fallen_to = {};
      if (plan_.action == RoutePlan::Action::deny) return error(plan_.status, plan_.why);
      if (!plan_.fallen_to_runs)
        return error(404, "php: false keeps the script of the fallback from running");
    }
    php(script, path_info);
  }

  void not_found(std::string_view why = "no such file") {
    forget_found();
    if (!has_fallback()) return error(404, why);
    const Fallback& fallback = *plan_.fallback;
    const auto& parts = fallback.target.parts;
    const std::size_t written = fallback.script.size();
    if (parts.size() == 1 && fallback.target.adds_query && written == parts[0].text.size()) {
      target_.query.reset();
      return fall_to(parts[0].text, {});
    }
    auto target = internal_target(fallback.target, {facts_.path, facts_.head.path, facts_.head.query,
                                                    facts_.host, &plan_.fallback_captures});
    if (!target) return error(404, "the fallback would leave the root");
    const bool own_query =
        !fallback.target.adds_query ||
        std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.in_query; });
    target_.query.reset();
    if (own_query) target_.query = std::move(target->query);
    const std::size_t end = written == 0 ? 0 : script_end(target->path, 0);
    const std::string_view path = target->path;
    if (end != 0 && end <= written) return fall_to(path.substr(0, end), path.substr(end));
    facts_.by_fallback = falling_back_ = true;
    go_to(std::move(target->path));
    find();
  }

  // Rule 2. What is not there may be a page of the application (/wiki/.NET_Framework).
  void hidden() {
    if (!has_fallback()) return hidden_error();
    const FileKind there = kind(path_.substr(0, path_.find('/', hidden_at_ + 1)));
    if (there != FileKind::missing) return hidden_error();
    not_found();
  }

  bool withheld(std::string_view name) const {
    return is_withheld(name) && !is_published(name, site_.publish);
  }

  // Rule 1. Hidden names are allowed in PATH_INFO: they are php's (WebDAV serves dot files there). False: the
  // path names no script.
  bool try_script() {
    for (std::size_t end = script_end(path_, 0); end <= hidden_at_ && end != std::string_view::npos;
         end = script_end(path_, end)) {
      switch (kind(path_.substr(0, end))) {
        case FileKind::file: script(path_.substr(0, end), path_.substr(end)); return true;
        case FileKind::directory: break;  // a directory called x.php: the script may lie in it
        case FileKind::missing:
          // Then nothing below it exists either: one probe, however many ".php/" a client strings together.
          not_found();
          return true;
        case FileKind::forbidden: forbidden(); return true;
        case FileKind::other: error(404, "not a regular file"); return true;
      }
    }
    return false;
  }

  // Rule 3. The directory itself is probed before its index files: a page of the fallback that ends in a
  // slash then costs one probe. The root is known to be there.
  void directory() {
    if (path_.size() > 1) {
      const FileKind here = kind(path_.substr(0, path_.size() - 1));
      if (here == FileKind::forbidden) return forbidden();
      if (here != FileKind::directory) return not_found();
    }
    std::string& found = target_.path;
    for (const std::string& name : site_.index) {
      const bool is_script = name.ends_with(kScriptSuffix) && runs_php();
      if (!is_script && withheld(name)) continue;
      found.assign(path_).append(name);
      const FileKind index = kind(found);
      if (index == FileKind::forbidden) return forbidden();
      if (index != FileKind::file) continue;
      if (!is_script) return file();
      if (refused(found)) return;
      if (plan_.php.value_or(true) && given_.routes.may_run(found)) return php(found, {});
    }
    if (refused(path_)) return;
    if (!plan_.list) return not_found("the folder has none of the files of index");
    found = path_;
    answer(Target::Kind::list);
  }

  // Rule 4.
  void plain() {
    switch (kind(path_)) {
      case FileKind::file:
        if (withheld(path_.substr(path_.rfind('/') + 1)))
          return not_found("a name like this is not sent as a file: see publish");
        target_.path = path_;
        return file();
      case FileKind::directory:
        // Without index files a folder is nothing of its own, and a page of its name the application's: were it
        // led to /dir/, the application might lead it back.
        if (site_.index.empty() && !plan_.list && has_fallback()) return not_found();
        if (path_.data() == facts_.path.data()) return redirect_to_directory(facts_.head, target_);
        go_to(std::string(path_) + '/');  // a name of our own: the client need not know
        return directory();
      case FileKind::missing: return not_found();
      case FileKind::forbidden: return forbidden();
      case FileKind::other: return error(404, "not a regular file");
    }
  }

  // target_.path is one.
  void file() {
    if (!refused(target_.path)) answer(Target::Kind::file);
  }

  Given given_;
  const config::Site& site_;
  RouteFacts facts_;
  Target& target_;
  RoutePlan& plan_;
  std::string_view path_;  // looked at: the one asked for, or elsewhere_
  std::string elsewhere_;
  std::string rewritten_;  // where `to` leads, which the plan knows of
  std::size_t hidden_at_ = 0;
  bool by_found_ = false;      // plan_ counts what was found in
  bool falling_back_ = false;  // there is no second fallback
};

bool root_is_there(const config::Site& site, FileProbe& probe) {
  // Empty: "/" without its trailing slash.
  return probe.kind(site.root.empty() ? "/" : site.root, {}) != FileKind::missing;
}

}  // namespace

void Target::clear() {
  kind = Kind::error;
  for (std::string* text : {&script_name, &path_info, &root, &path, &location}) {
    if (!text->empty()) text->clear();  // most are: their bytes elsewhere need no look
  }
  query.reset();
  status = 200;
  allow = why = {};
}

Router::Router(const std::vector<config::Site>& sites)
    : sites_(sites), index_(sites), root_unseen_(sites.size(), false) {
  routes_.reserve(sites.size());
  for (const config::Site& site : sites) routes_.emplace_back(site);
}

bool Router::shows(const config::Site& site, const http::RequestHead& head, const Asker& asker,
                   std::string_view path) const {
  if (hidden_at(path, site.publish) != std::string_view::npos) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (is_withheld(name) && !is_published(name, site.publish)) return false;
  for (const auto& [prefix, folder] : site.internal) {
    if (is_below(path, prefix)) return false;
  }
  RoutePlan plan;
  routes(site).plan(
      {.head = head, .path = path, .host = asker.host, .client = asker.client, .secure = asker.secure}, plan);
  return plan.action != RoutePlan::Action::deny;
}

void Router::look_at_roots(FileProbe& probe) {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    root_unseen_[i] = !root_is_there(sites_[i], probe);
  }
}

void Router::resolve(const config::Site& site, const http::RequestHead& head, FileProbe& probe,
                     const Asker& asker, Target& target) const {
  target.clear();
  if (head.path == "*") return options(kServerMethods, target);
  const SiteRoutes& routes = this->routes(site);
  const std::string_view path = path_below(site, head.path);
  const RouteFacts facts{.head = head,
                         .path = path.empty() ? std::string_view("/") : path,
                         .host = asker.host,
                         .client = asker.client,
                         .secure = asker.secure};
  RoutePlan& plan = target.plan;
  routes.plan(facts, plan);
  if (plan.action == RoutePlan::Action::deny) {
    target.status = plan.status;
    target.why = plan.why;
  } else if (plan.action == RoutePlan::Action::redirect) {
    target.kind = Target::Kind::redirect;
    target.status = plan.status;
    target.location = std::move(plan.location);
  } else if (path.empty()) {
    redirect_to_directory(head, target);
  } else {
    if (site.resolve_root) target.root = probe.real_path(site.root);
    const bool there = !root_unseen_[index_of(site)] || root_is_there(site, probe);
    const std::string_view root = target.root.empty() ? std::string_view(site.root) : target.root;
    Resolution({site, routes, root, there, probe}, facts, target).run();
  }
}

std::size_t Router::index_of(const config::Site& site) const {
  return static_cast<std::size_t>(&site - sites_.data());
}

}  // namespace holdfast::core
