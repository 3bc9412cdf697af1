// See prometheus_text.h.
#include "proxy/core/prometheus_text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>

namespace holdfast::core {

namespace {

using NumberText = std::array<char, 32>;

std::string_view to_text(std::uint64_t value, NumberText& buffer) {
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
}

// The shortest digits that read back to the same value; the format spells infinity its own way.
std::string_view to_text(double value, NumberText& buffer) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  // Not 5e-04 for the half millisecond: scrapers compare the bound `le` as text. 32 bytes hold each of these.
  const double size = std::abs(value);
  const auto format =
      size == 0 || (size >= 1e-6 && size < 1e15) ? std::chars_format::fixed : std::chars_format::general;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format);
  return {buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())};
}

// Label values escape backslash, quote and newline; HELP texts all but the quote.
void append_escaped(std::string& out, std::string_view text, bool quote) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

}  // namespace

void PrometheusText::begin(std::string_view name, std::string_view help, std::string_view type) {
  if (!families_.empty() && families_.back() == name) return;
  assert(std::find(families_.begin(), families_.end(), name) == families_.end());
  families_.emplace_back(name);
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void PrometheusText::write_name(std::string_view suffix, Labels labels, std::string_view le) {
  assert(!families_.empty());
  out_.append(families_.back()).append(suffix);
  char separator = '{';
  for (const Label& label : labels) {
    out_ += separator;
    out_.append(label.name).append("=\"");
    append_escaped(out_, label.value, true);
    out_ += '"';
    separator = ',';
  }
  if (!le.empty()) {
    out_ += separator;
    out_.append("le=\"").append(le).append("\"");
    separator = ',';
  }
  out_.append(separator == '{' ? " " : "} ");
}

void PrometheusText::sample(Labels labels, std::uint64_t value) {
  NumberText buffer;
  write_name("", labels);
  out_.append(to_text(value, buffer)).append("\n");
}

void PrometheusText::sample(Labels labels, double value) {
  NumberText buffer;
  write_name("", labels);
  out_.append(to_text(value, buffer)).append("\n");
}

void PrometheusText::sample(Labels labels, const Histogram& histogram) {
  NumberText bound;
  NumberText number;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    cumulative += histogram.bucket(i);
    write_name("_bucket", labels, to_text(Histogram::kBounds[i], bound));
    out_.append(to_text(cumulative, number)).append("\n");
  }
  write_name("_bucket", labels, "+Inf");
  out_.append(to_text(histogram.count(), number)).append("\n");
  write_name("_sum", labels);
  out_.append(to_text(histogram.sum_seconds(), number)).append("\n");
  write_name("_count", labels);
  out_.append(to_text(histogram.count(), number)).append("\n");
}

}  // namespace holdfast::core
