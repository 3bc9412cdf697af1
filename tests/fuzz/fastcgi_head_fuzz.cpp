// libFuzzer harness for fastcgi::CgiHeadParser: the first bytes decide the limit and the cut, the rest is a
// head. Oracle: one feed and many feeds give the same state, fields and rest; and what is accepted is clean.
// For longer than `./dev fuzz` does:
//
//   build/fuzz/tests/fuzz/fastcgi_head_fuzz -max_total_time=3600 -max_len=512
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fastcgi/cgi_head.h"

using holdfast::fastcgi::CgiHeadParser;
using holdfast::fastcgi::CgiHeadState;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

std::string told_by(const CgiHeadParser& parser) {
  std::string told = std::to_string(static_cast<int>(parser.state())) + '/' + std::string(parser.error());
  if (parser.state() != CgiHeadState::complete) return told;
  expect(parser.status() >= 100 && parser.status() <= 999);
  expect(parser.reason().find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  told += std::to_string(parser.status()) + ' ' + std::string(parser.reason());
  for (const auto& field : parser.fields()) {
    expect(!field.name.empty());
    // No header of the client's response can be forged through a value.
    expect(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    expect(field.name.find_first_of(std::string_view("\r\n\0: ", 5)) == std::string_view::npos);
    told += '|' + std::string(field.name) + '=' + std::string(field.value);
  }
  expect(parser.bad_lines().size() <= parser.bad_line_count());
  for (const auto& line : parser.bad_lines())
    told += '!' + std::to_string(line.number) + std::string(line.why) + std::string(line.text);
  if (parser.content_length()) told += '|' + std::to_string(*parser.content_length());
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t bytes_max = data[0] < 128 ? 64 * 1024 : data[0] - 128;
  const std::size_t step_max = data[1] % 16 + 1;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);

  CgiHeadParser whole(bytes_max);
  std::string_view whole_rest = input;
  whole.feed(whole_rest);

  CgiHeadParser cut(bytes_max);
  std::string_view left = input;
  while (!left.empty() && cut.state() == CgiHeadState::incomplete) {
    const std::size_t step = left.size() < step_max ? left.size() : 1 + left.size() % step_max;
    const std::vector<char> exact(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(step));
    std::string_view piece(exact.data(), exact.size());
    cut.feed(piece);
    left.remove_prefix(step - piece.size());
  }
  expect(told_by(whole) == told_by(cut));
  expect(whole_rest == left);
  return 0;
}
