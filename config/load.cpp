// load_file() and load_text(): bytes -> tree (load_yaml) -> Config (schema) -> cross checks. All errors are
// collected; only what is not YAML at all ends early. No exception leaves this file.
#include "config/load.h"

#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "config/checks.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "config/file_bytes.h"
#include "config/foreign_words.h"
#include "config/load_yaml.h"
#include "config/reader.h"
#include "config/schema.h"
#include "config/units.h"

namespace holdfast::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileMax = std::size_t{1}
                                 << 20;  // a configuration is some kilobytes; /dev/zero has no end

constexpr std::size_t kIncludesMax = 1000;  // files

LoadResult failed(const std::string& file, std::string message, std::string hint) {
  LoadResult result;
  result.diagnostics.push_back({Severity::error, file, 0, 0, std::move(message), std::move(hint), {}});
  return result;
}

// Where relative paths begin: the folder of the file, made absolute.
fs::path folder_of(const std::string& file_name) {
  std::error_code error;
  const fs::path whole = fs::absolute(fs::path(file_name), error);
  return (error ? fs::path(file_name) : whole).parent_path();
}

std::vector<std::string> schema_paths() {
  std::vector<std::string> out;
  for (WrittenKey& key : schema_keys()) {
    out.push_back(std::move(key.path));
  }
  return out;
}

struct FilesFound {
  std::vector<std::string> names;
  int error = 0;  // errno: a folder could not be read, so that there may be more
};

// The files of one pattern, by name; hidden ones only where the pattern asks for them. A folder that is not
// there holds none; of one that may not be read nobody knows.
FilesFound files_of(const std::string& pattern) {
  const auto stops = [](const char*, int error) { return error == ENOENT || error == ENOTDIR ? 0 : 1; };
  glob_t found{};
  FilesFound out;
  errno = 0;
  const int result = ::glob(pattern.c_str(), 0, stops, &found);
  const int error = errno;
  if (result == 0) out.names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  if (result == GLOB_ABORTED) out.error = error != 0 ? error : EIO;
  if (result == GLOB_NOSPACE) out.error = ENOMEM;
  ::globfree(&found);
  return out;
}

// Why the file of an `include` without a pattern was not found.
std::string why_no_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 || errno == ENOENT || errno == ENOTDIR)
    return "there is no file " + path;
  return path + " cannot be read: " + std::generic_category().message(errno);
}

// The text of a file as YAML can be read from it; else what is wrong with it.
std::string unreadable(std::string_view& text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kFileMax) return "has more than 1 MiB";
  const std::size_t bad = std::min(text.find('\0'), find_invalid_utf8(text));
  return bad == std::string_view::npos ? "" : "is not a UTF-8 text file";
}

void read_include(Report& report, Reader& reader, const Reader::Include& include, const std::string& path,
                  Config& config) {
  const FileBytes bytes = read_file(path, kFileMax, Sources::files);
  if (!bytes.reason.empty()) {
    report.error(include.mark, "include: " + path + " " + bytes.reason);
    return;
  }
  std::string_view text = bytes.text;
  if (const std::string why = unreadable(text); !why.empty()) {
    report.error(include.mark, "include: " + path + " " + why);
    return;
  }
  const int file = report.add_file(path, text);
  const YamlResult yaml = read_yaml(text, file);
  for (const YamlProblem& problem : yaml.problems) report.error(problem.mark, problem.message, problem.hint);
  if (yaml.root == nullptr || yaml.root->kind == Node::Kind::null) return;
  reader.enter_folder(folder_of(path));
  read_included(reader, yaml.root, config);
}

// Of all patterns in the order written; a file that two of them name is read once.
// Adds the files, and the folders of patterns, to `sources`.
void read_includes(Report& report, Reader& reader, Config& config, std::vector<std::string>& sources) {
  std::set<std::string> seen;
  for (const Reader::Include& include : reader.includes()) {
    const FilesFound found = files_of(include.pattern);
    const bool is_pattern = include.pattern.find_first_of("*?[") != std::string::npos;
    if (found.error != 0) {  // to go on would drop the sites that are there
      report.error(
          include.mark,
          "include: " + folder_of(include.pattern).string() +
              " cannot be read: " + std::generic_category().message(found.error),
          "let the user that runs holdfast read the folder; started as root that is the one of user:");
    } else if (found.names.empty() && is_pattern) {
      report.warning(include.mark, "include: no file is named " + include.pattern,
                     "sites are read from each");
    } else if (found.names.empty()) {
      report.error(include.mark, "include: " + why_no_file(include.pattern));
    }
    if (is_pattern) sources.push_back(folder_of(include.pattern).string());
    for (const std::string& path : found.names) {
      if (seen.size() == kIncludesMax) {
        report.error(include.mark, "include: more than " + std::to_string(kIncludesMax) + " files");
        return;
      }
      if (!seen.insert(path).second) continue;
      sources.push_back(path);
      read_include(report, reader, include, path, config);
    }
  }
}

LoadResult load(std::string_view text, const std::string& file_name, const Environment& environment) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  if (text.ends_with('\r')) {  // of CR LF, where the last line has no LF: yaml-cpp would take it for text
    text.remove_suffix(1);
  }
  if (text.size() > kFileMax) {
    return failed(file_name, "is larger than " + size_text(kFileMax) + ", this is no configuration file",
                  "give the right file with -c FILE");
  }
  const std::size_t bad = std::min(text.find('\0'), find_invalid_utf8(text));
  if (bad != std::string_view::npos) {
    return failed(file_name, "is not a UTF-8 text file (byte " + std::to_string(bad) + ")",
                  "give the right file with -c FILE, or save it as UTF-8");
  }
  Report report(file_name, text);
  LoadResult result;
  const YamlResult yaml = read_yaml(text);
  for (const YamlProblem& problem : yaml.problems) {
    report.error(problem.mark, problem.message, problem.hint);
  }
  Config config;
  if (yaml.root != nullptr && yaml.root->kind == Node::Kind::null) {
    return failed(file_name, "holds no configuration",
                  "a short one to begin with is config/samples/minimal.yaml");
  }
  if (yaml.root == nullptr || yaml.root->kind != Node::Kind::map) {
    if (const std::string whose = foreign_language(text); !whose.empty()) {
      return failed(file_name, "is no YAML, it looks like a configuration of " + whose,
                    "a short one to begin with is config/samples/minimal.yaml, and every key is in "
                    "config/README.md");
    }
  }
  if (yaml.root != nullptr) {
    Places places;
    Reader reader(report, places, environment, folder_of(file_name), schema_paths());
    read_config(reader, yaml.root, config);
    result.sources.push_back(file_name);
    read_includes(report, reader, config, result.sources);
    if (yaml.root->kind == Node::Kind::map) {
      check_config({config, places, report});
    }
  }
  if (!report.has_errors()) {
    result.config = std::make_shared<const Config>(std::move(config));
  }
  result.diagnostics = report.take();
  return result;
}

}  // namespace

LoadResult load_text(std::string_view yaml, const std::string& file_name, const Environment& environment) {
  try {
    return load(yaml, file_name, environment);
  } catch (const std::exception& error) {  // out of memory, or a path the standard library cannot take
    return failed(file_name, std::string("cannot be read: ") + error.what(), {});
  }
}

namespace {
LoadResult load_from(const std::string& path, const Environment& environment, Sources sources) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return failed(path, "is a folder, not a configuration file",
                  "name the file in it: -c " + path + "/holdfast.yaml");
  }
  const FileBytes bytes = read_file(path, kFileMax, sources);
  if (!bytes.reason.empty()) {
    std::string hint;
    if (bytes.error == ENOENT) {
      hint = "name another with -c FILE, or serve a folder without one: holdfast serve DIR";
    } else if (bytes.error == EACCES) {
      hint = "make it readable for the user that runs holdfast";
    } else if (bytes.error == 0) {
      hint = "a start may read it, a reload waits for nobody and takes a file";
    }
    return failed(path, bytes.reason, hint);
  }
  return load_text(bytes.text, path, environment);
}
}  // namespace

LoadResult load_file(const std::string& path, const Environment& environment) {
  return load_from(path, environment, Sources::any);
}

LoadResult load_file_again(const std::string& path, const Environment& environment) {
  return load_from(path, environment, Sources::files);
}

}  // namespace holdfast::config
