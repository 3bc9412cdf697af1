// See password_check.h.
#include "proxy/client/password_check.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/net/static_file.h"

namespace holdfast {

namespace {

constexpr std::size_t kUsersBytesMost = std::size_t{1} << 20;
constexpr std::size_t kRemembered = 1024;
constexpr auto kRememberedFor = std::chrono::minutes(1);
constexpr std::array<std::string_view, 6> kHashes = {"$2y$", "$2b$", "$2a$", "$6$", "$5$", "$y$"};

// The administrator's own path: any link is followed.
std::optional<std::string> read_users(const std::string& file) {
  const net::StaticFile users({}, file, net::LinkRule::all);
  std::string text;
  if (!users.is_open() || users.info().size > kUsersBytesMost || !users.read(0, kUsersBytesMost, text))
    return std::nullopt;
  return text;
}

std::string hashed(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();  // 32 KiB: not for a thread's stack
  const char* const out = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  return out == nullptr ? std::string() : std::string(out);
}

}  // namespace

bool password_matches(const std::string& users, const core::Credentials& credentials) {
  const std::string_view own = core::find_hash(users, credentials.user);
  const std::string hash(own.empty() ? core::any_hash(users) : own);
  const bool known = std::any_of(kHashes.begin(), kHashes.end(),
                                 [&hash](std::string_view start) { return hash.starts_with(start); });
  if (!known) return false;
  return core::equal_in_constant_time(hashed(credentials.password, hash), hash) && !own.empty();
}

PasswordCheck::PasswordCheck(std::vector<std::string> files, core::Credentials credentials,
                             std::shared_ptr<PasswordAsk> ask)
    : files_(std::move(files)), credentials_(std::move(credentials)), ask_(std::move(ask)) {}

void PasswordCheck::work() {
  for (const std::string& file : files_) {
    const auto users = read_users(file);
    if (!users) {
      result_ = PasswordResult::unreadable;
      return;
    }
    if (!password_matches(*users, credentials_)) return;
  }
  result_ = PasswordResult::right;
}

void PasswordCheck::done() {
  if (ask_->reader != nullptr) ask_->reader->on_password(result_);
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
