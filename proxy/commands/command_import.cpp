// See command_import.h.
#include "proxy/commands/command_import.h"

#include <cstdio>
#include <memory>
#include <string>

#include "config/import/nginx_import.h"
#include "config/load.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/core/log_text.h"
#include "proxy/doctor/nginx_files.h"

namespace holdfast {

namespace {

int import_file(const std::string& path) {
  const auto text = read_nginx_file(path);
  if (!text) return fail("import", kExitConfig, core::escape_for_log(path) + " cannot be read");
  const config::Imported imported = config::import_nginx(*text, path, nginx_files_beside(path));
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
  const auto file = std::make_shared<std::string>();  // lives as long as the action
  command.needed_file("FILE", *file, "Such as /etc/nginx/nginx.conf, or the file of one site");
  command.action([file] { return import_file(*file); });
}

}  // namespace holdfast
