// A php-fpm of our own: found on the machine, given a configuration in a private folder, started in the
// foreground, and ended with us whatever happens. Owns the process and the folder, and removes the folders of
// runs that were killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/fpm/private_folder.h"
#include "proxy/fpm/run_user.h"

namespace holdfast {

class PrivateFpm {
 public:
  PrivateFpm() = default;
  ~PrivateFpm();  // ends php-fpm, removes the folder
  PrivateFpm(const PrivateFpm&) = delete;
  PrivateFpm& operator=(const PrivateFpm&) = delete;

  // Starts `binary` (empty: the newest php-fpm found) with pm = static and `workers` workers, and waits until
  // it listens, or a signal to stop waits (posix::stop_waits()). `user`: as root, whom all of it is to belong
  // to. False with a sentence and its remedy in `error`.
  [[nodiscard]] bool start(const std::string& binary, std::uint32_t workers,
                           const std::optional<RunUser>& user, std::string& error);
  const std::string& socket_path() const { return socket_; }
  const std::string& binary() const { return binary_; }
  pid_t pid() const { return pid_; }
  void stop();

 private:
  bool write_config(std::uint32_t workers, const std::optional<RunUser>& user, std::string& error);
  bool spawn(const std::optional<RunUser>& user, std::string& error);
  bool wait_until_listening(std::string& error);
  std::string log_tail() const;

  std::string binary_;
  PrivateFolder folder_;
  std::string socket_;
  pid_t pid_ = -1;
  bool listens_ = false;
};

// php-fpm binaries in $PATH, /usr/sbin and /usr/local/sbin, the newest version first.
std::vector<std::string> find_php_fpm();

}  // namespace holdfast
