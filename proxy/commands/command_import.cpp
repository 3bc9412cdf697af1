// See command_import.h.
#include "proxy/commands/command_import.h"

#include <glob.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "config/import/nginx_import.h"
#include "config/load.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/core/log_text.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

// Nothing for what cannot be read, or is larger than any configuration.
std::optional<std::string> text_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(config::kNginxTextMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// Relative to the folder of the first file, as nginx does it.
std::vector<config::NginxFile> files_of(const fs::path& folder, const std::string& pattern) {
  glob_t found{};
  std::vector<config::NginxFile> out;
  if (::glob((folder / pattern).c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      const std::string path = found.gl_pathv[i];
      if (auto text = text_of(path)) out.push_back({path, *std::move(text)});
    }
  }
  ::globfree(&found);
  return out;
}

int import_file(const std::string& path) {
  const auto text = text_of(path);
  if (!text) {
    std::fprintf(stderr, "holdfast import: %s cannot be read\n", core::escape_for_log(path).c_str());
    return kExitConfig;
  }
  const fs::path folder = fs::path(path).parent_path();
  const config::Imported imported = config::import_nginx(
      *text, path, [&folder](const std::string& pattern) { return files_of(folder, pattern); });
  const std::string yaml = config::import_yaml(imported);
  std::fputs(yaml.c_str(), imported.failed ? stderr : stdout);
  if (!imported.failed) {  // folders that are not here, names that cannot stand: as `check` would say it
    const config::LoadResult checked = config::load_text(yaml, "(what is printed)");
    std::fputs(config::format_diagnostics(checked.diagnostics).c_str(), stderr);
  }
  return imported.failed ? kExitConfig : 0;
}

}  // namespace

void add_import_command(CommandLine& line) {
  Command command =
      line.add("import", "Print an nginx configuration as one of Holdfast's, and what of it cannot be said");
  const auto files = std::make_shared<std::vector<std::string>>();
  command.files("FILE", *files, "nginx.conf, or the file of one site");
  command.action([files] {
    if (files->size() != 1) {
      std::fputs("holdfast import: name one file: holdfast import /etc/nginx/nginx.conf\n", stderr);
      return kExitUsage;
    }
    return import_file(files->front());
  });
}

}  // namespace holdfast
