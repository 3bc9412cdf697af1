// Whatever doctor finds, what it suggests is not what is set already, and `holdfast check` takes it. Facts
// are drawn from few values each, so that what is set meets what is suggested often.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "config/client.h"
#include "config/config.h"
#include "config/load.h"
#include "config/schema.h"
#include "config/site.h"
#include "config/writer.h"
#include "doctor_set_ups.h"

namespace holdfast::doctor_test {
namespace {

// The values of the configuration that these facts come from.
std::map<std::string, std::string> values_of(const DoctorFacts& facts) {
  config::Config config;
  config.client->max_connections = static_cast<std::uint32_t>(facts.clients_max);
  config.listen[0].port = facts.listening[0].port;
  for (const PoolFacts& pool : facts.pools) config.pools.push_back(pool.pool);
  config.sites.emplace_back();
  config.sites[0].root = config.sites[0].php_root = facts.roots[0].root;
  config.sites[0].pool = "php";
  config::Writer writer;
  config::write_config(writer, config);
  std::map<std::string, std::string> out;
  for (const config::WrittenKey& key : writer.take_keys()) out[key.path] = key.value;
  return out;
}

// "pools.php.ping: 500ms" in a small file: nested blocks, one a line.
config::LoadResult load_with(const std::string& text) {
  std::string pools = "pools:\n  php:\n    address: unix:/run/x.sock\n";
  std::string sites = "sites:\n  - root: /usr/share\n    pool: php\n";
  std::string path = text.substr(0, text.find(": "));
  const std::string value = text.substr(path.size() + 2);
  std::string* block = nullptr;
  std::string top;
  std::string indent = "    ";
  if (path.starts_with("pools.php.")) {
    path.erase(0, std::string("pools.php.").size());
    block = &pools;
    if (path == "address") pools = "pools:\n  php:\n";
  } else if (path.starts_with("sites[0].")) {
    path.erase(0, std::string("sites[0].").size());
    block = &sites;
  } else {
    block = &top;
    indent.clear();
  }
  for (std::size_t dot = 0; (dot = path.find('.')) != std::string::npos; indent += "  ") {
    *block += indent + path.substr(0, dot) + ":\n";
    path.erase(0, dot + 1);
  }
  *block += indent + path + ": " + value + "\n";
  return config::load_text(top + pools + sites, "test.yaml");
}

class Draw {
 public:
  explicit Draw(std::uint32_t seed) : random_(seed) {}
  template <class T>
  T of(std::initializer_list<T> values) {
    return *(values.begin() + static_cast<std::ptrdiff_t>(random_() % values.size()));
  }
  bool one_in(std::uint32_t n) { return random_() % n == 0; }

 private:
  std::mt19937 random_;
};

void draw_fpm(Draw& draw, FpmSection& fpm) {
  set(fpm, "pm", draw.of<std::string>({"static", "dynamic", "ondemand"}));
  set(fpm, "pm.max_children", draw.of<std::string>({"1", "2", "3", "5", "10"}));
  set(fpm, "request_terminate_timeout", draw.of<std::string>({"0", "1", "1s", "2s", "10s", "60s", "2d"}));
  if (draw.one_in(2)) set(fpm, "listen.backlog", draw.of<std::string>({"-1", "1", "511", "65536"}));
  if (draw.one_in(2)) set(fpm, "listen.mode", draw.of<std::string>({"0660", "0666", "0600"}));
  if (draw.one_in(2)) set(fpm, "listen.group", draw.of<std::string>({"holdfast", "www-data", "root"}));
  if (draw.one_in(2))
    set(fpm, "listen.allowed_clients", draw.of<std::string>({"127.0.0.1", "10.0.0.1", "127.0.0.1,10.0.0.1"}));
  if (draw.one_in(2)) set(fpm, "pm.status_path", draw.of<std::string>({"/fpm-status", "/status", "bad"}));
  if (draw.one_in(4)) set(fpm, "chroot", "/srv");
}

void draw_pool(Draw& draw, PoolFacts& pool) {
  using std::chrono::milliseconds;
  const bool tcp = pool.pool.address.kind == config::Address::Kind::tcp;
  pool.pool.max_connections = draw.of<std::uint32_t>({1, 2, 4, 5, 10});
  pool.pool.keep_alive = !draw.one_in(4);
  pool.pool.ping = draw.of({milliseconds(0), milliseconds(250), milliseconds(1000), milliseconds(10000)});
  pool.pool.recycle.idle =
      draw.of({milliseconds(0), milliseconds(100), milliseconds(1000), milliseconds(60000)});
  pool.pool.timeouts.first_byte = draw.of({milliseconds(1), milliseconds(1500), milliseconds(60000)});
  if (draw.one_in(2)) pool.pool.status_path = draw.of<std::string>({"/fpm-status", "/status"});
  if (draw.one_in(4)) pool.pool.address.host = "php";
  draw_fpm(draw, *pool.fpm);
  set(pool.fpm_global, "process_control_timeout", draw.of<std::string>({"0", "10s", "1s"}));
  if (tcp)
    set(*pool.fpm, "listen", draw.of<std::string>({"9000", "127.0.0.1:9000", "0.0.0.0:9000", "[::]:9000"}));
  if (draw.one_in(4)) pool.fpm.reset();
  using Values = FpmAnswers::Values;
  pool.answers.values = draw.of(
      {Values::not_asked, Values::keeps, Values::closes, Values::hung_up, Values::silent, Values::malformed});
  pool.answers.connected = !draw.one_in(4);
  if (!pool.answers.connected)
    pool.answers.connect_errno = draw.of({ECONNREFUSED, EAGAIN, ENOENT, ETIMEDOUT});
  pool.answers.local_address = tcp ? draw.of<std::string>({"127.0.0.1", "10.0.0.1"}) : "";
  using StatusPage = FpmAnswers::StatusPage;
  if (!pool.pool.status_path.empty())
    pool.answers.status_page = draw.of({StatusPage::not_asked, StatusPage::shown, StatusPage::missing});
  if (pool.socket_file) {
    pool.socket_file->mode = draw.of<std::uint32_t>({0660, 0666, 0600});
    pool.socket_file->gid = draw.of<std::uint32_t>({0, 5, kWwwData});
    pool.socket_file->group = draw.of<std::string>({"root", "tty", "holdfast"});
    pool.socket_file->stat_errno = draw.of({0, 0, 0, ENOENT, EACCES});
  }
}

DoctorFacts draw_facts(std::uint32_t seed) {
  Draw draw(seed);
  DoctorFacts facts = draw.one_in(2) ? good() : good_tcp();
  draw_pool(draw, facts.pools[0]);
  if (draw.one_in(3)) {
    facts.pools.push_back(facts.pools[0]);
    facts.pools[1].pool.name = "other";
    facts.pools[1].pool.max_connections = draw.of<std::uint32_t>({1, 4});
  }
  if (draw.one_in(2)) {
    FpmConfig config;
    config.pools.push_back({"www", kPoolFile, 1, {}});
    set(config.pools[0], "listen",
        draw.of<std::string>({"/run/php/php8.2-fpm.sock", "/run/php/other.sock", "9000", "*:9000",
                              "[::]:9000", "127.0.0.1:9001", "php.sock", "0.0.0.0:9000"}));
    facts.fpm_configs.push_back(config);
  }
  facts.roots[0].exists_here = !draw.one_in(4);
  facts.roots[0].seen_by_php = draw.one_in(2) ? RootFacts::Seen::yes : RootFacts::Seen::no;
  facts.nofile_max = draw.of<std::uint64_t>({64, 100, 1024, 65536});
  facts.clients_max = draw.of<std::uint32_t>({1, 30, 10000});
  facts.listening[0].port = draw.of<std::uint16_t>({80, 8080, 40000});
  facts.system.port_range =
      draw.of({net::PortRange{}, net::PortRange{1024, 65535}, net::PortRange{40000, 41000}});
  if (draw.one_in(2)) facts.system.reserved_ports = {{40000, 40000}};
  if (draw.one_in(2)) facts.system.reserved_ports.push_back({5000, 5010});
  facts.system.tcp_tw_reuse = draw.of<std::uint64_t>({0, 1, 2});
  facts.system.tcp_max_tw_buckets = draw.of<std::uint64_t>({1000, 65536, 131072});
  facts.system.somaxconn = draw.of<std::uint64_t>({128, 511, 4096});
  facts.system.conntrack_count = draw.of<std::uint64_t>({0, 262000});
  return facts;
}

// "[www] pm = static" -> {"pm", "static"}
std::pair<std::string, std::string> setting(std::string text) {
  if (text.starts_with('[')) text.erase(0, text.find("] ") + 2);
  const std::size_t equals = text.find(" = ");
  return {text.substr(0, equals), text.substr(equals + 3)};
}

std::string kernel_value(const net::SystemSettings& system, const std::string& key) {
  const auto text = [](const std::optional<std::uint64_t>& value) {
    return value ? std::to_string(*value) : std::string();
  };
  if (key == "net.ipv4.ip_local_port_range")
    return std::to_string(system.port_range->first) + " " + std::to_string(system.port_range->last);
  if (key == "net.ipv4.tcp_tw_reuse") return text(system.tcp_tw_reuse);
  if (key == "net.ipv4.tcp_max_tw_buckets") return text(system.tcp_max_tw_buckets);
  if (key == "net.core.somaxconn") return text(system.somaxconn);
  if (key == "net.netfilter.nf_conntrack_max") return text(system.conntrack_max);
  return "?";
}

void check_own(const DoctorFacts& facts, const Change& change) {
  const std::string path = change.text.substr(0, change.text.find(": "));
  std::string value = change.text.substr(path.size() + 2);
  value = value.substr(0, value.find("   #"));
  const auto present = values_of(facts);
  std::string key = path;
  if (key.starts_with("sites[0]")) key.replace(0, 8, "sites[]");
  CAPTURE(change.text);
  REQUIRE_MESSAGE(present.contains(key), key);
  CHECK(present.at(key) != value);
  if (path.starts_with("pools.other.")) return;
  const config::LoadResult loaded = load_with(change.text);
  CHECK_MESSAGE(loaded.config, config::format_diagnostics(loaded.diagnostics));
}

void check_change(const DoctorFacts& facts, const Change& change) {
  CAPTURE(change.file);
  CAPTURE(change.text);
  if (change.file == facts.config_file) return check_own(facts, change);
  if (change.file.starts_with("/etc/sysctl")) {
    const auto [key, value] = setting(change.text);
    CHECK(kernel_value(facts.system, key) != value);
    return;
  }
  if (change.file == "command" || change.file == "shell" || change.file == "holdfast.service") return;
  const auto [key, value] = setting(change.text);
  CHECK_FALSE(key.empty());
  CHECK_FALSE(value.empty());
  CHECK(value.find("more than") == std::string::npos);
  for (const PoolFacts& pool : facts.pools) {
    if (!pool.fpm || (change.file != pool.fpm->file && change.file != pool.fpm_global.file)) continue;
    const FpmSection& section = change.file == pool.fpm->file ? *pool.fpm : pool.fpm_global;
    CHECK(section.text(key).value_or("") != value);
  }
}

}  // namespace

TEST_CASE("no suggestion is what is set already, and each of ours is accepted") {
  std::set<std::string> kinds;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    const DoctorFacts facts = draw_facts(seed);
    for (const Finding& finding : diagnose(facts)) {
      CAPTURE(finding.id);
      for (const Change& change : finding.changes) {
        check_change(facts, change);
        kinds.insert(finding.id + " " + change.text.substr(0, change.text.find_first_of(":=")));
      }
    }
  }
  CHECK(kinds.size() > 30);  // the draws reach most of what can be suggested
}

}  // namespace holdfast::doctor_test
