// Whether what must not be readable is refused: by the configuration, and by the server as it runs.
#include <algorithm>

#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

using Decision = HiddenFile::Decision;

std::string some_paths(const std::vector<const HiddenFile*>& files) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < files.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + files[i]->path;
  if (files.size() > kShown) text += " and " + std::to_string(files.size() - kShown) + " more";
  return text;
}

std::vector<const HiddenFile*> files_that(const HiddenFacts& facts, bool (*is)(const HiddenFile&)) {
  std::vector<const HiddenFile*> out;
  for (const HiddenFile& file : facts.files) {
    if (is(file)) out.push_back(&file);
  }
  return out;
}

// What keeps the files from being read: the preset where it is the application that hides them, else a route.
std::vector<Change> cures(const DoctorFacts& facts, const HiddenFacts& site,
                          const std::vector<const HiddenFile*>& files) {
  const std::string key = "sites[" + std::to_string(site.index) + "].";
  std::vector<Change> changes;
  const auto of_app = [&](const HiddenFile* file) { return file->why == site.app + " hides it"; };
  if (!site.app.empty() && std::any_of(files.begin(), files.end(), of_app))
    changes.push_back(own_change(facts, key + "app", site.app));
  changes.push_back(
      own_change(facts, key + "routes", "[{ path: \"" + files.front()->path + "\", deny: 404 }, ...]"));
  return changes;
}

void check_site(const DoctorFacts& facts, const HiddenFacts& site, Findings& found) {
  const auto readable = files_that(site, [](const HiddenFile& file) { return file.readable; });
  const auto would_send = files_that(
      site, [](const HiddenFile& file) { return file.decision == Decision::sent && file.status == 0; });
  const auto would_run =
      files_that(site, [](const HiddenFile& file) { return file.decision == Decision::runs; });
  const auto asked = files_that(site, [](const HiddenFile& file) { return file.status != 0; });
  if (!readable.empty()) {
    const bool as_configured = std::any_of(readable.begin(), readable.end(),
                                           [](auto* file) { return file->decision == Decision::sent; });
    found.add(FindingSeverity::error, "readable",
              "GET " + readable.front()->path + " was answered with the file (" +
                  std::to_string(readable.front()->status) + ")" +
                  (readable.size() > 1 ? "; so were " + std::to_string(readable.size() - 1) + " of " +
                                             std::to_string(asked.size() - 1) + " other hidden files: " +
                                             some_paths({readable.begin() + 1, readable.end()})
                                       : ""),
              "It must not be readable: " + readable.front()->why + ". " +
                  (as_configured ? "Whoever knows the name reads it."
                                 : "The configuration refuses it: the server runs with another one, or "
                                   "something else answers at " +
                                       site.address + "."),
              as_configured ? cures(facts, site, readable)
                            : std::vector<Change>{{"command", 0, "systemctl reload holdfast"}});
  }
  if (!would_send.empty())
    found.add(FindingSeverity::error, "readable",
              "by the configuration these are sent: " + some_paths(would_send),
              "They must not be readable: " + would_send.front()->why + ". The server was not asked (" +
                  site.no_answer + ").",
              cures(facts, site, would_send));
  if (!would_run.empty())
    found.add(FindingSeverity::warning, "hidden_scripts",
              "scripts that " + site.app + " does not let run do run: " + some_paths(would_run),
              "What uploads and maintenance scripts do is whoever's choice who asks for them. They were not "
              "asked for: no script of yours is run.",
              cures(facts, site, would_run));
  if (asked.size() > readable.size())
    found.ok("hidden", std::to_string(asked.size() - readable.size()) + " of " +
                           std::to_string(asked.size()) + " hidden files were refused by " + site.address +
                           ": " + some_paths(files_that(site, [](const HiddenFile& file) {
                             return file.status != 0 && !file.readable;
                           })));
  if (!site.no_answer.empty())
    found.add(FindingSeverity::info, "hidden",
              "the running server was not asked for hidden files: " + site.no_answer,
              "So it is not known whether it refuses what the configuration refuses.", {});
}

}  // namespace

void check_hidden(const DoctorFacts& facts, std::vector<Finding>& out) {
  for (const HiddenFacts& site : facts.hidden) {
    Findings found(out, "site " + site.site);
    if (!site.files.empty()) check_site(facts, site, found);
  }
}

}  // namespace holdfast
