// What doctor says of nginx in front: past us, its timeout, its kept connections, its right to connect.
#include <doctest/doctest.h>

#include "config/fastcgi_times.h"
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

constexpr const char* kSite = "/etc/nginx/sites-enabled/app";

// nginx that speaks to our listener, as it should be.
DoctorFacts behind_nginx() {
  FrontConfig config;
  FrontPass& pass = config.passes.emplace_back();
  pass.place = pass.address_place = {kSite, 7};
  pass.address_line = "fastcgi_pass <>;";
  pass.addresses = {kListener};
  pass.read_timeout = {
      "fastcgi_read_timeout", "fastcgi_read_timeout <>s;", std::chrono::seconds(90), true, {kSite, 8}};
  pass.idle = {"keepalive_timeout", "keepalive_timeout <>s;", std::chrono::seconds(60), true, {}};
  return behind(config);
}

FrontPass& pass_of(DoctorFacts& facts) {
  return facts.fronts[0].config.passes[0];
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
  pass_of(facts).address_place = {"/etc/nginx/conf.d/php.conf", 3};
  pass_of(facts).address_line = "server <>;";
  pass_of(facts).kept_max = 16;
  pass_of(facts).kept = pass_of(facts).keepalive = pass_of(facts).keep_conn = true;
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
    pass_of(facts).read_timeout.value = limit;
    return finding(diagnose(facts), "front_timeout").severity;
  };
  CHECK(severity(milliseconds(10000)) == FindingSeverity::warning);
  CHECK(severity(milliseconds(10001)) == FindingSeverity::info);
  CHECK(severity(milliseconds(69999)) == FindingSeverity::info);
  CHECK(severity(milliseconds(70000)) == FindingSeverity::ok);
  pass_of(facts).read_timeout.value = std::chrono::seconds(5);
  expect(facts, "front_timeout", FindingSeverity::warning, "not longer than queue.timeout = 10s",
         std::string(kSite) + ":8: fastcgi_read_timeout 75s;");
  pass_of(facts).read_timeout.value = std::chrono::seconds(60);
  pass_of(facts).read_timeout.place = {};
  expect(facts, "front_timeout", FindingSeverity::info, "fastcgi_read_timeout = 60s",
         std::string(kSite) + ": fastcgi_read_timeout 75s;");
  pass_of(facts).read_timeout.understood = false;
  for (const Finding& each : diagnose(facts)) CHECK(each.id != "front_timeout");
}

TEST_CASE("nginx' kept connections") {
  DoctorFacts facts = behind_nginx();
  FrontPass& pass = pass_of(facts);
  pass.keep_conn = true;
  expect(facts, "front_keep", FindingSeverity::info, "without keepalive", "keepalive 8;");
  pass.keep_conn = false;
  pass.keepalive = true;
  expect(facts, "front_keep", FindingSeverity::info, "without fastcgi_keep_conn", "fastcgi_keep_conn on;");
  pass.keep_conn = pass.kept = true;
  CHECK(finding(diagnose(facts), "front_keep").severity == FindingSeverity::ok);
  pass.idle.value = config::kFastcgiIdleTime - std::chrono::milliseconds(1);
  CHECK(finding(diagnose(facts), "front_keep").severity == FindingSeverity::ok);
  pass.idle.value = config::kFastcgiIdleTime;
  pass.idle.place = {kSite, 2};
  expect(facts, "front_keep", FindingSeverity::warning, "holdfast closes after 180s",
         std::string(kSite) + ":2: keepalive_timeout 60s;");
}

TEST_CASE("a larger body than ours is told of, a smaller one is the web server's affair") {
  DoctorFacts facts = behind_nginx();
  FrontSize& body = pass_of(facts).body_max;
  body = {"client_max_body_size", facts.listeners[0].body_max, {kSite, 4}};
  CHECK(said_of(facts) == "nothing");
  ++*body.bytes;
  expect(facts, "front_body", FindingSeverity::info, "1,073,741,825 bytes, holdfast takes 1,073,741,824",
         ":4: client_max");
  body.bytes.reset();
  CHECK(said_of(facts) == "nothing");
}

TEST_CASE("a web server in a chroot") {
  DoctorFacts facts = behind_nginx();
  facts.fronts[0].config.kind = FrontKind::haproxy;
  facts.fronts[0].config.chroot = "/var/lib/haproxy";
  facts.fronts[0].config.chroot_place = {"haproxy.cfg", 4};
  CHECK(said_of(facts) == "nothing");  // it is reached: the listener lies in there
  pass_of(facts).outside_chroot = true;
  expect(facts, "front_chroot", FindingSeverity::error,
         "haproxy.cfg:4 shuts it into /var/lib/haproxy: it looks for /var/lib/haproxy/run/holdfast/php.sock",
         "listen: { fastcgi: unix:/var/lib/haproxy/run/holdfast/php.sock, pool: php }");
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
  facts.fronts[0].config.passes.clear();
  for (const Finding& each : diagnose(facts)) CHECK_FALSE(each.id.starts_with("front"));
  facts.fronts[0].config.unclear = {{kSite, 3, "fastcgi_pass $backend"}};
  CHECK(said_of(facts) == "nothing");  // it need not concern us
  facts.fronts[0].asked = true;
  CHECK(said_of(facts) == "front_unclear info, front info");
  facts.fronts[0].config.unclear.assign(5, facts.fronts[0].config.unclear[0]);
  CHECK(said_of(facts) == "front_unclear info, front_unclear info, front_unclear info, front info");
  facts.fronts[0].config.unclear.clear();
  expect(facts, "front", FindingSeverity::info, "leads to holdfast",
         "fastcgi_pass unix:/run/holdfast/php.sock;");
  facts.fronts[0].config.problems = {{"/etc/nginx/nginx.conf", 3, "no end of a block"}};
  CHECK(finding(diagnose(facts), "front").what == "/etc/nginx/nginx.conf:3: no end of a block");
  facts.fronts[0].config.problems.clear();
  facts.fronts[0].state = FrontFacts::State::unknown;
  CHECK(finding(diagnose(facts), "front").what.find("is none of nginx's") != std::string::npos);
  facts.fronts[0].state = FrontFacts::State::unreadable;
  CHECK(finding(diagnose(facts), "front").severity == FindingSeverity::warning);
}

}  // namespace holdfast::doctor_test
