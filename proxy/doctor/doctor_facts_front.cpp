// What doctor knows of the web server in front: nginx's configuration. See doctor_facts.h.
#include <grp.h>

#include <array>
#include <filesystem>

#include "proxy/doctor/doctor_checks.h"
#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/nginx_files.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

// The same socket under two names: /run and /var/run, php-fpm.sock that leads to php8.2-fpm.sock, localhost.
bool is_same_place(const config::Address& a, const config::Address& b) {
  if (a == b) return true;
  if (a.kind != b.kind) return false;
  if (a.kind == config::Address::Kind::tcp)
    return a.port == b.port && (a.host == b.host || (is_loopback(a) && is_loopback(b)));
  std::error_code error;
  const fs::path one = fs::weakly_canonical(a.path, error);
  return !error && one == fs::weakly_canonical(b.path, error) && !error;
}

void name_as_ours(const DoctorFacts& facts, config::Address& address) {
  for (const ListenerFacts& each : facts.listeners) {
    if (is_same_place(address, each.address)) address = each.address;
  }
  for (const PoolFacts& each : facts.pools) {
    if (is_same_place(address, each.pool.address)) address = each.pool.address;
  }
}

std::string name_of_group(std::uint32_t gid) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(gid);
}

}  // namespace

std::optional<FrontFacts> look_at_front(const DoctorFacts& facts, const FactSources& sources) {
  FrontFacts front;
  front.asked = !sources.front.empty();
  front.file = front.asked ? sources.front : sources.root + "/etc/nginx/nginx.conf";
  std::error_code error;
  if (!front.asked && !fs::exists(front.file, error)) return std::nullopt;
  const std::optional<std::string> text = read_nginx_file(front.file);
  if (!text) return front;
  front.read = true;
  front.nginx = config::find_passes(*text, front.file, nginx_files_beside(front.file));
  for (config::NginxPass& pass : front.nginx.passes) {
    for (config::Address& address : pass.addresses) name_as_ours(facts, address);
  }
  std::string no_such_user;
  if (!front.nginx.user.empty()) front.account = find_account(front.nginx.user, no_such_user);
  if (front.account && !front.account->groups.empty())
    front.group = name_of_group(front.account->groups.front());
  return front;
}

}  // namespace holdfast
