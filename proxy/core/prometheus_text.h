// Writes metrics in the Prometheus text exposition format, version 0.0.4 (one family after the other: HELP,
// TYPE, samples). Appends to the caller's string. Knows no metric: names and meanings are the admin
// endpoint's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/core/histogram.h"

namespace holdfast::core {

class PrometheusText {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  struct Label {
    std::string_view name;   // [a-zA-Z_][a-zA-Z0-9_]*, not "le"
    std::string_view value;  // anything; escaped here
  };
  using Labels = std::initializer_list<Label>;

  explicit PrometheusText(std::string& out) : out_(out) {}

  // Begin a family: the samples that follow belong to it. Beginning the current one again does nothing, so
  // that a loop may call it each time; going back to an earlier one is a mistake of ours (a family must be in
  // one piece).
  void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }
  void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
  void histogram(std::string_view name, std::string_view help) { begin(name, help, "histogram"); }
  // A number whose name is somebody else's, and not what the rules ask of a counter (`_total`).
  void untyped(std::string_view name, std::string_view help) { begin(name, help, "untyped"); }

  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  // The buckets (cumulative), sum and count of one histogram.
  void sample(Labels labels, const Histogram& histogram);

 private:
  void begin(std::string_view name, std::string_view help, std::string_view type);
  // "name_suffix{labels,le="..."} "
  void write_name(std::string_view suffix, Labels labels, std::string_view le = {});

  std::string& out_;
  std::vector<std::string> families_;  // all that were begun, the current one last
};

}  // namespace holdfast::core
