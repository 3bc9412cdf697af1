// Doctor about pools and sites: each wrong set-up gives its finding, which names the fault and the line to
// change; a good set-up gives no warning.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "tests/unit/doctor/doctor_set_ups.h"

using namespace holdfast;
using namespace holdfast::doctor_test;
using std::chrono::seconds;

TEST_CASE("a good set-up gives no warning") {
  for (const DoctorFacts& facts : {good(), good_tcp()}) {
    const std::vector<Finding> findings = diagnose(facts);
    for (const Finding& each : findings) CHECK_MESSAGE(each.severity < FindingSeverity::warning, each.what);
    CHECK(exit_status_of(findings) == 0);
    CHECK(findings.size() > 10);
  }
}

TEST_CASE("more connections than workers") {
  DoctorFacts facts = good();
  facts.pools[0].pool.max_connections = 6;
  expect(facts, "workers", FindingSeverity::error, "up to 6 connections, and pm.max_children = 5",
         std::string(kPoolFile) + ":12: pm.max_children = 7");
  expect(facts, "workers", FindingSeverity::error, "6", "holdfast.yaml: pools.php.max_connections: 4");
  facts.pools[0].pool.max_connections = 5;
  expect(facts, "workers", FindingSeverity::warning, "none is left", "pm.max_children = 6");
  facts.pools[0].pool.max_connections = 4;
  CHECK(finding(diagnose(facts), "workers").severity == FindingSeverity::ok);
}

TEST_CASE("two pools of ours on one php-fpm pool are added up") {
  DoctorFacts facts = good();
  facts.pools.push_back(facts.pools[0]);
  facts.pools[1].pool.name = "more";
  expect(facts, "workers", FindingSeverity::error, "up to 8 connections from 2 pools of ours together",
         "pm.max_children = 9");
}

TEST_CASE("workers unknown: says so, and why") {
  DoctorFacts facts = good();
  facts.pools[0].fpm.reset();
  CHECK(finding(diagnose(facts), "workers").why.find("at least 5") != std::string::npos);
  CHECK(exit_status_of(diagnose(facts)) == 0);
  facts.fpm_configs.push_back({"/etc/php-fpm.conf", {}, {}, {"/etc/php-fpm.conf: cannot be read"}});
  CHECK(finding(diagnose(facts), "workers").why.find("/etc/php-fpm.conf: cannot be read") !=
        std::string::npos);
}

TEST_CASE("pm = ondemand and dynamic with kept connections") {
  DoctorFacts facts = good();
  set(*facts.pools[0].fpm, "pm", "ondemand");
  expect(facts, "pm", FindingSeverity::warning, "pm = ondemand", std::string(kPoolFile) + ":11: pm = static");
  set(*facts.pools[0].fpm, "pm", "dynamic");
  set(*facts.pools[0].fpm, "pm.start_servers", "4");
  expect(facts, "pm", FindingSeverity::info, "pm = dynamic", ":11: pm = static");
  // Debian's stock pool.
  set(*facts.pools[0].fpm, "pm.start_servers", "2");
  expect(facts, "pm", FindingSeverity::warning, "2 workers at the start, for up to 4 connections",
         "pm.start_servers = 4");
  facts.pools[0].fpm->settings.erase("pm.start_servers");
  set(*facts.pools[0].fpm, "pm.min_spare_servers", "1");
  set(*facts.pools[0].fpm, "pm.max_spare_servers", "9");
  expect(facts, "pm", FindingSeverity::info, "pm = dynamic", ":11: pm = static");
  set(*facts.pools[0].fpm, "pm.max_spare_servers", "3");
  expect(facts, "pm", FindingSeverity::warning, "2 workers at the start", "pm.start_servers = 4");
  facts.pools[0].pool.keep_alive = false;
  CHECK(finding(diagnose(facts), "pm").severity == FindingSeverity::ok);
}

TEST_CASE("request_terminate_timeout kills idle connections that nobody pings") {
  DoctorFacts facts = good();
  facts.pools[0].pool.ping = config::Duration::zero();
  set(facts.pools[0].fpm_global, "process_control_timeout", "10s");
  facts.pools[0].pool.recycle.idle = seconds(60);
  const std::vector<Finding> findings = diagnose(facts);
  const Finding& killed = finding(findings, "terminate_timeout");
  CHECK(killed.severity == FindingSeverity::error);
  CHECK(killed.what.find("request_terminate_timeout = 60s") != std::string::npos);
  CHECK(killed.changes.at(0).text == "pools.php.ping: 1s");
  // One below the limit the idle time is still charged to the next request.
  facts.pools[0].pool.recycle.idle = seconds(59);
  CHECK(finding(diagnose(facts), "terminate_timeout").severity == FindingSeverity::warning);
  facts.pools[0].pool.recycle.idle = config::Duration::zero();  // kept for ever
  CHECK(finding(diagnose(facts), "terminate_timeout").severity == FindingSeverity::error);
  facts.pools[0].pool.keep_alive = false;
  CHECK(finding(diagnose(facts), "terminate_timeout").severity == FindingSeverity::ok);
}

TEST_CASE("a ping slower than request_terminate_timeout") {
  DoctorFacts facts = good();
  set(*facts.pools[0].fpm, "request_terminate_timeout", "5s");
  facts.pools[0].pool.timeouts.first_byte = seconds(5);
  facts.pools[0].pool.ping = seconds(5);
  expect(facts, "terminate_timeout", FindingSeverity::error, "ping: 5s", "pools.php.ping: 1s");
  facts.pools[0].pool.ping = seconds(4);
  CHECK(finding(diagnose(facts), "terminate_timeout").severity == FindingSeverity::ok);
}

TEST_CASE("no request_terminate_timeout, or one longer than our patience, is told without alarm") {
  DoctorFacts facts = good();
  set(*facts.pools[0].fpm, "request_terminate_timeout", "0");
  expect(facts, "terminate_timeout", FindingSeverity::info, "off", "request_terminate_timeout = 60s");
  set(*facts.pools[0].fpm, "request_terminate_timeout", "5m");
  expect(facts, "terminate_timeout", FindingSeverity::info, "300s", "pools.php.timeouts.first_byte: 300s");
}

TEST_CASE("process_control_timeout = 0 kills running requests at a reload") {
  DoctorFacts facts = good();
  facts.pools[0].fpm_global.settings.clear();
  expect(facts, "control_timeout", FindingSeverity::warning, "process_control_timeout = 0",
         "/etc/php/8.2/fpm/php-fpm.conf: [global] process_control_timeout = 10s");
}

TEST_CASE("an unpinged idle connection holds a reload up") {
  DoctorFacts facts = good();
  facts.pools[0].pool.ping = config::Duration::zero();
  set(*facts.pools[0].fpm, "request_terminate_timeout", "0");
  expect(facts, "control_timeout", FindingSeverity::warning, "process_control_timeout = 10s",
         "pools.php.ping: 1s");
}

TEST_CASE("listen.backlog against somaxconn and our connections") {
  DoctorFacts facts = good();
  set(*facts.pools[0].fpm, "listen.backlog", "8192");
  expect(facts, "backlog", FindingSeverity::warning, "net.core.somaxconn = 4096",
         "net.core.somaxconn = 8192");
  set(*facts.pools[0].fpm, "listen.backlog", "3");
  expect(facts, "backlog", FindingSeverity::warning, "listen.backlog = 3", ":14: listen.backlog = -1");
  for (const char* fine : {"-1", "4", "4096"}) {
    set(*facts.pools[0].fpm, "listen.backlog", fine);
    CHECK(finding(diagnose(facts), "backlog").severity == FindingSeverity::ok);
  }
}

TEST_CASE("somaxconn") {
  DoctorFacts facts = good();
  facts.system.somaxconn = 128;
  facts.system.sysctl_lines = {{"/etc/sysctl.conf", 7, "net.core.somaxconn", "128"}};
  expect(facts, "somaxconn", FindingSeverity::warning, "= 128",
         "/etc/sysctl.conf:7: net.core.somaxconn = 4096");
}

TEST_CASE("no right to connect to the socket: names the group to join, or the mode") {
  DoctorFacts facts = good();
  facts.account.groups = {kHoldfast};
  const Finding join = expect(facts, "socket_permission", FindingSeverity::error, "0660 www-data:www-data",
                              "holdfast.service: SupplementaryGroups=www-data");
  CHECK(join.changes.at(1).text == "usermod -a -G www-data holdfast");
  facts = good();
  facts.pools[0].socket_file->mode = 0640;
  set(*facts.pools[0].fpm, "listen.mode", "0640");
  expect(facts, "socket_permission", FindingSeverity::error, "0640",
         std::string(kPoolFile) + ":14: listen.mode = 0660");
}

TEST_CASE("who may connect") {
  const SocketFile file{0, true, 0660, kWwwData, kWwwData, "", ""};
  SocketFile changed = file;
  CHECK(may_connect({"root", 0, {}}, file));
  CHECK(may_connect({"www-data", kWwwData, {}}, file));
  CHECK(may_connect({"x", 1, {1, kWwwData}}, file));
  CHECK_FALSE(may_connect({"x", 1, {1}}, file));
  changed.mode = 0666;
  CHECK(may_connect({"x", 1, {1}}, changed));
  changed.mode = 0606;  // a member of the group is judged as one, though others may
  CHECK_FALSE(may_connect({"x", 1, {kWwwData}}, changed));
  changed.mode = 0066;
  CHECK_FALSE(may_connect({"www-data", kWwwData, {kWwwData}}, changed));
}

TEST_CASE("socket files that are wrong") {
  DoctorFacts facts = good();
  facts.pools[0].answers = {};
  facts.pools[0].answers.connect_errno = ENOENT;
  facts.pools[0].socket_file = SocketFile{};
  facts.pools[0].socket_file->stat_errno = ENOENT;
  expect(facts, "socket_missing", FindingSeverity::error, "does not exist",
         "command: start php-fpm: [www] of " + std::string(kPoolFile) + ":10 listens there");
  FpmSection other = *facts.pools[0].fpm;
  set(other, "listen", "/run/php/other.sock");
  facts.fpm_configs.push_back({"/etc/php/8.2/fpm/php-fpm.conf", {}, {*facts.pools[0].fpm, other}, {}});
  facts.pools[0].fpm.reset();
  expect(facts, "socket_missing", FindingSeverity::error, "does not exist",
         "pools.php.address: unix:/run/php/other.sock   # [www] of " + std::string(kPoolFile) + ":10");

  facts = good();
  facts.pools[0].socket_file->is_socket = false;
  expect(facts, "socket_type", FindingSeverity::error, "not a socket", "command: start php-fpm");
  facts = good();
  facts.pools[0].socket_file->stat_errno = EACCES;
  expect(facts, "socket_permission", FindingSeverity::error, "a folder above", "chmod o+x");
  facts = good();
  facts.pools[0].socket_file->mode = 0666;
  expect(facts, "socket_open_to_all", FindingSeverity::warning, "every local user", "listen.mode = 0660");
}

TEST_CASE("listen.allowed_clients leaves us out, or lets everybody in") {
  DoctorFacts facts = good_tcp();
  set(*facts.pools[0].fpm, "listen.allowed_clients", "10.0.0.1, 10.0.0.2");
  expect(facts, "allowed_clients", FindingSeverity::error, "127.0.0.1",
         ":14: listen.allowed_clients = 10.0.0.1, 10.0.0.2,127.0.0.1");
  set(*facts.pools[0].fpm, "listen.allowed_clients", "10.0.0.1, 127.0.0.1");
  CHECK(finding(diagnose(facts), "allowed_clients").severity == FindingSeverity::ok);
  facts = good_tcp();
  set(*facts.pools[0].fpm, "listen", "9000");
  expect(facts, "open_port", FindingSeverity::warning, "listen = 9000", ":10: listen = 127.0.0.1:9000");
}

TEST_CASE("php-fpm cannot be reached") {
  DoctorFacts facts = good_tcp();
  facts.pools[0].answers = {};
  facts.pools[0].answers.connect_errno = ECONNREFUSED;
  facts.pools[0].answers.connect_error = "Connection refused";
  expect(facts, "connect", FindingSeverity::error, "127.0.0.1:9000: Connection refused",
         "command: start php-fpm");
  facts.pools[0].answers.connect_errno = EAGAIN;
  expect(facts, "connect", FindingSeverity::error, "backlog", "pm.max_children");
}

TEST_CASE("a failed connect is told once, and not at all when nobody tried") {
  DoctorFacts facts = good();
  const auto told = [&facts] {
    const std::vector<Finding> findings = diagnose(facts);
    return std::count_if(findings.begin(), findings.end(),
                         [](const Finding& each) { return each.severity == FindingSeverity::error; });
  };
  facts.pools[0].answers = {};
  CHECK(told() == 0);
  facts.pools[0].answers.connect_errno = EACCES;  // a folder on the way, though the file itself is open to us
  CHECK(told() == 1);
  facts.account.groups = {kHoldfast};
  CHECK(told() == 1);
}

TEST_CASE("answers to FCGI_GET_VALUES") {
  DoctorFacts facts = good();
  using Values = FpmAnswers::Values;
  facts.pools[0].answers.values = Values::closes;  // and so the ping does not work either
  facts.pools[0].fpm.reset();
  expect(facts, "get_values", FindingSeverity::warning, "closes the connection", "8.2.13");
  facts.pools[0].answers.values = Values::silent;
  expect(facts, "get_values", FindingSeverity::error, "does not answer", "pm.max_children");
  facts.pools[0].answers.values = Values::malformed;
  expect(facts, "get_values", FindingSeverity::error, "FastCGI", "pools.php.address");
  facts.pools[0].answers.values = Values::hung_up;  // a Unix socket has no list of clients
  expect(facts, "get_values", FindingSeverity::error, "without an answer", "pools.php.application: generic");
  facts = good_tcp();
  facts.pools[0].answers.values = Values::hung_up;
  facts.pools[0].fpm.reset();
  expect(facts, "get_values", FindingSeverity::error, "without an answer",
         "listen.allowed_clients = 127.0.0.1");
}

TEST_CASE("the status page is not where we ask") {
  DoctorFacts facts = good();
  facts.pools[0].pool.status_path = "/status";
  facts.pools[0].answers.status_page = FpmAnswers::StatusPage::missing;
  expect(facts, "status_page", FindingSeverity::warning, "/status", "[www] pm.status_path = /status");
}

TEST_CASE("php does not see the scripts") {
  DoctorFacts facts = good();
  facts.roots[0].seen_by_php = RootFacts::Seen::no;
  expect(facts, "php_root", FindingSeverity::error, "/srv/app/public/style.css",
         "set sites[0].php_root to the path");
  facts.roots[0].seen_by_php = RootFacts::Seen::unknown;
  CHECK(finding(diagnose(facts), "php_root").severity == FindingSeverity::info);
  set(*facts.pools[0].fpm, "chroot", "/srv/app");
  expect(facts, "php_root", FindingSeverity::error, "chroot = /srv/app",
         "holdfast.yaml: sites[0].php_root: /public");
  facts = good();
  facts.roots[0].exists_here = false;
  expect(facts, "root", FindingSeverity::error, "/srv/app/public",
         "set sites[0].root to the folder with index.php");
}
