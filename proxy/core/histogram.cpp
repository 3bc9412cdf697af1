// See histogram.h.
#include "proxy/core/histogram.h"

#include <algorithm>

namespace holdfast::core {

namespace {

// The bounds in nanoseconds, so that observe() compares integers. Rounded: 0.0025 has no exact double.
constexpr auto kBoundsNs = [] {
  std::array<std::int64_t, Histogram::kBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    // A positive number, and std::llround() is no constant expression.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    bounds[i] = static_cast<std::int64_t>(Histogram::kBounds[i] * 1e9 + 0.5);
  }
  return bounds;
}();

}  // namespace

void Histogram::observe(Duration duration) {
  const std::int64_t ns = std::max<std::int64_t>(duration.count(), 0);
  const auto bound = std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), ns);
  ++buckets_[static_cast<std::size_t>(bound - kBoundsNs.begin())];
  ++count_;
  sum_ns_ += static_cast<std::uint64_t>(ns);
}

std::optional<double> Histogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  double below = 0;  // observations in the buckets before
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    const auto here = static_cast<double>(buckets_[i]);
    if (here > 0 && below + here >= rank) {
      const double low = i == 0 ? 0.0 : kBounds[i - 1];
      return low + (kBounds[i] - low) * (rank - below) / here;
    }
    below += here;
  }
  return kBounds.back();
}

}  // namespace holdfast::core
