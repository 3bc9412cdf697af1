// Whoever reads the error log of a simulated run: takes pieces of any size, and stops for as long as it
// likes. Checks what arrives: whole lines within the limit, and that the lines that are missing are told of.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/core/log_text.h"
#include "proxy/observe/log_output.h"
#include "universe.h"

namespace holdfast::sim {

class LogReader final : public LogOutput {
 public:
  LogReader(Universe& universe, std::uint64_t seed) : universe_(universe), random_(seed ^ 0x106) {}

  std::size_t write(std::string_view lines) override {
    if (!calm_) {
      if (random_.chance(stopped_ ? 1 : 20)) stopped_ = !stopped_;
      if (stopped_) return 0;
      lines = lines.substr(0, random_.between(1, lines.size()));
    }
    for (const char c : lines) read(c);
    return lines.size();
  }
  void calm_down() { calm_ = true; }
  void check_at_end(std::uint64_t dropped) const {
    universe_.require(line_.empty(), "the error log ends within a line");
    universe_.require(told_ == dropped, "lines of the error log are lost and not told of");
  }

 private:
  void read(char c) {
    if (c != '\n') {
      line_ += c;
      return;
    }
    universe_.require(line_.size() < core::kLogLineMost, "a line of the error log is too long");
    universe_.require(line_.starts_with("20") && line_[10] == 'T', "a line of the error log is torn");
    constexpr std::string_view kTold = " warn error log: ";
    const std::size_t told = line_.find(kTold);
    if (told != std::string::npos) told_ += std::strtoull(line_.c_str() + told + kTold.size(), nullptr, 10);
    line_.clear();
  }

  Universe& universe_;
  Random random_;
  std::string line_;
  std::uint64_t told_ = 0;
  bool stopped_ = false;
  bool calm_ = false;
};

}  // namespace holdfast::sim
