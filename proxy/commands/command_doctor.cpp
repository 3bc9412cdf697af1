// The command line of doctor: options in, exit status out. The work is in doctor_facts.h and doctor.h.
#include "proxy/commands/command_doctor.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "config/load.h"
#include "proxy/client/system_probe.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/doctor/doctor.h"
#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/doctor_hidden.h"
#include "proxy/doctor/doctor_report.h"
#include "proxy/fpm/missing_rights.h"
#include "proxy/fpm/run_user.h"

namespace holdfast {

namespace {

struct DoctorOptions {
  std::string config_file = kDefaultFile;
  FactSources sources;
  bool json = false;
  bool do_not_ask = false;
};

// What must not be readable, of each site; with `ask` the running server is asked for it.
std::vector<HiddenFacts> look_for_hidden(const config::Config& config, const FactSources& sources) {
  std::map<std::string, std::string> real_paths;
  SystemProbe probe(real_paths);
  std::vector<HiddenFacts> sites = find_hidden_files(config, probe);
  if (sources.ask) ask_for_hidden_files(sites, sources.answer_limit);
  for (HiddenFacts& site : sites) {
    if (!sources.ask) site.no_answer = "--offline";
  }
  return sites;
}

int run_doctor(DoctorOptions options) {
  const config::LoadResult loaded = config::load_file(options.config_file);
  std::fputs(config::format_diagnostics(loaded.diagnostics).c_str(), stderr);
  if (!loaded.config) return kExitConfig;
  std::string error;
  if (options.sources.user.empty() && ::geteuid() == 0) {  // as what a start by root would end up
    if (const auto user = choose_run_user(*loaded.config, error)) options.sources.user = user->name;
  }
  const std::optional<Account> account = find_account(options.sources.user, error);
  if (!account) return fail("doctor", kExitUsage, error);
  options.sources.ask = !options.do_not_ask;
  DoctorFacts facts = gather_facts(options.config_file, *loaded.config, *account, options.sources);
  facts.hidden = look_for_hidden(*loaded.config, options.sources);
  facts.rights_missed = rights_missed_by(account->user, *loaded.config, loaded.sources);
  const std::vector<Finding> findings = diagnose(facts);
  const bool color = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const std::string out = options.json ? doctor_json(facts, findings) : doctor_text(facts, findings, color);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return exit_status_of(findings);
}

}  // namespace

void add_doctor_command(CommandLine& line) {
  const auto options = std::make_shared<DoctorOptions>();  // lives as long as the action
  Command command = line.add(
      "doctor",
      "Compare the pools with php-fpm's and the kernel's settings, and ask the server for hidden files.");
  command.text("-c,--config", options->config_file, "Configuration file");
  command.files("--fpm-config", options->sources.fpm_configs,
                "The php-fpm.conf; default: where the packages put it");
  command.files("--front", options->sources.fronts,
                "Configuration of a web server in front; default: where the packages put it");
  command.text("--user", options->sources.user,
               "Account that holdfast runs under; default: the current one, or whom root becomes");
  command.flag("--json", options->json, "One JSON object");
  command.flag("--offline", options->do_not_ask,
               "Connect to nothing: neither php-fpm nor the running server");
  command.footer(
      "Exit status: 0 nothing worse than a hint, 1 warnings, 2 errors, 64 usage, 78 mistakes in the "
      "configuration.\nFiles below the roots that must not be readable (names with a dot, dumps and copies, "
      "what the application's\npreset hides) are asked of the running server as any client would. No script "
      "of yours is run.\n--front takes the main file of nginx, Apache, HAProxy, Caddy (Caddyfile) or "
      "lighttpd; "
      "which one it is shows in it,\nand files that it includes are read, too.");
  command.action([options] { return run_doctor(*options); });
}

}  // namespace holdfast
