// Warnings about the folder of a site: one of the system, the folder of a project instead of its public one,
// or one that holds what is not for visitors. See checks.h. A bounded look, at most kEntriesMax names.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/checks.h"
#include "config/withheld.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;

constexpr int kEntriesMax = 1000;  // of one look: a large folder is not read to its end

// Themselves: below them are sites (/var/www/html, /usr/share/phpmyadmin).
constexpr std::array<std::string_view, 23> kSystemFolders = {
    "/bin",      "/home",      "/lib",     "/lib64",   "/media",     "/mnt",         "/opt",     "/root",
    "/run",      "/sbin",      "/tmp",     "/usr",     "/var",       "/usr/bin",     "/usr/lib", "/usr/local",
    "/usr/sbin", "/var/cache", "/var/lib", "/var/log", "/var/spool", "/var/backups", "/var/tmp"};
// With all below.
constexpr std::array<std::string_view, 5> kSystemTrees = {"/boot", "/dev", "/etc", "/proc", "/sys"};

constexpr std::array<std::string_view, 11> kProjectFiles = {
    "composer.json", "composer.lock", "artisan", "bin/console", "spark", "yii",
    "symfony.lock",  "package.json",  "vendor",  ".env",        ".git"};
// A framework's, beside one of those folders: a project, though there is no public folder to be named. Not
// composer.json: many an application whose root is the public folder has it, and config/ beside it.
constexpr std::array<std::string_view, 5> kCodeMarkers = {"artisan", "bin/console", "spark", "yii",
                                                          "symfony.lock"};
constexpr std::array<std::string_view, 3> kCodeFolders = {"src", "app", "config"};
constexpr std::array<std::string_view, 7> kPublicFolders = {"public",  "web",      "public_html", "htdocs",
                                                            "webroot", "httpdocs", "pub"};

bool is_system_folder(const std::string& folder) {
  const auto is = [&folder](std::string_view each) { return folder == each; };
  const auto within = [&folder](std::string_view each) {
    return folder == each || (folder.starts_with(each) && folder[each.size()] == '/');
  };
  return folder == "/" || std::any_of(kSystemFolders.begin(), kSystemFolders.end(), is) ||
         std::any_of(kSystemTrees.begin(), kSystemTrees.end(), within);
}

// What a root is when its links are followed: /srv/site -> /etc is /etc.
std::string real_folder(const std::string& root) {
  std::error_code error;
  const fs::path real = fs::canonical(root, error);
  return error ? root : real.string();
}

std::vector<std::string> names_in(const fs::path& folder, int& left) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
       !error && at != fs::directory_iterator() && left > 0; at.increment(error)) {
    names.push_back(at->path().filename().string());
    --left;
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The first of `list` below `root`; empty: none. `names`: those in `root`.
template <class List>
std::string_view first_of(const List& list, const std::string& root, const std::vector<std::string>& names) {
  const auto there = [&](std::string_view path) {
    std::error_code error;
    const std::size_t slash = path.find('/');
    return has(names, path.substr(0, slash)) &&
           (slash == std::string_view::npos || fs::exists(fs::path(root) / path, error));
  };
  const auto* const found = std::find_if(list.begin(), list.end(), there);
  return found == list.end() ? std::string_view() : *found;
}

// What no application has there by itself. Names with a dot in front are hidden; of those .env is one of secrets.
bool is_private_file(std::string_view name) {
  if (name.starts_with('.')) return name == ".env";
  const Withheld kind = withheld_as(name);
  return kind == Withheld::dump || kind == Withheld::copy;
}

// The folder beside the project's files that is meant for visitors; empty: none.
std::string public_folder(const std::string& root, const std::vector<std::string>& names) {
  for (const std::string_view name : kPublicFolders) {
    std::error_code error;
    const fs::path folder = fs::path(root) / name;
    if (has(names, name) && fs::is_directory(folder, error)) return folder.string();
  }
  return {};
}

// What tells that a folder is not the public one of its project. Both empty: nothing.
struct ProjectSigns {
  std::string names;   // "composer.json", "artisan and app/"
  std::string remedy;  // "did you mean root: /srv/app/public?"
};

// `better`: as of public_folder().
ProjectSigns project_signs(const std::string& root, const std::vector<std::string>& names,
                           const std::string& better) {
  // What answers at the root itself is meant to: Nextcloud, Matomo, MediaWiki, PrestaShop (with bin/console).
  if (has(names, "index.php") || has(names, "index.html")) return {};
  const std::string_view marker = first_of(kProjectFiles, root, names);
  if (!better.empty() && !marker.empty()) return {std::string(marker), "did you mean root: " + better + "?"};
  const std::string_view code = first_of(kCodeFolders, root, names);
  const std::string_view framework = first_of(kCodeMarkers, root, names);
  if (code.empty() || framework.empty()) return {};
  return {std::string(framework) + " and " + std::string(code) + "/",
          "make a folder of it for what visitors may have, and name that"};
}

// Composer's, with scripts: `public/vendor` of style sheets alone is for visitors.
bool is_code(const fs::path& vendor, int& left) {
  constexpr int kDepthMax = 4;  // vendor/acme/thing/src/Thing.php
  bool empty = true;
  std::error_code error;
  for (fs::recursive_directory_iterator at(vendor, fs::directory_options::skip_permission_denied, error);
       !error && at != fs::recursive_directory_iterator() && left > 0; at.increment(error)) {
    --left;
    empty = false;
    if (at.depth() >= kDepthMax) at.disable_recursion_pending();
    if (at->path().extension() == ".php") return true;
  }
  return empty;
}

// In the folder `prefix` of `root`, as paths from the root. Its folders are added to `folders`.
void find_private(const std::string& root, const std::string& prefix, int& left,
                  std::vector<std::string>& found, std::vector<std::string>& folders) {
  const fs::path folder = fs::path(root) / prefix;
  for (const std::string& name : names_in(folder, left)) {
    std::error_code error;
    const bool is_folder = fs::symlink_status(folder / name, error).type() == fs::file_type::directory;
    const bool of_versions = name == ".git" || name == ".svn" || name == ".hg";
    if (of_versions || (!is_folder && is_private_file(name))) {
      found.push_back(prefix + name);
    } else if (name == "vendor" && fs::is_directory(folder / name, error)) {
      if (is_code(folder / name, left)) found.push_back(prefix + name + "/");
    } else if (is_folder) {
      folders.push_back(prefix + name + "/");
    }
  }
}

// In `root` and kLevels of folders, the upper ones first.
std::vector<std::string> find_private(const std::string& root) {
  constexpr int kLevels = 2;
  int left = kEntriesMax;
  std::vector<std::string> found;
  std::vector<std::string> level{""};
  for (int depth = 0; depth <= kLevels; ++depth) {
    std::vector<std::string> next;
    for (const std::string& folder : level) {
      if (left > 0) find_private(root, folder, left, found, next);
    }
    level = std::move(next);
  }
  return found;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

}  // namespace

void check_internal_folder(const Checked& checked, const std::string& key, const std::string& prefix,
                           const std::string& folder) {
  const std::string real = real_folder(folder);
  if (!is_system_folder(real)) return;
  checked.report.warning(checked.places.find(key),
                         key + ": " + prefix + " leads to " +
                             (real == folder ? real : folder + " (" + real + ")") +
                             ", a folder of the system: a script that is tricked into a name has any file of "
                             "it sent",
                         "name the folder with the files that are meant to be sent");
}

void check_root_contents(const Checked& checked, const std::string& key, const std::string& root) {
  const Mark mark = checked.places.find(key);
  const std::string real = real_folder(root);
  const std::string shown = real == root ? root : root + " (" + real + ")";
  if (is_system_folder(real)) {
    checked.report.warning(mark, key + ": " + shown + " is a folder of the system, not of a site",
                           "name the folder with the public files, such as /srv/app/public");
    return;
  }
  int left = kEntriesMax;
  const std::vector<std::string> names = names_in(root, left);
  const std::string better = public_folder(root, names);
  const ProjectSigns signs = project_signs(root, names, better);
  const std::vector<std::string> found = find_private(root);
  if (signs.names.empty() && found.empty()) return;
  std::string text = key + ": " + shown;
  if (!signs.names.empty())
    text += " looks like a project (" + signs.names + "), not like its public folder" +
            (found.empty() ? "" : ", and");
  if (!found.empty()) text += " holds " + listed(found) + ": not for visitors";
  std::string remedy = signs.remedy;
  if (remedy.empty()) {
    std::error_code error;
    const bool is_ready = !better.empty() && fs::exists(fs::path(better) / "index.php", error);
    remedy =
        "move it out of the root, or serve " + (is_ready ? better : "a folder of public files") + " alone";
  }
  checked.report.warning(mark, text, remedy);
}

}  // namespace holdfast::config
