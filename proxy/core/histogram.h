// Latencies counted in fixed buckets, for Prometheus and for the quantiles of the status page. Cheap to
// observe (one search of 16 bounds, two additions), never allocates, never forgets: rates are the reader's
// business.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace holdfast::core {

class Histogram {
 public:
  using Duration = std::chrono::nanoseconds;

  // Upper bounds, inclusive, in seconds. Half a millisecond is about the fastest page php makes; 60 s is the
  // default first_byte timeout.
  static constexpr std::array<double, 16> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,   0.5,   1,      2.5,   5,    10,    30,   60};

  // A negative duration (two clocks compared) counts as zero.
  void observe(Duration duration);

  std::uint64_t count() const { return count_; }
  double sum_seconds() const { return static_cast<double>(sum_ns_) / 1e9; }
  // Observations in bucket `index` alone: (kBounds[index - 1], kBounds[index]]; index kBounds.size() is +Inf.
  std::uint64_t bucket(std::size_t index) const { return buckets_[index]; }

  // Estimate of the q-quantile (0..1) in seconds: linear within its bucket, as Prometheus'
  // histogram_quantile(); 60 when it lies beyond the last bound. Nothing when nothing was observed.
  std::optional<double> quantile(double q) const;

 private:
  std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;  // an integer: a long sum of doubles would lose the small addends
};

}  // namespace holdfast::core
