// HAProxy in front: what its configuration says, and what doctor says of it.
#include "front_set_ups.h"

namespace holdfast::doctor_test {
namespace {

FrontConfig haproxy(const std::string& text) {
  return read_haproxy_front({{"haproxy.cfg", text}});
}

// A whole configuration; `server`: words behind the server's address.
std::string whole(const std::string& server = "", const std::string& backend = "",
                  const std::string& app = "", const std::string& global = "") {
  return "global\n" + global +
         "\ndefaults\n timeout connect 5s\n timeout server 90s\nbackend php\n use-fcgi-app php\n " + backend +
         "\n server php unix@/run/holdfast/php.sock proto fcgi " + server +
         "\nfcgi-app php\n docroot /srv\n " + app + "\n";
}

}  // namespace

TEST_CASE("HAProxy's servers, and what holds for them") {
  const FrontConfig found = haproxy(
      "global\n user haproxy  # whom\n chroot /var/lib/haproxy\n tune.bufsize 32768\n"
      "defaults\n timeout server 50000\n retries 5\n"
      "backend web\n server a 127.0.0.1:8080\n"
      "backend php\n timeout queue 1m\n default-server proto fcgi maxconn 7\n use-fcgi-app app\n"
      " server a 127.0.0.1:9001 maxconn 9\n server b unix@/x\n server z /z backup\n server c "
      "ipv6@[::1]:9002\n server-template d "
      "3 php:9003\n"
      "defaults other\n timeout server 2s\n"
      "listen all from other\n server a /y proto fcgi\n"
      "fcgi-app app\n option get-values\n no option keep-conn\n");
  CHECK(found.user == "haproxy");
  CHECK(found.chroot == "/var/lib/haproxy");
  CHECK(found.chroot_place.line == 3);
  CHECK(addresses_of(found) == "127.0.0.1:9001 unix:/x [::1]:9002 php:9003 unix:/y");
  REQUIRE(found.passes.size() == 5);
  const FrontPass& pass = found.passes[0];
  CHECK(pass.place.line == 14);
  CHECK(pass.read_timeout.value == std::chrono::seconds(50));
  CHECK(pass.read_timeout.place.line == 6);
  CHECK_FALSE(pass.kept);
  REQUIRE(pass.haproxy);
  CHECK(pass.haproxy->maxconn == 9);
  CHECK(found.passes[1].haproxy->maxconn == 7);
  CHECK(pass.haproxy->retries == 5);
  CHECK(pass.haproxy->bufsize == 32768);
  CHECK(pass.haproxy->queue_limit == std::chrono::minutes(1));
  CHECK(pass.haproxy->get_values);
  CHECK(found.passes[4].read_timeout.value == std::chrono::seconds(2));
  CHECK(found.passes[4].kept);
}

TEST_CASE("HAProxy: no time limit where none is set, and what is not understood") {
  const FrontConfig found =
      haproxy("backend a\n server a abns@x proto fcgi\n server b \"unix@/run/${SOCK}\" proto fcgi\n");
  REQUIRE(found.passes.size() == 2);
  CHECK(addresses_of(found).empty());
  CHECK(found.unclear.size() == 2);
  CHECK_FALSE(found.passes[0].read_timeout.value);
  CHECK(found.passes[0].read_timeout.understood);
  CHECK_FALSE(haproxy("backend a\n timeout server soon\n server a /x proto fcgi\n")
                  .passes[0]
                  .read_timeout.understood);
  CHECK(haproxy(".if defined(X)\nbackend a\n.endif\n").unclear.size() == 2);
  CHECK(haproxy("").passes.empty());
  // Several files are one.
  const FrontConfig two = read_haproxy_front(
      {{"a.cfg", "defaults\n timeout server 9s\n"}, {"b.cfg", "backend x\n server a /x proto fcgi\n"}});
  REQUIRE(two.passes.size() == 1);
  CHECK(two.passes[0].place.file == "b.cfg");
  CHECK(two.passes[0].read_timeout.value == std::chrono::seconds(9));
}

TEST_CASE("doctor on HAProxy") {
  CHECK(said_of(behind(haproxy(whole()))) == "nothing");
  expect(behind(haproxy(whole("", "timeout server 10s"))), "front_timeout", FindingSeverity::warning,
         "timeout server = 10s is not longer", "haproxy.cfg:8: timeout server 75s");
  expect(behind(haproxy(whole("pool-purge-delay 5m"))), "front_keep", FindingSeverity::warning,
         "pool-purge-delay = 300s", "pool-purge-delay 60s");
  const Finding queue =
      expect(behind(haproxy(whole("maxconn 3"))), "front_maxconn", FindingSeverity::info,
             "maxconn 3 lets fewer requests through than max_connections: 4", "haproxy.cfg:9");
  CHECK(queue.why.find("for 5s, then") != std::string::npos);
  CHECK(said_of(behind(haproxy(whole("maxconn 4")))) == "nothing");
  expect(behind(haproxy(whole("", "", "", " tune.bufsize 65536"))), "front_bufsize", FindingSeverity::warning,
         "tune.bufsize 65536", "haproxy.cfg:2: tune.bufsize 32768");
  CHECK(said_of(behind(haproxy(whole("", "", "", " tune.bufsize 65535")))) == "nothing");
  const std::string past =
      "backend a\n timeout server 2m\n server a /run/php/php8.2-fpm.sock proto fcgi check\n";
  expect(behind(haproxy(past)), "front_past", FindingSeverity::warning, "past holdfast",
         "haproxy.cfg:3: server a unix@/run/holdfast/php.sock proto fcgi check");
}

TEST_CASE("HAProxy that repeats what may have run") {
  expect(behind(haproxy(whole("", "retry-on conn-failure response-timeout 503"))), "front_retry",
         FindingSeverity::warning, "retry-on response-timeout 503", "haproxy.cfg:8: retry-on conn-failure");
  for (const char* const fine :
       {"retry-on conn-failure 0rtt-rejected", "retry-on none", "retry-on all-retryable-errors\n retries 0",
        "retry-on all-retryable-errors\n http-request disable-l7-retry if METH_POST"}) {
    CAPTURE(fine);
    CHECK(said_of(behind(haproxy(whole("", fine)))) == "nothing");
  }
}

TEST_CASE("HAProxy that sends all clients' requests over one connection") {
  const auto said = [](const std::string& reuse, const std::string& app, bool multiplex) {
    DoctorFacts facts = behind(haproxy(whole("", "http-reuse " + reuse, app)));
    facts.listeners[0].multiplex = multiplex;
    return said_of(facts) == "front_mpxs warning";
  };
  const std::string both = "option mpxs-conns\n option get-values";
  CHECK(said("always", "option mpxs-conns", false));
  CHECK(said("always", "option mpxs-conns", true));
  CHECK_FALSE(said("safe", "option mpxs-conns", false));  // only requests of one client
  CHECK_FALSE(said("always", both, false));               // it is told otherwise
  CHECK(said("always", both, true));
  CHECK(said("always", "option get-values", true));
  CHECK_FALSE(said("always", "option get-values", false));
  CHECK_FALSE(said("always", "option mpxs-conns\n no option mpxs-conns", false));
}

}  // namespace holdfast::doctor_test
