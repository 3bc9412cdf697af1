// What `--watch` needs of the terminal: a screen of its own, drawn in place, and an orderly end by a signal.
#pragma once

#include <csignal>
#include <cstddef>
#include <string>

namespace holdfast {

// To stdout, at once.
void print(const std::string& text);

// May there be colors on stdout? A terminal, and NO_COLOR is not set (no-color.org).
bool colors_wanted();
bool stdout_is_terminal();

// While it lives the signals that end --watch are blocked and taken by sigtimedwait() between two tables: no
// handler, and the terminal is restored on the ordinary way out.
class EndSignals {
 public:
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // True when a signal came before the time was over.
  bool wait_a_second() const;

 private:
  sigset_t set_{};
  sigset_t before_{};
};

// The alternate screen, so that what stood on the terminal comes back at the end.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Overwrites in place, and clears only what the new lines do not cover: no flicker.
  void draw(const std::string& text) const;
  std::size_t lines() const;  // of the terminal
};

}  // namespace holdfast
