// See password_check.h.
#include "proxy/client/password_check.h"

#include <crypt.h>

#include <chrono>
#include <memory>
#include <string_view>

#include "config/user_lines.h"
#include "proxy/net/static_file.h"

namespace holdfast {

namespace {

constexpr std::size_t kRemembered = 1024;
constexpr auto kRememberedFor = std::chrono::minutes(1);

// The administrator's own path: any link is followed. False with the reason in `problem`.
bool read_users(const std::string& file, std::string& text, std::string& problem) {
  const net::StaticFile users({}, file, net::LinkRule::all);
  if (!users.is_open()) {
    problem = users.info().error ? users.info().error.text() : "no file of lines";
  } else if (users.info().size > config::kUsersBytesMost) {
    problem = "larger than " + std::string(config::kUsersBytesMostText);
  } else if (!users.read(0, config::kUsersBytesMost, text)) {
    problem = "read error";
  }
  return problem.empty();
}

std::string hashed(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();  // 32 KiB: not for a thread's stack
  const char* const out = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  return out == nullptr ? std::string() : std::string(out);
}

}  // namespace

bool password_matches(const std::string& users, const core::Credentials& credentials) {
  const std::string_view own = core::find_hash(users, credentials.user);
  const bool usable = config::hash_form(own) == config::HashForm::usable;
  const std::string hash(usable ? own : core::any_hash(users));
  return !hash.empty() && core::equal_in_constant_time(hashed(credentials.password, hash), hash) && usable;
}

PasswordVerdict check_password(const PasswordQuestion& question) {
  PasswordVerdict verdict;
  for (const std::string& file : question.files) {
    std::string users;
    if (!read_users(file, users, verdict.problem)) {
      verdict.problem = file + ": " + verdict.problem;
      verdict.result = PasswordResult::unreadable;
      return verdict;
    }
    if (password_matches(users, question.credentials)) continue;
    const std::string_view hash = core::find_hash(users, question.credentials.user);
    const std::string_view form = config::name_of(config::hash_form(hash));
    if (!hash.empty() && !form.empty()) {
      verdict.problem = file + ": the hash of " + question.credentials.user + " is " + std::string(form);
      verdict.result = PasswordResult::useless;
    }
    return verdict;
  }
  verdict.result = PasswordResult::right;
  return verdict;
}

std::string PasswordMemory::key(const std::vector<std::string>& files, const core::Credentials& credentials) {
  std::string key;
  for (const std::string& file : files) {
    const net::FileInfo info = net::file_info({}, file);
    for (const std::uint64_t part :
         {info.device, info.inode, info.size, static_cast<std::uint64_t>(info.modified_seconds),
          std::uint64_t{info.modified_nanoseconds}})
      key += std::to_string(part) + " ";
    key += file + '\0';
  }
  return key + credentials.user + ':' + credentials.password;
}

bool PasswordMemory::knows(const std::string& key, core::Time now) {
  const auto found = until_.find(key);
  return found != until_.end() && now < found->second;
}

void PasswordMemory::add(const std::string& key, core::Time now) {
  if (until_.size() >= kRemembered)
    std::erase_if(until_, [now](const auto& each) { return each.second <= now; });
  if (until_.size() >= kRemembered) until_.clear();
  until_[key] = now + kRememberedFor;
}

}  // namespace holdfast
