// See live_terminal.h.
#include "proxy/commands/live_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace holdfast {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

bool colors_wanted() {
  return stdout_is_terminal() && std::getenv("NO_COLOR") == nullptr;
}

EndSignals::EndSignals() {
  sigemptyset(&set_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set_, number);
  sigprocmask(SIG_BLOCK, &set_, &before_);
}

EndSignals::~EndSignals() {
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool EndSignals::wait_a_second() const {
  const timespec second{1, 0};
  return sigtimedwait(&set_, nullptr, &second) > 0;
}

LiveScreen::LiveScreen() {
  print("\x1b[?1049h\x1b[?25l");
}

LiveScreen::~LiveScreen() {
  print("\x1b[?25h\x1b[?1049l");
}

void LiveScreen::draw(const std::string& text) const {
  std::string out = "\x1b[H";
  for (const char c : text) out += c == '\n' ? std::string("\x1b[K\r\n") : std::string(1, c);
  print(out + "\x1b[J");
}

std::size_t LiveScreen::lines() const {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : 24;
}

}  // namespace holdfast
