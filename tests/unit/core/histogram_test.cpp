// Histogram buckets, sums and quantiles at their edges.
#include "proxy/core/histogram.h"

#include <doctest/doctest.h>

#include <cmath>

using holdfast::core::Histogram;
using std::chrono::nanoseconds;

TEST_CASE("each bound belongs to its bucket, one nanosecond more to the next") {
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    CAPTURE(i);
    const auto bound = nanoseconds(std::llround(Histogram::kBounds[i] * 1e9));
    Histogram histogram;
    histogram.observe(bound - nanoseconds(1));
    histogram.observe(bound);
    histogram.observe(bound + nanoseconds(1));
    CHECK(histogram.bucket(i) == 2);
    CHECK(histogram.bucket(i + 1) == 1);
    CHECK(histogram.count() == 3);
  }
}

TEST_CASE("sum and count; a negative duration is zero; the last bucket has no end") {
  Histogram histogram;
  histogram.observe(std::chrono::milliseconds(250));
  histogram.observe(std::chrono::seconds(-5));
  histogram.observe(std::chrono::hours(1));
  CHECK(histogram.count() == 3);
  CHECK(histogram.sum_seconds() == doctest::Approx(3600.25));
  CHECK(histogram.bucket(0) == 1);
  CHECK(histogram.bucket(Histogram::kBounds.size()) == 1);
}

TEST_CASE("quantiles are interpolated in their bucket") {
  Histogram histogram;
  CHECK_FALSE(histogram.quantile(0.5));
  for (int i = 0; i < 100; ++i) histogram.observe(std::chrono::milliseconds(8));  // (0.005, 0.01]
  CHECK(*histogram.quantile(0.0) == doctest::Approx(0.005));
  CHECK(*histogram.quantile(0.5) == doctest::Approx(0.0075));
  CHECK(*histogram.quantile(1.0) == doctest::Approx(0.01));
  for (int i = 0; i < 100; ++i) histogram.observe(std::chrono::milliseconds(200));  // (0.1, 0.25]
  CHECK(*histogram.quantile(0.5) == doctest::Approx(0.01));
  CHECK(*histogram.quantile(0.75) == doctest::Approx(0.175));
  CHECK(*histogram.quantile(7) == doctest::Approx(0.25));
  for (int i = 0; i < 200; ++i) histogram.observe(std::chrono::seconds(100));
  CHECK(*histogram.quantile(0.99) == doctest::Approx(60));
}
