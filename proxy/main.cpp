// The command line: one subcommand a file (command_*.cpp). Nothing else happens here.
#include <CLI/CLI.hpp>
#include <string>

#include "proxy/commands/command_doctor.h"
#include "proxy/commands/command_explain.h"
#include "proxy/commands/command_import.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/command_run.h"
#include "proxy/commands/command_serve.h"
#include "proxy/commands/command_sockets.h"
#include "proxy/commands/command_status.h"
#include "proxy/core/version.h"

int main(int argc, char** argv) {
  CLI::App app{"HTTP server and FastCGI connection pooler for php-fpm", "holdfast"};
  app.set_version_flag("--version", "holdfast " + std::string(holdfast::kVersion));
  app.require_subcommand(1);
  int exit_status = 0;
  holdfast::add_run_commands(app, exit_status);
  holdfast::add_serve_command(app, exit_status);
  holdfast::add_status_command(app, exit_status);
  holdfast::add_sockets_command(app, exit_status);
  holdfast::add_doctor_command(app, exit_status);
  holdfast::add_explain_command(app, exit_status);
  holdfast::add_import_command(app, exit_status);
  // Set last: commands take over the footer that is there when they are added.
  app.footer(
      "Start here: `holdfast serve DIR` serves a folder of PHP with no configuration at all.\n"
      "`holdfast COMMAND --help` tells the options of a command.");
  const int usage = holdfast::run_command_line(app, argc, argv);
  return usage != 0 ? usage : exit_status;
}
