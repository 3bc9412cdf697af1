// The command line: one command a file (command_*.cpp). Nothing else happens here.
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
  holdfast::CommandLine line("holdfast", "HTTP server and FastCGI connection pooler for php-fpm",
                             std::string(holdfast::kVersion));
  holdfast::add_run_commands(line);
  holdfast::add_serve_command(line);
  holdfast::add_status_command(line);
  holdfast::add_sockets_command(line);
  holdfast::add_doctor_command(line);
  holdfast::add_explain_command(line);
  holdfast::add_import_command(line);
  // Set last: commands take over the footer that is there when they are added.
  line.footer(
      "Start here: `holdfast serve DIR` serves a folder of PHP with no configuration at all.\n"
      "`holdfast COMMAND --help` tells the options of a command.");
  return line.run(argc, argv);
}
