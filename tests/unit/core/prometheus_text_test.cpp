// The Prometheus text format, golden.
#include "proxy/core/prometheus_text.h"

#include <doctest/doctest.h>

#include <limits>

using holdfast::core::Histogram;
using holdfast::core::PrometheusText;

TEST_CASE("golden text: counters, gauges, labels") {
  std::string out;
  PrometheusText text(out);
  for (const auto& [pool, value] : {std::pair{"php", 3U}, std::pair{"a\\b\"c\nd", 4U}}) {
    text.counter("holdfast_requests_total", "Requests, by pool.\nBack\\slash \"quote\"");
    text.sample({{"pool", pool}, {"code", "200"}}, std::uint64_t{value});
  }
  text.gauge("holdfast_up", "One while running.");
  text.sample({}, std::uint64_t{1});
  text.gauge("holdfast_ratio", "Numbers.");
  text.sample({{"n", "a"}}, 0.1);
  text.sample({{"n", "b"}}, 1e300);
  text.sample({{"n", "c"}}, std::numeric_limits<double>::infinity());
  text.sample({{"n", "d"}}, -std::numeric_limits<double>::infinity());
  text.sample({{"n", "e"}}, std::numeric_limits<double>::quiet_NaN());
  text.sample({{"n", "f"}}, UINT64_MAX);
  text.untyped("phpfpm_accepted_connections", "A name of others.");
  text.sample({}, std::uint64_t{7});
  CHECK(out ==
        R"(# HELP holdfast_requests_total Requests, by pool.\nBack\\slash "quote"
# TYPE holdfast_requests_total counter
holdfast_requests_total{pool="php",code="200"} 3
holdfast_requests_total{pool="a\\b\"c\nd",code="200"} 4
# HELP holdfast_up One while running.
# TYPE holdfast_up gauge
holdfast_up 1
# HELP holdfast_ratio Numbers.
# TYPE holdfast_ratio gauge
holdfast_ratio{n="a"} 0.1
holdfast_ratio{n="b"} 1e+300
holdfast_ratio{n="c"} +Inf
holdfast_ratio{n="d"} -Inf
holdfast_ratio{n="e"} NaN
holdfast_ratio{n="f"} 18446744073709551615
# HELP phpfpm_accepted_connections A name of others.
# TYPE phpfpm_accepted_connections untyped
phpfpm_accepted_connections 7
)");
}

TEST_CASE("golden text: histogram") {
  Histogram histogram;
  histogram.observe(std::chrono::microseconds(500));
  histogram.observe(std::chrono::milliseconds(2));
  histogram.observe(std::chrono::milliseconds(2));
  histogram.observe(std::chrono::seconds(61));
  std::string out;
  PrometheusText text(out);
  text.histogram("wait_seconds", "Wait.");
  text.sample({{"pool", "php"}}, histogram);
  text.histogram("total_seconds", "Total.");
  text.sample({}, Histogram{});
  const std::string first = out.substr(0, out.find("# HELP total_seconds"));
  CHECK(first == R"(# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{pool="php",le="0.0005"} 1
wait_seconds_bucket{pool="php",le="0.001"} 1
wait_seconds_bucket{pool="php",le="0.0025"} 3
wait_seconds_bucket{pool="php",le="0.005"} 3
wait_seconds_bucket{pool="php",le="0.01"} 3
wait_seconds_bucket{pool="php",le="0.025"} 3
wait_seconds_bucket{pool="php",le="0.05"} 3
wait_seconds_bucket{pool="php",le="0.1"} 3
wait_seconds_bucket{pool="php",le="0.25"} 3
wait_seconds_bucket{pool="php",le="0.5"} 3
wait_seconds_bucket{pool="php",le="1"} 3
wait_seconds_bucket{pool="php",le="2.5"} 3
wait_seconds_bucket{pool="php",le="5"} 3
wait_seconds_bucket{pool="php",le="10"} 3
wait_seconds_bucket{pool="php",le="30"} 3
wait_seconds_bucket{pool="php",le="60"} 3
wait_seconds_bucket{pool="php",le="+Inf"} 4
wait_seconds_sum{pool="php"} 61.0045
wait_seconds_count{pool="php"} 4
)");
  CHECK(out.find("total_seconds_bucket{le=\"+Inf\"} 0\ntotal_seconds_sum 0\ntotal_seconds_count 0\n") !=
        std::string::npos);
}
