// Choosing: accounts, php-fpm's configuration, and who may open what.
#include "proxy/fpm/run_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "config/config.h"
#include "config/pool.h"
#include "proxy/fpm/fpm_config.h"

namespace holdfast {

namespace {

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::optional<gid_t> find_group(const std::string& name) {
  if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
  return number_of(name);
}

std::optional<RunUser> find_uid(uid_t uid) {
  std::string error;
  return find_run_user(std::to_string(uid), {}, error);
}

// php-fpm's own configuration names who runs the scripts of the pool that listens there.
void add_fpm_users(const config::Config& config, std::vector<RunUser>& candidates) {
  std::vector<FpmConfig> files;
  for (const std::string& file : find_fpm_configs()) files.push_back(read_fpm_config(file));
  for (const config::Pool& pool : config.pools) {
    for (const FpmConfig& file : files) {
      for (const FpmSection& section : file.pools) {
        if (!listens_at(section, pool.address)) continue;
        std::string error;
        auto user = find_run_user(section.text("user").value_or(""), {}, error);
        if (!user) continue;
        user->why = "php-fpm's pool " + section.name + ", " + section.file;
        candidates.push_back(*std::move(user));
      }
    }
  }
}

void add_socket_owners(const config::Config& config, std::vector<RunUser>& candidates) {
  for (const config::Pool& pool : config.pools) {
    struct stat status {};
    if (pool.address.kind != config::Address::Kind::unix_socket) continue;
    if (::stat(pool.address.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
    auto user = find_uid(status.st_uid);
    if (!user) continue;
    user->why = "the owner of " + pool.address.path;
    candidates.push_back(*std::move(user));
  }
}

std::vector<Access> php_sockets(const config::Config& config) {
  std::vector<Access> sockets;
  for (const config::Pool& pool : config.pools) {
    if (pool.address.kind == config::Address::Kind::unix_socket)
      sockets.push_back({.path = pool.address.path, .mode = W_OK});
  }
  return sockets;
}

bool may_connect_to_all(const RunUser& user, const std::vector<Access>& sockets) {
  const std::optional<std::vector<int>> answers = try_access_as(user, sockets);
  return answers && std::all_of(answers->begin(), answers->end(), [](int code) {
           return code == 0 || code == ENOENT;  // php-fpm is not up yet
         });
}

// In the child: answers on the pipe, one int each.
[[noreturn]] void answer_as(const RunUser& user, const std::vector<Access>& wanted, int pipe) {
  if (!take_ids(user)) ::_exit(1);
  for (const Access& each : wanted) {
    const int code = ::access(each.path.c_str(), each.mode) == 0 ? 0 : errno;
    if (::write(pipe, &code, sizeof code) != sizeof code) ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

std::optional<RunUser> find_run_user(const std::string& name, const std::string& group, std::string& error) {
  const passwd* found = name.empty() ? nullptr : ::getpwnam(name.c_str());
  const auto number = number_of(name);
  if (found == nullptr && number) found = ::getpwuid(*number);
  RunUser user;
  if (found != nullptr) {
    user.name = found->pw_name;
    user.uid = found->pw_uid;
    user.gid = found->pw_gid;
  } else if (number && !group.empty()) {  // in a container without such an account
    user.name = name;
    user.uid = *number;
  } else {
    error = "there is no user " + name;
    return std::nullopt;
  }
  if (!group.empty()) {
    const auto gid = find_group(group);
    if (!gid) {
      error = "there is no group " + group;
      return std::nullopt;
    }
    user.gid = *gid;
  }
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.name.c_str(), user.gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(user.name.c_str(), user.gid, user.groups.data(), &count);
  }
  user.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (user.uid != 0) std::erase(user.groups, gid_t{0});
  return user;
}

std::string roots_group_refusal(const RunUser& user) {
  if (user.uid == 0 || user.gid != 0) return {};
  return "user " + user.name +
         " would keep root's group: name another one in group:, such as the user's own or www-data";
}

namespace {
std::optional<RunUser> without_roots_group(RunUser user, std::string& error) {
  error = roots_group_refusal(user);
  return error.empty() ? std::optional(std::move(user)) : std::nullopt;
}
}  // namespace

std::optional<RunUser> choose_run_user(const config::Config& config, std::string& error) {
  if (!config.user.empty()) {
    auto user = find_run_user(config.user, config.group, error);
    if (!user) return std::nullopt;
    user->why = "user: of the configuration";
    return without_roots_group(*std::move(user), error);
  }
  std::vector<RunUser> candidates;
  add_fpm_users(config, candidates);
  add_socket_owners(config, candidates);
  std::string nobody_of_this_name;
  // Debian and Ubuntu; Fedora; Arch.
  for (const char* name : {"www-data", "apache", "http"}) {
    if (auto user = find_run_user(name, {}, nobody_of_this_name)) {
      user->why = "the usual user of web servers";
      candidates.push_back(*std::move(user));
    }
  }
  std::erase_if(candidates, [](const RunUser& user) { return user.uid == 0; });
  if (candidates.empty()) return std::nullopt;
  const std::vector<Access> sockets = php_sockets(config);
  const auto found = std::find_if(candidates.begin(), candidates.end(), [&sockets](const RunUser& user) {
    return may_connect_to_all(user, sockets);
  });
  RunUser user = found != candidates.end() ? *found : candidates.front();
  if (!config.group.empty()) {
    const std::string why = user.why;
    auto with_group = find_run_user(user.name, config.group, error);
    if (!with_group) return std::nullopt;
    user = *std::move(with_group);
    user.why = why;
  }
  return without_roots_group(std::move(user), error);
}

std::optional<std::vector<int>> try_access_as(const RunUser& user, const std::vector<Access>& wanted) {
  std::vector<int> answers(wanted.size());
  if (::geteuid() != 0 && ::geteuid() == user.uid) {
    for (std::size_t i = 0; i < wanted.size(); ++i)
      answers[i] = ::eaccess(wanted[i].path.c_str(), wanted[i].mode) == 0 ? 0 : errno;
    return answers;
  }
  std::array<int, 2> ends{};
  if (wanted.empty()) return answers;
  if (::pipe(ends.data()) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) answer_as(user, wanted, ends[1]);
  ::close(ends[1]);
  bool all = child > 0;
  for (std::size_t i = 0; all && i < answers.size(); ++i)
    all = ::read(ends[0], &answers[i], sizeof answers[i]) == sizeof answers[i];
  ::close(ends[0]);
  if (child > 0) ::waitpid(child, nullptr, 0);
  return all ? std::optional(std::move(answers)) : std::nullopt;
}

}  // namespace holdfast
