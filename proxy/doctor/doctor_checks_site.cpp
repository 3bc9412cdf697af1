// Does php-fpm see the scripts where we tell it to look, and may our own user use what it is to.
#include "proxy/doctor/doctor_checks.h"

namespace holdfast {

namespace {

const PoolFacts* find_pool(const DoctorFacts& facts, const std::string& name) {
  for (const PoolFacts& pool : facts.pools) {
    if (pool.pool.name == name) return &pool;
  }
  return nullptr;
}

std::string key_of(const RootFacts& root, const char* key) {
  return "sites[" + std::to_string(root.index) + "]." + key;
}

// With chroot php-fpm's / is that folder: a path as we see it leads nowhere.
bool outside_chroot(const RootFacts& root, const PoolFacts& pool, Change& change, const DoctorFacts& facts) {
  const std::string chroot = pool.fpm ? pool.fpm->text("chroot").value_or("") : "";
  if (chroot.empty() || root.php_root.rfind(chroot + "/", 0) != 0) return false;
  change = own_change(facts, key_of(root, "php_root"), root.php_root.substr(chroot.size()));
  return true;
}

void check_root(const DoctorFacts& facts, const RootFacts& root, const PoolFacts& pool, Findings& found) {
  if (!root.exists_here) {
    found.add(FindingSeverity::error, "root", "root: " + root.root + " is not a folder that we can see",
              "Static files and the check that a script exists need it.",
              {{"command", 0, "mkdir -p " + root.root},
               {"command", 0, "set " + key_of(root, "root") + " to the folder with index.php"}});
    return;
  }
  Change change;
  if (outside_chroot(root, pool, change, facts)) {
    found.add(FindingSeverity::error, "php_root",
              "php-fpm has chroot = " + *pool.fpm->text("chroot") + ", but php_root is " + root.php_root,
              "Inside the chroot that path leads nowhere: each script is \"File not found.\"", {change});
    return;
  }
  switch (root.seen_by_php) {
    case RootFacts::Seen::yes: found.ok("php_root", "php-fpm sees " + root.probe_file); return;
    case RootFacts::Seen::no:
      found.add(FindingSeverity::error, "php_root", "php-fpm does not see " + root.probe_file,
                "It exists here, but php-fpm answers \"File not found.\": it runs in another container or "
                "chroot with "
                "other paths, or its user may not enter one of the folders.",
                {{"command", 0,
                  "set " + key_of(root, "php_root") + " to the path of " + root.root + " as php-fpm sees it"},
                 {"command", 0, "chmod o+x the folders above " + root.php_root}});
      return;
    case RootFacts::Seen::unknown:
      found.add(FindingSeverity::info, "php_root",
                "whether php-fpm sees " + root.php_root + " was not checked",
                "Asking needs a static file below root (html, css, png, ...): for one of these php-fpm says "
                "whether it "
                "is there without running anything. Scripts of yours are never run unasked.",
                {});
      return;
  }
}

}  // namespace

namespace {
const char* why_it_matters(AccountSource source) {
  switch (source) {
    case AccountSource::told:
      return "Started as root it opens this at the start, and becomes this user, who has to from then on.";
    case AccountSource::running: return "The running server is of this user.";
    case AccountSource::guessed:
      return "Started as root it would become this user, who has to use this from then on. Another account "
             "runs it? Repeat with --user NAME for that one.";
  }
  return "";
}
}  // namespace

// php-fpm's socket has checks of its own. A user who is only guessed makes no error.
void check_rights(const DoctorFacts& facts, std::vector<Finding>& out) {
  Findings found(out, "system");  // of this machine, not of a pool or a site
  for (const MissingRight& right : facts.rights_missed) {
    if (right.kind == MissingRight::Kind::php_socket) continue;
    const bool reading = right.kind == MissingRight::Kind::reading;
    const bool certain = facts.account_source != AccountSource::guessed;
    found.add(reading && certain ? FindingSeverity::error : FindingSeverity::warning, "rights", right.what,
              why_it_matters(facts.account_source), {{"command", 0, right.remedy}});
  }
}

void check_roots(const DoctorFacts& facts, std::vector<Finding>& out) {
  for (const RootFacts& root : facts.roots) {
    Findings found(out, "site " + root.site);
    const PoolFacts* pool = find_pool(facts, root.pool);
    if (pool != nullptr) check_root(facts, root, *pool, found);
  }
}

}  // namespace holdfast
