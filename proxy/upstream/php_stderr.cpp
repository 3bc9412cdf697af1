// See php_stderr.h.
#include "proxy/upstream/php_stderr.h"

#include <string>

#include "proxy/core/log_text.h"

namespace holdfast {

void log_php_stderr(Log& log, const core::Asked& asked, std::string_view text, bool cut,
                    std::string_view script) {
  const std::string prefix = "php: " + core::escape_for_log(asked.method_text()) + " " +
                             core::escape_for_log(asked.authority()) + core::escape_for_log(asked.target()) +
                             ": ";
  std::string end = cut ? " [cut]" : "";
  if (text.find("Primary script unknown") != std::string_view::npos) {
    end += "; php-fpm does not see " + core::escape_for_log(script) +
           ": set php_root to the path of the root as php-fpm sees it";
  }
  log.warn_lines(prefix, text, end);
}

}  // namespace holdfast
