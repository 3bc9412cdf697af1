// What doctor says of nginx in front: past us, its timeout, its kept connections, its right to connect.
#include <doctest/doctest.h>

#include "config/fastcgi_times.h"
#include "doctor_set_ups.h"

namespace holdfast::doctor_test {
namespace {

constexpr const char* kSite = "/etc/nginx/sites-enabled/app";
const config::Address kListener = {config::Address::Kind::unix_socket, {}, 0, "/run/holdfast/php.sock"};

// nginx that speaks to our listener, as it should be.
DoctorFacts behind_nginx() {
  DoctorFacts facts = good();
  ListenerFacts& listener = facts.listeners.emplace_back();
  listener.address = kListener;
  listener.pools = {"php"};
  listener.socket_file = SocketFile{0, true, 0660, kHoldfast, kWwwData, "holdfast", "www-data"};
  FrontFacts& front = facts.front.emplace();
  front.file = "/etc/nginx/nginx.conf";
  front.read = true;
  front.account = Account{"www-data", kWwwData, {kWwwData}};
  front.group = "www-data";
  config::NginxPass& pass = front.nginx.passes.emplace_back();
  pass.place = {kSite, 7};
  pass.addresses = {kListener};
  pass.read_timeout = std::chrono::seconds(90);
  pass.read_timeout_place = {kSite, 8};
  return facts;
}

config::NginxPass& pass_of(DoctorFacts& facts) {
  return facts.front->nginx.passes[0];
}

}  // namespace

TEST_CASE("nginx that speaks to us as it should: nothing worse than ok") {
  for (const Finding& each : diagnose(behind_nginx())) {
    CAPTURE(each.what);
    if (each.subject == "nginx") CHECK(each.severity == FindingSeverity::ok);
  }
  CHECK(finding(diagnose(behind_nginx()), "front").what ==
        "/etc/nginx/sites-enabled/app:7 speaks to unix:/run/holdfast/php.sock");
}

TEST_CASE("nginx that speaks to php-fpm, past us") {
  DoctorFacts facts = behind_nginx();
  pass_of(facts).addresses = {facts.pools[0].pool.address};
  Finding found = expect(facts, "front_past", FindingSeverity::warning, "app:7 speaks to php-fpm of pool php",
                         std::string(kSite) + ":7: fastcgi_pass unix:/run/holdfast/php.sock;");
  CHECK(found.why.find("a connection of its own") != std::string::npos);

  // Kept connections hold workers: that is how it starves.
  pass_of(facts).upstream = {"/etc/nginx/conf.d/php.conf", 3};
  pass_of(facts).keepalive = 16;
  pass_of(facts).keep_conn = true;
  found = expect(facts, "front_past", FindingSeverity::warning, "past holdfast",
                 "/etc/nginx/conf.d/php.conf:3: server unix:/run/holdfast/php.sock;");
  CHECK(found.why.find("up to 16 connections") != std::string::npos);

  // A rule of the listener's leads to that pool.
  facts.listeners[0].pools = {"other", "php"};
  expect(facts, "front_past", FindingSeverity::warning, "past holdfast",
         "server unix:/run/holdfast/php.sock;");

  // Nobody has said that it should be otherwise.
  facts.listeners.clear();
  expect(facts, "front_past", FindingSeverity::info, "past holdfast",
         "holdfast.yaml: listen: { fastcgi: unix:/run/holdfast/php.sock, pool: php }");
}

TEST_CASE("nginx' timeout against the queue and the script") {
  DoctorFacts facts = behind_nginx();  // queue.timeout 10s, timeouts.first_byte 60s
  using std::chrono::milliseconds;
  const auto severity = [&facts](config::Duration limit) {
    pass_of(facts).read_timeout = limit;
    return finding(diagnose(facts), "front_timeout").severity;
  };
  CHECK(severity(milliseconds(10000)) == FindingSeverity::warning);
  CHECK(severity(milliseconds(10001)) == FindingSeverity::info);
  CHECK(severity(milliseconds(69999)) == FindingSeverity::info);
  CHECK(severity(milliseconds(70000)) == FindingSeverity::ok);
  pass_of(facts).read_timeout = std::chrono::seconds(5);
  expect(facts, "front_timeout", FindingSeverity::warning, "not longer than queue.timeout = 10s",
         std::string(kSite) + ":8: fastcgi_read_timeout 75s;");
  pass_of(facts).read_timeout = std::chrono::seconds(60);
  pass_of(facts).read_timeout_place = {};
  expect(facts, "front_timeout", FindingSeverity::info, "fastcgi_read_timeout = 60s",
         std::string(kSite) + ": fastcgi_read_timeout 75s;");
  pass_of(facts).read_timeout.reset();
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "front_timeout");
}

TEST_CASE("nginx' kept connections") {
  DoctorFacts facts = behind_nginx();
  config::NginxPass& pass = pass_of(facts);
  pass.keep_conn = true;
  expect(facts, "front_keep", FindingSeverity::info, "without keepalive", "keepalive 8;");
  pass.keep_conn = false;
  pass.keepalive = 8;
  expect(facts, "front_keep", FindingSeverity::info, "without fastcgi_keep_conn", "fastcgi_keep_conn on;");
  pass.keep_conn = true;
  CHECK(finding(diagnose(facts), "front_keep").severity == FindingSeverity::ok);
  pass.keepalive_timeout = config::kFastcgiIdleTime - std::chrono::milliseconds(1);
  CHECK(finding(diagnose(facts), "front_keep").severity == FindingSeverity::ok);
  pass.keepalive_timeout = config::kFastcgiIdleTime;
  pass.keepalive_timeout_place = {kSite, 2};
  expect(facts, "front_keep", FindingSeverity::warning, "holdfast closes after 180s",
         std::string(kSite) + ":2: keepalive_timeout 60s;");
}

TEST_CASE("nginx may connect, or not") {
  DoctorFacts facts = behind_nginx();
  facts.listeners[0].socket_file->gid = kHoldfast;
  facts.listeners[0].socket_file->group = "holdfast";
  expect(facts, "front_socket", FindingSeverity::error,
         "www-data may not connect to unix:/run/holdfast/php.sock",
         "listen: { fastcgi: unix:/run/holdfast/php.sock, pool: php, group: www-data }");
  facts.listeners[0].socket_file->stat_errno = 2;  // holdfast does not run
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "front_socket");
}

TEST_CASE("nginx that cannot be read, and one that asks for nothing") {
  DoctorFacts facts = behind_nginx();
  facts.front->nginx.passes.clear();
  for (const Finding& each : diagnose(facts)) CHECK_FALSE(each.id.starts_with("front"));
  facts.front->asked = true;
  expect(facts, "front", FindingSeverity::info, "leads to holdfast",
         "fastcgi_pass unix:/run/holdfast/php.sock;");
  facts.front->nginx.problems = {{"/etc/nginx/nginx.conf", 3, "no end of a block"}};
  CHECK(finding(diagnose(facts), "front").what == "/etc/nginx/nginx.conf:3: no end of a block");
  facts.front->nginx.problems.clear();
  facts.front->read = false;
  CHECK(finding(diagnose(facts), "front").severity == FindingSeverity::warning);
}

}  // namespace holdfast::doctor_test
