// Warnings about the folder of a site: one of the system, the folder of a project instead of its public one,
// or one that holds what is not for visitors. See checks.h. A bounded look, at most kEntriesMax names.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/checks.h"

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

constexpr std::array<std::string_view, 6> kProjectFiles = {"composer.json", "artisan", "package.json",
                                                           "vendor",        ".env",    ".git"};
constexpr std::array<std::string_view, 7> kPublicFolders = {"public",  "web",      "public_html", "htdocs",
                                                            "webroot", "httpdocs", "pub"};
// Names end so; compressed ones too (dump.sql.gz).
constexpr std::array<std::string_view, 6> kDumps = {".sql",    ".sqlite", ".sqlite3",
                                                    ".sql.gz", ".sql.xz", ".sql.zip"};

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

bool is_dump(std::string_view name) {
  return std::any_of(kDumps.begin(), kDumps.end(), [name](std::string_view end) {
    return name.size() > end.size() && name.ends_with(end);
  });
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

// In `folder`, as paths from the root. Folders of one level below are looked into once.
void find_private(const fs::path& folder, const std::string& prefix, int& left,
                  std::vector<std::string>& found, std::vector<std::string>* folders) {
  for (const std::string& name : names_in(folder, left)) {
    std::error_code error;
    if (name == ".git" || name == ".svn" || name == ".hg" || is_dump(name)) {
      found.push_back(prefix + name);
    } else if (name == "vendor" && fs::is_directory(folder / name, error)) {
      if (is_code(folder / name, left)) found.push_back(prefix + name + "/");
    } else if (folders != nullptr &&
               fs::symlink_status(folder / name, error).type() == fs::file_type::directory) {
      folders->push_back(name);
    }
  }
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " more";
  return out;
}

}  // namespace

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
  const auto* const marker = std::find_if(kProjectFiles.begin(), kProjectFiles.end(),
                                          [&names](std::string_view each) { return has(names, each); });
  if (!better.empty() && marker != kProjectFiles.end()) {
    checked.report.warning(mark,
                           key + ": " + shown + " looks like a project (" + std::string(*marker) +
                               "), not like its public folder",
                           "did you mean root: " + better + "?");
    return;
  }
  std::vector<std::string> found;
  std::vector<std::string> folders;
  left = kEntriesMax;
  find_private(root, "", left, found, &folders);
  for (const std::string& folder : folders) {
    if (left <= 0) break;
    find_private(fs::path(root) / folder, folder + "/", left, found, nullptr);
  }
  if (found.empty()) return;
  checked.report.warning(mark, key + ": " + shown + " holds " + listed(found) + ": not for visitors",
                         "move it out of the root, or serve a folder of public files alone");
}

}  // namespace holdfast::config
