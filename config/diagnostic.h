// One thing that is wrong with a configuration file, with its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::config {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;             // 1-based; 0: no place (the file cannot be read)
  int column = 0;           // 1-based, in characters
  std::string message;      // "unknown key 'max_conections' in pools.php"
  std::string hint;         // "did you mean 'max_connections'?"; may be empty
  std::string source_line;  // the line of the file, for the caret
};

// "FILE:LINE:COL: error: MESSAGE; HINT\n    source line\n    ^\n"
std::string format_diagnostic(const Diagnostic& diagnostic);
std::string format_diagnostics(const std::vector<Diagnostic>& diagnostics);  // one after the other

}  // namespace holdfast::config
