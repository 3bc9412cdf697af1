// Doctor about the kernel and the process, its report, and the file it asks php-fpm for.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

#include "proxy/doctor/doctor_facts.h"
#include "proxy/doctor/doctor_report.h"
#include "proxy/json/json.h"
#include "tests/unit/doctor/doctor_set_ups.h"

using namespace holdfast;
using namespace holdfast::doctor_test;

TEST_CASE("short TCP connections: how long the ports last") {
  DoctorFacts facts = good_tcp();
  facts.pools[0].pool.keep_alive = false;
  const Finding found = expect(facts, "short_connections", FindingSeverity::warning,
                               "keep_alive: false over TCP", "holdfast.yaml: pools.php.keep_alive: true");
  CHECK(found.why.find("28,232 ports") != std::string::npos);
  CHECK(found.why.find("470 new connections a second") != std::string::npos);
  CHECK(found.why.find("port 9000") != std::string::npos);
  facts = good();
  facts.pools[0].pool.keep_alive = false;  // over a Unix socket there is no TIME_WAIT
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "short_connections");
}

TEST_CASE("tcp_tw_reuse matters only to short TCP connections") {
  DoctorFacts facts = good_tcp();
  facts.system.tcp_tw_reuse = 0;
  CHECK(finding(diagnose(facts), "tw_reuse").severity == FindingSeverity::ok);
  facts.pools[0].pool.keep_alive = false;
  CHECK(finding(diagnose(facts), "tw_reuse").severity == FindingSeverity::warning);
  facts.system.tcp_tw_reuse = 1;
  CHECK(finding(diagnose(facts), "tw_reuse").severity == FindingSeverity::info);
}

TEST_CASE("tcp_tw_recycle: gone, and why; a line that still sets it is named") {
  DoctorFacts facts = good();
  CHECK(finding(diagnose(facts), "tw_recycle").why.find("4.12") != std::string::npos);
  facts.system.sysctl_lines = {{"/etc/sysctl.d/10-php.conf", 3, "net.ipv4.tcp_tw_recycle", "1"}};
  expect(facts, "tw_recycle", FindingSeverity::warning, "still sets",
         "/etc/sysctl.d/10-php.conf:3: (remove this line)");
  facts.system.tcp_tw_recycle = 1;
  expect(facts, "tw_recycle", FindingSeverity::error, "NAT", ":3: net.ipv4.tcp_tw_recycle = 0");
}

TEST_CASE("port range: narrow, or over our own ports") {
  DoctorFacts facts = good();
  facts.system.port_range = net::PortRange{50000, 50599};
  expect(facts, "port_range", FindingSeverity::warning, "only 600 ports (50000-50599); they last for 10 new",
         "/etc/sysctl.d/90-holdfast.conf: net.ipv4.ip_local_port_range = 32768 60999");
  facts = good();
  facts.system.port_range = net::PortRange{1024, 65535};
  expect(facts, "port_overlap", FindingSeverity::warning, "port 8080,9180",
         "net.ipv4.ip_local_reserved_ports = 8080,9180");
  facts.system.reserved_ports = {{8080, 8080}, {9000, 9200}};
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "port_overlap");
}

TEST_CASE("too few TIME_WAIT buckets") {
  DoctorFacts facts = good();
  facts.system.tcp_max_tw_buckets = 4095;
  expect(facts, "tw_buckets", FindingSeverity::warning, "4,095", "net.ipv4.tcp_max_tw_buckets = 65536");
  facts.system.tcp_max_tw_buckets = 4096;
  CHECK(finding(diagnose(facts), "tw_buckets").severity == FindingSeverity::ok);
}

TEST_CASE("descriptors: at the limit, and one below") {
  DoctorFacts facts = good();
  facts.nofile_max = 2 * 10000 + 32 + 32 + 2 * 2 + 5;
  CHECK(finding(diagnose(facts), "fd_limit").severity == FindingSeverity::ok);
  --facts.nofile_max;
  expect(facts, "fd_limit", FindingSeverity::warning, "20,072", "holdfast.service: LimitNOFILE=20073");
  expect(facts, "fd_limit", FindingSeverity::warning, "20,072", "client.max_connections: 9999");
}

TEST_CASE("connection tracking fills up") {
  DoctorFacts facts = good();
  facts.system.conntrack_max = 1000;
  facts.system.conntrack_count = 749;
  CHECK(finding(diagnose(facts), "conntrack").severity == FindingSeverity::ok);
  facts.system.conntrack_count = 750;
  expect(facts, "conntrack", FindingSeverity::warning, "750 of 1,000",
         "net.netfilter.nf_conntrack_max = 4000");
  facts.system.conntrack_count = 950;
  expect(facts, "conntrack", FindingSeverity::error, "950 of 1,000", "nf_conntrack_max");
}

TEST_CASE("a generic application is not judged by php-fpm's rules") {
  DoctorFacts facts = good();
  facts.pools[0].pool.application = config::Application::generic;
  facts.pools[0].pool.max_connections = 100;
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "workers");
}

TEST_CASE("what a user may not use is an error where it is certain who that is") {
  using Source = AccountSource;
  DoctorFacts facts = good();
  facts.rights_missed = {{.what = "user x may not use /etc/h.yaml", .remedy = "let it"}};
  for (const auto& [source, severity, why] :
       {std::tuple{Source::told, FindingSeverity::error, "Started as root it opens this"},
        std::tuple{Source::running, FindingSeverity::error, "The running server is of this user"},
        std::tuple{Source::guessed, FindingSeverity::warning, "--user NAME"}}) {
    facts.account_source = source;
    const std::vector<Finding> findings = diagnose(facts);
    const Finding& found = finding(findings, "rights");
    CHECK(found.severity == severity);
    CHECK(found.why.find(why) != std::string::npos);
  }
}

TEST_CASE("the worst comes first, and decides the exit status") {
  DoctorFacts facts = good();
  facts.system.somaxconn = 128;
  CHECK(exit_status_of(diagnose(facts)) == 1);
  facts.roots[0].exists_here = false;
  const std::vector<Finding> findings = diagnose(facts);
  CHECK(exit_status_of(findings) == 2);
  CHECK(findings[0].id == "root");
  CHECK(findings[1].id == "somaxconn");
  CHECK(exit_status_of({}) == 0);
}

TEST_CASE("the report: 80 columns but for lines to copy, counts, no control bytes from outside") {
  DoctorFacts facts = good();
  facts.pools[0].pool.max_connections = 6;
  facts.roots[0].exists_here = false;
  facts.roots[0].root = "/srv/\x1b[2J";
  const std::string text = doctor_text(facts, diagnose(facts), false);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find(
            "error    pool php: up to 6 connections, and pm.max_children = 5\n  why    A connection holds") !=
        std::string::npos);
  CHECK(text.find("  change holdfast.yaml\n           pools.php.max_connections: 4\n  or     " +
                  std::string(kPoolFile) + ":12\n           pm.max_children = 7\n") != std::string::npos);
  CHECK(text.find("2 errors, 0 warnings, ") != std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("           ", 0) != 0) CHECK_MESSAGE(line.size() <= 80, line);
  }
  CHECK(doctor_text(facts, diagnose(facts), true).find("\x1b[31;1merror") != std::string::npos);
}

TEST_CASE("the JSON report") {
  DoctorFacts facts = good();
  facts.pools[0].pool.max_connections = 6;
  const Json json = Json::parse(doctor_json(facts, diagnose(facts))).value_or(nullptr);
  const Json& finding = json["findings"].items().at(0);
  CHECK(json["exit_status"] == 2);
  CHECK(json["errors"] == 1);
  CHECK(json["pools"].items().at(0)["fpm_pool"]["name"] == "www");
  CHECK(finding["id"] == "workers");
  CHECK(finding["severity"] == "error");
  CHECK(finding["changes"].items().at(0)["line"].is_null());
  CHECK(finding["changes"].items().at(1)["line"] == 12);
}

TEST_CASE("the file that php-fpm is asked for cannot be PHP") {
  std::string root = (std::filesystem::temp_directory_path() / "holdfast-doctor-XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const auto write = [&root](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + "/" + name).parent_path());
    std::ofstream(root + "/" + name) << text;
  };
  write("index.php", "<?php");
  write("trap.html", "<p><?= shell_exec('x') ?>");
  write("data.phar", "");
  write("README", "no type");
  CHECK(find_probe_file(root).empty());
  write("assets/style.css", "p {}");
  CHECK(find_probe_file(root) == root + "/assets/style.css");
  CHECK(find_probe_file(root + "/none").empty());
  std::filesystem::remove_all(root);
}
