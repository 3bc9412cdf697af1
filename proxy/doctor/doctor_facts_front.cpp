// What doctor knows of the web servers in front: their configuration, read by front_readers.h. See
// doctor_facts.h.
#include <grp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "proxy/doctor/doctor_checks.h"
#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/front_readers.h"
#include "proxy/doctor/nginx_files.h"

namespace holdfast {

namespace {

namespace fs = std::filesystem;

// Where the packages of Debian and Fedora put it.
struct UsualPlace {
  FrontKind kind;
  const char* file;
};
constexpr UsualPlace kUsualPlaces[] = {
    {FrontKind::nginx, "/etc/nginx/nginx.conf"},       {FrontKind::apache, "/etc/apache2/apache2.conf"},
    {FrontKind::apache, "/etc/httpd/conf/httpd.conf"}, {FrontKind::haproxy, "/etc/haproxy/haproxy.cfg"},
    {FrontKind::caddy, "/etc/caddy/Caddyfile"},        {FrontKind::lighttpd, "/etc/lighttpd/lighttpd.conf"},
};

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

// A listener of ours or a pool's address that `address` is another name of; nothing: neither.
const config::Address* known_as(const DoctorFacts& facts, const config::Address& address) {
  for (const ListenerFacts& each : facts.listeners) {
    if (is_same_place(address, each.address)) return &each.address;
  }
  for (const PoolFacts& each : facts.pools) {
    if (is_same_place(address, each.pool.address)) return &each.pool.address;
  }
  return nullptr;
}

// A web server in a chroot looks for sockets there, whatever its configuration calls them.
void name_as_ours(const DoctorFacts& facts, const std::string& chroot, config::Address& address,
                  FrontPass& pass) {
  const bool shut_in = !chroot.empty() && address.kind == config::Address::Kind::unix_socket;
  if (shut_in) {
    config::Address inside = address;
    inside.path = chroot + "/" + address.path;
    if (const config::Address* const ours = known_as(facts, inside)) {
      address = *ours;
      return;
    }
  }
  if (const config::Address* const ours = known_as(facts, address)) {
    address = *ours;
    pass.outside_chroot = shut_in;
  }
}

std::string name_of_group(std::uint32_t gid) {
  std::array<char, 4096> buffer{};
  group entry{};
  group* found = nullptr;
  ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->gr_name : std::to_string(gid);
}

// Caddy's configuration does not say whom it runs as; the unit that starts it does.
std::string user_of_unit(const std::string& root, const std::string& unit) {
  for (const char* const folder : {"/etc/systemd/system", "/lib/systemd/system"}) {
    std::ifstream file(fs::path(root + folder) / unit);
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("User=")) return line.substr(5);
    }
  }
  return "";
}

void understand(const DoctorFacts& facts, const FactSources& sources, FrontFacts& front) {
  if (front.config.user.empty() && front.config.kind == FrontKind::caddy &&
      front.file == sources.root + "/etc/caddy/Caddyfile")
    front.config.user = user_of_unit(sources.root, "caddy.service");
  for (FrontPass& pass : front.config.passes) {
    for (config::Address& address : pass.addresses) name_as_ours(facts, front.config.chroot, address, pass);
  }
  std::string no_such_user;
  if (!front.config.user.empty()) front.account = find_account(front.config.user, no_such_user);
  if (front.account && !front.account->groups.empty())
    front.group = name_of_group(front.account->groups.front());
}

FrontConfig read_files(FrontKind kind, const FrontFile& file, const FrontFiles& files) {
  switch (kind) {
    case FrontKind::nginx: return read_nginx_front(file.text, file.name, files);
    case FrontKind::apache: return read_apache_front(file.text, file.name, files);
    case FrontKind::haproxy: return read_haproxy_front({file});
    case FrontKind::caddy: return read_caddy_front(file.text, file.name, files);
    case FrontKind::lighttpd: return read_lighttpd_front(file.text, file.name, files);
  }
  return {};
}

FrontConfig read_front(FrontKind kind, const FrontFile& file) {
  std::vector<config::ImportNote> cut;
  const FrontFiles beside = nginx_files_beside(file.name);
  const auto look = [&](const FrontFile& each) {
    if (each.text.size() > config::kNginxTextMax)
      cut.push_back({each.name, 1, "only the first MiB of it was read"});
  };
  look(file);
  FrontConfig out = read_files(kind, file, [&](const std::string& pattern) {
    std::vector<FrontFile> found = beside(pattern);
    std::for_each(found.begin(), found.end(), look);
    return found;
  });
  out.unclear.insert(out.unclear.end(), cut.begin(), cut.end());
  return out;
}

}  // namespace

std::vector<FrontFacts> look_at_fronts(const DoctorFacts& facts, const FactSources& sources) {
  std::vector<FrontFacts> fronts;
  std::vector<FrontFile> haproxy;  // HAProxy takes several files for one
  const auto look = [&](const std::string& name, std::optional<FrontKind> kind) {
    FrontFacts front;
    front.file = name;
    front.asked = !kind;
    const std::optional<std::string> text = read_nginx_file(name);
    if (text && !kind) kind = recognise_front(*text);
    if (text && kind == FrontKind::haproxy) {
      haproxy.push_back({name, *text});
      if (haproxy.size() > 1) return;
    } else if (text && kind) {
      front.config = read_front(*kind, {name, *text});
    }
    front.state = !text  ? FrontFacts::State::unreadable
                  : kind ? FrontFacts::State::read
                         : FrontFacts::State::unknown;
    if (kind) front.config.kind = *kind;
    fronts.push_back(std::move(front));
  };
  std::error_code error;
  for (const std::string& each : sources.fronts) look(each, std::nullopt);
  for (const UsualPlace& each : kUsualPlaces) {
    if (sources.fronts.empty() && fs::exists(sources.root + each.file, error))
      look(sources.root + each.file, each.kind);
  }
  for (FrontFacts& front : fronts) {
    if (front.state != FrontFacts::State::read) continue;
    if (front.config.kind == FrontKind::haproxy) front.config = read_haproxy_front(haproxy);
    understand(facts, sources, front);
  }
  return fronts;
}

}  // namespace holdfast
