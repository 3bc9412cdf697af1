// The command line of doctor: options in, exit status out. The work is in doctor_facts.h and doctor.h.
#include "proxy/commands/command_doctor.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "config/config.h"
#include "config/load.h"
#include "proxy/client/system_probe.h"
#include "proxy/commands/admin_question.h"
#include "proxy/commands/command_line.h"
#include "proxy/commands/exit_status.h"
#include "proxy/doctor/doctor.h"
#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/doctor_hidden.h"
#include "proxy/doctor/doctor_report.h"
#include "proxy/fpm/missing_rights.h"
#include "proxy/fpm/run_user.h"
#include "proxy/json/json.h"

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

// Whom the running server is; nothing: it does not say.
std::optional<RunUser> running_user(const config::Config& config, std::chrono::milliseconds limit) {
  if (!config.admin) return std::nullopt;
  AdminTrouble trouble;
  const std::optional<std::string> body = ask_admin(*config.admin, "/status", limit, trouble);
  const std::optional<Json> status = body ? Json::parse(*body) : std::nullopt;
  if (!status) return std::nullopt;
  const Json& account = (*status)["account"];
  const auto uid = account["uid"].count(), gid = account["gid"].count();
  constexpr std::uint64_t kIdsEnd = 0xffffffff;  // -1: "no change" to the kernel
  if (!uid || !gid || *uid >= kIdsEnd || *gid >= kIdsEnd) return std::nullopt;
  std::string error;
  std::optional<RunUser> user = find_run_user(std::to_string(*uid), std::to_string(*gid), error);
  if (!user) return std::nullopt;
  user->groups.clear();  // as they are, not as the files of accounts have them
  for (const Json& group : account["groups"].items()) {
    if (const auto number = group.count(); number && *number < kIdsEnd)
      user->groups.push_back(static_cast<gid_t>(*number));
  }
  return user;
}

struct Judged {
  Account account;
  RunUser user;  // the same
  AccountSource source = AccountSource::told;
};

Judged judged(RunUser user, AccountSource source) {
  Account account{.user = user.name, .uid = user.uid, .groups = {user.groups.begin(), user.groups.end()}};
  account.groups.push_back(user.gid);
  return {.account = std::move(account), .user = std::move(user), .source = source};
}

// Nothing with `error`: --user is nobody.
std::optional<Judged> whom_to_judge_for(const config::Config& config, const FactSources& sources,
                                        std::string& error) {
  if (sources.user.empty() && sources.ask) {
    if (auto user = running_user(config, sources.answer_limit))
      return judged(*std::move(user), AccountSource::running);
  }
  if (sources.user.empty() && ::geteuid() == 0) {  // as what a start by root would end up
    std::string nobody;
    if (auto user = choose_run_user(config, nobody))
      return judged(*std::move(user), config.user.empty() ? AccountSource::guessed : AccountSource::told);
  }
  const std::optional<Account> account = find_account(sources.user, error);
  if (!account) return std::nullopt;
  Judged found{.account = *account,
               .user = {},
               .source = sources.user.empty() ? AccountSource::guessed : AccountSource::told};
  std::string no_such_group;
  if (auto user = find_run_user(account->user, config.group, no_such_group)) found.user = *std::move(user);
  return found;
}

int run_doctor(DoctorOptions options) {
  const config::LoadResult loaded = config::load_file(options.config_file);
  std::fputs(config::format_diagnostics(loaded.diagnostics).c_str(), stderr);
  if (!loaded.config) return kExitConfig;
  std::string error;
  options.sources.ask = !options.do_not_ask;
  const std::optional<Judged> whom = whom_to_judge_for(*loaded.config, options.sources, error);
  if (!whom) return fail("doctor", kExitUsage, error);
  DoctorFacts facts = gather_facts(options.config_file, *loaded.config, whom->account, options.sources);
  facts.account_source = whom->source;
  facts.hidden = look_for_hidden(*loaded.config, options.sources);
  facts.rights_missed = rights_missed_by(whom->user, *loaded.config, loaded.sources);
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
               "Account of holdfast; default: the running server's, else ours, or whom root becomes");
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
