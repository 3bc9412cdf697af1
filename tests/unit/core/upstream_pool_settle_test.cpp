// When a request may skip the barrier (`settle`), and what teaches the pool that scripts run on after
// END_REQUEST.
#include <doctest/doctest.h>

#include "upstream_pool_scene.h"

using namespace holdfast::core;
using namespace holdfast::core::testing;
namespace config = holdfast::config;

namespace {

// Sixteen prompt barriers, the fewest that let a repeatable request go without.
void earn_trust(Scene& scene) {
  for (int i = 0; i < 16; ++i) {
    scene.ask("trust" + std::to_string(i));
    scene.finish(1);
  }
}

config::Pool without_recycling() {
  config::Pool config = small_pool();
  config.recycle.idle = config::Duration::zero();
  return config;
}

// A request on connection 1, whose barrier is answered after `delay`.
void settle_within(Scene& scene, Duration delay) {
  REQUIRE(scene.ask("settles") == "lease 1 settles reused");
  REQUIRE(scene.released(1) == "barrier 1");
  scene.pass(delay);
  REQUIRE(scene.answered(1) == "");
}

// Does connection 1 go from one request to the next without a barrier?
bool hands_over(Scene& scene) {
  REQUIRE(scene.ask("one") == "lease 1 one reused");
  REQUIRE(scene.ask("two") == "");
  const bool handed = scene.released(1) == "lease 1 two reused";
  if (!handed) REQUIRE(scene.answered(1) == "lease 1 two reused");
  scene.finish(1);
  return handed;
}

}  // namespace

TEST_CASE("settle always: each request ends with a barrier, whoever waits") {
  config::Pool config = small_pool();
  config.settle = config::Settle::always;
  Scene scene(config);
  scene.lease_all(2);
  earn_trust(scene);
  for (int i = 0; i < 40; ++i) {
    CHECK(scene.ask("next" + std::to_string(i)) == "");
    CHECK(scene.released(1) == "barrier 1");
    CHECK(scene.answered(1) == "lease 1 next" + std::to_string(i) + " reused");
  }
  CHECK(scene.pool.stats().handed_over == 0);
}

TEST_CASE("settle auto: handed over only after 16 prompt barriers") {
  Scene scene;
  scene.lease_all(2);
  // lease_all() has seen none yet.
  for (int i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK(scene.ask("w" + std::to_string(i)) == "");
    CHECK(scene.released(1) == "barrier 1");
    CHECK(scene.answered(1) == "lease 1 w" + std::to_string(i) + " reused");
  }
  CHECK(scene.ask("A") == "");
  CHECK(scene.released(1) == "lease 1 A reused");
  CHECK(scene.pool.stats().handed_over == 1);
}

TEST_CASE("settle auto: 15 in a row, then a barrier") {
  Scene scene;
  scene.lease_all(2);
  scene.finish(1);
  earn_trust(scene);
  scene.ask("first");
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 15; ++i) {
      CAPTURE(i);
      const std::string name = std::to_string(round) + "." + std::to_string(i);
      scene.ask(name);
      CHECK(scene.released(1) == "lease 1 " + name + " reused");
    }
    scene.ask("last" + std::to_string(round));
    CHECK(scene.released(1) == "barrier 1");
    CHECK(scene.answered(1) == "lease 1 last" + std::to_string(round) + " reused");
  }
}

TEST_CASE("settle auto: not for a request that may not be repeated, nor past it") {
  Scene scene;
  scene.lease_all(2);
  scene.finish(1);
  earn_trust(scene);
  scene.ask("busy");
  CHECK(scene.ask_once_only("A") == "");
  CHECK(scene.ask("B") == "");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "lease 1 A reused peek");
  CHECK(scene.released(1) == "lease 1 B reused");
}

TEST_CASE("settle auto: nobody waits, or nobody may be served: a barrier") {
  Scene scene;
  scene.lease_all(2);
  scene.finish(1);
  earn_trust(scene);
  scene.ask("busy");
  CHECK(scene.released(1) == "barrier 1");
  scene.answered(1);
  scene.ask("busy again");
  scene.ask("A");
  scene.pool.pause();
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "");
  CHECK(scene.resume() == "lease 1 A reused");
}

TEST_CASE("settle auto: a script that ran on is remembered for 60 s") {
  Scene scene(without_recycling());
  scene.lease_all(2);
  scene.finish(1);
  earn_trust(scene);
  scene.pool.saw_run_on(1, scene.now);
  earn_trust(scene);
  scene.pass(60s - 1ms);
  scene.ask("busy");
  scene.ask("A");
  CHECK(scene.released(1) == "barrier 1");
  CHECK(scene.answered(1) == "lease 1 A reused");
  scene.ask("B");
  scene.pass(1ms);
  CHECK(scene.released(1) == "lease 1 B reused");
}

TEST_CASE("settle auto: after those 60 s trust is earned anew") {
  Scene scene(without_recycling());
  scene.lease_all(2);
  scene.finish(1);
  earn_trust(scene);
  scene.pool.saw_run_on(1, scene.now);
  scene.pass(61s);
  for (int i = 0; i < 15; ++i) {
    scene.ask("w" + std::to_string(i));
    scene.finish(1);
  }
  scene.ask("busy");
  scene.ask("A");
  CHECK(scene.released(1) == "barrier 1");  // the sixteenth
  CHECK(scene.answered(1) == "lease 1 A reused");
  scene.ask("B");
  CHECK(scene.released(1) == "lease 1 B reused");
}

TEST_CASE("settle auto: a barrier of 25 ms is prompt, after a longer one trust is earned anew") {
  for (const bool prompt : {true, false}) {
    Scene scene(without_recycling());
    scene.lease_all(2);
    scene.finish(1);
    earn_trust(scene);
    settle_within(scene, prompt ? Duration(25ms) : Duration(25ms + 1us));
    scene.ask("next");
    scene.ask("A");
    CHECK(scene.released(1) == (prompt ? "lease 1 A reused" : "barrier 1"));
    if (prompt) continue;
    CHECK(scene.answered(1) == "lease 1 A reused");
    CHECK_FALSE(scene.pool.scripts_run_on(scene.now));
    scene.finish(1);
    earn_trust(scene);
    CHECK(hands_over(scene));
  }
}

TEST_CASE("settle auto: a busy machine's single slow barriers do not switch handing over off for long") {
  Scene scene(without_recycling());
  scene.lease_all(2);
  scene.finish(1);
  for (int round = 0; round < 5; ++round) {
    settle_within(scene, 26ms);
    for (int i = 0; i < 4; ++i) earn_trust(scene);  // 64 prompt ones
    CHECK(hands_over(scene));
  }
}

TEST_CASE("settle auto: two slow barriers within 64 show scripts that run on, for 60 s") {
  for (const int prompt_between : {63, 64}) {
    CAPTURE(prompt_between);
    Scene scene(without_recycling());
    scene.lease_all(2);
    scene.finish(1);
    settle_within(scene, 26ms);
    for (int i = 0; i < prompt_between; ++i) settle_within(scene, 0ms);
    settle_within(scene, 26ms);
    CHECK(scene.pool.scripts_run_on(scene.now) == (prompt_between < 64));
    earn_trust(scene);
    CHECK(hands_over(scene) == (prompt_between == 64));
  }
}

TEST_CASE("settle auto: one barrier of more than 250 ms is enough") {
  for (const bool enough : {false, true}) {
    Scene scene(without_recycling());
    scene.lease_all(2);
    scene.finish(1);
    settle_within(scene, enough ? Duration(250ms + 1us) : Duration(250ms));
    CHECK(scene.pool.scripts_run_on(scene.now) == enough);
    if (!enough) continue;
    scene.pass(60s - 1us);
    CHECK(scene.pool.scripts_run_on(scene.now));
    scene.pass(1us);
    CHECK_FALSE(scene.pool.scripts_run_on(scene.now));
  }
}

TEST_CASE("settle auto: 1000 prompt barriers in a row end those 60 s early") {
  Scene scene(without_recycling());
  scene.lease_all(2);
  scene.finish(1);
  scene.pool.saw_run_on(1, scene.now);
  for (int i = 0; i < 999; ++i) settle_within(scene, 0ms);
  CHECK(scene.pool.scripts_run_on(scene.now));
  CHECK_FALSE(hands_over(scene));  // its own barrier is the thousandth
  CHECK_FALSE(scene.pool.scripts_run_on(scene.now));
  CHECK(hands_over(scene));
}
