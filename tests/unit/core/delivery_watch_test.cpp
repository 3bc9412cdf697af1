// Who takes a little now and then is not given up; who takes nothing is, soon after its time.
#include "proxy/core/delivery_watch.h"

#include <doctest/doctest.h>

using namespace holdfast::core;
using namespace std::chrono_literals;

namespace {
constexpr Duration kPatience = 30s;

// Looks as often as it is told to until it is given up, or for ten minutes. `delivered`: by then.
template <typename Delivered>
Duration given_up_after(DeliveryWatch& watch, Time start, Delivered delivered) {
  watch.start(start, delivered(Duration::zero()));
  Time now = start;
  while (now - start < 10min) {
    now = DeliveryWatch::next_look(now, kPatience);
    if (!watch.look(now, delivered(now - start), kPatience)) break;
  }
  return now - start;
}
}  // namespace

TEST_CASE("delivery watch: one byte within each patience is progress") {
  DeliveryWatch watch;
  const auto byte_each = [](Duration each) {
    return [each](Duration passed) { return static_cast<std::uint64_t>(passed / each); };
  };
  CHECK(given_up_after(watch, Time(1h), byte_each(29s)) >= 10min);
  watch.stop();
  CHECK(given_up_after(watch, Time(2h), byte_each(45s)) < 10min);
}

TEST_CASE("delivery watch: nothing taken is given up within a quarter more than the patience") {
  DeliveryWatch watch;
  const Duration after = given_up_after(watch, Time(1h), [](Duration) { return std::uint64_t{5000}; });
  CHECK(after >= kPatience);
  CHECK(after <= kPatience + kPatience / 4);
}

TEST_CASE("delivery watch: more bytes to wait are no progress") {
  DeliveryWatch watch;
  const Time start(1h);
  watch.start(start, 100);
  watch.start(start + 29s, 100);  // as each write of an application does
  CHECK(watch.watching());
  CHECK_FALSE(watch.look(start + 30s, 100, kPatience));
  watch.stop();
  watch.start(start + 40s, 100);
  CHECK(watch.look(start + 69s, 100, kPatience));
}
