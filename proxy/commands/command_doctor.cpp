// The command line of doctor: options in, exit status out. The work is in doctor_facts.h and doctor.h.
#include "proxy/commands/command_doctor.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "config/load.h"
#include "proxy/commands/exit_status.h"
#include "proxy/doctor/doctor.h"
#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/doctor_report.h"
#include "proxy/fpm/run_user.h"

namespace holdfast {

namespace {

struct DoctorOptions {
  std::string config_file = "/etc/holdfast/holdfast.yaml";
  FactSources sources;
  bool json = false;
  bool do_not_ask = false;
};

int run_doctor(DoctorOptions options) {
  const config::LoadResult loaded = config::load_file(options.config_file);
  std::fputs(config::format_diagnostics(loaded.diagnostics).c_str(), stderr);
  if (!loaded.config) return kExitConfig;
  std::string error;
  if (options.sources.user.empty() && ::geteuid() == 0) {  // as what a start by root would end up
    if (const auto user = choose_run_user(*loaded.config, error)) options.sources.user = user->name;
  }
  const std::optional<Account> account = find_account(options.sources.user, error);
  if (!account) {
    std::fprintf(stderr, "holdfast doctor: %s\n", error.c_str());
    return kExitUsage;
  }
  options.sources.ask = !options.do_not_ask;
  const DoctorFacts facts = gather_facts(options.config_file, *loaded.config, *account, options.sources);
  const std::vector<Finding> findings = diagnose(facts);
  const bool color = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const std::string out = options.json ? doctor_json(facts, findings) : doctor_text(facts, findings, color);
  std::fwrite(out.data(), 1, out.size(), stdout);
  return exit_status_of(findings);
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_status) {
  const auto options = std::make_shared<DoctorOptions>();  // lives as long as the callback
  CLI::App* command =
      app.add_subcommand("doctor", "Compare the pools with php-fpm's and the kernel's settings.");
  command->add_option("-c,--config", options->config_file, "Configuration file")->capture_default_str();
  command
      ->add_option("--fpm-config", options->sources.fpm_configs,
                   "The php-fpm.conf; default: where the packages put it")
      ->check(CLI::ExistingFile);
  command->add_option("--user", options->sources.user,
                      "Account that holdfast runs under; default: the current one, or whom root becomes");
  command->add_flag("--json", options->json, "One JSON object");
  command->add_flag("--offline", options->do_not_ask, "Do not connect to php-fpm");
  command->footer(
      "Exit status: 0 nothing worse than a hint, 1 warnings, 2 errors, 64 usage, 78 mistakes in the "
      "configuration.\nNo script of yours is run.");
  command->callback([options, &exit_status] { exit_status = run_doctor(*options); });
}

}  // namespace holdfast
